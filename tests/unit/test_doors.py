"""What a task gets when it asks a fitted model, and what the model gets to see."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from harness import ArrayCells, ContractBroken, Model, NotApplicable, NotFinite, PlainRun
from harness.doors import Doors
from harness.measures import log_normalise

COUNTS = np.random.default_rng(0).poisson(3.0, (20, 6))
CELLS = ArrayCells(counts=COUNTS, genes=list("abcdef"))
LABELS = np.array(["x", "y"] * 10, dtype=object)
ROWS = np.arange(5)
HIDDEN = np.random.default_rng(1).random((5, 6)) < 0.3


class Guest(Model):
    """Remembers what it was given and answers as it was told to."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.given = []

    def embed(self, cells, run):
        self.given.append(cells)
        return self.answer

    def reconstruct(self, values, hidden, run):
        self.given.append((values, hidden))
        return self.answer

    def fine_tune(self, cells, run):
        self.given.append((cells, run))

    def classify(self, cells, run):
        self.given.append(cells)
        return self.answer


@contextmanager
def circumstances(budget, held):
    yield replace(PlainRun(), budget=budget, validation=held)


def doors(answer):
    asked = Guest(answer)
    models = []

    def load():
        models.append(Guest(answer))
        return models[-1]

    def held_out(n):
        return np.arange(n - 2), np.arange(n - 2, n)

    found = Doors(
        name="this guest", model=asked, load=load, cells=CELLS, run=circumstances, held_out=held_out
    )
    return found, models


def test_what_is_hidden_is_gone():
    """The model sees log-normalised expression with zeros where it is hidden, and cannot write into it."""
    asked, models = doors(np.zeros((5, 6), np.float32))
    asked.reconstruct(ROWS, HIDDEN)
    assert models == []  # asking does not load it again
    ((values, hidden),) = asked.model.given
    expected = np.where(HIDDEN, 0, log_normalise(CELLS.rows(ROWS)).toarray())
    np.testing.assert_allclose(values.toarray(), expected, rtol=1e-6)
    np.testing.assert_array_equal(hidden, HIDDEN)
    with pytest.raises(ValueError, match="read-only"):
        values.data[0] = 1


def test_fine_tuning_starts_anew_and_tests_without_labels():
    """Each call gets a fresh model that learns from training cells alone; others come without labels."""
    asked, models = doors(np.full((4, 2), 0.5, np.float32))
    for _ in "ab":
        chances, classes = asked.fine_tuned(LABELS, np.arange(10), np.arange(16, 20), steps=7)
    assert chances.shape == (4, 2)
    assert classes.tolist() == ["x", "y"]
    assert len(models) == 2
    (learnt, run), tested = models[0].given
    np.testing.assert_array_equal(learnt.rows(np.arange(8)).toarray(), COUNTS[:8])
    assert (learnt.n_cells, run.validation.n_cells, run.budget.amount) == (8, 2, 7)
    np.testing.assert_array_equal(learnt.columns["label"], LABELS[:8])
    np.testing.assert_array_equal(tested.rows(np.arange(4)).toarray(), COUNTS[16:])
    assert dict(tested.columns) == {}


def test_cells_that_a_task_made_come_without_labels():
    """On the same genes they reach the model as they are, in one call."""
    asked, _ = doors(np.zeros((3, 2), np.float32))
    made = ArrayCells(counts=COUNTS[:3], genes=list("abcdef"), columns={"cell_type": LABELS[:3]})
    assert asked.embed(made).shape == (3, 2)
    (given,) = asked.model.given
    np.testing.assert_array_equal(given.rows(np.arange(3)).toarray(), COUNTS[:3])
    assert dict(given.columns) == {}


def test_cells_that_a_task_made_are_put_on_the_genes_of_the_model():
    """Genes in their places, unknown ones gone, absent ones not measured; of strangers nothing is asked."""
    asked, _ = doors(np.zeros((3, 2), np.float32))
    asked.embed(ArrayCells(counts=COUNTS[:3], genes=list("fexdcb")))
    (given,) = asked.model.given
    expected = np.column_stack([np.zeros(3), COUNTS[:3, [5, 4, 3, 1, 0]]])
    np.testing.assert_array_equal(given.rows(np.arange(3)).toarray(), expected)
    assert given.measured.tolist() == [False, True, True, True, True, True]
    with pytest.raises(NotApplicable, match="knows 33% of the genes of the cells that the task makes"):
        asked.embed(ArrayCells(counts=COUNTS[:3], genes=list("abuvwx")))


BAD_EMBEDDED = [
    (np.zeros((2, 2)), ContractBroken, "one row for each of 3 cells"),
    (np.full((3, 2), np.nan), NotFinite, "NaN"),
]


@pytest.mark.parametrize(("answer", "error", "sentence"), BAD_EMBEDDED)
def test_bad_embeddings_are_refused(answer, error, sentence):
    """Shape and numbers."""
    with pytest.raises(error, match=sentence):
        doors(answer)[0].embed(ArrayCells(counts=COUNTS[:3], genes=list("abcdef")))


BAD_RESTORED = [
    (np.zeros((5, 5)), ContractBroken, r"shape \(5, 5\).*shape \(5, 6\) are needed \(this guest\)"),
    (np.zeros((5, 6), int), ContractBroken, "int64"),
    (np.where(HIDDEN, np.nan, 0.0), NotFinite, "genes is NaN or infinite in some cells"),
    (np.full((5, 6), np.inf), NotFinite, "6 genes"),
]


@pytest.mark.parametrize(("answer", "error", "sentence"), BAD_RESTORED)
def test_bad_answers_are_refused(answer, error, sentence):
    """Shape, type, numbers; a gene is restored in all cells or in none."""
    with pytest.raises(error, match=sentence):
        doors(answer)[0].reconstruct(ROWS, HIDDEN)


def test_whole_genes_may_be_absent():
    """A column of NaN says that the model does not restore this gene."""
    answer = np.zeros((5, 6))
    answer[:, 2] = np.nan
    assert np.isnan(doors(answer)[0].reconstruct(ROWS, HIDDEN)[:, 2]).all()


BAD_CHANCES = [
    (np.full((4, 3), 1 / 3), ContractBroken, r"shape \(4, 2\) are needed"),
    (np.full((4, 2), np.nan), NotFinite, "NaN"),
    (np.full((4, 2), 0.7), ContractBroken, "sum to 1"),
    (np.array([[1.5, -0.5]] * 4), ContractBroken, "at least 0"),
]


@pytest.mark.parametrize(("answer", "error", "sentence"), BAD_CHANCES)
def test_bad_chances_are_refused(answer, error, sentence):
    """Shape, numbers, sums."""
    with pytest.raises(error, match=sentence):
        doors(answer)[0].fine_tuned(LABELS, np.arange(10), np.arange(16, 20), steps=7)
