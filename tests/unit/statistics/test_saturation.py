"""Rules of the saturation point: naive ones, scikit-learn, by hand, published; their bootstrap."""

import csv
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from harness.statistics import (
    NO_ANSWER,
    RULES,
    Scores,
    censoring,
    central_set,
    crossing,
    dunnett_p,
    isotonic,
    jonckheere,
    one_way,
    pooled_spread,
    saturation_points,
    summarise,
)
from harness.statistics.bootstrap import draw, resample


def of(*sizes, control=None, ceiling=None, **options):
    """One curve of lists of runs."""
    return Scores(
        groups=tuple(np.array([size], dtype=float) for size in sizes),
        control=None if control is None else np.array([control], dtype=float),
        ceiling=None if ceiling is None else np.array([ceiling], dtype=float),
        **options,
    )


def answer(rule, *sizes, **options):
    return int(RULES[rule](summarise(of(*sizes, **options)))[0])


def random_scores(*counts, n_curves=200, seed=0, control=4, noise=0.05, **options):
    """Curves of all kinds: rising, falling and flat."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.1, (n_curves, len(counts))).cumsum(axis=1) + 0.6
    return Scores(
        groups=tuple(
            steps[:, [place]] + rng.normal(0, noise, (n_curves, count)) for place, count in enumerate(counts)
        ),
        control=rng.normal(0.5, noise, (n_curves, control)) if control else None,
        ceiling=np.where(rng.random(n_curves) < 0.8, 1.0, np.nan),
        **options,
    )


def naive(runs, floor, ceiling):
    """The rules of one curve, written as they are read; None for no answer."""
    means, places = [np.mean(run) for run in runs], range(len(runs))
    top, best = max(max(run) for run in runs), max(means)
    near = [mean > 0.95 * best for mean in means]
    found = {
        "R0": min((j for j in places if max(runs[j]) > 0.95 * top), default=None),
        "R1": min((j for j in places if near[j]), default=None),
        "R2": min((j for j in places if all(near[j:])), default=None),
    }
    weights = [len(run) for run in runs]
    fit = IsotonicRegression().fit_transform(np.arange(len(runs)), means, sample_weight=weights)
    for rule, share in (("R3_80", 0.80), ("R3", 0.90), ("R3_95", 0.95)):
        bar = floor + share * (fit[-1] - floor)
        found[rule] = (
            min((j for j in places if fit[j] >= bar - 1e-12), default=None) if fit[-1] > floor else None
        )
    df = sum(weights) - len(runs)
    sd = (sum(np.sum((run - np.mean(run)) ** 2) for run in runs) / df) ** 0.5

    def inferior(small, large):
        factor = (1 / weights[small] + 1 / weights[large]) ** 0.5
        margin = np.nanmax([0.05 * (ceiling - floor), 2.4865 * sd * factor])
        return means[large] - means[small] + stats.t.ppf(0.975, df) * sd * factor > margin

    found["R4"] = min(j for j in places if not any(inferior(j, larger) for larger in places if larger > j))
    return found


@pytest.mark.parametrize("counts", [(5, 5, 5, 5, 5, 5), (3, 6, 2, 4), (2, 1, 1)])
def test_every_rule_agrees_with_its_naive_reading(counts):
    """80 curves at once answer as each does alone, by loops and scikit-learn."""
    scores = random_scores(*counts, n_curves=80)
    found = {rule: judge(summarise(scores)) for rule, judge in RULES.items()}
    for row in range(80):
        expected = naive(
            [group[row] for group in scores.groups], scores.control[row].mean(), scores.ceiling[row]
        )
        for rule, position in expected.items():
            assert found[rule][row] == (NO_ANSWER if position is None else position), (rule, row)
    assert {len(np.unique(positions)) > 2 for positions in found.values()} == {True}


def test_isotonic_agrees_with_scikit_learn():
    """Pooling adjacent violators, weighted, for curves of every shape."""
    rng = np.random.default_rng(0)
    means, weights = rng.normal(size=(9, 40)), rng.integers(1, 8, 9)
    ours = isotonic(means, weights)
    for row in range(40):
        theirs = IsotonicRegression().fit_transform(np.arange(9), means[:, row], sample_weight=weights)
        assert ours[:, row] == pytest.approx(theirs)


def test_one_lucky_run_moves_r0_alone():
    """Means .70 .80 .90 .91, bars .95 (best run 1.0) and .8645: R0 takes the lucky .97, R1 the mean .90."""
    runs = ([0.43, 0.97], [0.8, 0.8], [0.9, 0.9], [0.82, 1.0])
    assert [answer(rule, *runs) for rule in ("R0", "R1", "R2")] == [0, 2, 2]


def test_persistent_asks_all_larger_sizes():
    """.90 passes and .80 does not, so that only the last size is safe; if that fails, there is no answer."""
    assert answer("R1", [0.9], [0.8], [0.92]) == 0
    assert answer("R2", [0.9], [0.8], [0.92]) == 2
    assert answer("R2", [0.9], [0.92], [0.8]) == NO_ANSWER


def test_r3_by_hand():
    """.5 .7 .6 1.0 over a floor of .2: isotonic .5 .65 .65 1.0; bars .84, .92, .96 need the last size.

    A plateau of .95 is over the first two bars.
    """
    assert isotonic(np.array([0.5, 0.7, 0.6, 1.0]), np.ones(4, dtype=int)) == pytest.approx(
        [0.5, 0.65, 0.65, 1]
    )
    curve = ([0.5], [0.7], [0.6], [1.0])
    assert [answer(rule, *curve, control=[0.2]) for rule in ("R3_80", "R3", "R3_95")] == [3, 3, 3]
    curve = ([0.5], [0.95], [1.0])
    assert [answer(rule, *curve, control=[0.2]) for rule in ("R3_80", "R3", "R3_95")] == [1, 1, 2]


def test_r3_sees_what_a_ratio_hides():
    """Floor .90, .91 -> .95: R1 stops at the first size, while the gain over the floor needs the last."""
    curve = ([0.91], [0.93], [0.95])
    assert answer("R1", *curve, control=[0.9]) == 0
    assert answer("R3", *curve, control=[0.9]) == 2


def test_r3_needs_a_floor_and_a_gain():
    """Without an untrained control, or no better than it, there is nothing to have 90 % of."""
    assert answer("R3", [0.5], [0.7]) == NO_ANSWER
    assert answer("R3", [0.5], [0.7], control=[0.8]) == NO_ANSWER


def test_r4_by_hand():
    """sd .01, two runs each: df 3, half width 3.182 * .01, margin 5 % of .8 = .04 (over the noise's .0249).

    So a larger size may lead by .0082: .708 after .700 is no gain that matters, .709 may be one.
    """
    spread = 0.01 / 2**0.5
    runs = {mean: [mean - spread, mean + spread] for mean in (0.700, 0.708, 0.709, 0.715)}
    assert pooled_spread([np.array(run) for run in runs.values()]).sd == pytest.approx(0.01)
    known = {"control": [0.2], "ceiling": 1.0}
    assert answer("R4", runs[0.700], runs[0.708], runs[0.700], **known) == 0
    assert answer("R4", runs[0.700], runs[0.709], runs[0.700], **known) == 1
    assert answer("R4", runs[0.700], runs[0.700], runs[0.709], **known) == 2
    assert answer("R4", runs[0.700], runs[0.709], runs[0.715], **known) == 1
    assert answer("R4", runs[0.700], runs[0.700], runs[0.700]) == 2
    assert answer("R4", [0.7], [0.7]) == NO_ANSWER


def test_losses():
    """The same curve as losses: rules of means and gains mirror, the published one has no answer."""
    scores = random_scores(4, 4, 4, 4)
    turned = Scores(groups=tuple(group - 3 for group in scores.groups), control=scores.control - 3, loss=True)
    plain = Scores(groups=scores.groups, control=scores.control)
    for rule in ("R3_80", "R3", "R3_95", "R4"):
        assert RULES[rule](summarise(turned)).tolist() == RULES[rule](summarise(plain)).tolist()
    assert set(RULES["R0"](summarise(turned)).tolist()) == {NO_ANSWER}


def test_a_loss_is_near_the_best_below_best_over_95_percent():
    """Losses 1.10, 1.05, 1.00: the bar is 1.0526."""
    assert answer("R1", [-1.10], [-1.05], [-1.00], loss=True) == 1
    assert answer("R1", [-1.10], [-1.06], [-1.00], loss=True) == 2


def test_scores_not_above_zero_have_no_ratio():
    """95 % of nothing is nothing."""
    assert [answer(rule, [-0.5], [-0.1]) for rule in ("R0", "R1", "R2")] == [NO_ANSWER] * 3


def test_censoring():
    """The ends of the ladder are bounds, the sizes between them intervals."""
    assert [censoring(j, 4) for j in (-1, 0, 1, 2, 3)] == ["none", "left", "interval", "interval", "right"]
    assert censoring(0, 1) == "left"


def test_crossing_interpolates_on_log_size():
    """Half-way between .5 at 100 and .7 at 10,000 lies .6, at 1,000."""
    sizes, fitted = (100, 10_000, 20_000), np.array([0.5, 0.7, 0.7])
    assert crossing(sizes, fitted, 0.6) == pytest.approx(1_000)
    assert crossing(sizes, fitted, 0.4) == 100
    assert np.isnan(crossing(sizes, fitted, 0.8))


def test_central_set():
    """Shares .02 .18 .60 .20: 95 % goes from the 2.5th to the 97.5th percentile; answers alone count."""
    shares = np.array([0.02, 0.18, 0.60, 0.20])
    assert central_set(shares, 0.95).tolist() == [1, 3]
    assert central_set(shares, 0.0).tolist() == [2, 2]
    assert central_set(shares / 2, 0.95).tolist() == [1, 3]
    others = np.array([[1.0, 0.0, 0.0, 0.0], np.zeros(4), shares]).T
    assert central_set(others, 0.95).T.tolist() == [[0, 0], [NO_ANSWER, NO_ANSWER], [1, 3]]


def test_few_seeds_widen_the_set():
    """Three seeds at six sizes: Phi(sqrt(3 / 2) t_(.025; 12)) = .0038; a size with .01 on each side is in."""
    shares = np.array([0.01, 0.98, 0.01])[:, None]
    assert central_set(shares, 0.95).T.tolist() == [[1, 1]]
    assert central_set(shares, 0.95, np.full(6, 3)).T.tolist() == [[0, 2]]
    tail = stats.norm.cdf(np.sqrt(3 / 2) * stats.t.ppf(0.025, 12))
    assert tail == pytest.approx(0.0038, abs=1e-4)
    for share, inside in ((tail - 1e-4, False), (tail + 1e-4, True)):
        found = central_set(np.array([share, 1 - 2 * share, share])[:, None], 0.95, np.full(6, 3))
        assert found.T.tolist() == ([[0, 2]] if inside else [[1, 1]])
    assert central_set(shares, 0.95, np.full(6, 1_000)).T.tolist() == [[1, 1]]
    assert central_set(shares, 0.95, np.full(6, 1)).T.tolist() == [[0, 2]]
    assert central_set(shares, 0.0, np.full(6, 3)).T.tolist() == [[1, 1]]


@pytest.mark.parametrize("paired", [False, True])
def test_replicates_are_resampled_runs(paired):
    """Every replicate is what its draws say, seed by seed; paired seeds are drawn as blocks."""
    scores = random_scores(4, 4, 4, n_curves=3, paired=paired)
    draws = draw(scores, 50, 0)
    found = resample(scores, draws)
    for row in range(3):
        for b in range(50):
            runs = [
                np.repeat(group[row], counts[b].astype(int))
                for group, counts in zip(scores.groups, draws.seeds, strict=True)
            ]
            assert [len(run) for run in runs] == [4, 4, 4]
            assert found.mean[:, row, b] == pytest.approx([run.mean() for run in runs])
            assert found.best[:, row, b] == pytest.approx([run.max() for run in runs])
            assert found.sd[row, b] == pytest.approx(pooled_spread(runs).sd, abs=1e-9)
            control = np.repeat(scores.control[row], draws.control[b].astype(int))
            assert found.floor[row, b] == pytest.approx(control.mean())
    same = all((counts == draws.seeds[0]).all() for counts in draws.seeds)
    assert same == paired


def test_paired_blocks_keep_what_seeds_share():
    """Seeds that shift the whole curve leave the answer as it is where they are drawn as blocks."""
    shift = np.array([0.0, 0.2, 0.4, 0.6])
    groups = tuple((mean + shift)[None] for mean in (0.50, 0.60, 0.61))
    control = np.full((1, 4), 0.2)
    paired = saturation_points(Scores(groups=groups, control=control, paired=True))["R2"].shares[:, 0]
    alone = saturation_points(Scores(groups=groups, control=control))["R2"].shares[:, 0]
    assert paired.max() == 1
    assert alone.max() < 0.8


def test_units_are_the_outer_level():
    """The variance of a replicate's mean is that of units plus that of seeds, which seeds alone miss."""
    rng = np.random.default_rng(0)
    of_unit, of_seed = rng.normal(0, 0.3, 30), rng.normal(0, 0.1, 5)
    runs = (0.5 + of_seed[:, None] + of_unit)[None]
    scores = Scores(groups=(runs, runs + 0.1))
    found = resample(scores, draw(scores, 20_000, 0))
    assert found.mean[0].std() == pytest.approx((of_unit.var() / 30 + of_seed.var() / 5) ** 0.5, rel=0.03)
    step = found.mean[1, 0] - found.mean[0, 0]
    assert step.std() == pytest.approx((2 * of_seed.var() / 5) ** 0.5, rel=0.03)
    seeds_only = Scores(groups=(runs.mean(axis=-1),))
    alone = resample(seeds_only, draw(seeds_only, 20_000, 0))
    assert alone.mean[0].std() == pytest.approx((of_seed.var() / 5) ** 0.5, rel=0.03)


def test_units_alone_are_the_ordinary_bootstrap():
    """One seed: each replicate is the mean of the units drawn."""
    scores = Scores(groups=(np.arange(6.0).reshape(1, 1, 6),))
    draws = draw(scores, 40, 0)
    expected = [np.repeat(np.arange(6.0), counts.astype(int)).mean() for counts in draws.units]
    assert resample(scores, draws).mean[0, 0] == pytest.approx(expected)


def test_shares_do_not_depend_on_company_or_blocks():
    """A curve alone, among others and in blocks of another size has the same distribution."""
    scores = random_scores(5, 5, 5, n_curves=40)
    together = saturation_points(scores, n=1_000)
    seen = []
    for row in (0, 39):
        alone = saturation_points(scores.rows(slice(row, row + 1)), n=1_000, progress=seen.append)
        for rule, found in alone.items():
            assert found.shares[:, 0].tolist() == together[rule].shares[:, row].tolist()
            assert found.position[0] == together[rule].position[row]
    assert seen == [1, 1]
    other = saturation_points(scores, n=1_000, seed=1)
    assert any((other[rule].shares != together[rule].shares).any() for rule in RULES)


def test_paired_seeds_must_match():
    """Blocks of seeds need the same seeds at every size."""
    with pytest.raises(ValueError, match="same number of seeds"):
        of([0.1, 0.2], [0.3], paired=True)


# curve: F p, Jonckheere up p, smallest Dunnett p, R3-90, R3-95, shares of R3-90 in percent; SCIENCE.md 2.6
PUBLISHED = {
    ("SSL", "periodontitis"): (0.011, 0.02, 1, None, None, None, {}),
    ("scVI", "dinaciclib"): (0.004, 0.9, 0.8, 1, None, None, {}),
    ("scVI", "tak901"): (0.002, 0.1, 0.3, 2e-5, 75, 75, {1: 19, 75: 72}),
    ("scVI", "hematopoiesis"): (0.004, 0.0001, 0.0007, None, None, None, {}),
    ("Geneformer", "renal"): (0.022, 0.4, 0.05, 7e-5, 50, 50, {25: 29, 50: 51, 75: 18}),
    ("PretrainedPCA", "liver"): (0.008, 0.7, 0.7, 1e-15, 1, 1, {1: 100}),
    ("SCimilarity", "renal"): (0.018, 1e-5, 0.002, 1e-15, 10, 25, {10: 52, 25: 45}),
    ("SSL", "liver"): (0.055, 1e-6, 9e-5, 4e-5, 100, 100, {25: 14, 50: 14, 75: 17, 100: 55}),
}


@pytest.fixture(scope="module")
def curves(shared):
    """(model, dataset) -> percentage -> runs, sampler random."""
    found = defaultdict(lambda: defaultdict(list))
    with (shared / "reference" / "denadel2026_runs.csv").open(newline="") as stream:
        for run in csv.DictReader(stream):
            if run["sampler"] == "random":
                found[run["model"], run["dataset"]][int(run["percentage"])].append(float(run["value"]))
    return found


@pytest.mark.parametrize("curve", list(PUBLISHED), ids="-".join)
def test_published_figures(curves, curve):
    """All eight curves of the fixture: sd, F, Jonckheere, Dunnett, R3 and its bootstrap."""
    sd, f_p, up_p, smallest, r3_90, r3_95, shares = PUBLISHED[curve]
    runs = curves[curve]
    sizes = sorted(size for size in runs if size)
    groups = [np.array(runs[size]) for size in sizes]
    assert pooled_spread(groups).sd == pytest.approx(sd, abs=0.00051)
    for found, rounded in ((one_way(groups).p, f_p), (jonckheere(groups).p_up, up_p)):
        assert float(f"{found:.0e}") == pytest.approx(rounded, rel=1e-6)
    if smallest is None:
        assert 0 not in runs
        return
    found = dunnett_p(groups, np.array(runs[0])).min()
    assert found < 1e-12 if smallest < 1e-12 else smallest / 1.5 < found < smallest * 1.5
    scores = Scores(groups=tuple(group[None] for group in groups), control=np.array([runs[0]]))
    answers = saturation_points(scores)
    for rule, percentage in (("R3", r3_90), ("R3_95", r3_95)):
        expected = NO_ANSWER if percentage is None else sizes.index(percentage)
        assert answers[rule].position[0] == expected
    for size, share in zip(sizes, answers["R3"].shares[:, 0], strict=True):
        assert 100 * share == pytest.approx(shares.get(size, 0), abs=3 if size in shares else 5)
