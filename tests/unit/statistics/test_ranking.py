"""Rankings by hand, by brute force, and what must not depend on who else is there."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, rankdata, trim_mean, ttest_1samp

from harness.statistics import Comparison, Estimate, TaskScores, compare, iqm, letters, rank


def task(name, *, direction="up", family=None, clusters=None, weights=None, **scores):
    """One score per seed, no units."""
    values = {model: np.atleast_2d(np.asarray(runs, dtype=float)).T for model, runs in scores.items()}
    return TaskScores(name=name, scores=values, direction=direction, family=family)


def world(n_tasks=8, skill=None, seed=0, n_seeds=3, n_units=6, gap=0.3):
    """Tasks of different difficulty; units shared by all models."""
    rng = np.random.default_rng(seed)
    skill = {"a": 0.0, "b": 1.0, "c": 2.0} if skill is None else skill
    tasks = []
    for t in range(n_tasks):
        units = rng.normal(0, 1, n_units)
        scores = {m: gap * s + units + rng.normal(0, 0.3, (n_seeds, n_units)) for m, s in skill.items()}
        tasks.append(TaskScores(name=f"t{t}", scores=scores))
    return tasks


def test_average_rank_by_hand():
    """Ranks of x, y, z: 1 2 3; 1.5 1.5 3 (tie); 3 2 1 (a loss): means 5.5/3, 5.5/3, 7/3."""
    tasks = [
        task("one", x=0.9, y=0.8, z=0.1),
        task("two", x=0.5, y=0.5, z=0.4),
        task("three", direction="down", x=9, y=5, z=1),
    ]
    found = rank(tasks, ["x", "y", "z"], n=20)
    values = {model: estimate.value for model, estimate in found.average_rank.items()}
    assert values == pytest.approx({"x": 5.5 / 3, "y": 5.5 / 3, "z": 7 / 3})
    assert list(found.average_rank) == ["x", "y", "z"]


def test_win_probability_is_mann_whitneys():
    """The mean over tasks of scipy's U / (n m), ties one half; by hand for the first task 5.5 / 6."""
    one = task("one", x=[3, 2, 4], y=[1, 2])
    rng = np.random.default_rng(0)
    two = task("two", x=rng.integers(0, 5, 7), y=rng.integers(0, 5, 4))
    found = compare([one, two], "x", "y", n=10)
    first, second = (
        mannwhitneyu(t.scores["x"][:, 0], t.scores["y"][:, 0]).statistic
        / (len(t.scores["x"]) * len(t.scores["y"]))
        for t in (one, two)
    )
    assert first == pytest.approx(5.5 / 6)
    assert found.wins.value == pytest.approx((first + second) / 2)
    assert compare([one, two], "y", "x", n=10).wins.value == pytest.approx(1 - found.wins.value)


def test_weights_and_missing_units_by_hand():
    """Unit 3 is not defined by y, so it counts for neither: x (1 * 1 + 3 * 2) / 4, y (1 * 0 + 3 * 4) / 4."""
    scores = {"x": np.array([[1.0, 2.0, 99.0]]), "y": np.array([[0.0, 4.0, np.nan]])}
    found = compare(
        [TaskScores(name="t", scores=scores, weights=dict.fromkeys(scores, np.array([1.0, 3.0, 5.0])))],
        "x",
        "y",
        n=10,
    )
    assert found.difference.value == pytest.approx(7 / 4 - 3)


def test_weights_of_each_seed_by_hand():
    """x: (1 * 1 + 1 * 2) / 2 and (4 * 1 + 0) / 4; y by weights of its own: (1 * 0 + 3 * 4) / 4."""
    scores = {"x": np.array([[1.0, 2.0], [1.0, np.nan]]), "y": np.array([[0.0, 4.0]])}
    weights = {"x": np.array([[1.0, 1.0], [4.0, 0.0]]), "y": np.array([1.0, 3.0])}
    found = compare([TaskScores(name="t", scores=scores, weights=weights)], "x", "y", n=10)
    assert found.difference.value == pytest.approx((1.5 + 1) / 2 - 3)


def test_a_run_without_a_unit_that_counts_is_no_tie():
    """The first seed of x counts on nothing that y has: the two cannot be compared, and that is said."""
    scores = {"x": np.full((2, 16), -3.0), "y": np.zeros((2, 16))}
    weights = {"x": np.ones((2, 16)), "y": np.ones(16)}
    weights["x"][0, 4:], scores["y"][:, :4] = 0.0, np.nan
    found = compare([TaskScores(name="t", scores=scores, weights=weights)], "x", "y", sampled=False, n=10)
    assert found.wins.value is None
    assert found.left_out == {"t": "no unit counts for every run of every model"}


@pytest.mark.parametrize("weights", [{}, {"x": np.ones(3)}, {"x": np.ones((3, 2))}])
def test_weights_that_do_not_fit_are_refused(weights):
    """By the model's name."""
    with pytest.raises(ValueError, match=r'weights of "x" must be .* one per score of \(1, 2\)'):
        TaskScores(name="t", scores={"x": np.zeros((1, 2))}, weights=weights)


def test_missing_is_missing():
    """A task without one of the models does not count, is named with the reason, and is not a zero."""
    tasks = [task("full", x=0.9, y=0.8, z=0.7), task("part", x=0.1, y=0.9)]
    found = rank(tasks, ["x", "y", "z"], n=10)
    assert (found.tasks, dict(found.left_out)) == (("full",), {"part": "no score of z"})
    assert found.average_rank["z"].value == 3
    assert compare(tasks, "x", "y", n=10).tasks == ("full", "part")
    assert compare(tasks, "x", "z", n=10).tasks == ("full",)
    nowhere = compare(tasks, "x", "absent", n=10)
    assert (nowhere.wins.value, nowhere.separated) == (None, None)
    assert rank(tasks[1:], ["x", "y", "z"], n=10).reason == "no task has scores of all models"


def test_two_models_depend_on_no_third():
    """Comparisons, shared letters and the IQM are the same numbers whoever else is on the board."""
    tasks = world(skill={"a": 0, "b": 1, "c": 1.5, "d": 9, "e": -9})
    alone = [TaskScores(name=t.name, scores={m: v for m, v in t.scores.items() if m in "ab"}) for t in tasks]
    whole, pair = rank(tasks, list("abcde"), n=200), rank(alone, list("ab"), n=200)
    (ours,) = (c for c in whole.comparisons if {c.first, c.second} == {"a", "b"})
    assert ours == pair.comparisons[0]
    assert bool(set(whole.tiers["a"]) & set(whole.tiers["b"])) == bool(
        set(pair.tiers["a"]) & set(pair.tiers["b"])
    )
    assert iqm(tasks, "a", n=200) == iqm(alone, "a", n=200)


def test_ranks_necessarily_depend_on_the_field():
    """A third model between two moves their ranks apart: said in the documentation, shown here."""
    tasks = [task(f"t{i}", x=2, y=0, z=1) for i in range(3)]
    gap = {
        models: rank(tasks, list(models), n=5).average_rank["y"].value
        - rank(tasks, list(models), n=5).average_rank["x"].value
        for models in ("xy", "xyz")
    }
    assert gap == {"xy": 1, "xyz": 2}


def test_rank_interval_against_brute_force():
    """Without units and with one seed all 4^4 resamples of four tasks can be listed."""
    scores = np.array([[1, 2, 3], [3, 2, 1], [1, 3, 2], [2, 1, 3]], dtype=float)
    tasks = [task(f"t{i}", **dict(zip("xyz", row, strict=True))) for i, row in enumerate(scores)]
    ranks = rankdata(-scores, axis=1)
    listed = np.array([ranks[list(draw)].mean(axis=0) for draw in product(range(4), repeat=4)])
    first = listed == listed.min(axis=1, keepdims=True)
    exact = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    found = rank(tasks, list("xyz"), n=20_000)
    for i, model in enumerate("xyz"):
        assert found.best[model] == pytest.approx(exact[i], abs=0.015)
        low, high = np.quantile(listed[:, i], [0.025, 0.975], method="inverted_cdf")
        estimate = found.average_rank[model]
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.25)
    assert sum(found.best.values()) == pytest.approx(1)


def test_families_are_drawn_together():
    """Eight tasks of two data sets are two observations: nothing but the one, the other or half of each."""
    rng = np.random.default_rng(2)
    base = np.repeat([0.5, -0.3], 4)
    tasks = {
        family: [
            task(f"t{i}", family=f"set{i // 4}" if family else None, x=base[i] + rng.normal(0, 0.01), y=0)
            for i in range(8)
        ]
        for family in (True, False)
    }
    together, alone = (compare(tasks[family], "x", "y", n=500) for family in (True, False))
    assert (together.difference.low, together.difference.high) == pytest.approx((-0.3, 0.5), abs=0.02)
    assert alone.difference.low > -0.27
    assert (together.separated, together.reason) == (None, "only 2 independent tasks")


def test_a_clear_winner_is_separated_and_equals_are_not():
    """Eight tasks: far better is separated; the same skill with other noise is not."""
    tasks = world(skill={"a": 0, "b": 0, "c": 20}, seed=3)
    assert compare(tasks, "c", "a").separated is True
    assert compare(tasks, "a", "b").separated is False
    found = rank(tasks, ["a", "b", "c"], n=300)
    assert (found.tiers["c"], found.tiers["a"], found.tiers["b"]) == ("a", "b", "b")
    assert found.best["c"] == 1


def test_few_tasks_are_judged_only_as_themselves():
    """Three tasks say nothing of others like them; of these three the units may say something."""
    tasks = world(n_tasks=3, skill={"a": 0, "c": 20})
    assert compare(tasks, "c", "a").separated is None
    assert compare(tasks, "c", "a", sampled=False).separated is True


def test_false_separations():
    """Models of equal skill, one letter apart by chance in at most 6 of 40 worlds (nominal 5 %)."""
    wrong = sum(
        compare(world(skill={"a": 0, "b": 0}, seed=s), "a", "b", n=200, seed=s).separated for s in range(40)
    )
    assert wrong <= 6


def equals(rng, n_tasks, n_units, n_seeds, *, n_families=1, donor=0.0, fit=0.0):
    """Two equal models: luck with each donor in all tasks of a family, luck of each fit in all tasks."""
    of_donors = {m: rng.normal(0, donor, (n_families, n_units)) for m in "ab"}
    of_fits = {m: rng.normal(0, fit, (n_seeds, 1)) for m in "ab"}
    names = [f"donor{i}" for i in range(n_units)]
    return [
        TaskScores(
            name=f"t{t}",
            family=f"set{t % n_families}",
            clusters=names,
            scores={
                m: of_donors[m][t % n_families] + of_fits[m] + rng.normal(0, 0.1, (n_seeds, n_units))
                for m in "ab"
            },
        )
        for t in range(n_tasks)
    ]


def false_separations(n_worlds=100, sampled=False, **world):
    return sum(
        compare(equals(np.random.default_rng(s), **world), "a", "b", sampled=sampled, n=300, seed=s).separated
        is True
        for s in range(n_worlds)
    )


@pytest.mark.parametrize("n_tasks", [2, 8])
def test_more_tasks_are_no_new_donors(n_tasks):
    """Three donors can show nothing (2 / 2^3), however many tasks of one data set they are scored in."""
    world = {"n_tasks": n_tasks, "n_units": 3, "n_seeds": 3, "donor": 0.5}
    assert false_separations(10, **world) == 0
    found = compare(equals(np.random.default_rng(0), **world), "a", "b", sampled=False, n=50)
    assert found.reason == "so few runs and units that p could not be below 0.25"


@pytest.mark.parametrize(("n_tasks", "n_units"), [(1, 8), (4, 8)])
def test_false_separations_of_shared_donors(n_tasks, n_units):
    """Eight donors are judged: one letter apart by chance in at most 14 of 100 worlds (nominal 5)."""
    assert false_separations(n_tasks=n_tasks, n_units=n_units, n_seeds=3, donor=0.5) <= 14


@pytest.mark.parametrize("n_families", [1, 4])
def test_false_separations_of_shared_fits(n_families):
    """Four fits of each on eight tasks, of one data set or several: at most 12 of 100 (nominal 5)."""
    assert false_separations(n_tasks=8, n_units=1, n_seeds=4, fit=0.5, n_families=n_families) <= 12


@pytest.mark.parametrize("n_families", [1, 4])
def test_more_tasks_are_no_new_fits(n_families):
    """Three fits of each can be dealt in 20 ways, however many tasks and data sets they are scored on."""
    world = {"n_tasks": 8, "n_units": 1, "n_seeds": 3, "fit": 0.5, "n_families": n_families}
    found = compare(equals(np.random.default_rng(0), **world), "a", "b", sampled=False, n=50)
    assert found.reason == "so few runs and units that p could not be below 0.1"


def test_other_data_sets_are_no_new_fits():
    """Three fits of each on eight data sets that are resampled: at most 14 of 100 (nominal 5)."""
    world = {"n_tasks": 8, "n_units": 1, "n_seeds": 3, "fit": 0.3, "donor": 0.3, "n_families": 8}
    assert false_separations(sampled=True, **world) <= 14


def test_donors_and_fits_are_drawn_together():
    """A task twice is the task once: the same interval; under another data set it is a second observation."""
    (one,) = equals(np.random.default_rng(1), 1, 8, 3, donor=0.5, fit=0.2)
    again = replace(one, name="again")
    elsewhere = replace(one, name="again", family="other")
    alone, twice, two_sets = (
        compare(tasks, "a", "b", sampled=False, n=400).difference
        for tasks in ([one], [one, again], [one, elsewhere])
    )
    assert (twice.low, twice.high) == pytest.approx((alone.low, alone.high))
    assert two_sets.high - two_sets.low < 0.9 * (alone.high - alone.low)


def test_tasks_share_the_donors_that_they_have_in_common():
    """Half of the donors in another order are drawn as in the whole: the task alone says the same."""
    (whole,) = equals(np.random.default_rng(1), 1, 8, 2, donor=0.5)
    order = [6, 1, 4, 2]
    part = replace(
        whole,
        name="part",
        clusters=[whole.clusters[i] for i in order],
        scores={m: values[:, order] for m, values in whole.scores.items()},
    )
    absent = {m: np.where(np.isin(range(8), order), values, np.nan) for m, values in whole.scores.items()}
    assert compare([part], "a", "b", sampled=False, n=200).difference.low == pytest.approx(
        compare([replace(whole, scores=absent)], "a", "b", sampled=False, n=200).difference.low
    )


def test_intervals_of_few_units_are_students():
    """Of 30 donors in one task the interval is as wide as scipy's paired t within 8 %; of six within 25 %."""
    for n_units, tolerance in ((30, 0.08), (6, 0.25)):
        gap = np.random.default_rng(4).normal(0, 1, n_units)
        scores = {"a": gap[None], "b": np.zeros((1, n_units))}
        found = compare([TaskScores(name="t", scores=scores)], "a", "b", sampled=False, n=20_000).difference
        low, high = ttest_1samp(gap, 0).confidence_interval()
        assert found.high - found.low == pytest.approx(high - low, rel=tolerance)


def pairs_of(models, separated):
    nothing = Estimate(value=None)
    return [
        Comparison(
            first=a, second=b, tasks=(), left_out={}, wins=nothing, difference=nothing,
            separated={a, b} in separated,
        )
        for a, b in combinations(models, 2)
    ]  # fmt: skip


def test_a_chain_is_not_a_tier():
    """x-y and y-z are alike, x and z are not: connected components would call all three equal."""
    assert letters("xyz", pairs_of("xyz", [{"x", "z"}])) == {"x": "a", "y": "ab", "z": "b"}


@pytest.mark.parametrize("seed", range(5))
def test_letters_say_exactly_what_is_separated(seed):
    """Brute force over random answers of seven models: a shared letter is a pair that is not separated."""
    rng = np.random.default_rng(seed)
    models = "tuvwxyz"
    separated = [set(pair) for pair in combinations(models, 2) if rng.random() < 0.4]
    shown = letters(models, pairs_of(models, separated))
    for a, b in combinations(models, 2):
        assert bool(set(shown[a]) & set(shown[b])) == ({a, b} not in separated)


def test_iqm_is_the_mean_of_the_middle_half():
    """scipy's trimmed mean over all runs of all tasks; by hand for eight runs: (3 + 4 + 5 + 6) / 4."""
    assert iqm([task("t", x=range(1, 9))], "x", n=10).value == 4.5
    tasks = world(n_tasks=3)
    runs = np.concatenate([t.scores["b"].mean(axis=1) for t in tasks])
    found = iqm(tasks, "b", n=100)
    assert found.value == pytest.approx(trim_mean(runs, 0.25))
    assert found.low < found.value < found.high
    assert iqm(tasks, "absent").reason == "absent has no score on any task"


def test_iqm_interval_is_stratified():
    """Tasks at 0 and at 100 with four equal runs each: every stratified resample is the same."""
    found = iqm([task("low", x=[0] * 4), task("high", x=[100] * 4)], "x", n=50)
    assert (found.low, found.value, found.high) == pytest.approx((50, 50, 50))


def test_without_one_task_by_hand():
    """x wins t0, t1 and loses t2 and t3 to y, which z never does: without t2 x is best alone."""
    rows = [(3, 2, 1), (3, 2, 1), (1, 3, 2), (2, 3, 1)]
    tasks = [task(f"t{i}", **dict(zip("xyz", row, strict=True))) for i, row in enumerate(rows)]
    found = rank(tasks, list("xyz"), n=10).without
    assert found["t2"].best == ("x",)
    assert found["t0"].best == ("y",)
    assert found["t0"].correlation == pytest.approx(1)
    assert found["t2"].correlation == pytest.approx(1 / 3)
    assert rank(tasks[:1], list("xyz"), n=10).without == {}


def test_same_seed_same_answer_whatever_came_between():
    tasks = world(n_tasks=6)
    first = rank(tasks, ["a", "b"], n=50)
    rank(tasks, ["c", "a"], n=70, seed=5)
    assert rank(tasks, ["a", "b"], n=50) == first
    assert rank(tasks, ["a", "b"], n=50, seed=1) != first


def test_units_of_models_must_agree():
    with pytest.raises(ValueError, match="same units for all"):
        TaskScores(name="t", scores={"a": np.zeros((2, 3)), "b": np.zeros((2, 4))})


@pytest.mark.parametrize("units", [False, True])
def test_equal_models_tie_however_many_runs_they_have(units):
    """Rounding tells nobody apart: one run and three equal ones win half of the time, in any resample."""
    rng = np.random.default_rng(0)
    tasks = []
    for i in range(4):
        run = rng.random((1, 7 if units else 1))
        scores = {"once": run, "thrice": run.repeat(3, axis=0), "twice": run.repeat(2, axis=0)}
        tasks.append(TaskScores(name=f"t{i}", scores=scores, family="one"))
    found = rank(tasks, ["once", "thrice", "twice"], sampled=False, n=200)
    assert {(e.value, e.low, e.high) for e in found.average_rank.values()} == {(2.0, 2.0, 2.0)}
    assert {(p.wins.value, p.wins.low, p.wins.high) for p in found.comparisons} == {(0.5, 0.5, 0.5)}
    assert {(p.difference.low, p.difference.high) for p in found.comparisons} == {(0.0, 0.0)}
