"""F1, recall and deciles, against scikit-learn and by hand."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, f1_score, log_loss

from harness.errors import NotApplicable
from harness.measures import DECILES, Predictions, classification_scores
from harness.measures.classification import decile_classes


def words(text):
    return np.array(text.split(), dtype=object)


def told(labels, probabilities=None, classes=()):
    return Predictions(labels=labels, classes=np.array(classes, dtype=str), probabilities=probabilities)


def scored(truth, labels, units=None, fold=None):
    n = len(truth)
    units = np.array([f"u{i}" for i in range(n)], dtype=object) if units is None else units
    return classification_scores(truth, told(labels), np.zeros(n, int) if fold is None else fold, units)


@pytest.fixture
def atlas():
    """300 cells of 12 types of very different frequency and their forecast, five donors, 20 not tested."""
    rng = np.random.default_rng(3)
    classes = np.array([f"type {letter}" for letter in "ABCDEFGHIJKL"])
    kind = rng.choice(12, 300, p=np.arange(1, 13) / 78)
    probabilities = rng.dirichlet(np.ones(12), 300)
    probabilities[np.arange(300), kind] += 0.5
    probabilities /= 1.5
    predicted = classes[probabilities.argmax(axis=1)].astype(object)
    units = np.array([f"donor {number}" for number in rng.integers(0, 5, 300)], dtype=object)
    fold = np.where(np.arange(300) < 20, -1, 0)
    return classes[kind].astype(object), told(predicted, probabilities, classes), fold, units


def test_every_metric_is_that_of_scikit_learn(atlas):
    """Over all tested cells."""
    truth, predictions, fold, units = atlas
    found = classification_scores(truth, predictions, fold, units).values
    tested = fold >= 0
    true, said = truth[tested].astype(str), predictions.labels[tested].astype(str)
    p = predictions.probabilities[tested]
    expected = {
        "micro_f1": f1_score(true, said, average="micro"),
        "macro_f1": f1_score(true, said, average="macro", labels=np.unique(true), zero_division=0),
        "balanced_accuracy": balanced_accuracy_score(true, said),
        "brier_score": brier_score_loss(true, p, labels=predictions.classes, scale_by_half=False),
        "log_loss": log_loss(true, p, labels=predictions.classes),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_every_metric_of_a_unit_is_that_of_scikit_learn(atlas):
    """Donor by donor; classes that a donor lacks have no part in its means."""
    truth, predictions, fold, units = atlas
    found = classification_scores(truth, predictions, fold, units)
    assert found.units == tuple(sorted(set(units)))
    for i, unit in enumerate(found.units):
        mine = (fold >= 0) & (units == unit)
        true, said = truth[mine].astype(str), predictions.labels[mine].astype(str)
        macro = f1_score(true, said, average="macro", labels=np.unique(true), zero_division=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # classes told that are not there
            recall = balanced_accuracy_score(true, said)
        assert found.by_unit["micro_f1"][i] == pytest.approx((true == said).mean())
        assert found.by_unit["macro_f1"][i] == pytest.approx(macro)
        assert found.by_unit["balanced_accuracy"][i] == pytest.approx(recall)
        p = predictions.probabilities[mine]
        brier = brier_score_loss(true, p, labels=predictions.classes, scale_by_half=False)
        assert found.by_unit["brier_score"][i] == pytest.approx(brier)


def test_means_over_cells_pool_to_the_whole(atlas):
    """The weighted mean of the units is the score of all tested cells."""
    found = classification_scores(*atlas)
    assert found.weights.sum() == 280
    for name in ("micro_f1", "brier_score", "log_loss"):
        assert np.average(found.by_unit[name], weights=found.weights) == pytest.approx(found.values[name])


def test_f1_worked_by_hand():
    """A: 1 of 2 found, 1 of 1 right, F1 = 2/3; B: 1 of 1 found, 1 of 2 right, F1 = 2/3; C: never found."""
    found = scored(words("A A B C"), words("A B B D")).values
    assert found["micro_f1"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_where_a_unit_is_a_cell_it_is_right_or_wrong():
    """In the order of the names; a mean over classes is no mean over cells, so there is none."""
    found = scored(words("A B A"), words("A A A"), words("c2 c0 c1"))
    assert found.units == ("c0", "c1", "c2")
    assert found.by_unit.keys() == {"micro_f1"}
    assert found.by_unit["micro_f1"].tolist() == [0, 1, 1]
    assert found.weights.tolist() == [1, 1, 1]


def test_ten_classes_fill_ten_deciles():
    """From the rarest (c, then a and b, equally frequent, by name) to the most frequent."""
    sizes = {"a": 2, "b": 2, "c": 1, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10}
    labels = np.repeat(list(sizes), list(sizes.values()))
    found = decile_classes(labels)
    assert [list(found[name]) for name in DECILES] == [[letter] for letter in "cabdefghij"]


@pytest.mark.parametrize("classes", [2, 5, 7, 13, 20, 57])
def test_deciles_divide_the_classes(classes):
    """Each class is in one of them, the middle of its rank in that tenth, and none is empty from ten on."""
    labels = np.repeat([f"{number:02d}" for number in range(classes)], np.arange(1, classes + 1))
    found = [list(found) for found in decile_classes(labels).values()]
    assert [name for names in found for name in names] == sorted(set(labels))
    for rank, name in enumerate(sorted(set(labels)), start=1):
        tenth = next(number for number, names in enumerate(found, start=1) if name in names)
        assert (tenth - 1) / 10 < (rank - 0.5) / classes <= tenth / 10
    assert classes < 10 or all(found)


def test_frequency_is_that_of_the_whole_data_set():
    """A class that is rare among the tested cells and frequent elsewhere is frequent."""
    truth, fold = words("A A A A B B B"), np.array([0, -1, -1, -1, 0, 0, 0])
    found = scored(truth, words("A A A A C C C"), fold=fold).values
    assert found["f1_decile_8"] == 1  # A: four cells, one of them tested and told rightly
    assert found["f1_decile_3"] == 0  # B: three cells, all of them tested and told wrongly


def test_a_decile_is_the_mean_f1_of_its_classes(atlas):
    """Twelve classes: (r - 1/2) / 12 puts the second and third rarest into the second tenth."""
    truth, predictions, fold, units = atlas
    found = classification_scores(truth, predictions, fold, units)
    names, cells = np.unique(truth.astype(str), return_counts=True)
    rarest = names[np.argsort(cells, kind="stable")]
    tested = fold >= 0
    each = f1_score(
        truth[tested].astype(str), predictions.labels[tested].astype(str), average=None, labels=rarest[:3]
    )
    assert found.values["f1_decile_1"] == pytest.approx(each[0])
    assert found.values["f1_decile_2"] == pytest.approx(each[1:].mean())
    absent = ~np.isin(found.units, units[tested & (truth == rarest[0])].astype(str))
    np.testing.assert_array_equal(np.isnan(found.by_unit["f1_decile_1"]), absent)


def test_an_empty_decile_has_a_reason():
    """Too few classes, or none of its classes is tested: no number either way."""
    truth = words("A B B")
    found = scored(truth, truth, fold=np.array([-1, 0, 0]))
    assert "f1_decile_1" not in found.values
    assert found.undefined["f1_decile_1"] == "none of the 2 classes falls into this tenth"
    assert found.undefined["f1_decile_3"] == "the split tests no cell of A"
    assert found.values["f1_decile_8"] == 1


def test_without_probabilities_calibration_has_a_reason():
    """And no score per unit."""
    found = scored(words("A B"), words("A B"))
    assert set(found.undefined) >= {"expected_calibration_error", "brier_score", "log_loss"}
    assert "no probabilities" in found.undefined["brier_score"]


def test_an_infinite_log_loss_has_a_reason():
    """The other scores stay."""
    p = np.array([[0.0, 1.0], [0.5, 0.5]])
    predictions = told(words("B A"), p, ["A", "B"])
    found = classification_scores(words("A A"), predictions, np.zeros(2, int), words("u v"))
    assert "class of 1 of 2 cells was given the probability 0" in found.undefined["log_loss"]
    assert "log_loss" not in found.by_unit
    assert found.values["brier_score"] == pytest.approx((2 + 0.5) / 2)


def test_nothing_to_test():
    """No score, but a sentence."""
    with pytest.raises(NotApplicable, match="tests no cell"):
        scored(words("A B"), words("A B"), fold=np.array([-1, -1]))
