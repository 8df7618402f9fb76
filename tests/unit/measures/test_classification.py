"""Neighbour votes and F1, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from harness.measures import f1_by_unit, f1_scores, majority_votes, neighbour_votes


def words(text):
    return np.array(text.split(), dtype=object)


@pytest.fixture
def atlas():
    """120 cells of three types in overlapping clouds, in four folds, ten cells outside of them."""
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 3, 120)
    embedding = (rng.normal(size=(120, 5)) + kind[:, None] * 0.8).astype(np.float32)
    fold = rng.integers(0, 4, 120)
    fold[:10] = -1
    return embedding, np.array(["B", "NK", "T"], dtype=object)[kind], fold


def test_votes_are_those_of_scikit_learn(atlas):
    """Fold by fold, the classifier of five neighbours that learnt from the other folds."""
    embedding, labels, fold = atlas
    predicted = neighbour_votes(embedding, labels, fold)
    for number in range(4):
        tested, taught = fold == number, (fold >= 0) & (fold != number)
        peer = KNeighborsClassifier(5, algorithm="kd_tree").fit(embedding[taught], labels[taught].astype(str))
        assert (predicted[tested] == peer.predict(embedding[tested])).all()


def test_cells_outside_the_folds_neither_teach_nor_are_tested(atlas):
    """Their labels can be anything."""
    embedding, labels, fold = atlas
    spoiled = labels.copy()
    spoiled[:10] = "something else"
    predicted = neighbour_votes(embedding, spoiled, fold)
    assert (predicted == neighbour_votes(embedding, labels, fold)).all()
    assert set(predicted[:10]) == {""}


def test_no_cell_votes_for_itself():
    """Two cells that are each other's only neighbours get each other's label."""
    found = neighbour_votes(np.float32([[0], [1]]), words("A B"), np.array([0, 1]), neighbours=1)
    assert found.tolist() == ["B", "A"]


def test_the_majority_is_that_of_the_other_folds():
    """By hand; where two labels are equally frequent the first by name is taken."""
    found = majority_votes(words("A A B B B C"), np.array([0, 0, 0, 1, 1, -1]))
    assert found.tolist() == ["B", "B", "B", "A", "A", ""]
    assert majority_votes(words("C B A A"), np.array([1, 1, 0, 0])).tolist() == ["A", "A", "B", "B"]


def test_f1_worked_by_hand():
    """A: 1 of 2 found, 1 of 1 right, F1 = 2/3; B: 1 of 1 found, 1 of 2 right, F1 = 2/3; C: never found."""
    micro, macro = f1_scores(words("A A B C"), words("A B B D"))
    assert micro == 0.5
    assert macro == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_f1_is_that_of_scikit_learn(atlas):
    """Both means, where every predicted class occurs in the truth."""
    _, truth, _ = atlas
    predicted = np.roll(truth, 1)
    true, found = truth.astype(str), predicted.astype(str)
    expected = [f1_score(true, found, average=how) for how in ("micro", "macro")]
    np.testing.assert_allclose(f1_scores(truth, predicted), expected)


def test_units_pool_to_the_whole():
    """The weighted mean of the units' micro F1 is the pooled one; units are sorted by name."""
    truth, predicted = words("A A B B A B"), words("A B B A A B")
    units = words("d2 d2 d2 d1 d1 d3")
    found = f1_by_unit(truth, predicted, units)
    assert found.names == ("d1", "d2", "d3")
    assert found.weights.tolist() == [2, 3, 1]
    np.testing.assert_allclose(found.micro, [1 / 2, 2 / 3, 1])
    assert np.average(found.micro, weights=found.weights) == pytest.approx(f1_scores(truth, predicted)[0])
    for i, unit in enumerate(found.names):
        assert found.macro[i] == f1_scores(truth[units == unit], predicted[units == unit])[1]


def test_where_a_unit_is_a_cell_it_is_right_or_wrong():
    """In the order of the names; a mean over classes is no mean over cells, so there is none."""
    found = f1_by_unit(words("A B A"), words("A A A"), words("c2 c0 c1"))
    assert found.names == ("c0", "c1", "c2")
    assert found.micro.tolist() == [0, 1, 1]
    assert found.macro is None
