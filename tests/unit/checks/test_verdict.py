"""LEVEL x TREND on published runs, on curves of known truth, and at every edge."""

import csv
import json
from collections import defaultdict
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from harness.checks import Curve, judge

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
KEY = ("task", "model", "dataset", "sampler", "metric")


def curve(means, untrained=0.4, sd=0.01, seeds=5, seed=0, **options):
    """A curve with exact means and an exact seed standard deviation at every size."""
    rng = np.random.default_rng(seed)

    def runs(mean):
        noise = rng.normal(size=seeds)
        return mean + sd * (noise - noise.mean()) / noise.std(ddof=1)

    scores = {size: runs(mean) for size, mean in zip(SIZES, means, strict=False)}
    if untrained is not None:
        scores[0] = runs(untrained)
    return Curve(runs=scores, **{"bound": 1.0, **options})


def verdict(*args, **options):
    """Judge one such curve, with fewer shuffles and replicates than by default."""
    return judge([curve(*args, **options)], permutations=999, replicates=400)[0]


@pytest.fixture(scope="module")
def published(shared):
    """(model, dataset, sampler) -> curve, the untrained control joining every sampler."""
    runs, untrained = defaultdict(lambda: defaultdict(list)), defaultdict(list)
    with (shared / "reference" / "denadel2026_runs.csv").open(newline="") as stream:
        for run in csv.DictReader(stream):
            if run["percentage"] == "0":
                untrained[run["model"], run["dataset"]].append(float(run["value"]))
            else:
                curve = runs[run["model"], run["dataset"], run["sampler"]]
                curve[int(run["cells"])].append(float(run["value"]))
    for model, dataset, sampler in runs:
        if (model, dataset) in untrained:
            runs[model, dataset, sampler][0] = untrained[model, dataset]
    return {key: Curve(runs=dict(scores), bound=1.0) for key, scores in runs.items()}


PERCENT_1, PERCENT_10, PERCENT_25 = 221_907, 2_219_070, 5_547_675


def test_a_ceiling_that_is_exceeded_is_wrong_and_nobody_is_at_it():
    """Scores above the measured ceiling, no better than the baseline: no benefit, and a flag."""
    level = (0.353, 0.354, 0.352)
    exceeded = Curve(
        runs={0: [0.30, 0.31, 0.29], 100: level, 1000: level}, baselines={"b": [0.353]}, ceiling=0.30
    )
    (verdict,) = judge([exceeded])
    assert verdict.level == "no-benefit"
    assert "above-ceiling@100" in verdict.flags


def test_published_curves(published):
    """What the founding study's own runs support, alone and as one grid: the reading it had one word for."""
    expected = {
        ("scVI", "dinaciclib", "random"): ("no-benefit", "flat", "pretraining-irrelevant"),
        ("scVI", "tak901", "random"): ("no-benefit", "flat", "pretraining-irrelevant"),
        ("PretrainedPCA", "liver", "random"): ("beats-baseline", "flat", "model-saturated"),
        ("Geneformer", "renal", "random"): ("beats-baseline", "inconclusive", None),
        ("SSL", "liver", "random"): ("beats-baseline", "still-improving", None),
        ("SCimilarity", "renal", "random"): ("beats-baseline", "saturates", "learning-saturation-point"),
        ("SSL", "periodontitis", "random"): ("not-assessed", "inverse", None),
    }
    grid = dict(zip(published, judge(list(published.values())), strict=True))
    for key, labels in expected.items():
        alone = judge([published[key]], replicates=400)[0]
        for found in (alone, grid[key]):
            assert (found.level, found.trend, found.reading) == labels, key


def test_published_flags(published):
    """SSL on liver starts below its untrained self; scVI on dinaciclib never leaves that place."""
    ssl, scvi, pca = judge(
        [published[key, dataset, "random"] for key, dataset in (("SSL", "liver"), ("scVI", "dinaciclib"))]
        + [published["PretrainedPCA", "liver", "random"]]
    )
    assert ssl.flags == (f"harm@{PERCENT_1}",)
    assert scvi.flags == tuple(f"harm@{size}" for size in published["scVI", "dinaciclib", "random"].sizes)
    assert pca.flags == ()


def test_published_saturation_point(published):
    """SCimilarity on renal, all of whose rules but the published one point past 10 %."""
    (found,) = judge([published["SCimilarity", "renal", "random"]])
    assert found.quotable
    assert found.evidence.saturates_at == found.saturation["R4"].size == PERCENT_25
    low, high = found.evidence.saturates_within
    assert low <= PERCENT_25 <= high
    assert found.saturation["R0"].size == PERCENT_10
    assert found.saturation["R0"].censored == "interval"


TRUTHS = {
    "saturates": (0.50, 0.60, 0.70, 0.70, 0.70, 0.70),
    "flat": (0.70, 0.70, 0.70, 0.70, 0.70, 0.70),
    "still-improving": (0.50, 0.55, 0.60, 0.65, 0.70, 0.75),
    "inverse": (0.75, 0.70, 0.65, 0.60, 0.55, 0.50),
    "non-monotone": (0.50, 0.60, 0.70, 0.70, 0.60, 0.50),
}


@pytest.mark.parametrize("trend", TRUTHS)
def test_trends_of_clear_curves(trend):
    """Effects of ten standard deviations have one reading, for scores and for the same curve as a loss."""
    plain = verdict(TRUTHS[trend])
    mirrored = curve([1 - mean for mean in TRUTHS[trend]], untrained=0.6, direction="down", bound=0.0)
    mirrored = judge([mirrored])[0]
    for found in (plain, mirrored):
        assert (found.trend, found.level) == (trend, "beats-baseline")
        assert found.evidence.saturates_at == (1_000 if trend == "saturates" else None)
    assert plain.evidence.gain == pytest.approx(mirrored.evidence.gain)
    assert mirrored.evidence.best == pytest.approx(1 - plain.evidence.best)
    assert mirrored.evidence.margin == pytest.approx(plain.evidence.margin) == pytest.approx(0.03)
    assert mirrored.saturation["R0"].size is None


def test_a_fall_is_flagged_whatever_the_trend():
    """Up by .3, down by .05 at the end: Jonckheere sees a rise, the flag the fall; nothing to quote."""
    found = verdict((0.40, 0.60, 0.70, 0.70, 0.70, 0.65), untrained=0.3)
    assert (found.trend, found.flags, found.quotable) == ("saturates", ("fall@30000",), False)
    assert verdict((0.40, 0.60, 0.70, 0.70, 0.70, 0.70), untrained=0.3).quotable
    assert verdict(TRUTHS["non-monotone"]).flags == ("fall@10000", "fall@30000")
    assert verdict(TRUTHS["inverse"]).flags == tuple(f"fall@{size}" for size in SIZES[1:])


def test_falls_are_bonferroni_over_pairs():
    """Two sizes are one pair: scipy's one-sided t test; three sizes are three, and the worst pair counts."""
    two = curve((0.70, 0.69), sd=0.01)
    first, second = (two.runs[size] for size in two.sizes)
    theirs = stats.ttest_ind(first, second, alternative="greater").pvalue
    assert judge([two])[0].evidence.fall_p == (1, pytest.approx(theirs))
    three = verdict((0.70, 0.71, 0.69), sd=0.01).evidence.fall_p
    t = 0.02 / (0.01 * (2 / 5) ** 0.5)
    assert three == (1, 1, pytest.approx(3 * stats.t.sf(t, 12)))


def test_a_last_step_that_is_a_gain_is_no_saturation():
    """The step is within R4's margin of 5 %, but its interval is above zero."""
    found = verdict((0.50, 0.60, 0.70, 0.70, 0.70, 0.71), sd=0.003)
    assert found.trend == "still-improving"
    assert found.evidence.last_step_low > 0
    assert found.saturation["R4"].size == 1_000


def test_inconclusive_is_not_flat():
    """The same means with more noise: the margin of .03 is beyond these seeds, and needs 50."""
    found = verdict(TRUTHS["flat"], sd=0.02)
    assert found.trend == "flat"
    noisy = verdict(TRUTHS["flat"], sd=0.06)
    assert noisy.trend == "inconclusive"
    assert noisy.evidence.resolution > noisy.evidence.margin == pytest.approx(0.03)
    assert noisy.evidence.seeds_needed == np.ceil(2 * (2.4865 * 0.06 / 0.03) ** 2) == 50


def test_flat_asks_for_seeds_that_could_show_the_margin():
    """TOST holds (1.711 se = .027 < .03), but a difference of .03 could not be shown (2.064 se = .0326)."""
    found = verdict(TRUTHS["flat"], sd=0.025)
    assert found.evidence.equivalence_p < 0.05
    assert found.evidence.resolution == pytest.approx(0.0326, abs=1e-4)
    assert found.trend == "inconclusive"


def test_the_limit_of_the_headroom_allows_for_the_choice_of_the_best():
    """(.3 + t_(1 - .025 / 6; 24) .02 / sqrt(5)) / .6."""
    found = verdict(TRUTHS["flat"], sd=0.02).evidence
    half = stats.t.ppf(1 - 0.025 / 6, 24) * 0.02 / 5**0.5
    assert found.headroom_high == pytest.approx((0.3 + half) / 0.6)


def test_no_margin_no_flat():
    """Without any best possible value nothing is small, so nothing is flat."""
    found = verdict(TRUTHS["flat"], bound=None)
    assert (found.trend, found.evidence.margin, found.evidence.ceiling) == ("inconclusive", None, None)
    assert verdict(TRUTHS["flat"], untrained=None, trivial=0.4).trend == "flat"
    assert verdict(TRUTHS["flat"], untrained=None).trend == "inconclusive"


def test_no_benefit():
    """No better than untrained by Dunnett's test, or better by less than the margin."""
    same = verdict(TRUTHS["flat"], untrained=0.70)
    assert (same.level, same.trend, same.reading) == ("no-benefit", "flat", "pretraining-irrelevant")
    assert min(same.evidence.dunnett_p) > 0.05
    little = verdict(TRUTHS["flat"], untrained=0.695, sd=0.001)
    assert little.level == "no-benefit"
    assert min(little.evidence.dunnett_p) < 0.001
    assert little.evidence.gain_equivalence_p < 0.05


def test_below_the_untrained_control_is_no_benefit_with_harm():
    """Flags name the sizes that are worse, and replace no label."""
    found = verdict((0.50, 0.60, 0.70, 0.70, 0.70, 0.70), untrained=0.65)
    assert found.flags == ("harm@100", "harm@300")
    assert (found.level, found.trend) == ("beats-baseline", "saturates")
    worse = verdict(TRUTHS["flat"], untrained=0.80)
    assert worse.level == "no-benefit"
    assert worse.flags == tuple(f"harm@{size}" for size in SIZES)


def test_a_mean_below_by_chance_is_no_harm():
    """.699 under .70 with an sd of .01 is not shown to be worse."""
    assert verdict((0.699, 0.70, 0.71), untrained=0.70, sd=0.01).flags == ("underpowered",)
    assert verdict((0.699, 0.70, 0.70), untrained=0.70, sd=0.002).flags == ()


def test_no_benefit_for_want_of_seeds_is_flagged():
    """Best minus untrained .01; its upper limit .01 + t_(.975; 28) sd sqrt(2 / 5) against the margin of .015.

    A baseline above excludes a benefit as well, whatever is known of the untrained control.
    """
    half = stats.t.ppf(0.975, 28) * (2 / 5) ** 0.5
    for sd, flagged in ((0.02, True), (0.0035, False)):
        found = verdict((0.70, 0.70, 0.70, 0.70, 0.70, 0.71), untrained=0.70, sd=sd)
        assert found.evidence.gain_high == pytest.approx(0.01 + half * sd)
        assert found.evidence.gain_low == pytest.approx(0.01 - half * sd)
        assert (found.level, "underpowered" in found.flags) == ("no-benefit", flagged)
    means = (0.70, 0.70, 0.70, 0.70, 0.70, 0.70)
    for baseline, level, flagged in ((0.72, "no-benefit", False), (0.70, "no-benefit", True)):
        found = verdict(means, untrained=0.50, sd=0.04, baselines={"b": [baseline]})
        assert (found.level, "underpowered" in found.flags) == (level, flagged)
    assert "underpowered" not in verdict(TRUTHS["saturates"], sd=0.1).flags


def test_a_step_has_a_direction_that_jonckheere_does_not_show():
    """Three seeds, a step up or down by six sd, then nothing: the shown steps say which way; a hump, both."""
    up, down, both = (
        verdict(means, untrained=0.4, sd=0.02, seeds=3)
        for means in (
            (0.58, 0.71, 0.70, 0.70, 0.70, 0.69),
            (0.82, 0.69, 0.70, 0.70, 0.70, 0.71),
            (0.58, 0.70, 0.70, 0.70, 0.70, 0.58),
        )
    )
    for found in (up, down, both):
        assert min(found.evidence.jonckheere_up_p, found.evidence.jonckheere_down_p) > 0.05
    assert (up.trend, down.trend, both.trend) == ("saturates", "inverse", "non-monotone")
    assert max(up.evidence.rise_p[1:]) < 0.05 < min(up.evidence.fall_p)
    assert up.evidence.rise_p == pytest.approx(down.evidence.fall_p, rel=1e-6)


def test_an_effect_without_a_shown_direction_is_non_monotone():
    """A zigzag of which F sees the whole and no pair of sizes is shown: neither way, as before."""
    found = verdict((0.685, 0.71, 0.685, 0.71, 0.685, 0.70), untrained=0.4, sd=0.014, seeds=5)
    assert found.evidence.gate_f_p < 0.05
    assert min(*found.evidence.fall_p, *found.evidence.rise_p) > 0.05
    assert found.trend == "non-monotone"


@pytest.mark.parametrize(
    ("baseline", "level"),
    [(0.80, "below-baseline"), (0.705, "no-benefit"), (0.60, "beats-baseline"), (0.70, "no-benefit")],
)
@pytest.mark.parametrize("spread", [(), (-0.005, 0.005, -0.004, 0.004)])
def test_the_best_declared_baseline_counts(baseline, level, spread):
    """Exact or with runs; a weaker one beside it changes nothing. A tie is not a win."""
    baselines = {"weak": [0.1, 0.1], "strong": [baseline + each for each in spread] or [baseline]}
    found = verdict(TRUTHS["flat"], baselines=baselines)
    assert found.level == level
    evidence = found.evidence
    assert (evidence.baseline_name, evidence.baseline) == ("strong", pytest.approx(baseline))
    assert evidence.baseline_low < 0.70 - baseline < evidence.baseline_high


def test_interval_against_a_baseline_is_welchs():
    """One size and runs of a baseline: scipy's interval of unequal variances."""
    ours = curve((0.70,), sd=0.02, baselines={"b": [0.60, 0.65, 0.63, 0.61]})
    found = judge([ours])[0].evidence
    theirs = stats.ttest_ind(ours.runs[100], [0.60, 0.65, 0.63, 0.61], equal_var=False).confidence_interval()
    assert (found.baseline_low, found.baseline_high) == pytest.approx((theirs.low, theirs.high))


def test_for_losses_the_smallest_baseline_is_the_best():
    """And a loss above it is below it in level."""
    losses = curve((0.5, 0.4, 0.4), untrained=0.9, direction="down", bound=0.0)
    baselines = {"good": [0.3], "bad": [0.8]}
    found = judge([Curve(runs=losses.runs, direction="down", bound=0.0, baselines=baselines)])[0]
    assert (found.level, found.evidence.baseline_name) == ("below-baseline", "good")


def test_without_reference_the_level_is_not_guessed():
    """Neither untrained control nor baseline; a baseline alone is enough."""
    assert verdict(TRUTHS["saturates"], untrained=None).level == "not-assessed"
    assert not verdict(TRUTHS["saturates"], untrained=None).quotable
    found = verdict(TRUTHS["saturates"], untrained=None, baselines={"b": [0.5]})
    assert found.level == "beats-baseline"
    assert (found.evidence.untrained, found.evidence.dunnett_p) == (None, None)
    assert verdict(TRUTHS["saturates"]).evidence.baseline is None


def test_at_ceiling_is_the_task_model_saturated_is_not():
    """Flat at .70: with a ceiling of .71 the task is saturated, of 1.0 the model."""
    task = verdict(TRUTHS["flat"], ceiling=0.71, sd=0.004)
    assert (task.level, task.trend, task.reading) == ("at-ceiling", "flat", "task-saturated")
    assert task.evidence.headroom == pytest.approx(0.01 / 0.31)
    model = verdict(TRUTHS["flat"])
    assert (model.level, model.reading) == ("beats-baseline", "model-saturated")
    assert model.evidence.headroom == pytest.approx(0.3 / 0.6)
    assert (task.evidence.ceiling_measured, model.evidence.ceiling_measured) == (True, False)
    assert verdict(TRUTHS["flat"], trivial=0.1).evidence.headroom == pytest.approx(0.3 / 0.9)


def test_a_score_above_the_ceiling_is_flagged():
    """Headroom is not clipped: the ceiling is wrong."""
    found = verdict(TRUTHS["saturates"], ceiling=0.65)
    assert found.flags == tuple(f"above-ceiling@{size}" for size in SIZES[2:])
    assert found.evidence.headroom == pytest.approx(-0.05 / 0.25)


def test_numbers_are_those_of_the_libraries():
    """F of scipy, pooled sd, and scipy's correction over all curves for each of the two tests."""
    curves = [curve(TRUTHS["flat"], seed=1, sd=0.02), curve((0.70, 0.70, 0.71, 0.72), seed=2, sd=0.02)]
    verdicts = judge(curves)
    f, ordered = [], []
    for each, found in zip(curves, verdicts, strict=True):
        evidence, runs = found.evidence, [each.runs[size] for size in each.sizes]
        assert evidence.f_p == pytest.approx(stats.f_oneway(*runs).pvalue)
        assert evidence.pooled_sd == pytest.approx(0.02)
        assert evidence.df == 4 * len(runs)
        f.append(evidence.permutation_p)
        ordered.append(min(1, 2 * min(evidence.jonckheere_up_p, evidence.jonckheere_down_p)))
    adjusted = [each.evidence.gate_f_p for each in verdicts]
    assert adjusted == pytest.approx(list(stats.false_discovery_control(f)))
    adjusted = [each.evidence.gate_jonckheere_p for each in verdicts]
    assert adjusted == pytest.approx(list(stats.false_discovery_control(ordered)))


def test_the_grid_matters_for_the_gate_alone():
    """A curve among forty flat ones keeps its numbers; its gate is stricter, and so is its trend here."""
    weak = curve((0.700, 0.705, 0.710, 0.715, 0.715, 0.715), sd=0.013, seed=3)
    others = [curve(TRUTHS["flat"], sd=0.013, seed=seed) for seed in range(40)]
    (alone,) = judge([weak], replicates=400)
    among = judge([*others, weak], replicates=400)[-1]
    gate = ("gate_f_p", "gate_jonckheere_p", "saturates_at", "saturates_within")
    numbers = [{k: v for k, v in asdict(each.evidence).items() if k not in gate} for each in (alone, among)]
    assert numbers[0] == numbers[1]
    assert alone.saturation == among.saturation
    assert alone.evidence.gate_jonckheere_p < 0.05 < among.evidence.gate_jonckheere_p
    assert alone.trend in {"saturates", "still-improving"}
    assert among.trend in {"flat", "inconclusive"}


def test_curves_of_any_shape_come_back_in_order():
    """Shapes are computed together, and the answer stands where its curve stood."""
    curves = [
        curve(TRUTHS["saturates"]),
        curve(TRUTHS["flat"][:4], seeds=3),
        curve(TRUTHS["inverse"]),
        curve(TRUTHS["still-improving"], untrained=None),
        curve(TRUTHS["flat"][:4], seeds=3, baselines={"b": [0.9]}),
    ]
    seen = []
    found = judge(curves, permutations=999, replicates=400, progress=seen.append)
    assert [each.trend for each in found] == ["saturates", "flat", "inverse", "still-improving", "flat"]
    assert found[4].level == "below-baseline"
    assert sum(seen) == len(curves)
    assert judge([]) == []


def test_sizes_need_not_have_equal_seeds():
    """Unequal seeds weigh as they are."""
    runs = {100: [0.50, 0.51], 300: [0.69, 0.70, 0.71], 1_000: [0.70, 0.70, 0.71, 0.70], 0: [0.40, 0.41]}
    (found,) = judge([Curve(runs=runs, bound=1.0)])
    assert (found.level, found.trend, found.evidence.saturates_at) == ("beats-baseline", "saturates", 300)
    assert found.evidence.df == 6


def test_one_seed_or_one_size_says_little():
    """There is no spread, or no trend, and nothing is made up instead."""
    (one_seed,) = judge([Curve(runs={100: [0.5], 300: [0.7], 0: [0.3]}, bound=1.0)])
    assert (one_seed.level, one_seed.trend) == ("not-assessed", "inconclusive")
    assert one_seed.evidence.pooled_sd is one_seed.evidence.permutation_p is None
    assert one_seed.saturation["R0"].size == 300
    (one_size,) = judge([Curve(runs={100: [0.5, 0.51, 0.52], 0: [0.3, 0.31]}, bound=1.0)])
    assert (one_size.level, one_size.trend) == ("beats-baseline", "inconclusive")
    assert one_size.evidence.f is one_size.evidence.last_step is None


def test_exact_scores():
    """A deterministic model: no noise, no doubt."""
    flat = judge([Curve(runs={100: [0.7, 0.7], 300: [0.7, 0.7], 0: [0.5, 0.5]}, bound=1.0)])[0]
    assert (flat.level, flat.trend) == ("beats-baseline", "flat")
    assert flat.saturation["R4"].size == 100


def test_paired_seeds_and_units():
    """Seeds that shift all sizes resolve little as they come and much as blocks; units are resampled too."""
    shift = np.array([0.0, 0.05, 0.10, 0.15])
    runs = {size: mean + shift for size, mean in zip(SIZES, (0.5, 0.6, 0.601), strict=False)}
    runs[0] = [0.2, 0.2, 0.2, 0.2]
    alone, blocks = judge([Curve(runs=runs, bound=1.0), Curve(runs=runs, bound=1.0, paired=True)])
    assert blocks.evidence.resolution < 0.01 * alone.evidence.resolution
    assert max(blocks.saturation["R2"].distribution.values()) == 1
    rng = np.random.default_rng(0)
    of_unit = rng.normal(0, 0.1, 20)
    units = {size: np.asarray(values)[:, None] + of_unit - of_unit.mean() for size, values in runs.items()}
    (found,) = judge([Curve(runs=units, bound=1.0)])
    assert found.evidence.pooled_sd == pytest.approx(alone.evidence.pooled_sd)
    assert found.saturation["R1"].distribution != alone.saturation["R1"].distribution


def test_distributions_and_points():
    """Shares add up to the answered part; the set holds the answer; R3 has a point between two sizes."""
    found = verdict((0.50, 0.60, 0.68, 0.70, 0.70, 0.70), sd=0.02)
    for rule, each in found.saturation.items():
        answered = sum(each.distribution.values())
        assert answered > 0.9 if rule == "R2" else answered == pytest.approx(1), rule
        assert each.set_95[0] <= each.set_80[0] <= each.median <= each.set_80[1] <= each.set_95[1]
    assert found.saturation["R3"].size == 1_000
    assert found.saturation["R3"].point == pytest.approx(300 * (1_000 / 300) ** (0.07 / 0.08))
    assert (found.saturation["R3"].censored, found.saturation["R4"].point) == ("interval", None)
    none = verdict(TRUTHS["flat"], untrained=0.9).saturation["R3"]
    assert (none.size, none.censored, none.point, none.median, none.set_95) == (
        None,
        "none",
        None,
        None,
        None,
    )
    assert sum(none.distribution.values()) == 0


def test_verdicts_are_plain_data():
    """They go to JSON as they are, without NaN."""
    exact = Curve(runs={100: [0.5, 0.5], 300: [0.7, 0.7], 0: [0.1, 0.1]})
    verdicts = judge([curve(TRUTHS["saturates"]), Curve(runs={100: [0.5], 300: [0.7]}), exact])
    assert json.loads(json.dumps([asdict(each) for each in verdicts], allow_nan=False))


def test_the_same_seed_gives_the_same_verdict():
    """And another one another bootstrap."""
    first, again = verdict(TRUTHS["saturates"], sd=0.03), verdict(TRUTHS["saturates"], sd=0.03)
    assert first == again
    other = judge([curve(TRUTHS["saturates"], sd=0.03)], seed=1)[0]
    assert other.saturation["R3"].distribution != first.saturation["R3"].distribution


@pytest.mark.parametrize(
    ("runs", "options", "said"),
    [
        ({0: [0.5]}, {}, "needs a trained size"),
        ({}, {}, "needs a trained size"),
        ({100: [0.5, float("nan")]}, {}, "at size 100 must be finite"),
        ({100: []}, {}, "at size 100"),
        ({100: [0.5, 0.6], 300: [0.5]}, {"paired": True}, "same number of seeds"),
    ],
)
def test_what_is_no_curve(runs, options, said):
    """Missing runs are left out, never handed over as numbers."""
    with pytest.raises(ValueError, match=said):
        Curve(runs=runs, **options)
