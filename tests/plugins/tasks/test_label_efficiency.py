"""Label efficiency as a task; the curve itself is tested in tests/unit/measures."""

import numpy as np
import pytest

from harness import ArrayCells, ContractBroken, PlainRun, Split
from harness_plugins.tasks.label_efficiency import harness_tasks
from harness_plugins.tasks.label_efficiency.task import LabelEfficiency

CARD = harness_tasks()[0]
RUN = PlainRun(seed=3)


def task(**parameters):
    return LabelEfficiency(**{**CARD.parameters, **parameters})


class World:
    """240 cells of three types from six donors: 53 or so of each type are taught in a fold."""

    rng = np.random.default_rng(0)
    kind = np.tile([0, 1, 2], 80)
    donor = rng.integers(0, 6, 240)
    embedding = (2 * rng.normal(size=(3, 6))[kind] + rng.normal(size=(240, 6))).astype(np.float32)
    cells = ArrayCells(
        counts=rng.poisson(2.0, (240, 20)),
        genes=[f"g{number}" for number in range(20)],
        columns={"cell_type": np.array(["B", "NK", "T"], dtype=object)[kind]},
    )
    split = Split(
        fold=donor % 3,
        n_folds=3,
        units=np.array([f"donor {number}" for number in donor], dtype=object),
        unit_kind="donor",
    )


def test_the_curve_and_its_area():
    """Every metric has a value and one per donor; more labels help; the baseline is near a third."""
    found = task().evaluate(World.embedding, World.cells, World.split, RUN)
    floor = task().baseline("majority_class", World.cells, World.split, RUN)
    assert set(found.values) == {metric.name for metric in CARD.metrics} == set(found.units)
    assert found.values["micro_f1_1"] < found.values["micro_f1_all"]
    assert found.values["micro_f1_1"] < found.values["micro_f1_area"] < found.values["micro_f1_all"]
    assert floor.values["micro_f1_area"] == pytest.approx(1 / 3, abs=0.05)
    assert found.notes["labels_per_class"]["5"] == pytest.approx(5)
    assert len(found.unit_names) == 6


def test_the_seed_decides_which_labels():
    """Same seed, same curve."""
    one, same, other = (
        task().evaluate(World.embedding, World.cells, World.split, PlainRun(seed=seed)).values
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert one["micro_f1_all"] == other["micro_f1_all"]


def test_what_has_no_value_has_a_reason():
    """Twelve cells: nobody has fifty labels."""
    few = np.arange(240) < 12
    cells = ArrayCells(
        counts=World.cells.counts[few],
        genes=World.cells.genes,
        columns={"cell_type": World.cells.columns["cell_type"][few]},
    )
    split = Split(fold=np.arange(12) // 3 % 2, n_folds=2, units=World.split.units[few], unit_kind="donor")
    found = task(probe="knn").evaluate(World.embedding[few], cells, split, RUN)
    assert found.undefined == dict.fromkeys(
        ("micro_f1_5", "micro_f1_10", "micro_f1_50"), "no class has so many labels"
    )
    alone = Split(fold=np.arange(12) % 12 // 3, n_folds=4, units=World.split.units[few], unit_kind="donor")
    taught = np.arange(12) // 3 == (np.arange(4)[:, None] + 1) % 4
    found = task(probe="knn").evaluate(
        World.embedding[few],
        cells,
        Split(**{**vars(alone), "taught": taught}),
        RUN,
    )
    assert "no curve" in found.undefined["micro_f1_area"]
    assert list(found.values) == ["micro_f1_1", "micro_f1_all"]


@pytest.mark.parametrize("draws", [0, "three", True])
def test_draws_are_counted(draws):
    """A sentence says what is needed."""
    with pytest.raises(ContractBroken, match="whole number from 1 up"):
        task(draws=draws).evaluate(World.embedding, World.cells, World.split, RUN)
