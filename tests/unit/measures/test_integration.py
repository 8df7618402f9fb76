"""Integration metrics against scib-metrics and scikit-learn, and each guard against what it guards from."""

import numpy as np
import pytest
import scib_metrics
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from harness.errors import ContractBroken, NotApplicable, NotFinite
from harness.measures import integration_scores
from harness.measures.integration import (
    GRAPH_NEIGHBOURS,
    LISI_NEIGHBOURS,
    MIN_CELLS,
    _by_batch,
    best_leiden,
    neighbours,
    refuse_degenerate,
    usable_cells,
)


def atlas(apart=2.0, batch_effect=0.5, n=400, seed=0):
    """Four types in two batches; how far types and batches lie apart is up to the test."""
    rng = np.random.default_rng(seed)
    kind, batch = rng.integers(0, 4, n), rng.integers(0, 2, n)
    centres = rng.normal(size=(4, 8)) * apart
    shift = np.outer(batch, rng.normal(size=8)) * batch_effect
    embedding = (centres[kind] + shift + rng.normal(size=(n, 8))).astype(np.float32)
    labels = np.array(["B", "NK", "T", "mono"], dtype=object)[kind]
    return embedding, labels, np.array(["b0", "b1"], dtype=object)[batch]


@pytest.fixture(scope="module")
def found():
    return integration_scores(*atlas())


@pytest.fixture(scope="module")
def graph():
    return neighbours(atlas()[0], LISI_NEIGHBOURS)


def test_biology_is_that_of_scib_metrics(found, graph):
    """NMI and ARI of the best Leiden clusters, and the silhouette of labels."""
    embedding, labels, _ = atlas()
    near = graph.subset_neighbors(GRAPH_NEIGHBOURS)
    peer = scib_metrics.nmi_ari_cluster_labels_leiden(near, labels.astype(str), optimize_resolution=True)
    clusters = best_leiden(near.knn_graph_connectivities, labels.astype(str))
    assert found.values["nmi"] == normalized_mutual_info_score(labels.astype(str), clusters)
    assert found.values["ari"] == adjusted_rand_score(labels.astype(str), clusters)
    # Leiden starts from another random number there.
    assert found.values["nmi"] == pytest.approx(peer["nmi"], abs=0.02)
    assert found.values["ari"] == pytest.approx(peer["ari"], abs=0.02)
    asw = scib_metrics.silhouette_label(embedding, labels.astype(str))
    assert found.values["asw_label"] == pytest.approx(float(asw), abs=1e-5)
    terms = [found.values[name] for name in ("nmi", "ari", "asw_label")]
    assert found.values["avg_bio"] == pytest.approx(sum(terms) / 3)


def test_mixing_is_that_of_scib_metrics_on_the_same_graph(found, graph):
    """BRAS, iLISI and graph connectivity."""
    embedding, labels, batches = (each if each.dtype != object else each.astype(str) for each in atlas())
    assert found.values["bras"] == pytest.approx(float(scib_metrics.bras(embedding, labels, batches)))
    assert found.values["ilisi"] == pytest.approx(float(scib_metrics.ilisi_knn(graph, batches)))
    near = graph.subset_neighbors(GRAPH_NEIGHBOURS)
    connected = scib_metrics.graph_connectivity(near, labels)
    assert found.values["graph_connectivity"] == pytest.approx(float(connected))


def test_worlds_of_known_truth():
    """Types far apart and batches mixed; batches far apart; and types that are not there at all."""
    mixed = integration_scores(*atlas(apart=8, batch_effect=0)).values
    split = integration_scores(*atlas(apart=8, batch_effect=6)).values
    blurred = integration_scores(*atlas(apart=0, batch_effect=0)).values
    assert mixed["nmi"] > 0.99
    assert mixed["ari"] > 0.99
    assert mixed["ilisi"] > 0.7
    assert split["ilisi"] < 0.05
    assert split["bras"] < mixed["bras"] - 0.2
    assert blurred["avg_bio"] < 0.3


def test_neighbours_are_exact_and_a_cell_is_its_own_first():
    """Against all distances; duplicates do not push a cell from its first place."""
    x = atlas(n=60)[0]
    x[7] = x[3]
    graph = neighbours(x, 10)
    exact = np.linalg.norm(x[:, None].astype(float) - x[None], axis=2)
    assert (graph.indices[:, 0] == np.arange(60)).all()
    assert (graph.distances[:, 0] == 0).all()
    wide = neighbours(np.tile(x, 40) + np.float32(10), 10)  # rounding would put a cell apart from itself
    assert (wide.indices[:, 0] == np.arange(60)).all()
    assert (wide.distances[:, 0] == 0).all()
    np.testing.assert_allclose(graph.distances, np.sort(exact, axis=1)[:, :10], atol=2e-3)


def test_the_parts_of_the_batches_make_the_whole(found):
    """Their mean, weighted by cells, is the score of all cells but for rounding of ratios."""
    _, _, batches = atlas()
    assert found.batches == ("b0", "b1")
    assert found.weights.tolist() == [(batches == b).sum() for b in found.batches]
    for metric, parts in found.by_batch.items():
        assert np.average(parts, weights=found.weights) == pytest.approx(found.values[metric], abs=0.005)


def test_a_batch_of_all_cells_has_the_scores_of_scikit_learn():
    """The sums over cells are those of the mutual information and of the pairs."""
    rng = np.random.default_rng(5)
    labels, clusters = rng.integers(0, 4, 300), rng.integers(0, 3, 300)
    clusters[:200] = labels[:200] % 3
    found = _by_batch(labels, clusters, np.full(300, 0.5), np.full(300, "all"))["by_batch"]
    assert found["nmi"][0] == pytest.approx(normalized_mutual_info_score(labels, clusters))
    assert found["ari"][0] == pytest.approx(adjusted_rand_score(labels, clusters))
    assert found["asw_label"][0] == 0.75


def test_parts_see_batches_that_lie_apart():
    """Within each batch all is well, which is not the question: the parts fall as the whole does."""
    mixed = integration_scores(*atlas(apart=8, batch_effect=0))
    apart = integration_scores(*atlas(apart=8, batch_effect=20))
    fall = mixed.values["avg_bio"] - apart.values["avg_bio"]
    parts = mixed.by_batch["avg_bio"] - apart.by_batch["avg_bio"]
    assert fall > 0.05
    np.testing.assert_allclose(parts, fall, atol=0.03)


def test_a_batch_of_one_type_is_no_matter_of_all_or_nothing():
    """One stray cell costs it about one cell's worth."""
    labels = np.repeat(["A", "B"], 100)
    groups = np.repeat(["x", "y"], [50, 150])
    clusters, stray = np.repeat([0, 1], 100), np.repeat([0, 1], 100)
    stray[0] = 1
    clean, spoiled = (_by_batch(labels, c, np.zeros(200), groups)["by_batch"] for c in (clusters, stray))
    for metric in ("nmi", "ari"):
        assert clean[metric][0] == pytest.approx(1)
        assert 0.8 < spoiled[metric][0] < 1


def test_the_same_twice_and_no_global_random_state_is_needed():
    """Same embedding, same numbers, whatever was drawn before."""
    first = integration_scores(*atlas()).values
    np.random.seed(123)
    assert integration_scores(*atlas()).values == first


@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
@pytest.mark.parametrize("offset", [0, 10])
def test_an_embedding_may_be_small_large_or_far_away(scale, offset):
    """Refusal looks at variance relative to scale."""
    refuse_degenerate((atlas()[0] + offset) * np.float32(scale), 400)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda x: np.ones_like(x), ContractBroken, "collapsed"),
        (lambda x: np.zeros_like(x), ContractBroken, "collapsed"),
        (lambda x: np.full_like(x, 1e6) + np.float32(1e-3) * x, ContractBroken, "collapsed"),
        (lambda x: np.where(np.arange(x.size).reshape(x.shape) == 5, np.nan, x), NotFinite, "NaN"),
        (lambda x: np.where(np.arange(x.size).reshape(x.shape) == 5, np.inf, x), NotFinite, "infinite"),
        (lambda x: x[:-1], ContractBroken, "399"),
        (lambda x: x[:, 0], ContractBroken, "shape"),
    ],
    ids=["ones", "zeros", "far and flat", "nan", "inf", "rows", "one axis"],
)
def test_a_broken_embedding_is_refused_before_scoring(spoil, error, words):
    """Metrics would reward it: one place for all cells mixes batches perfectly."""
    embedding, labels, batches = atlas()
    with pytest.raises(error, match=words):
        integration_scores(spoil(embedding), labels, batches)


def test_what_is_collapsed_among_the_cells_that_count_is_refused():
    """A rare type far away does not save an embedding that tells nothing of the others."""
    embedding, labels, batches = atlas()
    labels[:3] = "rare"
    embedding[:] = 1.0
    embedding[:3] = 50.0
    with pytest.raises(ContractBroken, match="collapsed"):
        integration_scores(embedding, labels, batches)


def test_the_guards_are_needed():
    """Without them: a collapsed embedding mixes its batches better than any honest one."""
    embedding, labels, batches = atlas(batch_effect=2)
    honest = scib_metrics.bras(embedding, labels.astype(str), batches.astype(str))
    collapsed = scib_metrics.bras(np.ones_like(embedding), labels.astype(str), batches.astype(str))
    assert collapsed > honest


def groups(**counts):
    """Labels and batches from counts of ``type_batch``."""
    pairs = [name.split("_") for name, n in counts.items() for _ in range(n)]
    labels, batches = np.array(pairs, dtype=object).T
    return labels, batches


def test_rare_labels_and_batches_are_left_out_and_named():
    """Until no small one remains: leaving out a batch can make a label small."""
    labels, batches = groups(A_x=20, A_y=20, B_x=20, B_y=20, C_x=MIN_CELLS - 1, D_z=5, D_x=5)
    kept, notes = usable_cells(labels, batches)
    assert set(labels[kept]) == {"A", "B"}
    assert notes == {
        "cells_left_out": MIN_CELLS - 1 + 10,
        "labels_left_out": ["C", "D"],
        "batches_left_out": ["z"],
    }


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"A_x": 20, "A_y": 20, "B_x": 3}, "cell type"),
        ({"A_x": 20, "B_x": 20, "B_y": 3}, "batch"),
        ({"A_x": 20, "B_y": 20}, "one batch only"),
    ],
)
def test_what_cannot_be_asked_is_not_applicable(counts, words):
    """One label, one batch, or batches that are the labels."""
    with pytest.raises(NotApplicable, match=words):
        usable_cells(*groups(**counts))


def test_duplicates_are_scored_and_counted():
    """Half of the cells twice; everything stays finite."""
    embedding, labels, batches = atlas()
    embedding[200:] = embedding[:200]
    labels[200:] = labels[:200]
    found = integration_scores(embedding, labels, batches)
    assert found.notes["duplicates"] == 200
    assert np.isfinite(list(found.values.values())).all()
