"""What every sampler promises, whatever the corpus looks like."""

import random
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.random import get_state

from harness import ArrayCells, PlainRun

NAMES = ("random", "celltype_reweighted", "geometric_sketching")
CARDS = {name: import_module(f"harness_plugins.samplers.{name}").CARD for name in NAMES}
NESTED = [(name, {}) for name in NAMES] + [("geometric_sketching", {"boxes": boxes}) for boxes in (0.3, 1, 7)]
CHOICES = [*NESTED, ("random", {"independent": True}), ("geometric_sketching", {"boxes": "size"})]


def sampler(name, parameters):
    module, _, attribute = CARDS[name].entry.partition(":")
    return getattr(import_module(module), attribute)(**{**CARDS[name].parameters, **parameters})


def points(n_cells, n_axes):
    """Cells anywhere, or on a lattice that makes many of them duplicates."""
    anywhere = st.floats(-(2.0**100), 2.0**100, width=32)
    lattice = st.integers(0, 2).map(float)
    return st.one_of(*(arrays(np.float32, (n_cells, n_axes), elements=e) for e in (anywhere, lattice)))


@st.composite
def questions(draw):
    """A corpus, two sizes it can give, and a seed."""
    n_cells, n_axes = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    types = draw(st.lists(st.sampled_from("abcdef"), min_size=n_cells, max_size=n_cells))
    corpus = ArrayCells(
        counts=np.zeros((n_cells, 1)),
        genes=["g"],
        columns={"cell_type": np.array(types, dtype=object)},
        components=draw(points(n_cells, n_axes)),
    )
    sizes = sorted(draw(st.tuples(st.integers(1, n_cells), st.integers(1, n_cells))))
    return corpus, *sizes, draw(st.integers(0, 2**32 - 1))


@pytest.mark.parametrize(("name", "parameters"), CHOICES)
@settings(max_examples=60, deadline=None)
@given(question=questions())
def test_exact_size_of_distinct_rows_and_the_same_again(name, parameters, question):
    """A draw has exactly the size asked for, distinct rows of the corpus, and depends on the seed alone."""
    corpus, _, size, seed = question
    rows = sampler(name, parameters).draw(corpus, size, PlainRun(seed=seed))
    assert rows.shape == (size,)
    assert rows.dtype == np.int64
    assert len(set(rows.tolist())) == size
    assert rows.min() >= 0
    assert rows.max() < corpus.n_cells
    again = sampler(name, parameters).draw(corpus, size, PlainRun(seed=seed))
    np.testing.assert_array_equal(rows, again)


@pytest.mark.parametrize(("name", "parameters"), NESTED)
@settings(max_examples=60, deadline=None)
@given(question=questions())
def test_nested_as_the_card_says(name, parameters, question):
    """A smaller draw is part of a larger one with the same seed."""
    corpus, smaller, larger, seed = question
    assert CARDS[name].nested
    few, many = (
        sampler(name, parameters).draw(corpus, size, PlainRun(seed=seed)) for size in (smaller, larger)
    )
    assert set(few) <= set(many)


@pytest.mark.parametrize(("name", "parameters"), [c for c in CHOICES if c not in NESTED])
def test_not_nested_where_the_parameters_say_so(name, parameters):
    """Independent redraws and boxes that follow the size give other cells at another size."""
    corpus = ArrayCells(counts=np.zeros((200, 1)), genes=["g"], components=grid_of_200())
    few, many = (sampler(name, parameters).draw(corpus, size, PlainRun(seed=3)) for size in (50, 100))
    assert not set(few) <= set(many)


def grid_of_200():
    return np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


@pytest.mark.parametrize(("name", "parameters"), CHOICES)
def test_another_seed_draws_other_cells_and_no_global_state_is_touched(name, parameters):
    """Seeds matter, and numpy's and Python's own generators are left as they were."""
    corpus = ArrayCells(
        counts=np.zeros((200, 1)),
        genes=["g"],
        columns={"cell_type": np.array(list("ab") * 100, dtype=object)},
        components=grid_of_200(),
    )
    numpy_before, python_before = get_state()[1:3], random.getstate()
    draws = [sampler(name, parameters).draw(corpus, 50, PlainRun(seed=seed)) for seed in (1, 2)]
    assert set(draws[0]) != set(draws[1])
    np.testing.assert_array_equal(numpy_before[0], get_state()[1])
    assert numpy_before[1] == get_state()[2]
    assert python_before == random.getstate()


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_what_the_hook_returns(name):
    """The hook offers the card, under the folder's name."""
    module = import_module(f"harness_plugins.samplers.{name}")
    assert module.harness_samplers() == [CARDS[name]]
    assert CARDS[name].name == name
