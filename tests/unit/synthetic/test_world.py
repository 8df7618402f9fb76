"""Knobs: what they promise, and which are refused."""

import re
from dataclasses import fields

import pytest

from harness.errors import Misuse
from harness.synthetic import WORLDS, World


def test_every_knob_is_documented():
    """The docstring names every knob."""
    for knob in fields(World):
        assert re.search(rf"^    (\w+, )*{knob.name}(, \w+)*$", World.__doc__, re.MULTILINE), knob.name


def test_every_named_world_is_told_about():
    """Nobody has to guess what a named world shows."""
    import inspect

    from harness.synthetic import world

    source = inspect.getsource(world)
    for name in WORLDS:
        assert f"``{name}``" in source


@pytest.mark.parametrize(
    ("flip", "types", "ceiling"), [(0.0, 4, 1.0), (0.5, 2, 0.75), (1.0, 5, 0.2), (0.2, 10, 0.82)]
)
def test_the_label_ceiling_by_hand(flip, types, ceiling):
    """1 - r + r/K, worked by hand."""
    assert World(label_flip=flip, types=types, contexts=1).label_ceiling == pytest.approx(ceiling)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"genes": 0}, "genes"),
        ({"genes": 20.5}, '"20.5"'),
        ({"types": True}, '"True"'),
        ({"label_flip": 1.2}, "from 0 to 1"),
        ({"depth": float("nan")}, "depth"),
        ({"shift": "much"}, '"much"'),
        ({"doses": 3.0}, "a list of numbers"),
        ({"doses": [1, -1]}, "doses"),
        ({"genes": 10, "programmes": 9, "private_genes": 0}, "genes - 2"),
        ({"contexts": 20}, "one of 15 types"),
        ({"perturbations": 3, "combinations": 4}, "3 pairs"),
        ({"lab_effect": 0.3, "studies": 3}, "even number"),
    ],
)
def test_impossible_knobs_are_refused_in_a_sentence(knobs, said):
    """The sentence names the knob or the value and what would be accepted."""
    with pytest.raises(Misuse, match=re.escape(said)):
        World(**knobs)


def test_a_whole_number_is_as_good_as_a_fraction():
    """The same value written in two ways is the same world."""
    assert World(depth=500, doses=[1, 2]) == World(depth=500.0, doses=(1.0, 2.0))
    assert isinstance(World(depth=500).depth, float)
