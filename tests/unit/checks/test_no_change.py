"""A model against the best baseline, on scores whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.checks import NoChange, Subject, UnitScores, join_seeds, no_change

NAMES = tuple(f"d{i}" for i in range(12))
NOISE = np.random.default_rng(0).normal(0, 0.01, 12)


def subject(name, level, names=NAMES, values=None, weights=None, clusters=None):
    values = level + np.resize(NOISE, len(names)) if values is None else np.asarray(values)
    units = UnitScores(names=names, values=np.atleast_2d(values), weights=weights, clusters=clusters)
    return Subject(name=name, value=level, units=units)


def test_gain_over_the_best_of_several():
    """The baseline of best headline value is the one to beat."""
    found = no_change(
        subject("model", 0.8, values=0.8 - NOISE), [subject("majority", 0.3), subject("hvg", 0.7)]
    )
    assert (found.verdict, found.baseline, found.baseline_value) == ("beats", "hvg", 0.7)
    assert found.gain.estimate == pytest.approx(np.mean(0.1 - 2 * NOISE))
    assert (found.gain.n_units, found.gain.n_clusters) == (12, 12)


def test_a_loss_counts_downwards():
    """Where smaller is better the best baseline is the smallest, and a smaller model score is a gain."""
    baselines = [subject("no_change", 0.5), subject("mean", 0.2)]
    found = no_change(subject("model", 0.1), baselines, "down")
    assert (found.verdict, found.baseline) == ("beats", "mean")
    assert found.gain.estimate == pytest.approx(0.1)
    assert no_change(subject("model", 0.3), baselines, "down").verdict == "worse"


def test_an_interval_that_touches_zero_does_not_beat():
    """Equal scores are no gain."""
    found = no_change(subject("model", 0.7), [subject("hvg", 0.7)])
    assert (found.verdict, found.gain.low) == ("no_better", 0.0)


def test_rounding_is_no_gain():
    """Differences within the metric's tolerance do not beat anything."""
    model, hvg = subject("model", 0.7 + 1e-9), subject("hvg", 0.7)
    assert no_change(model, [hvg], tolerance=1e-6).verdict == "no_better"
    assert no_change(model, [hvg]).verdict == "beats"
    assert no_change(hvg, [model], tolerance=1e-6).verdict == "no_better"
    assert no_change(hvg, [model]).verdict == "worse"


def test_units_that_contradict_the_score_are_not_believed():
    """A ratio of sums, say, may fall where its mean over units rises; neither a win nor a loss is claimed."""

    def verdict(score, units, **how):
        against = subject("hvg", 0.7, values=0.7 + NOISE)
        found = no_change(replace(subject("model", units), value=score), [against], **how)
        assert found.gain.estimate == pytest.approx(units - 0.7 if not how.get("direction") else 0.7 - units)
        return found.verdict, found.reason

    assert verdict(score=0.6, units=0.8) == (
        "not_assessed",
        "over units it is shown to be better, and its score is worse by 0.1",
    )
    assert verdict(score=0.8, units=0.6)[0] == "not_assessed"
    second = [subject("hvg", 0.9, values=0.5 + NOISE), subject("pca", 0.7, values=0.7 + NOISE)]
    against = no_change(replace(subject("model", 0.8), value=0.6), second).against
    assert [each.baseline for each in against if "its score is worse" in each.reason] == ["hvg", "pca"]
    assert "shown to be worse" in verdict(score=0.6, units=0.8, direction="down")[1]
    assert verdict(score=0.8, units=0.9) == ("beats", None)
    assert verdict(score=0.69, units=0.8, tolerance=0.02) == ("beats", None)
    assert verdict(score=0.6, units=0.7) == ("no_better", None)


def test_seeds_with_weights_of_their_own():
    """Units that count differently for each seed: the gain is that of the scores."""
    names = tuple(f"cell{i}" for i in range(30))
    rng = np.random.default_rng(0)
    weights = rng.gamma(0.3, size=(2, 30))
    values = 0.5 - rng.gamma(1.0, size=(2, 30)) / weights  # far below zero where there is next to nothing
    seeds = [UnitScores(names=names, values=v[None], weights=w) for v, w in zip(values, weights, strict=True)]
    score = np.mean([np.average(v, weights=w) for v, w in zip(values, weights, strict=True)])
    joined = join_seeds(seeds)
    assert joined.weights.shape == (2, 30)
    model = Subject(name="model", value=score, units=joined)
    nothing = Subject(
        name="mean", value=0.0, units=join_seeds([replace(each, values=0 * each.values) for each in seeds])
    )
    assert no_change(model, [nothing]).gain.estimate == pytest.approx(score)
    assert no_change(nothing, [model]).gain.n_units == 30
    alike = join_seeds([seeds[0], replace(seeds[1], weights=weights[0])])
    assert alike.weights.shape == (30,)
    assert join_seeds([replace(each, weights=None) for each in seeds]).weights is None


def test_units_are_paired_by_name():
    """Order does not matter; a unit that the baseline lacks is left out and counted."""
    hvg = subject("hvg", 0.6, names=NAMES[::-1], values=np.arange(12.0)[::-1])
    found = no_change(subject("model", 0.8, values=np.arange(12.0) + 1), [hvg])
    assert (found.gain.estimate, found.gain.low, found.gain.high) == (1, 1, 1)
    short = subject("hvg", 0.6, names=NAMES[2:], values=np.arange(2.0, 12.0))
    partly = no_change(subject("model", 0.8, values=np.arange(12.0) + 1), [short])
    assert (partly.gain.n_units, partly.gain.n_excluded, partly.gain.estimate) == (10, 2, 1)


def test_units_without_unique_names_are_not_paired_by_guess():
    model, hvg = subject("model", 1.0, names=("a", "a", "b")), subject("hvg", 0.5, names=("b", "a", "a"))
    found = no_change(model, [hvg])
    assert (found.verdict, found.gain) == ("not_assessed", None)
    assert "unique" in found.reason


def test_weights_are_those_of_the_units():
    model = subject("model", 1.0, names=("a", "b"), values=[1.0, 0.0], weights=np.array([3.0, 1.0]))
    assert no_change(model, [subject("hvg", 0.0, names=("a", "b"), values=[0.0, 0.0])]).gain.estimate == 0.75


def test_few_independent_units_are_not_judged():
    """Below six pairs, or clusters of them, the gain is shown without a verdict."""
    five = NAMES[:5]
    found = no_change(subject("model", 0.9, names=five), [subject("hvg", 0.1, names=five)])
    assert (found.verdict, found.gain.estimate) == ("not_assessed", pytest.approx(0.8))
    assert found.reason == "only 5 independent units"
    lines = tuple("abcd"[i % 4] for i in range(12))
    many = no_change(subject("model", 0.9, clusters=lines), [subject("hvg", 0.1, clusters=lines)])
    assert (many.verdict, many.gain.n_units, many.gain.n_clusters) == ("not_assessed", 12, 4)


def test_without_a_declared_baseline_there_is_no_verdict():
    """It may have been the best one."""
    found = no_change(subject("model", 0.9), [subject("hvg", 0.1)], absent={"pca": "failed"})
    assert (found.verdict, found.reason) == ("not_assessed", "without pca (failed)")
    assert found.gain.estimate == pytest.approx(0.8)


def test_seeds_that_disagree_beat_nothing():
    """The interval is one over units and seeds: a model that wins with one seed of three has not won."""
    level = {"lucky": 0.10, "unlucky": -0.04, "third": -0.03}
    units = [subject(name, gain).units for name, gain in level.items()]
    model = Subject(name="model", value=0.01, units=join_seeds(units))
    found = no_change(model, [subject("hvg", 0.0)])
    assert found.verdict == "no_better"
    assert found.gain.low < -0.02 < 0.05 < found.gain.high
    assert found.gain.n_seeds == 3
    agreed = join_seeds([subject("model", 0.10).units] * 3)
    assert no_change(Subject(name="m", value=0.1, units=agreed), [subject("hvg", 0.0)]).verdict == "beats"


@pytest.mark.parametrize(
    ("model", "baselines", "word"),
    [
        (subject("model", 0.8), [], "no baseline"),
        (Subject(name="model", value=0.8), [subject("hvg", 0.7)], "model has no scores per unit"),
        (subject("model", 0.8), [Subject(name="hvg", value=0.7, reason="damaged")], "damaged"),
        (subject("model", 0.8, names=("a",)), [subject("hvg", 0.7, names=("a",))], "one unit"),
        (subject("model", 0.8, names=("a",)), [subject("hvg", 0.7, names=("b",))], "no unit"),
    ],
)
def test_not_assessed_has_a_reason(model, baselines, word):
    """Without something to compare, or to resample, there is no verdict."""
    found = no_change(model, baselines)
    assert found.verdict == "not_assessed"
    assert word in found.reason


def test_seeds_share_their_units():
    """Or there is nothing to join; a unit that one seed does not define is left out and counted."""
    names = tuple("abcdefgh")
    values = np.arange(8.0)
    one = UnitScores(names=names, values=values[None])
    two = UnitScores(names=names, values=np.where(values == 3, np.nan, values)[None])
    joined = join_seeds([one, two])
    assert joined.values.shape == (2, 8)
    gain = no_change(Subject(name="m", value=1, units=joined), [subject("hvg", 0, names, values - 1)]).gain
    assert (gain.estimate, gain.n_units, gain.n_excluded) == (1, 7, 1)
    back = no_change(subject("hvg", 0, names, values), [Subject(name="m", value=1, units=joined)]).gain
    assert (back.estimate, back.n_excluded) == (0, 1)
    assert join_seeds([one, UnitScores(names=names[::-1], values=one.values)]) is None
    assert join_seeds([]) is None


def test_holm_over_all_declared_baselines():
    """statsmodels' adjustment of the raw p-values, an absent baseline counting as p = 1; the best first."""
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 12)
    levels = {"a": 0.0, "b": -0.5, "c": -0.4, "d": -0.05}
    baselines = [
        subject(name, level, values=values + level + rng.normal(0, 0.5, 12)) for name, level in levels.items()
    ]
    model = subject("model", 0.1, values=values)
    for absent in ({}, {"e": "failed", "f": "missing"}):
        found = no_change(model, baselines, absent=absent).against
        assert [each.baseline for each in found] == ["a", "d", "c", "b"]
        raw = [each.p for each in found]
        theirs = multipletests([*raw, *[1.0] * len(absent)], method="holm")[1][: len(found)]
        assert [each.p_holm for each in found] == pytest.approx(list(theirs))
        assert len(set(raw)) > 2
    down = no_change(model, baselines, "down").against
    assert [each.baseline for each in down] == ["b", "c", "d", "a"]
    by_name = {each.baseline: each for each in found}
    assert all(by_name[each.baseline].gain == pytest.approx(-each.gain) for each in down)


def test_the_p_value_belongs_to_the_interval():
    """Below 5 % exactly where the 95 % interval leaves out zero; and near that of the paired t test."""
    rng = np.random.default_rng(1)
    hvg = subject("hvg", 0.0, names=tuple(map(str, range(40))), values=np.zeros(40))
    for shift in np.linspace(0, 0.6, 13):
        values = rng.normal(shift, 1, 40)
        found = no_change(subject("m", 1, hvg.units.names, values), [hvg])
        (against,) = found.against
        assert (against.p < 0.05) == (found.verdict != "no_better")
        assert against.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.03, rel=0.5)
        assert against.p_holm == against.p
    same = no_change(subject("m", 1, hvg.units.names, np.full(40, 1e-9)), [hvg], tolerance=1e-6)
    assert same.against[0].p == 1


def test_a_baseline_that_cannot_be_paired_stays_in_the_count():
    """It has no p-value and a reason, and costs the others as much as if it stood."""
    alone = no_change(subject("m", 0.8), [subject("hvg", 0.7)]).against[0]
    first, second = no_change(
        subject("m", 0.8), [subject("hvg", 0.7), Subject(name="pca", value=0.1)]
    ).against
    assert (first.p, first.p_holm) == (alone.p, pytest.approx(2 * alone.p))
    assert (second.p, second.p_holm, second.gain) == (None, None, None)
    assert second.reason == "pca has no scores per unit for this metric"


def test_findings_are_frozen():
    with pytest.raises(AttributeError):
        NoChange(verdict="beats", value=1.0).value = 2.0
