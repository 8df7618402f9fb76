"""The rungs of classification as tasks: parameters, familiar ground, degenerate embeddings."""

from dataclasses import replace

import numpy as np
import pytest

from harness import ArrayCells, ContractBroken, PlainRun, Split
from harness.conformance import checks_for, examine
from harness.measures import PROBES
from harness.records import Baseline, Budget, Choice, Data, Draw, Fit, Job, SplitRecipe
from harness_leaderboard.tables import table_key
from harness_plugins.tasks.cell_type_classification import harness_tasks
from harness_plugins.tasks.cell_type_classification.task import CellTypeClassification

CARD = harness_tasks()[0]
RUN = PlainRun(seed=3)


def task(**parameters):
    return CellTypeClassification(**{**CARD.parameters, **parameters})


class World:
    """240 cells of three types from six donors, each with a shift of its own; a fifth on familiar ground."""

    rng = np.random.default_rng(0)
    kind, donor = rng.integers(0, 3, 240), rng.integers(0, 6, 240)
    embedding = (
        3 * rng.normal(size=(3, 8))[kind] + 2 * rng.normal(size=(6, 8))[donor] + rng.normal(size=(240, 8))
    ).astype(np.float32)
    cells = ArrayCells(
        counts=np.ones((240, 2)),
        genes=["g0", "g1"],
        columns={"cell_type": np.array(["B", "NK", "T"], dtype=object)[kind]},
    )
    split = Split(
        fold=donor % 3,
        n_folds=3,
        units=np.array([f"donor {number}" for number in donor], dtype=object),
        unit_kind="donor",
    )
    apart = replace(
        split, in_distribution=np.where(rng.random(240) < 0.3, (donor + rng.integers(1, 3, 240)) % 3, -1)
    )


@pytest.mark.parametrize("probe", ["ridge", "logistic", "mlp"])
@pytest.mark.parametrize("check", checks_for("task")[1:], ids=lambda check: check.__name__)
def test_every_rung_conforms(probe, check, monkeypatch):
    """What every task must do, whatever the probe; the default one is checked with all other plugins."""
    monkeypatch.setattr("harness.measures.probes.MAX_EPOCHS", 5)
    finding = examine(check, replace(CARD, small={"probe": probe, "width": 3}), "task")
    assert finding.passed, finding.message


def test_every_rung_is_a_score_of_its_own():
    """Four probes and the fine-tuned network have five addresses and five tables; none is pooled. The network
    from scratch is the untrained arm of the fifth.
    """
    data = Data(name="cells", digest="d")
    tasks = [("cell_type_classification", (("probe", probe),)) for probe in PROBES]
    jobs = [
        Job(
            subject=Baseline(name="majority_class"),
            dataset=data,
            task=Choice(name=name, version="1", parameters=parameters),
            split=SplitRecipe(kind="grouped", version="1"),
        )
        for name, parameters in [*tasks, ("fine_tuned_classification", ())]
    ]
    assert set(PROBES) == {"knn", "ridge", "logistic", "mlp"}
    assert len({job.address for job in jobs}) == 5
    assert len({table_key(job.describe()) for job in jobs}) == 5
    model, budget = Choice(name="pca", version="1"), Budget(unit="steps", amount=1)
    known = {"model": model, "budget": budget, "seed": 0, "precision": "float32", "device": "cpu"}
    draw = Draw(corpus=data, sampler=Choice(name="random", version="1"), size=10, seed=0)
    fitted, scratch = Fit(draw=draw, genes=None, **known), Fit(draw=None, genes="g", **known)
    assert (fitted.arm, scratch.arm) == ("trained", "untrained")
    assert len({replace(jobs[-1], subject=fit).address for fit in (fitted, scratch)}) == 2


@pytest.mark.parametrize("probe", ["knn", "ridge", "logistic", "mlp"])
def test_every_metric_has_a_value_or_a_reason(probe, monkeypatch):
    """And those per unit are as many as there are donors."""
    monkeypatch.setattr("harness.measures.probes.MAX_EPOCHS", 5)
    found = task(probe=probe).evaluate(World.embedding, World.cells, World.split, RUN)
    names = {metric.name for metric in CARD.metrics}
    assert set(found.values) | set(found.undefined) == names
    assert not set(found.values) & set(found.undefined)
    assert all(len(values) == 6 for values in found.units.values())
    assert ("brier_score" in found.undefined) == (probe == "ridge")


def test_familiar_ground_and_the_gap_stand_side_by_side():
    """Of one model, over all cells and by donor; the gap is what new donors cost."""
    found = task().evaluate(World.embedding, World.cells, World.apart, RUN)
    familiar, new = found.values["in_distribution_micro_f1"], found.values["micro_f1"]
    assert found.values["micro_f1_gap"] == pytest.approx(familiar - new)
    assert familiar > new
    np.testing.assert_allclose(
        found.units["micro_f1_gap"], found.units["in_distribution_micro_f1"] - found.units["micro_f1"]
    )
    majority = task().baseline("majority_class", World.cells, World.apart, RUN)
    assert abs(majority.values["micro_f1_gap"]) < 0.2


def test_a_donor_without_familiar_ground_has_no_gap():
    """It is no number for that donor, and the others keep theirs."""
    apart = World.apart.in_distribution.copy()
    apart[World.donor == 2] = -1
    found = (
        task()
        .evaluate(World.embedding, World.cells, replace(World.apart, in_distribution=apart), RUN)
        .units["micro_f1_gap"]
    )
    assert np.isnan(found).tolist() == [False, False, True, False, False, False]


def test_without_familiar_ground_there_is_a_reason():
    """Which says what to ask for."""
    found = task().evaluate(World.embedding, World.cells, World.split, RUN)
    assert "split_in_distribution: true" in found.undefined["micro_f1_gap"]


def test_the_card_hands_the_split_on():
    """Kind and options come from the task's parameters."""
    parameters = {**CARD.parameters, "split": "leave_one_group_out", "split_role": "batch"}
    kind, options = CARD.split_with(parameters)
    assert kind == "leave_one_group_out"
    assert options == {"role": "batch", "folds": None, "in_distribution": None}


def test_notes_say_what_was_chosen():
    """Penalties fold by fold, and the width where one was asked for."""
    found = task(probe="ridge", width=4).evaluate(World.embedding, World.cells, World.split, RUN)
    assert found.notes["width"] == 4
    assert found.notes["inner_folds"] == [3, 3, 3]
    assert len(found.notes["penalty"]) == 3


def test_shuffled_labels_fall_to_the_floor():
    """The same task with labels that mean nothing."""
    floor = task().baseline("majority_class", World.cells, World.split, RUN).values["micro_f1"]
    found = task(shuffled_labels=True).evaluate(World.embedding, World.cells, World.split, RUN)
    assert found.values["micro_f1"] < floor + 0.1


def test_an_unknown_probe_is_refused():
    """A sentence says what there is."""
    with pytest.raises(ContractBroken, match=r'the probe "knm" is unknown\. Did you mean "knn"'):
        task(probe="knm").evaluate(World.embedding, World.cells, World.split, RUN)
