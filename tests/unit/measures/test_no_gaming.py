"""Scores that rank models cannot be gamed; those that can are shown, with the trick that does it.

Answers that know nothing of the asked perturbation never beat the honest baselines, noise never helps, and
the truth is best (see also ``response/test_panel.py``). All draws are fixed.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measures.response import (
    BEYOND_PROFILES,
    DECLARED,
    SCORES,
    TARGET_RANKING,
    Measured,
    adjusted_ndcg,
    calibrate,
    dose_response,
    energy_distance,
    enrichment_factor,
    halves,
    interaction_skill,
    majority_effect,
    panel,
    perturbation_discrimination,
    published_adjusted_ndcg,
    ranked_towards,
    solved,
    towards,
)

RANKABLE = [name for name, declared in DECLARED.items() if declared.rankable]
WORLDS = {"shifted": {}, "noisy, without shift": {"shift": 0.0, "noise": 0.25}}
CONTEXT = ("transferred",)


def better(name, values):
    """Turn scores so that larger is better."""
    return np.asarray(values, dtype=float) * (1 if DECLARED[name].direction == "up" else -1)


def mean(values):
    known = values[np.isfinite(values)]
    return known.mean() if len(known) else np.nan


def significantly(gap, errors):
    """Return whether paired differences lie above 0 by more than so many standard errors."""
    gap = gap[np.isfinite(gap)]
    return len(gap) > 1 and gap.mean() > errors * gap.std(ddof=1) / np.sqrt(len(gap)) + 1e-9


# -- honest baselines and tricks -----------------------------------------------------------------------


def honest(study):
    """Return the answers that a model has to beat, none of which has seen the asked perturbation here."""
    measured = study.measured
    votes = majority_effect(measured.training_significant, study.training - measured.control[0])
    return {
        "no change": measured.control,
        "perturbed mean": study.asked(measured.centroid),
        "majority vote": measured.control + votes,
        "context transfer": measured.transferred,
    }


def tricks(study, seed):
    """Return answers made of the same knowledge to please a score."""
    rng, measured = np.random.default_rng(seed), study.measured
    control, frequency = measured.control, measured.training_significant.mean(axis=0)
    found = {
        "constant": np.ones(control.shape),
        "someone else's": study.training[rng.integers(len(study.training), size=len(control))],
        "frequency": control + frequency,
        "avoid what is frequent": control + 1 / (frequency + 0.02),
    }
    for base, known in (("control", control), ("mean", study.asked(measured.centroid))):
        found |= {f"{base}, {how}": answer for how, answer in disguises(known, control, rng).items()}
    return found


def disguises(known, control, rng):
    return {
        "effects inflated": control + 1.5 * (known - control),
        "effects reversed": 2 * control - known,
        "profile inflated": 1.5 * known,
        "logarithm": np.log1p(known.clip(0)),
        "exponential": np.expm1(known),
        "shifted up": known + 0.3,
        "shifted down": known - 0.3,
        "random": known + 0.3 * rng.normal(size=known.shape),
        "random by size": known * (1 + 0.3 * rng.normal(size=known.shape)),
        "genes permuted": known[:, rng.permutation(known.shape[1])],
    }


@pytest.fixture(scope="module", params=WORLDS)
def contest(request, study):
    """Return score -> answer -> mean over perturbations in each of 8 draws; larger is better."""
    table = {name: {} for name in SCORES}
    for seed in range(8):
        drawn = study(seed, asked=10, genes=100, **WORLDS[request.param])
        of = {f"honest: {name}": answer for name, answer in honest(drawn).items()} | tricks(drawn, seed)
        context = {
            f"transfer, {how}": answer
            for how, answer in disguises(
                drawn.measured.transferred, drawn.measured.control, np.random.default_rng(seed)
            ).items()
        }
        for answer, predicted in (of | context).items():
            for name, score in SCORES.items():
                if score.rankable and (answer not in context or score.needs == CONTEXT):
                    value = mean(better(name, score.of(predicted, drawn.measured)))
                    table[name].setdefault(answer, []).append(value)
    return {name: {a: np.array(v) for a, v in of.items()} for name, of in table.items() if of}


@pytest.mark.parametrize("name", [name for name in SCORES if SCORES[name].rankable])
def test_knowing_nothing_never_beats_the_honest_baselines(contest, name):
    """Nor the declared floor. Three standard errors, as there are hundreds of comparisons."""
    declared, answers = SCORES[name], contest[name]
    rivals = {a: v for a, v in answers.items() if a.startswith("honest") and np.isfinite(v).any()}
    if declared.needs != CONTEXT:
        rivals.pop("honest: context transfer")  # knows the perturbation from elsewhere
    if "scale" not in declared.invariant:
        rivals.pop("honest: majority vote")  # frequencies are no effects
    best = max(rivals.values(), key=mean)
    if declared.floor is not None:
        best = np.fmax(best, better(name, declared.floor)) if mean(best) < declared.floor else best
    for answer, values in answers.items():
        if not answer.startswith("honest"):
            assert not significantly(values - best, 3), f"{answer}: {mean(values)} beats {mean(best)}"


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 500),
    factor=st.floats(-5, 5),
    number=st.floats(-3, 3),
    shape=st.sampled_from([np.asarray, np.exp, np.square, np.sign]),
)
def test_any_one_answer_for_all_is_a_coin_and_any_equal_effects_are_chance(
    study, seed, factor, number, shape
):
    """Whatever is made of the control and the mean: inflated, shifted, exponentiated, reversed, constant.

    Discrimination has one half; one number added to the control has the value of a random gene order.
    """
    drawn = study(seed, asked=6, training=30, genes=100)
    measured = drawn.measured
    answer = drawn.asked(number + factor * shape(measured.centroid - measured.control[0]))
    for name in ("pds", "centroid_accuracy"):
        assert SCORES[name].of(answer, measured).mean() == pytest.approx(0.5)
    shifted = measured.control + number
    for name in ("auprc", "private_auprc"):
        values = SCORES[name].of(shifted, measured)
        np.testing.assert_allclose(values[np.isfinite(values)], 0, atol=1e-9)
    share = measured.changed.sum(axis=1) / measured.candidates.sum(axis=1)
    np.testing.assert_allclose(mean(SCORES["de_overlap"].of(shifted, measured)), share[share > 0].mean())


# -- noise ---------------------------------------------------------------------------------------------

LEVELS = (0.0, 0.3, 0.6, 1.0, 2.0)
DRAWS = 30


def never_improves(name, ladder):
    """Check that the mean over draws (levels x draws) does not improve from one level to the next."""
    turned = better(name, ladder)
    for step in range(len(LEVELS) - 1):
        assert not significantly(turned[step + 1] - turned[step], 2), f"{name}: {turned.mean(axis=1)}"
    assert mean(turned[0]) > mean(turned[-1]) + 1e-6, f"{name} does not notice noise"


@pytest.fixture(scope="module")
def ladders(study):
    """Return score -> mean over perturbations at each level of noise on the true profiles, in each draw."""
    found = {name: np.full((len(LEVELS), DRAWS), np.nan) for name in SCORES}
    for seed in range(DRAWS):
        drawn, rng = study(seed, asked=10), np.random.default_rng(seed)
        noise = rng.normal(size=drawn.true.shape)
        for level, size in enumerate(LEVELS):
            for name, score in SCORES.items():
                if score.rankable:
                    values = score.of(drawn.true + size * noise, drawn.measured)
                    found[name][level, seed] = mean(values)
    return found


@pytest.mark.parametrize("name", [name for name in SCORES if SCORES[name].rankable])
def test_noise_does_not_help(ladders, name):
    """On a ladder of five levels, over 30 draws, within two standard errors."""
    never_improves(name, ladders[name])


# -- rankings, doses, combinations, cells --------------------------------------------------------------

TARGET_SCORES = {
    **TARGET_RANKING,
    "enrichment_factor": lambda said, relevance: enrichment_factor(said, relevance, 0.05),
}


@pytest.mark.parametrize("name", TARGET_SCORES)
def test_target_ranking(name):
    """No preference is chance, a random order is so on average, noise does not help, the truth is best."""
    score = TARGET_SCORES[name]
    ladder, chance = np.empty((len(LEVELS), DRAWS)), []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        relevance = np.tanh(rng.normal(size=60))
        noise = rng.normal(size=60)
        ladder[:, seed] = [score(relevance + size * noise, relevance) for size in LEVELS]
        none = better(name, score(np.zeros(60), relevance))
        assert (better(name, ladder[0, seed]) >= better(name, ladder[:, seed]) - 1e-9).all()
        chance.append(
            np.mean([better(name, score(rng.normal(size=60), relevance)) for _ in range(20)]) - none
        )
        if DECLARED[name].floor is not None:
            assert none == pytest.approx(DECLARED[name].floor)
        if DECLARED[name].perfect is not None:
            assert ladder[0, seed] == pytest.approx(DECLARED[name].perfect)
    assert not significantly(np.array(chance), 2)
    never_improves(name, ladder)


def state(drawn, seed):
    """Return the profile of another state, and the variance of the control's noise over all genes."""
    goal = drawn.untreated + 0.5 * np.random.default_rng(seed).normal(size=drawn.untreated.shape)
    return goal, float(((drawn.measured.control[0] - drawn.untreated) ** 2).sum())


@pytest.fixture(scope="module")
def races(study):
    """Return score -> answer -> value less chance in each of 50 draws, for a goal in gene space."""
    table = {name: {} for name in TARGET_RANKING}
    for seed in range(50):
        drawn = study(seed, genes=100, noise=0.25, shift=0.0)
        goal, shared = state(drawn, seed)
        measured = drawn.measured
        way, size = goal - measured.control[0], np.linalg.norm(drawn.true - drawn.untreated, axis=1)[:, None]
        aside = np.random.default_rng(seed).normal(size=way.shape)
        untold = {name: answer for name, answer in honest(drawn).items() if name != "context transfer"}
        answers = (
            {f"honest: {name}": answer for name, answer in untold.items()}
            | tricks(drawn, seed)
            | {
                "truth": drawn.true,
                "measured again": drawn.duplicate,
                "what does nothing first": measured.control + way / (1 + size) + aside,
            }
        )
        for how, answer in answers.items():
            found = ranked_towards(answer - measured.control, measured.effect, way, shared)
            chance = ranked_towards(0 * answer, measured.effect, way, shared)
            for name in found:
                gap = better(name, found[name]) - better(name, chance[name])
                table[name].setdefault(how, []).append(float(gap))
    return {name: {how: np.array(v) for how, v in of.items()} for name, of in table.items()}


@pytest.mark.parametrize("name", TARGET_RANKING)
def test_nothing_that_knows_no_perturbation_is_ahead_towards_a_goal(races, name):
    """Answers that are the same for all are chance to the last digit, tricks are no better, and a second
    measurement is far ahead of them, the truth no less so."""
    for how, values in races[name].items():
        if how.startswith("honest"):
            np.testing.assert_allclose(values[np.isfinite(values)], 0, atol=1e-9, err_msg=how)
        elif how not in ("truth", "measured again"):
            assert not significantly(values, 3), f"{how}: {mean(values)}"
    assert significantly(races[name]["measured again"], 3)
    assert significantly(races[name]["truth"], 3)


def test_a_control_in_effects_and_goal_alike_would_pay_for_what_does_nothing(study):
    """Its noise leads towards the goal: whoever puts idle perturbations first gains, and gains nothing where
    that is taken off."""
    gains = {"left in": [], "taken off": []}
    for seed in range(150):
        drawn = study(seed, genes=100, noise=0.4, shift=0.0)
        goal, shared = state(drawn, seed)
        idle_first = -np.linalg.norm(drawn.true - drawn.untreated, axis=1)
        for how, noise in (("left in", 0.0), ("taken off", shared)):
            relevance = towards(drawn.measured.effect, goal - drawn.measured.control[0], noise)
            gains[how].append(TARGET_RANKING["andcg"](idle_first, relevance))
    assert significantly(np.array(gains["left in"]), 3)
    assert not significantly(np.array(gains["taken off"]), 2)


def pairs(seed, noise=0.2):
    """Return profiles of 10 pairs, their true ones, their parts and the control, all but one measured."""
    rng = np.random.default_rng(seed)

    def measured(profile):
        return profile + noise * rng.normal(size=profile.shape)

    control = rng.gamma(1, 1, 80)
    effects = 0.5 * rng.normal(size=(2, 10, 80))
    extra = 2.0 * rng.choice([-1, 0, 1], size=(10, 80), p=[0.05, 0.9, 0.05])
    true = control + effects.sum(axis=0) + extra
    first, second = measured(control + effects)
    return measured(true), true, (first, second, measured(control))


def test_genetic_interaction():
    """Tricks lose to adding up, which has 0; the truth has 1; noise does not help."""
    ladder, gaps = np.empty((len(LEVELS), DRAWS)), {}
    for seed in range(DRAWS):
        truth, true, parts = pairs(seed)
        first, second, control = parts
        sums, rng = first + second - control, np.random.default_rng(seed)
        assert interaction_skill(truth, truth, *parts) == pytest.approx(1)
        assert interaction_skill(sums, truth, *parts) == pytest.approx(0)
        given = {"no change": np.broadcast_to(control, truth.shape), "mean of parts": (first + second) / 2}
        for how, answer in (given | disguises(sums, control, rng)).items():
            gaps.setdefault(how, []).append(interaction_skill(answer, truth, *parts).mean())
        noise = rng.normal(size=truth.shape)
        ladder[:, seed] = [interaction_skill(true + s * noise, truth, *parts).mean() for s in LEVELS]
    for how, values in gaps.items():
        assert not significantly(np.array(values), 2), how
    never_improves("interaction_skill", ladder)


def test_dose_response():
    """A constant answer has no value, a random one none on average; inflating changes nothing; noise does not
    help."""
    ladder, chance, doses = np.empty((len(LEVELS), DRAWS)), [], np.array([0.1, 0.3, 1, 3, 10])
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        truth = (doses / (1 + doses))[:, None] * rng.normal(size=40)
        noise = rng.normal(size=truth.shape)
        ladder[:, seed] = [dose_response(truth + 2 * size * noise, truth, doses) for size in LEVELS]
        assert dose_response(truth, truth, doses) == pytest.approx(1)
        assert np.isnan(dose_response(np.ones_like(truth), truth, doses))
        inflated = [dose_response(k * (truth + noise), truth, doses) for k in (1, 4)]
        assert inflated[0] == pytest.approx(inflated[1])
        chance.append(dose_response(noise, truth, doses))
    assert not significantly(np.array(chance), 2)
    never_improves("dose_response", ladder)


def test_energy_distance():
    """Pooled cells of other perturbations are the honest answer: copied, inflated, shifted, logged, or with
    every gene permuted over cells, they are no nearer. Noise does not help; the truth is nearest."""
    ladder, gaps = np.empty((len(LEVELS), DRAWS)), {}
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        mix = rng.normal(size=(6, 6))  # genes are correlated
        truth, again, pool = (rng.normal(size=(40, 6)) @ mix for _ in range(3))
        noise = rng.normal(size=pool.shape) @ mix
        ladder[:, seed] = [energy_distance(again + s * noise, truth, seed) for s in LEVELS]
        assert energy_distance(truth, truth, seed) <= ladder[:, seed].min() + 1e-9
        honest_answer = energy_distance(pool, truth, seed)
        answers = {
            "copied": np.repeat(pool[:10], 4, axis=0),
            "constant": np.broadcast_to(pool.mean(axis=0), pool.shape),
            "inflated": 1.5 * pool,
            "shifted": pool + 1.0,
            "logged": np.log1p(pool.clip(0)),
            "permuted": rng.permuted(pool, axis=0),
        }
        for how, cells in answers.items():
            gaps.setdefault(how, []).append(honest_answer - energy_distance(cells, truth, seed))
    for how, values in gaps.items():
        assert not significantly(np.array(values), 2), how
    never_improves("energy_distance", ladder)


def test_every_rankable_score_was_tried():
    """A new score joins the table and these tests, or says why models are not ranked by it."""
    tried = {*SCORES, *TARGET_SCORES, "interaction_skill", "dose_response", "energy_distance"}
    assert set(RANKABLE) <= tried


# -- why some scores do not rank -----------------------------------------------------------------------

NOISY = {"noise": 0.8, "shift": 0.5}
UNCALIBRATED = ("pearson_r", "r2", "mse", "pearson_delta", "r2_low_expression")


@pytest.fixture(scope="module")
def controls(study):
    """Return score -> (technical duplicate, perturbed mean) per perturbation of 10 few-celled studies."""
    found = {}
    for seed in range(10):
        drawn = study(seed, **NOISY)
        both = [panel(p, drawn.measured) for p in (drawn.duplicate, drawn.asked(drawn.measured.centroid))]
        for name in both[0]:
            found.setdefault(name, []).append([one[name] for one in both])
    return {name: np.concatenate(values, axis=1) for name, values in found.items()}


@pytest.mark.parametrize("name", UNCALIBRATED)
def test_a_second_measurement_loses_to_the_mean_of_others(controls, name):
    """With few cells, these prefer an answer that is the same for every perturbation to measuring again."""
    found = calibrate(*controls[name], SCORES[name].perfect, SCORES[name].direction)
    assert not found.passes
    assert found.dynamic_range < 0
    assert found.discrimination < 0.5


@pytest.mark.parametrize("name", ["pds", "centroid_accuracy", "wmse", "r2_weighted"])
def test_on_the_same_data_others_still_tell(controls, name):
    """Discrimination and weighted scores prefer the second measurement."""
    assert calibrate(*controls[name], SCORES[name].perfect, SCORES[name].direction).passes


def gain(study, name, trick, rival=None, **knobs):
    """Return by how much a trick beats a rival, or the best honest baseline, in each of 20 draws."""
    values = []
    for seed in range(20):
        drawn = study(seed, **knobs)
        rivals = [rival(drawn)] if rival else [drawn.measured.control, drawn.asked(drawn.measured.centroid)]
        of = [mean(better(name, SCORES[name].of(p, drawn.measured))) for p in (trick(drawn), *rivals)]
        values.append(of)
    trick_values, *honest_values = np.array(values).T
    return trick_values - max(honest_values, key=mean)


def inflated(drawn):
    control = drawn.measured.control
    return control + 1.5 * (drawn.measured.centroid - control)


def test_inflating_pays_where_genes_are_chosen_for_being_large(study):
    """Error over DE genes: a gene is DE because its measured change is large, so larger answers do better."""
    assert significantly(gain(study, "mse_de", inflated, noise=0.25), 3)
    assert not significantly(gain(study, "wmse", inflated, noise=0.25), 2)


def test_r2_over_few_genes_that_change_alike_is_wild():
    """By hand: two DE genes go up by 1 and 1.1, and the answer is off by a tenth on each.

    Squared errors sum to .02 where the truth has .005 around its mean: R2 is -3, which outweighs three
    perfect answers. No change has 0 where the two go up and down by 2.
    """
    truth = np.array([[1.0, 1.1, 0.0], [2.0, -2.0, 0.0]])
    measured = Measured(
        truth=truth, control=np.zeros((2, 3)), significant=np.array([[True, True, False]] * 2)
    )
    near = truth + np.array([0.1, -0.1, 0.0])
    np.testing.assert_allclose(SCORES["r2_de"].of(near, measured), [-3, 1 - 0.02 / 8])
    np.testing.assert_allclose(SCORES["r2_de"].of(measured.control, measured)[1], 0)


def avoiding(drawn):
    return drawn.measured.control + 1 / (drawn.measured.training_significant.mean(axis=0) + 0.02)


def test_one_answer_for_all_pays_in_the_published_discrimination(study):
    """An absurd one beats no change and the mean of others there; in ours all three have one half."""
    assert significantly(gain(study, "pds_published", avoiding), 3)
    assert abs(gain(study, "pds", avoiding)).max() < 1e-9


def test_a_random_order_pays_over_the_prevalence(study):
    """It beats an answer without preference where few genes are DE; beyond chance it does not."""

    def by_lot(drawn):
        return drawn.measured.control + np.random.default_rng(0).normal(size=drawn.true.shape)

    few = {"noise": 0.5, "shift": 0.0}
    values = {}
    for name in ("auprc_over_prevalence", "auprc"):
        values[name] = np.array(
            [mean(SCORES[name].of(by_lot(d), d.measured)) for d in (study(seed, **few) for seed in range(20))]
        )
    assert significantly(values["auprc_over_prevalence"], 3)
    assert not significantly(values["auprc"], 2)


def test_avoiding_frequent_genes_pays_where_rare_ones_count_more(study):
    """Where many genes are DE, an answer that avoids what others change, and knows nothing else, beats even
    a second measurement; among rare genes only, it gains nothing."""
    strong = {"shift": 0.6}
    assert significantly(gain(study, "rare_de_overlap", avoiding, **strong), 3)
    assert significantly(gain(study, "rare_de_overlap", avoiding, rival=lambda s: s.duplicate, **strong), 3)
    assert not significantly(gain(study, "private_auprc", avoiding, **strong), 2)


def test_no_change_correlates_with_the_context_where_there_is_nothing_specific(study):
    """Prediction and truth share the noise of the transferred effect; the skill is not taken in."""
    found = {"pearson_context": [], "skill_context": []}
    for seed in range(20):
        drawn = study(seed, specific=0.0, noise=0.25)
        for name, values in found.items():
            values.append(mean(SCORES[name].of(drawn.measured.control, drawn.measured)))
    assert significantly(np.array(found["pearson_context"]), 3)
    assert max(found["skill_context"]) < 0


def test_flooring_pays_for_random_answers():
    """A random order has 0 on average; floored at 0 it has more."""
    rng = np.random.default_rng(0)
    drawn = [(rng.normal(size=60), np.tanh(rng.normal(size=60))) for _ in range(100)]
    fair, floored = (
        np.array([score(said, relevance, 10) for said, relevance in drawn])
        for score in (adjusted_ndcg, published_adjusted_ndcg)
    )
    assert not significantly(fair, 2)
    assert significantly(floored, 3)


def test_every_score_that_does_not_rank_was_shown_to_fail():
    """Or is a diagnostic or a part of another score. (The correlation of interactions: test_combinations;
    what choosing by the truth does: the next one.)"""
    shown = {
        *UNCALIBRATED,
        "mse_de",
        "r2_de",
        "pds_published",
        "auprc_over_prevalence",
        "rare_de_overlap",
        "pearson_context",
        "andcg_published",
        "interaction_pearson",
    }
    diagnostics = {"variance_ratio", "pairwise_cosine", "best_scale"}
    about_metrics = {"dynamic_range", "dynamic_range_published"}
    parts = {f"pearson_centroid_{stratum}" for stratum in ("small", "middle", "large", "unsolved")}
    assert diagnostics | about_metrics | parts <= set(BEYOND_PROFILES)
    assert {n for n in DECLARED if n not in RANKABLE} == shown | diagnostics | about_metrics | parts


def test_what_a_baseline_does_not_solve_was_chosen_against_it():
    """Of two answers that are equally good everywhere, one seems worse where it was found to fail."""
    one, other = np.random.default_rng(0).normal(size=(2, 500))
    unsolved = solved(one, np.full(500, -3.0), np.zeros(500)) == 0
    assert 0.3 < unsolved.mean() < 0.7
    assert not significantly(other - one, 2)
    assert significantly((other - one)[unsolved], 3)


# -- answers must not be peeked at ---------------------------------------------------------------------


def test_what_one_perturbation_is_trained_on_must_not_tell_it_apart(study):
    """Leaving one out at a time, the mean of the others lacks just the own part: taken negatively around a
    mean known from elsewhere it discriminates perfectly, and as it is it does worse than a coin. Compared in
    groups that share their training set, both have one half."""
    drawn = study(0)
    truth, overall = drawn.measured.truth, drawn.duplicate.mean(axis=0)
    others = (truth.sum(axis=0) - truth) / (len(truth) - 1)
    assert perturbation_discrimination(overall - 15 * (others - overall), truth).mean() > 0.95
    assert perturbation_discrimination(others, truth).mean() < 0.45
    fold = np.arange(len(truth)) % 2
    training = np.array([truth[fold != one].mean(axis=0) for one in fold])
    for answer in (training, overall - 15 * (training - overall)):
        assert perturbation_discrimination(answer, truth, groups=fold).mean() == pytest.approx(0.5)


def test_ceilings_do_not_peek():
    """A second half is measured on other cells: changing the first half leaves it as it is."""
    rng = np.random.default_rng(0)
    cells, label = rng.normal(size=(60, 5)), np.repeat(["a", "b"], 30)
    half = halves(0, label)
    spoiled = np.where(half[:, None] == 0, 1e6, cells)
    for name in "ab":
        rows = (label == name) & (half == 1)
        assert (spoiled[rows].mean(axis=0) == cells[rows].mean(axis=0)).all()
