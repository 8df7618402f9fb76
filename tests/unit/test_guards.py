"""What guests return is checked: every complaint names what was found and what is accepted."""

import json

import numpy as np
import pytest

from harness import History, Metric, Scores, TaskCard
from harness.contracts.guards import check_embedding, check_history, check_rows, check_scores
from harness.errors import ContractBroken, NotFinite

CARD = TaskCard(name="typing", version="1", entry="x:T", metrics=(Metric(name="f1"), Metric(name="loss")))


def scores(**change):
    good = {
        "values": {"f1": 0.5},
        "undefined": {"loss": "no probabilities"},
        "units": {"f1": [0.4, 0.6]},
        "unit_names": ["a", "b"],
    }
    return Scores(**{**good, **change})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([0.5, 1.0], "float64 of shape (2,)"),
        ([[0], [1]], "of shape (2, 1)"),
        ([0, 0], "2 rows, 1 of them distinct; asked were 2"),
        ([0, 1, 2], "3 rows, 3 of them distinct; asked were 2"),
        ([-1, 0], "rows from -1 to 0; the corpus has rows 0 to 9"),
        ([0, 10], "rows from 0 to 10"),
    ],
)
def test_rows(rows, words):
    """Exactly as many distinct rows of the corpus as were asked for."""
    with pytest.raises(ContractBroken) as caught:
        check_rows(rows, 2, 10, "sampler")
    assert words in str(caught.value)


def test_good_rows_become_int64():
    """Of whatever whole-number kind they were."""
    assert check_rows(np.array([3, 1], dtype=np.uint8), 2, 10, "sampler").dtype == np.int64


@pytest.mark.parametrize(
    ("embedding", "kind", "words"),
    [
        (np.zeros(3), ContractBroken, "shape (3,)"),
        (np.zeros((2, 4)), ContractBroken, "one row for each of 3 cells"),
        (np.zeros((3, 0)), ContractBroken, "shape (3, 0)"),
        (np.full((3, 1), "x"), ContractBroken, "real numbers are needed"),
        (np.zeros((3, 1), complex), ContractBroken, "complex128"),
        (np.array([[1.0], [np.nan], [np.inf]]), NotFinite, "2 of 3 cells is NaN or infinite"),
    ],
)
def test_embeddings(embedding, kind, words):
    """One finite row of real numbers per cell."""
    with pytest.raises(kind) as caught:
        check_embedding(embedding, 3, "model")
    assert words in str(caught.value)


def test_good_scores_pass():
    """Every metric has a value or a reason."""
    check_scores(scores(weights=[0, 1], clusters=["x", "y"]), CARD)


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        ({"f1": 1.0}, ContractBroken, "returned dict, not harness.Scores"),
        (scores(undefined={}), ContractBroken, 'neither a value nor a reason for "loss"'),
        (scores(values={"f1": float("nan")}), NotFinite, 'found nan for "f1"'),
        (scores(units={"f1": [0.1]}), ContractBroken, '1 unit scores of "f1" for 2 units'),
        (scores(weights=[1.0]), ContractBroken, "1 weights for 2 units"),
        (scores(weights=[1.0, -1.0]), ContractBroken, "one number from 0 up"),
        (scores(weights=[0.0, 0.0]), ContractBroken, "not all of them 0"),
        (scores(weights=[1.0, float("inf")]), ContractBroken, "one number from 0 up"),
        (scores(clusters=["x"]), ContractBroken, "1 clusters for 2 units"),
        (scores(unit_names=["u", "v\0"]), ContractBroken, r"calls a unit 'v\x00'; a name is text"),
        (scores(clusters=["u", "\ud800"]), ContractBroken, r"calls a unit '\ud800'; a name is text"),
    ],
)
def test_scores(found, kind, words):
    """Anything that could pass for a score and is none."""
    with pytest.raises(kind) as caught:
        check_scores(found, CARD)
    assert words in str(caught.value)


def history(**change):
    good = {"steps": 5, "epochs": 1.5, "cells_seen": 50, "best_step": 5}
    return History(**{**good, "train_loss": (1.0, 0.5), "validation_loss": (), **change})


def test_a_history_becomes_plain_numbers():
    """Whatever kinds of numbers it held; nothing is nothing."""
    found = check_history(history(steps=np.int64(5), train_loss=(np.float32(0.5),)), "model")
    assert json.loads(json.dumps(found)) == {
        "steps": 5,
        "epochs": 1.5,
        "cells_seen": 50,
        "best_step": 5,
        "train_loss": [0.5],
        "validation_loss": [],
        "batch_parts": 1,
        "resumed_at": 0,
    }
    assert check_history(None, "model") == {}


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        ("self", ContractBroken, "returned str from fit; harness.History or nothing is accepted"),
        (history(steps="many"), ContractBroken, "\"steps\" in the history that model returned is 'many'"),
        (history(validation_loss=(float("nan"),)), NotFinite, "(nan,), which is not finite"),
    ],
)
def test_a_history_that_is_none(found, kind, words):
    """It would stand beside every score."""
    with pytest.raises(kind) as caught:
        check_history(found, "model")
    assert words in str(caught.value)
