"""Median saturation points over tasks, worked out by hand."""

import math
from dataclasses import replace

import pytest

from harness.checks import Answered, SaturationPoint, medians
from harness.checks.medians import RULES, between

LADDER = (100, 300, 1_000, 3_000)


def point(size, censored="interval"):
    return SaturationPoint(
        size=size,
        censored=censored,
        point=None,
        distribution=dict.fromkeys(LADDER, 0.25),
        median=None,
        set_80=None,
        set_95=None,
    )


def answered(size, dataset="lung", model="pca", censored="interval", level="beats-baseline"):
    names = {"model": model, "sampler": "random", "corpus": "", "budget": "", "dataset": dataset}
    return Answered(names=names, level=level, saturation=dict.fromkeys(RULES, point(size, censored)))


@pytest.mark.parametrize(
    ("size", "censored", "ends"),
    [
        (100, "left", (0, 100)),
        (1_000, "interval", (300, 1_000)),
        (3_000, "right", (1_000, math.inf)),
        (None, "none", None),
    ],
)
def test_what_a_ladder_tells(size, censored, ends):
    """A point lies behind the size before; on the smallest it is a bound, on the largest no end is seen."""
    assert between(point(size, censored)) == ends


def test_the_median_lies_in_an_interval():
    """Of (0, 100], (100, 300], (300, 1,000], (1,000, inf) and (100, 300] the third in order is (100, 300]."""
    points = [(100, "left"), (300, "interval"), (1_000, "interval"), (3_000, "right"), (300, "interval")]
    curves = [answered(size, dataset=str(i), censored=how) for i, (size, how) in enumerate(points)]
    found = medians([*curves, answered(None, dataset="none")])
    assert [each.rule for each in found] == list(RULES)
    (size,) = {(each.size.low, each.size.high, each.size.n, each.n_without) for each in found}
    assert size == (100, 300, 5, 1)
    assert all(each.size.interval_low == 0 and each.size.interval_high == math.inf for each in found)


def test_more_than_half_beyond_the_largest():
    """The median is then not known from above; averaging 3,000 three times would have said 1,880."""
    late = [answered(3_000, str(i), censored="right") for i in range(3)]
    size = medians([*late, answered(300, "a"), answered(100, "b")])[0].size
    assert (size.low, size.high) == (1_000, math.inf)


def test_models_are_told_apart_and_one_data_set_gives_no_interval():
    """A group is a model with its sampler, corpus and budget; empty names are none."""
    found = medians([answered(300), answered(1_000, model="mae"), answered(1_000, model="mae")])
    assert [(each.model, each.size.n) for each in found if each.rule == "R4"] == [("pca", 1), ("mae", 2)]
    assert found[0].corpus is None
    assert found[0].size.interval_low is None
    assert found[0].size.reason == "only one cluster: nothing to resample"


def test_no_curve_has_a_point():
    """R0 for losses: nothing is said, and how many are left out is."""
    (first, *_) = medians([answered(None)])
    assert (first.size, first.n_without) == (None, 1)


def test_what_learns_nothing_counts_for_the_published_rule_alone():
    """Its point says where nothing is learnt."""
    found = medians(
        [answered(300), answered(1_000, level="no-benefit"), answered(1_000, level="not-assessed")]
    )
    assert {each.rule: (each.size.n, each.n_without) for each in found} == {
        "R0": (3, 0), "R1": (1, 2), "R2": (1, 2), "R3": (1, 2), "R4": (1, 2),
    }  # fmt: skip


def test_a_single_size_is_no_point():
    """Any rule answers it."""
    alone = replace(point(100, "left"), distribution={100: 1.0})
    assert between(alone) is None
