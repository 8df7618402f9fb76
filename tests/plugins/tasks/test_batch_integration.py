"""Batch integration as a task, on data of known answers; its kernels are tested in tests/unit/measures."""

import numpy as np
import pytest

from harness import ArrayCells, NotApplicable, PlainRun
from harness_plugins.tasks.batch_integration import harness_tasks
from harness_plugins.tasks.batch_integration.task import BatchIntegration

RUN = PlainRun()
METRICS = {metric.name: metric for metric in harness_tasks()[0].metrics}
N, KINDS = 240, 3


def column(values):
    return np.array(list(values), dtype=object)


@pytest.fixture(scope="module")
def cells():
    """A type each has genes of its own; half of the genes are louder in one batch."""
    rng = np.random.default_rng(0)
    kind, batch = np.arange(N) % KINDS, rng.integers(0, 2, N)
    rates = rng.gamma(2.0, 2.0, (KINDS, 30))[kind]
    rates[:, :15] *= np.where(batch, 2.0, 1.0)[:, None]
    columns = {"cell_type": column("ABC")[kind], "batch": column("xy")[batch]}
    return ArrayCells(counts=rng.poisson(rates), genes=[f"g{i}" for i in range(30)], columns=columns)


@pytest.fixture(scope="module")
def good(cells):
    """Where types are clouds and batches mixed."""
    kind = np.unique(cells.columns["cell_type"].astype(str), return_inverse=True)[1]
    cloud = np.random.default_rng(1).normal(size=(N, 4)) + 10 * np.eye(KINDS, 4)[kind]
    return BatchIntegration().evaluate(cloud.astype(np.float32), cells, None, RUN)


def test_every_metric_of_the_card_has_a_value_in_its_range(cells, good):
    """Of a model and of the baseline."""
    floor = BatchIntegration().baseline("random_embedding", cells, None, RUN)
    for scores in (good, floor):
        assert scores.values.keys() == METRICS.keys()
        assert not scores.undefined
        for name, value in scores.values.items():
            assert METRICS[name].lower <= value <= METRICS[name].upper, name


def test_a_good_embedding_beats_random_numbers(cells, good):
    """The floor is what noise gets: of biology nearly nothing but half a silhouette, of mixing everything."""
    floor = BatchIntegration().baseline("random_embedding", cells, None, RUN).values
    assert good.values["avg_bio"] > 0.85
    assert floor["avg_bio"] < 0.3
    for name in ("nmi", "ari", "nmi_kmeans", "ari_kmeans"):
        assert good.values[name] > 0.95
        assert floor[name] < 0.1
    assert floor["asw_label"] == pytest.approx(0.5, abs=0.02)
    assert abs(floor["intra_type_structure"]) < 0.05
    for name in ("bras", "kbet", "pcr_comparison"):
        assert floor[name] > 0.7, name


def test_parts_are_by_batch_and_only_pcr_has_none(good):
    """So that batches can be resampled."""
    assert list(good.unit_names) == ["x", "y"]
    assert good.units.keys() == METRICS.keys() - {"pcr_comparison"}
    assert sum(good.weights) == N


def test_the_data_themselves_are_what_was_before(cells):
    """Their principal components keep all structure and remove no variance between batches."""
    from harness.measures import corpus_components

    same = BatchIntegration().evaluate(corpus_components(cells, 50, 1000), cells, None, RUN).values
    assert same["pcr_comparison"] == pytest.approx(0, abs=1e-6)
    assert same["intra_type_structure"] == pytest.approx(1)


def test_the_floor_depends_on_the_seed_alone(cells):
    """Same seed, same floor."""
    one, same, other = (
        BatchIntegration().baseline("random_embedding", cells, None, PlainRun(seed=seed)).values
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_what_these_cells_do_not_define_has_a_reason(cells):
    """One batch that is large enough: biology is scored; one type: nothing is."""
    batch = column("x" * N)
    batch[:5] = "y"
    one_batch = ArrayCells(counts=cells.counts, genes=cells.genes, columns={**cells.columns, "batch": batch})
    noise = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    found = BatchIntegration().evaluate(noise, one_batch, None, RUN)
    assert found.undefined.keys() == {"bras", "ilisi", "kbet", "pcr_comparison", "isolated_labels"}
    assert found.values.keys() == METRICS.keys() - found.undefined.keys()
    one_type = ArrayCells(
        counts=cells.counts, genes=cells.genes, columns={**cells.columns, "cell_type": column("A" * N)}
    )
    with pytest.raises(NotApplicable, match="fewer than 2 cell types"):
        BatchIntegration().evaluate(noise, one_type, None, RUN)
