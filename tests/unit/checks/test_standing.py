"""Rankings of models from entries: by hand, and what they may not claim."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import trim_mean

from harness.checks import Entry, UnitScores, standings


def entries(table, **options):
    """Model -> task -> runs, as entries."""
    return [
        Entry(model=model, task=task, values=runs, **options)
        for model, tasks in table.items()
        for task, runs in tasks.items()
    ]


def test_average_ranks_by_hand():
    """Ranks of x, y on three tasks: 1 2, 1 2, 2 1: means 4/3 and 5/3; x wins two of three."""
    found = standings(entries({"y": {"a": [1], "b": [2], "c": [9]}, "x": {"a": [3], "b": [5], "c": [1]}}))
    assert [row.model for row in found.rows] == ["x", "y"]
    assert [row.average_rank.value for row in found.rows] == pytest.approx([4 / 3, 5 / 3])
    assert [row.win_rate for row in found.rows] == pytest.approx([2 / 3, 1 / 3])
    assert found.tasks == ("a", "b", "c")
    assert set(found.without) == {"a", "b", "c"}
    assert found.without["c"].best == ("x",)


def test_losses_rank_the_other_way():
    up = standings(entries({"x": {"a": [0.9]}, "y": {"a": [0.5]}}))
    down = standings(entries({"x": {"a": [0.9]}, "y": {"a": [0.5]}}, direction="down"))
    assert ([row.model for row in up.rows], [row.model for row in down.rows]) == (["x", "y"], ["y", "x"])


def test_a_partial_submission_costs_nobody_a_task():
    """z has one task of three, then two: x and y are ranked on all three, as without it."""
    table = {model: {"a": [i], "b": [i], "c": [i]} for i, model in enumerate("xy")}
    found = standings(entries({**table, "z": {"a": [9]}}))
    assert found.unranked == {"z": "it has no score on 2 of 3 tasks that count: b, c"}
    assert (found.tasks, found.left_out) == (("a", "b", "c"), {})
    part = standings(entries({**table, "z": {"a": [9], "b": [9]}}))
    assert (part.rows, part.tasks, set(part.unranked)) == (found.rows, found.tasks, {"z"})
    assert found.rows == standings(entries(table)).rows


def test_halves_that_do_not_overlap_leave_a_ranking():
    """a and b have eight tasks, c the first four, d the last four: all eight count, for a and b."""
    names = [f"t{i}" for i in range(8)]
    table = {"a": names, "b": names, "c": names[:4], "d": names[4:]}
    found = standings(entries({m: {t: [i] for t in has} for i, (m, has) in enumerate(table.items())}))
    assert [row.model for row in found.rows] == ["b", "a"]
    assert (found.tasks, list(found.unranked)) == (tuple(names), ["c", "d"])


def test_a_task_that_few_have_tried_does_not_count():
    """Two of five models have d: it counts for no rank, with the reason, but between these two it does."""
    table = {m: {"a": [i], "b": [i], "c": [i]} for i, m in enumerate("vwxyz")}
    table["v"]["d"], table["w"]["d"] = [9], [0]
    found = standings(entries(table))
    assert found.left_out == {"d": "2 of 5 models have a score on it, fewer than half"}
    assert (found.tasks, found.unranked) == (("a", "b", "c"), {})
    tasks = {frozenset((c.first, c.second)): c.tasks for c in found.comparisons}
    assert tasks[frozenset("vw")] == ("a", "b", "c", "d")
    assert tasks[frozenset("vx")] == ("a", "b", "c")


def test_a_task_without_a_defined_score_is_not_had():
    """All runs of y on b are NaN: it lacks b, which does not become a zero or a last place."""
    table = {m: {"a": [i], "b": [i]} for i, m in enumerate("xz")}
    found = standings(entries({**table, "y": {"a": [1], "b": [np.nan]}}))
    assert found.unranked == {"y": "it has no score on 1 of 2 tasks that count: b"}


def units(values, names, **options):
    return UnitScores(names=tuple(names), values=np.asarray(values, dtype=float), **options)


def test_units_are_paired_by_name():
    """y has the donors in another order and one of x's not: by d1 and d3 alone x is 1 and 3, y is 2 and 2."""
    x = Entry(model="x", task="t", values=[9.0], units=units([[1, 5, 3]], ["d1", "d2", "d3"]))
    y = Entry(model="y", task="t", values=[0.0], units=units([[2, 2]], ["d3", "d1"]))
    (pair,) = standings([x, y]).comparisons
    assert pair.difference.value == pytest.approx(0)
    assert pair.wins.value == 0.5
    one = Entry(model="y", task="t", values=[0.0])
    (pair,) = standings([x, one]).comparisons
    assert pair.difference.value == 9
    same = Entry(model="y", task="t", values=[0.0], units=units([[0, 0, 0]], ["d1", "d1", "d2"]))
    (pair,) = standings([x, same]).comparisons
    assert pair.difference.value == 9


def test_donors_are_known_by_name_in_all_tasks_of_a_data_set():
    """A task twice, with its donors in another order, says what it says once; elsewhere it is new."""
    names = [f"d{i}" for i in range(8)]
    scores = {m: gap + np.random.default_rng(gap).normal(0, 1, (2, 8)) for m, gap in (("x", 1), ("y", 0))}

    def difference(*families):
        rows = [
            Entry(
                model=m,
                task=f"t{t}",
                values=[0, 0],
                family=family,
                units=units(values[:, :: (-1) ** t], names[:: (-1) ** t]),
            )
            for m, values in scores.items()
            for t, family in enumerate(families)
        ]
        (pair,) = standings(rows, n=300).comparisons
        return pair.difference

    once, twice, new = difference("set"), difference("set", "set"), difference("set", "other")
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    assert new.high - new.low < 0.9 * (once.high - once.low)


def test_tiers_speak_of_these_tasks_or_of_others_like_them():
    """Six data sets generalise; five do not, nor do ten tasks of one; clear gaps still show on these."""
    rng = np.random.default_rng(0)

    def world(n_tasks, **options):
        return entries(
            {m: {f"t{i}": gap + rng.normal(0, 0.1, 5) for i in range(n_tasks)} for m, gap in GAPS.items()},
            **options,
        )

    for n_tasks, family, generalises in ((6, None, True), (5, None, False), (10, "one", False)):
        found = standings(world(n_tasks, family=family))
        assert found.of_tasks_like_these is generalises
        tiers = {row.model: row.tier for row in found.rows}
        assert tiers["best"] == "a"
        assert tiers["twin"] == tiers["other"] == "b"


GAPS = {"best": 3.0, "twin": 0.0, "other": 0.0}


def test_nothing_is_claimed_of_single_runs():
    """One fit each can be dealt in two ways on however many tasks, three of each in 20, four in 70."""
    four = standings(entries({m: {f"t{i}": [gap] for i in range(4)} for m, gap in (("x", 1), ("y", 0))}))
    assert [row.tier for row in four.rows] == ["a", "a"]
    assert four.comparisons[0].separated is None
    assert four.comparisons[0].reason == "so few runs and units that p could not be below 1"
    three = standings(entries({m: {"t": [gap, gap + 0.1, gap]} for m, gap in (("x", 1), ("y", 0))}))
    assert three.comparisons[0].reason == "so few runs and units that p could not be below 0.1"
    five = standings(entries({m: {"t": [gap, gap + 0.1] * 2} for m, gap in (("x", 1), ("y", 0))}))
    assert five.comparisons[0].separated is True


def test_the_interquartile_mean_is_of_normalised_scores():
    """z of task a: (s - .2) / .8; of the loss b: (s - 4) / (1 - 4); scipy's trimmed mean of all eight."""
    a, b = [0.2, 0.4, 0.6, 1.2], [4.0, 2.5, 1.0, 3.0]
    rows = [Entry(model=m, task="a", values=a, floor=0.2, ceiling=1.0) for m in "xy"]
    rows += [Entry(model=m, task="b", values=b, direction="down", floor=4.0, ceiling=1.0) for m in "xy"]
    z = [(s - 0.2) / 0.8 for s in a] + [(4 - s) / 3 for s in b]
    found = standings(rows)
    assert found.rows[0].iqm.value == pytest.approx(trim_mean(z, 0.25))
    assert found.rows[0].iqm.low < found.rows[0].iqm.value < found.rows[0].iqm.high
    unknown = standings([*rows[:3], Entry(model="y", task="b", values=b, direction="down")])
    assert unknown.rows[0].iqm.value is None
    assert unknown.rows[0].iqm.reason == "not every task has one floor and a better ceiling: b"


def test_one_model_is_no_ranking():
    found = standings(entries({"x": {"a": [1]}}))
    few = "fewer than two models have a score on every task that counts"
    assert (found.rows, found.reason) == ((), few)
    nothing = standings(entries({"x": {"a": [1]}, "y": {"b": [1]}}))
    assert (nothing.rows, nothing.reason, set(nothing.unranked)) == ((), few, {"x", "y"})
    alone = standings(entries({"x": {"a": [1]}, "y": {"b": [1]}, "z": {"c": [1]}}))
    assert (alone.rows, alone.reason) == ((), "no task has a score of at least half of the models")
    assert standings([]).rows == ()


def test_what_is_no_entry():
    with pytest.raises(ValueError, match="two entries"):
        standings(entries({"x": {"a": [1]}}) * 2)
    with pytest.raises(ValueError, match="both directions"):
        standings([Entry(model="x", task="a", values=[1]), *entries({"y": {"a": [1]}}, direction="down")])


def test_standings_are_plain_data():
    """They go to JSON as they are, without NaN."""
    found = standings(entries({"x": {"a": [1, 2], "b": [2]}, "y": {"a": [1, 3], "b": [1]}, "z": {"a": [1]}}))
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["rows"][0]["model"] in "xyz"
