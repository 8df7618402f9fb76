"""Integration metrics against scib-metrics and scikit-learn, and each guard against what it guards from."""

import dataclasses
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import scib_metrics
import umap
from scib_metrics.nearest_neighbors import NeighborsResults
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_samples

from harness.errors import ContractBroken, HarnessError, NotApplicable, NotFinite
from harness.measures import integration_scores
from harness.measures.integration import (
    GRAPH_NEIGHBOURS,
    KBET_NEIGHBOURS,
    LISI_NEIGHBOURS,
    MIN_CELLS,
    admit,
    batch_silhouettes,
    best_leiden,
    connectivities,
    explained_by_batch,
    in_largest_component,
    isolated_types,
    kbet_acceptance,
    kmeans_clusters,
    lisi,
    neighbours,
    refuse_degenerate,
    silhouettes,
    structure_kept,
    usable_cells,
)
from harness.measures.integration.clustering import LEIDEN_STARTS, agreement, agreement_by_batch

NAMES = np.array(["B", "NK", "T", "mono"], dtype=object)
BATCHES = np.array(["b0", "b1"], dtype=object)
METRICS = {
    *("avg_bio", "nmi", "ari", "asw_label", "nmi_kmeans", "ari_kmeans", "clisi", "isolated_labels"),
    *("intra_type_structure", "bras", "ilisi", "kbet", "graph_connectivity", "pcr_comparison"),
}


def atlas(apart=2.0, batch_effect=0.5, n=400, seed=0):
    """Four types in two batches; how far types and batches lie apart is up to the test.

    All types have as many cells, so that scib-metrics compiles once and not four times.
    """
    rng = np.random.default_rng(seed)
    kind, batch = rng.permutation(np.arange(n) % 4), rng.integers(0, 2, n)
    centres = rng.normal(size=(4, 8)) * apart
    shift = np.outer(batch, rng.normal(size=8)) * batch_effect
    embedding = (centres[kind] + shift + rng.normal(size=(n, 8))).astype(np.float32)
    return embedding, NAMES[kind], BATCHES[batch]


def scored(*cells, before=None, **options):
    """Scores of an atlas; it is its own embedding from before integration where none is given."""
    return integration_scores(*cells, before=cells[0] if before is None else before, **options)


@contextmanager
def umap_without_compiling():
    """Its code as Python: numba would compile it for longer than all of these tests take."""
    with ExitStack() as stack:
        for name in ("smooth_knn_dist", "compute_membership_strengths"):
            stack.enter_context(patch.object(umap.umap_, name, getattr(umap.umap_, name).py_func))
        yield


def same_cells(one, other):
    """Whether the same cells are scored, to the last bit: all scores follow from them and the seed."""
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("place", "centred", "types", "batches", "before")
    )


@pytest.fixture(scope="module")
def found():
    return scored(*atlas(), before=atlas(batch_effect=2)[0])


@pytest.fixture(scope="module")
def cells():
    """What is scored, in the order in which it is scored."""
    return admit(*atlas(), before=atlas(batch_effect=2)[0])


@pytest.fixture(scope="module")
def graph(cells):
    return neighbours(cells.centred, LISI_NEIGHBOURS)


class TestAgreement:
    """The same cells in the same order, through the functions of scib-metrics."""

    def test_leiden(self):
        """NMI and ARI of clusters that every random start finds: four clouds, of which two are one type."""
        embedding, labels, batches = atlas(apart=4)
        labels[labels == "NK"] = "T"
        cells = admit(embedding, labels, batches)
        near = neighbours(cells.centred, GRAPH_NEIGHBOURS)
        with umap_without_compiling():
            peer = scib_metrics.nmi_ari_cluster_labels_leiden(near, cells.types)
        found = scored(embedding, labels, batches, only=("nmi", "ari"))
        for name in ("nmi", "ari"):
            assert 0.5 < found.values[name] < 0.99
            assert found.values[name] == pytest.approx(peer[name], abs=1e-6)
            assert found.notes[f"{name}_sd_between_starts"] == pytest.approx(0, abs=1e-6)

    def test_avg_bio(self, found):
        """The mean of its three terms."""
        terms = [found.values[name] for name in ("nmi", "ari", "asw_label")]
        assert found.values["avg_bio"] == pytest.approx(sum(terms) / 3)

    def test_silhouettes(self, found, cells):
        """Labels, isolated labels and batches."""
        asw = scib_metrics.silhouette_label(cells.centred, cells.types)
        assert found.values["asw_label"] == pytest.approx(float(asw), abs=1e-6)
        isolated = scib_metrics.isolated_labels(cells.centred, cells.types, cells.batches)
        assert found.values["isolated_labels"] == pytest.approx(float(isolated), abs=1e-6)
        bras = scib_metrics.bras(cells.place.astype(np.float32), cells.types, cells.batches)
        assert found.values["bras"] == pytest.approx(float(bras), abs=1e-6)

    def test_lisi(self, found, cells, graph):
        """Both of them, per cell to 1e-3 and as scores to 1e-5."""
        peer = scib_metrics.lisi_knn(graph, cells.batches)
        np.testing.assert_allclose(lisi(graph, cells.batches), peer, atol=1e-3)
        ilisi, clisi = (
            scib_metrics.ilisi_knn(graph, cells.batches),
            scib_metrics.clisi_knn(graph, cells.types),
        )
        assert found.values["ilisi"] == pytest.approx(float(ilisi), abs=1e-5)
        assert found.values["clisi"] == pytest.approx(float(clisi), abs=1e-5)

    def test_kbet(self, found, cells, graph):
        """With exact neighbours there too; all types have one size, so the order of labels is nothing."""
        near = graph.subset_neighbors(KBET_NEIGHBOURS)
        exact = "scib_metrics.nearest_neighbors.pynndescent"
        found_exactly = patch(exact, lambda x, n_neighbors, **_: neighbours(x, n_neighbors))
        with found_exactly, umap_without_compiling():
            peer, table = scib_metrics.kbet_per_label(near, cells.batches, cells.types, return_df=True)
        assert 0.05 < peer < 0.95
        assert found.values["kbet"] == pytest.approx(float(peer), abs=1e-3)
        own = kbet_acceptance(connectivities(near), cells.types, cells.batches)
        for name, share in zip(table["cluster"], table["kBET"], strict=True):
            assert own[cells.types == name].mean() == pytest.approx(share, abs=1e-3)

    def test_graph_connectivity(self, found, cells, graph):
        """Exactly, and where graphs fall apart."""
        near = graph.subset_neighbors(GRAPH_NEIGHBOURS)
        peer = scib_metrics.graph_connectivity(near, cells.types)
        assert found.values["graph_connectivity"] == pytest.approx(float(peer), abs=1e-12)
        few = graph.subset_neighbors(3)
        broken = in_largest_component(few, cells.types)
        means = [broken[cells.types == name].mean() for name in np.unique(cells.types)]
        assert 0 < np.mean(means) < 0.9
        assert np.mean(means) == pytest.approx(float(scib_metrics.graph_connectivity(few, cells.types)))

    def test_pcr_comparison(self, found, cells):
        """All components; there they are found first."""
        peer = scib_metrics.pcr_comparison(cells.before, cells.place, cells.batches, categorical=True)
        assert 0.1 < peer < 0.99
        assert found.values["pcr_comparison"] == pytest.approx(peer, abs=1e-5)

    def test_connectivities_are_those_of_umap(self, cells):
        """Also among duplicates, where the nearest cell is at distance 0."""
        twice = np.concatenate([cells.centred, cells.centred[:150], cells.centred[:100]])
        graph = neighbours(twice, GRAPH_NEIGHBOURS)
        before = graph.indices.copy()
        with umap_without_compiling():
            apart = abs(connectivities(graph) - graph.knn_graph_connectivities)
        assert apart.max() < 1e-5
        np.testing.assert_array_equal(graph.indices, before)


def test_every_metric_has_a_value_or_a_reason(found):
    """Here: a value each, finite."""
    assert found.values.keys() == METRICS
    assert np.isfinite(list(found.values.values())).all()
    assert found.undefined == {}


def test_some_metrics_alone_are_what_they_are_among_all(found):
    """Whoever wants a few pays for these."""
    few = scored(*atlas(), before=atlas(batch_effect=2)[0], only=("bras", "kbet"))
    assert few.values == {metric: found.values[metric] for metric in ("bras", "kbet")}
    assert few.by_batch.keys() == {"bras", "kbet"}
    with pytest.raises(HarnessError, match='"braz" is no metric'):
        scored(*atlas(), only=("braz",))


def test_worlds_of_known_truth():
    """Types far apart and batches mixed; batches far apart; and types that are not there at all."""
    mixed = scored(*atlas(apart=8, batch_effect=0)).values
    split = scored(*atlas(apart=8, batch_effect=6)).values
    blurred = scored(*atlas(apart=0, batch_effect=0)).values
    for metric in ("nmi", "ari", "nmi_kmeans", "ari_kmeans", "clisi"):
        assert mixed[metric] > 0.99
        assert blurred[metric] < 0.5
    assert mixed["ilisi"] > 0.7
    assert split["ilisi"] < 0.05
    assert mixed["kbet"] > 0.85
    assert split["kbet"] == 0
    assert split["bras"] < mixed["bras"] - 0.2
    assert blurred["avg_bio"] < 0.3


# -- silhouettes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tile", [7, 1024])
def test_silhouettes_are_those_of_scikit_learn_whatever_the_tiles(cells, tile):
    """Also of a type with one cell, and of groups far from the origin and narrow."""
    types = cells.types.copy()
    types[5] = "alone"
    narrow = (1e-3 * cells.centred + np.arange(8) * 3).astype(np.float32)
    with patch("harness.measures.integration.silhouettes.TILE", tile):
        for place in (cells.centred, narrow):
            expected = silhouette_samples(place.astype(np.float64), types)
            np.testing.assert_allclose(silhouettes(place, types), expected, atol=1e-6)


def test_a_batch_silhouette_by_hand():
    """Two directions at right angles: cosine distance 1 between batches and 0 within, so s = 1 - 0 = 1."""
    place = np.array([[1.0, 0], [2, 0], [0, 1], [0, 3], [1, 0], [1, 1]])
    types, batches = np.array(list("AAAABB")), np.array(list("xxyyxx"))
    np.testing.assert_allclose(batch_silhouettes(place, types, batches), [0, 0, 0, 0, np.nan, np.nan])
    # All in one direction: nothing is apart, s = 0.
    np.testing.assert_allclose(batch_silhouettes(place[[0, 1, 4, 0]], types[:4], batches[:4]), 1)


def test_a_cell_at_the_origin_does_not_make_its_type_perfect():
    """It has no direction: its distances are no numbers, nor would those of its type to it be."""
    embedding, labels, batches = atlas(batch_effect=6)
    honest = scored(embedding, labels, batches, only=("bras",))
    centred = embedding.copy()
    for name in NAMES:
        centred[np.flatnonzero(labels == name)[0]] = 0
    found = scored(centred, labels, batches, only=("bras",))
    assert found.values["bras"] == pytest.approx(honest.values["bras"], abs=0.02)
    assert found.notes["cells_at_origin"] == 4


def test_isolated_types_are_those_in_the_fewest_batches():
    """One of three, or all where all are everywhere."""
    types, batches = np.array(list("AABBCC")), np.array(list("xyxyxx"))
    assert isolated_types(types, batches) == ["C"]
    assert isolated_types(types[:4], batches[:4]) == ["A", "B"]


def test_isolated_labels_ask_about_the_isolated_type_only():
    """Its mean silhouette, and nothing of a batch that has none of its cells."""
    embedding, labels, batches = atlas()
    batches[labels == "NK"] = "b0"
    cells = admit(embedding, labels, batches)
    found = scored(embedding, labels, batches, only=("isolated_labels", "bras"))
    widths = (silhouettes(cells.centred, cells.types) + 1) / 2
    assert found.notes["isolated_labels"] == ["NK"]
    assert found.values["isolated_labels"] == pytest.approx(widths[cells.types == "NK"].mean())
    assert np.isnan(found.by_batch["isolated_labels"]).tolist() == [False, True]
    assert found.notes["types_in_one_batch"] == ["NK"]


# -- neighbours ----------------------------------------------------------------------------------------


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


def test_lisi_holds_where_all_cells_are_far_from_each_other():
    """In float32 exp(-distance) vanishes; scib-metrics then finds no bandwidth and returns -1 or nonsense."""
    embedding, _, batches = atlas()
    near = neighbours(embedding, LISI_NEIGHBOURS)
    far = NeighborsResults(indices=near.indices, distances=near.distances + 200 * (near.distances > 0))
    expected = lisi(near, batches.astype(str))
    np.testing.assert_allclose(lisi(far, batches.astype(str)), expected, rtol=1e-3)
    assert np.abs(scib_metrics.lisi_knn(far, batches.astype(str)) - expected).max() > 0.1


# -- kBET ----------------------------------------------------------------------------------------------


def uneven(n=600):
    """A small type that comes first by name, two large ones, and batches that are nearly mixed."""
    embedding, _, batches = atlas(apart=0, batch_effect=0.35, n=n)
    embedding[:24] += 5
    labels = np.array(["A"] * 24 + ["B"] * 286 + ["C"] * 290)
    return neighbours(embedding, KBET_NEIGHBOURS), labels, batches.astype(str)


def test_names_of_types_do_not_move_kbet():
    """scib-metrics carries the small type's number of components on to every type behind it."""
    graph, labels, batches = uneven()
    graph = connectivities(graph)
    first = kbet_acceptance(graph, labels, batches)
    assert 0.05 < np.nanmean(first[labels != "A"]) < 0.98
    last = kbet_acceptance(graph, np.char.replace(labels, "A", "Z"), batches)
    np.testing.assert_array_equal(first, last)
    alone = kbet_acceptance(graph, np.where(labels == "C", "C", "rest"), batches)
    np.testing.assert_array_equal(alone[labels == "C"], first[labels == "C"])


def test_kbet_of_small_types_is_that_of_large_ones():
    """All eigenvectors of a small matrix at once, or a hundred of them one by one."""
    graph, labels, batches = uneven()
    graph, rest = connectivities(graph), labels != "A"
    small = kbet_acceptance(graph, labels, batches)
    with patch("harness.measures.integration.mixing.SMALL", 250):
        large = kbet_acceptance(graph, labels, batches)
    np.testing.assert_array_equal(small[rest], large[rest])


def test_kbet_leaves_out_what_it_cannot_test():
    """Types in one batch, and a neighbourhood as large as the type, which every test would accept."""
    graph, labels, batches = uneven()
    batches[labels == "B"] = "b0"
    labels[11:24] = "C"  # 11 cells are left of A, and 10 neighbours with the cell itself are 11
    found = kbet_acceptance(connectivities(graph), labels, batches)
    assert np.isnan(found[labels == "B"]).all()
    assert np.isnan(found[labels == "A"]).all()
    assert np.isfinite(found[labels == "C"]).all()


def test_a_type_in_many_pieces_is_rejected():
    """As in scib-metrics: less than three quarters of it lie in components large enough to test."""
    rng = np.random.default_rng(0)
    pieces = np.repeat(np.arange(20), 16)
    graph = neighbours((100 * pieces[:, None] + rng.normal(size=(320, 3))).astype(np.float32), 8)
    batches = np.array(["x", "y"])[rng.integers(0, 2, 320)]
    found = kbet_acceptance(connectivities(graph), np.full(320, "A"), batches)
    assert (found == 0).all()


# -- before and after ----------------------------------------------------------------------------------


def test_variance_explained_by_batch_by_hand():
    """Batch means -1 and 1, deviations of 1 around them: half of the variance lies between."""
    place = np.array([[-2.0], [0], [0], [2]])
    assert explained_by_batch(place, np.array(list("xxyy"))) == pytest.approx(4 / 8)
    assert explained_by_batch(place, np.array(list("xyxy"))) == pytest.approx(4 / 8)
    assert explained_by_batch(place, np.array(list("xyyx"))) == pytest.approx(0)
    assert np.isnan(explained_by_batch(np.ones((4, 2)), np.array(list("xxyy"))))


def test_pcr_comparison_is_not_below_zero():
    """Variance between batches that has grown counts as none removed, and the notes tell."""
    worse = scored(*atlas(batch_effect=4), before=atlas(batch_effect=0.5)[0], only=("pcr_comparison",))
    assert worse.values["pcr_comparison"] == 0
    assert worse.notes["explained_by_batch_after"] > worse.notes["explained_by_batch_before"] > 0


def test_structure_is_the_rank_correlation_of_distances():
    """Of each cell to the others of its type and batch, against scipy; other types are nothing."""
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
    after[:12] = before[:12, :2] ** 3
    types, batches = np.repeat(["A", "B"], 12), np.full(24, "x")
    found = structure_kept(before, after, types, batches)
    for cell in range(24):
        others = [other for other in np.flatnonzero(types == types[cell]) if other != cell]
        distances = [np.linalg.norm(place[others] - place[cell], axis=1) for place in (before, after)]
        assert found[cell] == pytest.approx(spearmanr(*distances).statistic)
    moved = after + 100 * (types == "B")[:, None]
    np.testing.assert_allclose(structure_kept(before, moved, types, batches), found)


def test_structure_of_known_worlds():
    """1 for the same order in another shape, about 0 for noise, 0 where types are points."""
    rng = np.random.default_rng(0)
    before, types = rng.normal(size=(600, 10)), np.repeat(["A", "B"], 300)
    batches = np.where(np.arange(600) % 2, "x", "y")
    batches[:5] = "z"

    def mean(after, before=before):
        return np.nanmean(structure_kept(before, after, types, batches))

    turned = 3 * before @ np.linalg.qr(rng.normal(size=(10, 10)))[0] + 7 * (batches == "x")[:, None]
    assert mean(turned) == pytest.approx(1)
    assert 0.5 < mean(before[:, :5]) < 0.95
    assert abs(mean(rng.normal(size=(600, 10)))) < 0.02
    points = np.where(types == "A", 1.0, 2.0)[:, None] * np.ones(3)
    assert mean(points) == 0
    assert np.isnan(structure_kept(before, before, types, batches)[:5]).all()
    assert np.isnan(structure_kept(points, before, types, batches)).all()


def test_pressing_types_into_points_pays_in_all_but_structure():
    """What clusters and silhouettes reward, and what the last metric is for."""
    asked = ("avg_bio", "intra_type_structure")
    honest = scored(*atlas(apart=2), only=asked)
    embedding, labels, batches = atlas(apart=2)
    means = np.stack([embedding[labels == name].mean(axis=0) for name in labels])
    noise = np.random.default_rng(1).normal(size=means.shape)
    points = (means + 0.01 * noise).astype(np.float32)
    pressed = scored(points, labels, batches, before=embedding, only=asked)
    assert pressed.values["avg_bio"] > honest.values["avg_bio"] + 0.1
    assert pressed.values["intra_type_structure"] < 0.05 < 0.99 < honest.values["intra_type_structure"]


# -- by batch ------------------------------------------------------------------------------------------


def test_the_parts_of_the_batches_make_the_whole(found):
    """Their mean, weighted by cells, is the score of all cells but for rounding of ratios and medians."""
    _, _, batches = atlas()
    assert found.batches == ("b0", "b1")
    assert found.weights.tolist() == [(batches == b).sum() for b in found.batches]
    assert found.by_batch.keys() == METRICS - {"pcr_comparison"}
    for metric, parts in found.by_batch.items():
        assert np.average(parts, weights=found.weights) == pytest.approx(found.values[metric], abs=0.015)


def test_a_part_is_what_its_own_cells_found(found, cells, graph):
    """Median LISI of the batch's cells; means per type of the batch's cells, then over types."""
    own, types = cells.batches == "b1", cells.types
    assert found.by_batch["ilisi"][1] == pytest.approx(np.median(lisi(graph, cells.batches)[own]) - 1)
    connected = in_largest_component(graph.subset_neighbors(GRAPH_NEIGHBOURS), types)
    tested = kbet_acceptance(
        connectivities(graph.subset_neighbors(KBET_NEIGHBOURS)), cells.types, cells.batches
    )
    mixed = batch_silhouettes(cells.place, types, cells.batches)
    for metric, values in (("graph_connectivity", connected), ("kbet", tested), ("bras", mixed)):
        means = [values[own & (types == name)].mean() for name in np.unique(types)]
        assert found.by_batch[metric][1] == pytest.approx(np.mean(means))


def test_a_batch_of_all_cells_has_the_scores_of_scikit_learn():
    """The sums over cells are those of the mutual information and of the pairs."""
    rng = np.random.default_rng(5)
    labels, clusters = rng.integers(0, 4, 300), rng.integers(0, 3, 300)
    clusters[:200] = labels[:200] % 3
    found = agreement_by_batch(labels, clusters, np.full(300, "all"))
    assert found["nmi"][0] == pytest.approx(normalized_mutual_info_score(labels, clusters))
    assert found["ari"][0] == pytest.approx(adjusted_rand_score(labels, clusters))
    assert agreement(labels, clusters) == {name: pytest.approx(parts[0]) for name, parts in found.items()}


def test_parts_see_batches_that_lie_apart():
    """Within each batch all is well, which is not the question: the parts fall as the whole does."""
    mixed = scored(*atlas(apart=8, batch_effect=0), only=("avg_bio",))
    apart = scored(*atlas(apart=8, batch_effect=20), only=("avg_bio",))
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
    clean, spoiled = (agreement_by_batch(labels, each, groups) for each in (clusters, stray))
    for metric in ("nmi", "ari"):
        assert clean[metric][0] == pytest.approx(1)
        assert 0.8 < spoiled[metric][0] < 1


# -- what must not matter ------------------------------------------------------------------------------


def test_the_same_twice_and_no_global_random_state_is_needed(found):
    """Same embedding, same numbers, whatever was drawn before."""
    np.random.seed(123)
    again = scored(*atlas(), before=atlas(batch_effect=2)[0])
    assert again.values == found.values


def test_order_and_names_do_not_matter():
    """Cells in another order have the same scores to the last bit, and renamed types to rounding."""
    embedding, labels, batches = atlas(apart=1, n=240)
    first = scored(embedding, labels, batches).values
    order = np.random.default_rng(3).permutation(len(labels))
    assert scored(embedding[order], labels[order], batches[order]).values == first
    renamed = dict(zip(NAMES, ["z", "y", "x", "w"], strict=True))
    other = scored(embedding, np.array([renamed[name] for name in labels], dtype=object), batches).values
    assert other == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("times", [2, 6])
def test_duplicates_are_scored_once_and_counted(found, cells, times):
    """Otherwise 15 neighbours are two and a half cells, and every graph falls into pieces."""
    embedding, labels, batches = (np.concatenate([each] * times) for each in atlas())
    before = np.concatenate([atlas(batch_effect=2)[0]] * times)
    again = admit(embedding, labels, batches, before)
    assert same_cells(again, cells)
    assert again.notes["duplicates"] == 400 * (times - 1)
    raw = neighbours(embedding, GRAPH_NEIGHBOURS)
    broken = scib_metrics.graph_connectivity(raw, labels.astype(str))
    assert times == 2 or broken < found.values["graph_connectivity"] - 0.3


def test_cells_that_only_the_embedding_confuses_are_not_duplicates():
    """A model does not get rid of cells by giving them one place."""
    embedding, labels, batches = atlas()
    before = embedding.copy()
    embedding[labels == "T"] = embedding[labels == "T"][0]
    found = scored(embedding, labels, batches, before=before)
    assert found.notes["duplicates"] == 0
    assert found.values["intra_type_structure"] == pytest.approx(0.75, abs=0.01)
    assert np.isfinite(list(found.values.values())).all()


@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
@pytest.mark.parametrize("offset", [0, 10])
def test_an_embedding_may_be_small_large_or_far_away(scale, offset):
    """Refusal looks at variance relative to scale."""
    refuse_degenerate((atlas()[0] + offset) * np.float32(scale), 400)


def test_scores_do_not_depend_on_scale_and_only_bras_on_the_origin(found):
    """Distances are taken in a centred, scaled copy; cosines are not."""
    embedding, labels, batches = atlas()
    before = atlas(batch_effect=2)[0]
    moved = scored(embedding.astype(np.float64) * 1e-3 + 5, labels, batches, before=before)
    for metric in METRICS - {"bras"}:
        assert moved.values[metric] == pytest.approx(found.values[metric], abs=2e-3)
    larger = scored(embedding * np.float32(1024), labels, batches, before=before, only=("bras",))
    assert larger.values["bras"] == pytest.approx(found.values["bras"], abs=1e-9)


def test_half_precision_is_scored_as_single():
    """scib-metrics stops at float16."""
    embedding, labels, batches = atlas()
    half = embedding.astype(np.float16)
    wide = half.astype(np.float32)
    assert same_cells(admit(half, labels, batches), admit(wide, labels, batches))
    assert scored(half, labels, batches, only=("clisi",)).values.keys() == {"clisi"}


# -- what is refused, left out, or has a reason --------------------------------------------------------


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
    before = embedding.copy()
    embedding[:] = 1.0
    embedding[:3] = 50.0
    with pytest.raises(ContractBroken, match="collapsed"):
        integration_scores(embedding, labels, batches, before=before)


def test_the_guards_are_needed():
    """Without them: a collapsed embedding mixes its batches better than any honest one."""
    embedding, labels, batches = atlas(batch_effect=2)
    honest = scib_metrics.bras(embedding, labels.astype(str), batches.astype(str))
    collapsed = scib_metrics.bras(np.ones_like(embedding), labels.astype(str), batches.astype(str))
    assert collapsed > honest


def groups(**counts):
    """Labels and batches from counts of ``type_batch``."""
    pairs = [name.split("_") for name, n in counts.items() for _ in range(n)]
    labels, batches = np.array(pairs).T
    return labels, batches


def places(labels, seed=0):
    """Noise in which each type has a place."""
    codes = np.unique(labels.astype(str), return_inverse=True)[1]
    return (np.random.default_rng(seed).normal(size=(len(labels), 5)) + 6 * np.eye(5)[codes]).astype("f4")


def test_rare_labels_and_batches_are_left_out_and_named():
    """Until no small one remains: leaving out a batch can make a label small."""
    labels, batches = groups(A_x=20, A_y=20, B_x=20, B_y=20, C_x=MIN_CELLS - 1, D_z=5, D_x=5)
    kept, notes = usable_cells(labels, batches)
    assert set(labels[kept]) == {"A", "B"}
    assert notes == {
        "cells_without_label": 0,
        "cells_left_out": MIN_CELLS - 1 + 10,
        "labels_left_out": ["C", "D"],
        "batches_left_out": ["z"],
    }


def test_single_cells_change_nothing():
    """A type of one cell would be the isolated label, scored 0.5; a batch of one would scale iLISI."""
    embedding, labels, batches = atlas()
    labels[0] = batches[1] = "stray"
    raw = [each.astype(str) for each in (labels, batches)]
    assert float(scib_metrics.isolated_labels(embedding, *raw)) == 0.5
    without = admit(embedding[2:], labels[2:], batches[2:])
    assert same_cells(admit(embedding, labels, batches), without)


@pytest.mark.parametrize(
    "counts", [{"A_x": 20, "A_y": 20, "B_x": 3}, {"A_x": 20, "A_y": 20}, {"A_x": 5, "A_y": 5, "B_z": 5}]
)
def test_one_type_is_not_applicable(counts):
    """Nothing can be kept apart; also where batches are too small to leave two types."""
    labels, batches = groups(**counts)
    with pytest.raises(NotApplicable, match="fewer than 2 cell types"):
        scored(places(labels), labels, batches)


@pytest.mark.parametrize(
    ("counts", "words", "undefined"),
    [
        (
            {"A_x": 20, "B_x": 20, "B_y": 3},
            "fewer than 2 batches",
            {"bras", "ilisi", "kbet", "pcr_comparison", "isolated_labels"},
        ),
        ({"A_x": 20, "B_y": 20}, "one batch only", {"bras", "ilisi", "kbet", "pcr_comparison"}),
    ],
    ids=["one batch", "batches are types"],
)
def test_what_cannot_be_asked_has_a_reason(counts, words, undefined):
    """The other metrics have their values: biology needs no batches."""
    labels, batches = groups(**counts)
    found = scored(places(labels), labels, batches)
    assert found.undefined.keys() == undefined
    assert all(words in reason for reason in found.undefined.values())
    assert found.values.keys() == METRICS - undefined
    assert np.isfinite(list(found.values.values())).all()
    assert not found.by_batch.keys() & undefined


def test_without_an_embedding_from_before_two_metrics_have_a_reason():
    """They compare with it."""
    found = integration_scores(*atlas(n=80))
    assert found.undefined.keys() == {"pcr_comparison", "intra_type_structure"}
    assert all("before integration" in reason for reason in found.undefined.values())


def test_nothing_to_remove_and_nothing_to_keep_have_reasons():
    """Before integration nothing varies between batches; within types nothing varies at all."""
    embedding, labels, batches = atlas()
    flat = np.unique(labels, return_inverse=True)[1][:, None] * np.ones(3)
    for batch in BATCHES:  # types weigh the same in both batches
        flat[batches == batch] -= flat[batches == batch].mean(axis=0)
    asked = ("pcr_comparison", "intra_type_structure")
    found = scored(embedding, labels, batches, before=flat, only=asked)
    assert "no variance" in found.undefined["pcr_comparison"]
    constant = scored(embedding, labels, batches, before=np.zeros((400, 3)), only=asked)
    assert constant.undefined.keys() == {"pcr_comparison", "intra_type_structure"}


def test_fewer_cells_than_neighbours():
    """The number of neighbours falls to that of the cells, and the notes tell."""
    labels, batches = groups(A_x=10, A_y=10, B_x=10, B_y=10)
    found = scored(places(labels), labels, batches)
    assert found.notes["neighbours"] == 40
    assert np.isfinite(list(found.values.values())).all()
    assert found.values["clisi"] > 0.9


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""], ids=["None", "nan", "NA", "empty"])
def test_cells_without_a_label_or_batch_are_left_out_and_counted(missing):
    """They are no type of their own."""
    embedding, labels, batches = atlas()
    kinds, groups_ = labels.copy(), batches.copy()
    kinds[:30] = missing
    groups_[30:50] = missing
    found = admit(embedding, kinds, groups_)
    assert found.notes["cells_without_label"] == 50
    assert same_cells(found, admit(embedding[50:], labels[50:], batches[50:]))


def test_unused_categories_are_nothing():
    """scib-metrics averages over them and returns NaN for isolated labels."""
    embedding, labels, batches = atlas()
    category = pd.Categorical(labels, categories=[*NAMES, "unused"])
    assert np.isnan(scib_metrics.isolated_labels(embedding, category, batches))
    assert same_cells(admit(embedding, category, batches), admit(embedding, labels, batches))


def test_leiden_scores_are_means_over_starts(found, cells, graph):
    """At the resolution at which the starts agree best with the types on the whole."""
    tried = best_leiden(connectivities(graph.subset_neighbors(GRAPH_NEIGHBOURS)), cells.types)
    assert tried.shape == (LEIDEN_STARTS, len(cells.types))
    for name, score in (("nmi", normalized_mutual_info_score), ("ari", adjusted_rand_score)):
        of_starts = [score(cells.types, clusters) for clusters in tried]
        assert found.values[name] == pytest.approx(np.mean(of_starts))
        assert found.notes[f"{name}_sd_between_starts"] == pytest.approx(np.std(of_starts, ddof=1))
    assert found.notes["ari_sd_between_starts"] > 0


def test_kmeans_and_leiden_answer_to_their_seed(cells, graph):
    """The seed is an argument, and the same one gives the same clusters."""
    near = connectivities(graph.subset_neighbors(GRAPH_NEIGHBOURS))
    np.testing.assert_array_equal(best_leiden(near, cells.types, 3), best_leiden(near, cells.types, 3))
    np.testing.assert_array_equal(kmeans_clusters(cells.centred, 4, 3), kmeans_clusters(cells.centred, 4, 3))
    noise = dataclasses.replace(cells, centred=np.random.default_rng(0).normal(size=(400, 8)).astype("f4"))
    assert (kmeans_clusters(noise.centred, 40, 3) != kmeans_clusters(noise.centred, 40, 4)).any()
