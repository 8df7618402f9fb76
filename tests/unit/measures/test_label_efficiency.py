"""Label budgets: which cells are taught, what is scored, and the area under the curve."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.neighbors import KNeighborsClassifier

from harness.contracts.task import Split
from harness.errors import ContractBroken, NotApplicable
from harness.measures import classification_scores, drawing_keys, label_efficiency_curve, probe_predictions
from harness.measures import probes as ladder

CLASSES = np.array(["B", "NK", "T"], dtype=object)


def split(fold, units):
    return Split(fold=np.asarray(fold), n_folds=int(max(fold)) + 1, units=units, unit_kind="donor")


class Atlas:
    """400 cells of three types (200, 120 and 80 of them), eight donors in four folds."""

    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [200, 120, 80])
    embedding = (rng.normal(size=(400, 5)) + 1.5 * rng.normal(size=(3, 5))[kind]).astype(np.float32)
    labels = CLASSES[kind]
    donor = rng.integers(0, 8, 400)
    units = np.array([f"donor {number}" for number in donor], dtype=object)
    split = split(donor % 4, units)
    counts = csr_matrix(rng.poisson(1.0, (400, 30)).astype(np.float32))
    keys = drawing_keys([counts], 30, draws=3, seed=0)

    def curve(self, keys=None, **others):
        keys = self.keys if keys is None else keys
        return label_efficiency_curve(self.embedding, self.labels, self.split, keys, **others)


@pytest.fixture
def lessons(monkeypatch):
    """Every lesson that a probe is given, while it still gives its answer."""
    given, ask = [], ladder.ask

    def listening(probe, lesson, n_classes):
        given.append(lesson)
        return ask(probe, lesson, n_classes)

    monkeypatch.setattr("harness.measures.label_efficiency.ask", listening)
    return given


# -- which cells ---------------------------------------------------------------------------------------


def test_keys_belong_to_cells_not_to_rows():
    """In another order and other batches every cell has the same numbers; another seed gives other ones."""
    order = np.random.default_rng(1).permutation(400)
    moved = Atlas.counts[order]
    found = drawing_keys([moved[:150], moved[150:]], 30, draws=3, seed=0)
    np.testing.assert_array_equal(found, Atlas.keys[:, order])
    assert not (drawing_keys([Atlas.counts], 30, draws=3, seed=1) == Atlas.keys).any()


def test_every_cell_is_as_likely_to_come_first():
    """Over 4,000 draws of ten cells, an empty one among them: 400 each, within four standard errors."""
    counts = Atlas.counts[:10].toarray()
    counts[3] = 0
    first = drawing_keys([csr_matrix(counts)], 30, draws=4000, seed=5).argmin(axis=1)
    assert np.abs(np.bincount(first, minlength=10) - 400).max() < 4 * np.sqrt(4000 * 0.1 * 0.9)


def test_so_many_labels_of_each_class_and_nested(lessons):
    """Of every class the budget or all there are; a larger budget teaches the cells of a smaller one too."""
    # The embedding is the number of the cell, so that lessons say whom they teach.
    numbers = np.arange(400, dtype=np.float32)[:, None]
    label_efficiency_curve(numbers, Atlas.labels, Atlas.split, Atlas.keys, probe="knn")
    assert len(lessons) == 4 * (1 + 3 * 4)  # folds x (all, once, and draws x budgets)
    for fold in range(4):
        of_fold = [lesson.taught.ravel().astype(int) for lesson in lessons[13 * fold : 13 * (fold + 1)]]
        everything, drawn = set(of_fold[0]), of_fold[1:]
        assert everything == set(np.flatnonzero(Atlas.split.fold != fold))
        available = np.bincount(Atlas.kind[of_fold[0]])
        for draw in range(3):
            smaller = set()
            for budget, cells in zip((1, 5, 10, 50), drawn[4 * draw : 4 * draw + 4], strict=True):
                expected = np.minimum(budget, available)
                np.testing.assert_array_equal(np.bincount(Atlas.kind[cells]), expected)
                assert smaller <= set(cells) <= everything
                smaller = set(cells)
        assert set(drawn[0]) != set(drawn[4])


def test_all_embeddings_are_taught_the_same_cells(lessons):
    """Which cells are labelled depends on the data set and the seed alone, so models can be paired."""
    found = []
    for sign in (1, -1):
        lessons.clear()
        numbers = sign * np.arange(1, 401, dtype=np.float32)[:, None]
        label_efficiency_curve(numbers, Atlas.labels, Atlas.split, Atlas.keys, probe="knn")
        found.append([set(np.abs(lesson.taught.ravel())) for lesson in lessons])
    assert found[0] == found[1]


def test_no_more_neighbours_vote_than_there_are_labels(lessons):
    """With one label per class five votes would be a tie of classes."""
    Atlas().curve(probe="knn")
    assert [lesson.neighbours for lesson in lessons[:6]] == [5, 1, 5, 5, 5, 1]


# -- scores --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", ["knn", "ridge"])
def test_all_labels_are_the_probe_as_usual(probe):
    """The end of the curve is the micro F1 of the same probe, over all cells and by unit."""
    found = Atlas().curve(probe=probe)
    told = probe_predictions(Atlas.embedding, Atlas.labels, Atlas.split, probe=probe)
    usual = classification_scores(Atlas.labels, told, Atlas.split.fold, Atlas.units)
    assert found.scores["all"] == pytest.approx(usual.values["micro_f1"])
    np.testing.assert_allclose(found.scores_by_unit["all"], usual.by_unit["micro_f1"])
    assert found.units == usual.units
    np.testing.assert_array_equal(found.weights, usual.weights)


def test_a_budget_is_scored_as_scikit_learn_would(lessons):
    """Ten labels per class, the mean over three draws of the share of right answers."""
    found = Atlas().curve(probe="knn").scores["10"]
    right = []
    for number, lesson in enumerate(lessons):
        if number % 13 and (number % 13 - 1) % 4 == 2:
            peer = KNeighborsClassifier(5).fit(lesson.taught, lesson.classes)
            tested = Atlas.split.fold == number // 13
            told = peer.predict(Atlas.embedding[tested])
            right.append((told == Atlas.kind[tested]).sum())
    assert found == pytest.approx(sum(right) / (3 * 400))


def test_more_labels_help():
    """On clouds that overlap, the curve rises, but for the noise of few draws."""
    found = Atlas().curve(probe="ridge")
    scores = list(found.scores.values())
    assert np.diff(scores).min() > -0.02
    assert scores[0] < scores[-1] - 0.1
    assert set(found.notes["sd_over_draws"]) == {"1", "5", "10", "50"}


# -- the axis and the area -----------------------------------------------------------------------------


def test_the_axis_by_hand():
    """Two folds teach 4 cells of A and 100 of B each: sqrt(4 x 100) = 20 labels per class in the end."""
    labels = np.array((["A"] * 4 + ["B"] * 100) * 2, dtype=object)
    fold = np.repeat([0, 1], 104)
    rng = np.random.default_rng(0)
    found = label_efficiency_curve(
        rng.normal(size=(208, 2)).astype(np.float32),
        labels,
        split(fold, np.where(fold == 0, "d", "e").astype(object)),
        rng.integers(0, 2**64, (1, 208), dtype=np.uint64),
        probe="knn",
    )
    expected = {"1": 1, "5": np.sqrt(4 * 5), "10": np.sqrt(4 * 10), "50": np.sqrt(4 * 50), "all": 20}
    assert found.labels_per_class == pytest.approx(expected)
    # Trapezia over log10 of that, by hand.
    x = [0] + [np.log10(4 * b) / 2 for b in (5, 10, 50, 100)]
    y = list(found.scores.values())
    area = sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2 for i in range(4)) / x[-1]
    assert found.area == pytest.approx(area)
    assert found.notes == {}


def test_a_constant_score_is_its_own_area():
    """An embedding of one place tells the first class by name at every balanced budget, the commonest in the
    end: here the same, so that the curve is flat."""
    atlas = Atlas()
    atlas.embedding = np.zeros((400, 1), dtype=np.float32)
    found = atlas.curve()
    assert set(found.scores.values()) == {0.5}
    assert found.area == pytest.approx(0.5)
    np.testing.assert_allclose(found.area_by_unit, found.scores_by_unit["all"])


def test_units_pool_to_the_whole():
    """The weighted means over units are the scores and the area."""
    found = Atlas().curve()
    assert np.average(found.area_by_unit, weights=found.weights) == pytest.approx(found.area)
    for point, score in found.scores.items():
        assert np.average(found.scores_by_unit[point], weights=found.weights) == pytest.approx(score)


def test_budgets_that_no_class_fills_have_no_score():
    """Eight cells of each class: 10 and 50 labels were never taught, and are no part of the area either."""
    labels = np.array(["A", "B"] * 16, dtype=object)
    fold = np.repeat([0, 1], 16)
    embedding = np.random.default_rng(0).normal(size=(32, 2)).astype(np.float32)
    keys = np.random.default_rng(1).integers(0, 2**64, (2, 32), dtype=np.uint64)
    found = label_efficiency_curve(embedding, labels, split(fold, fold.astype(object)), keys, probe="knn")
    assert list(found.scores) == ["1", "5", "all"]
    assert found.labels_per_class["10"] == pytest.approx(8)
    assert 0 <= found.area <= 1


def test_one_label_per_class_is_no_curve():
    """A point has no area."""
    labels = np.array(["A", "B", "A", "B"], dtype=object)
    fold = np.array([0, 0, 1, 1])
    keys = np.zeros((1, 4), dtype=np.uint64)
    found = label_efficiency_curve(
        np.eye(4, dtype=np.float32), labels, split(fold, fold.astype(object)), keys
    )
    assert found.area is None
    assert np.isnan(found.area_by_unit).all()
    assert list(found.scores) == ["1", "all"]


@pytest.mark.parametrize("probe", ["knn", "ridge"])
def test_the_order_of_the_cells_does_not_matter(probe):
    """Keys, embedding and split in another order give the same curve."""
    order = np.random.default_rng(3).permutation(400)
    expected = Atlas().curve(probe=probe)
    found = label_efficiency_curve(
        Atlas.embedding[order],
        Atlas.labels[order],
        Atlas.split.taken(order),
        Atlas.keys[:, order],
        probe=probe,
    )
    assert found.scores == pytest.approx(expected.scores)
    assert found.area == pytest.approx(expected.area)


def test_what_cannot_be_asked():
    """Sentences, not curves."""
    with pytest.raises(ContractBroken, match='"forest" is unknown'):
        Atlas().curve(probe="forest")
    with pytest.raises(ContractBroken, match="at least one draw"):
        Atlas().curve(keys=Atlas.keys[:0])
    whole = Split(fold=np.zeros(400, dtype=int), n_folds=0, units=Atlas.units, unit_kind="data set")
    with pytest.raises(NotApplicable, match="tests no cell"):
        label_efficiency_curve(Atlas.embedding, Atlas.labels, whole, Atlas.keys)
