"""On simulated cells of known truth the baselines recover what was planted, and the rare tail sees it."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.measures.expression import log_normalise
from harness.measures.response import (
    Measured,
    additive,
    auprc,
    centroid_accuracy,
    contrast_weights,
    dose_response,
    fit_linear_response,
    gene_loadings,
    halves,
    interaction,
    interaction_skill,
    log_dose_line,
    matching_mean,
    mse,
    nearest_dose,
    panel,
    pearson,
    perturbation_discrimination,
    rare_genes,
)
from harness.synthetic import World


def profiles(world, cells):
    """Return the truth, log-normalised cells, their labels, and the mean profile of every label."""
    found = world.perturbed(cells)
    expression = log_normalise(found.counts).toarray().astype(float)
    roles = [role for role in ("perturbation", "context", "dose") if role in found.obs]
    labels = np.array(["|".join(key) for key in zip(*(found.obs[role] for role in roles), strict=True)])
    return found, expression, labels, {key: expression[labels == key].mean(axis=0) for key in set(labels)}


@pytest.fixture(scope="module")
def screen():
    """24 perturbations in two lines, most with effects along programmes and genes of their own."""
    world = World(
        genes=200, programmes=6, perturbations=24, contexts=2, gating=0, null_share=0.2, strongest=0.2
    )
    return profiles(world, 7000)


@pytest.fixture(scope="module")
def tailed():
    """24 perturbations whose own genes change far more than the programmes do."""
    world = World(
        genes=200, perturbations=24, contexts=1, null_share=0.2, gating=0, effect=0.4, private_effect=2.5
    )
    return evidence(world, 4000)


def names(found):
    return sorted(set(found.obs["perturbation"]) - {"control"})


def test_the_linear_baseline_recovers_planted_effects(screen):
    """Perturbations embedded by what they do in the other line, fitted on 16, asked for the other 8: nearer
    to the planted log-rate change than the mean of the 16, and it tells the 8 apart."""
    found, _, _, mean = screen
    every, there, here = names(found), "line-1", "line-2"
    effects = {
        line: np.array([mean[f"{p}|{line}"] - mean[f"control|{line}"] for p in every])
        for line in (there, here)
    }
    fitted, asked = slice(0, 16), slice(16, None)
    embedding = gene_loadings(effects[there].T, 6)
    loadings = gene_loadings(effects[here][fitted], 6)
    predicted = fit_linear_response(effects[here][fitted], embedding[fitted], loadings).predict(
        embedding[asked]
    )
    planted = np.array([found.truth["delta"][p, here] for p in every[asked]])
    active = [p not in found.truth["null"] for p in every[asked]]
    average = np.broadcast_to(effects[here][fitted].mean(axis=0), planted.shape)
    gain = pearson(predicted, planted)[active] - pearson(average, planted)[active]
    assert gain.mean() > 0.1
    measured = effects[here][asked][active]
    assert mse(predicted[active], measured).mean() < 0.8 * mse(average[active], measured).mean()
    assert centroid_accuracy(predicted[active], measured).mean() > 0.8
    assert centroid_accuracy(average[active], measured).mean() == pytest.approx(0.5)


def evidence(world, cells):
    """Return the truth, the perturbations, the evidence of a half of their cells, and the other half."""
    found, expression, labels, _ = profiles(world, cells)
    every = names(found)
    half = halves(0, labels)
    rows = {p: np.flatnonzero(labels == f"{p}|line-1") for p in [*every, "control"]}
    first, second = (
        np.array([expression[rows[p][half[rows[p]] == side]].mean(axis=0) for p in every]) for side in (0, 1)
    )
    untreated = expression[rows["control"]]
    treated = np.concatenate([rows[p] for p in every])
    p_values, t_rest = [], []
    for p in every:
        mine = rows[p][half[rows[p]] == 0]
        p_values.append(ttest_ind(expression[mine], untreated, equal_var=False).pvalue)
        t_rest.append(ttest_ind(expression[mine], expression[np.setdiff1d(treated, rows[p])]).statistic)
    significant = np.nan_to_num(np.array(p_values), nan=1.0) < 1e-4
    measured = Measured(
        truth=first,
        control=np.broadcast_to(untreated.mean(axis=0), first.shape),
        centroid=first.mean(axis=0),
        weights=contrast_weights(np.array(t_rest)),
        significant=significant,
        training_significant=significant,
    )
    return found, every, measured, second


def test_the_rare_tail_sees_the_planted_private_genes(tailed):
    """They are more than ten times as frequent among rare DE genes (significant here and in at most one
    other) as among all, a second measurement finds them, and the mean of all perturbations does not."""
    found, every, measured, second = tailed
    planted = np.zeros(measured.truth.shape, bool)
    for row, name in enumerate(every):
        planted[row, found.truth["private"][name]] = True
    rare = measured.significant & rare_genes(measured.significant, 2 / 24)
    assert planted[rare].mean() > 10 * planted.mean()
    assert planted[measured.significant].sum() > 0.9 * planted.sum()
    answers = second, np.broadcast_to(measured.centroid, second.shape)
    by_truth = [np.nanmean(auprc(answer - measured.control, planted)) for answer in answers]
    by_evidence = [np.nanmean(panel(answer, measured)["private_auprc"]) for answer in answers]
    assert by_truth[0] > 0.8
    assert by_evidence[0] > 0.5
    assert max(by_truth[1], by_evidence[1]) < 0.1


def test_discrimination_sees_who_does_something(tailed):
    """A second measurement tells active perturbations from all others, and null ones not from each other."""
    found, every, measured, second = tailed
    null = np.array([name in found.truth["null"] for name in every])
    assert perturbation_discrimination(second, measured.truth)[~null].mean() > 0.95
    assert perturbation_discrimination(second[null], measured.truth[null]).mean() < 0.8


def pairs_of(knobs):
    found, _, _, mean = profiles(World(genes=120, contexts=1, gating=0, null_share=0, shift=0, **knobs), 6000)
    line = "|line-1"
    control = mean["control" + line]
    singles = {name: mean[name + line] for name in names(found) if "+" not in name}
    combined = [name for name in names(found) if "+" in name]
    return found, control, singles, combined, np.array([mean[name + line] for name in combined])


def test_adding_up_is_right_where_effects_add_up():
    """Without interaction, the sum of the parts is far nearer to the pair than no change or the mean of the
    parts."""
    knobs = {
        "perturbations": 6,
        "combinations": 6,
        "interaction": 0.0,
        "depth": 3000.0,
        "private_effect": 0.8,
    }
    _, control, singles, combined, truth = pairs_of(knobs)
    sums = np.array([additive(name.split("+"), singles, control) for name in combined])
    middle = np.array([matching_mean(name.split("+"), singles) for name in combined])
    errors = [mse(answer, truth).mean() for answer in (sums, middle, np.broadcast_to(control, truth.shape))]
    assert errors[0] < 0.25 * errors[1] < 0.25 * errors[2]


def test_planted_interactions_are_found():
    """Five genes per pair change by more than the sum: the measured interaction is largest there, and who
    knows it has skill beyond adding up."""
    knobs = {
        "perturbations": 6,
        "combinations": 6,
        "interaction": 1.5,
        "depth": 3000.0,
        "private_effect": 0.0,
    }
    found, control, singles, combined, truth = pairs_of(knobs)
    first, second = (np.array([singles[n.split("+")[part]] for n in combined]) for part in (0, 1))
    delta = {key[0]: value for key, value in found.truth["delta"].items()}
    extra = np.array([delta[n] - sum(delta[part] for part in n.split("+")) for n in combined])
    planted = np.abs(extra) > 1
    assert (planted.sum(axis=1) == 5).all()
    measured = interaction(truth, first, second, control)
    assert np.nanmean(auprc(measured, planted)) > 0.6
    known = first + second - control + np.where(planted, measured, 0)
    assert interaction_skill(known, truth, first, second, control).mean() > 0.3


def test_doses_follow_the_planted_curve():
    """The middle dose lies on the line between its neighbours better than at the nearest; effects grow."""
    doses = (0.2, 1.0, 5.0)
    world = World(
        genes=120, contexts=1, gating=0, null_share=0, perturbations=6, doses=doses, depth=3000.0, shift=0
    )
    found, _, _, mean = profiles(world, 6000)
    control = mean["control|line-1|0"]
    nearest, between, trend = [], [], []
    for name in names(found):
        effects = np.array([mean[f"{name}|line-1|{dose:g}"] - control for dose in doses])
        others = ([doses[0], doses[2]], effects[[0, 2]])
        nearest.append(mse(nearest_dose(1.2, *others), effects[1]))
        between.append(mse(log_dose_line(1.0, *others), effects[1]))
        planted = np.array([found.truth["delta"][name, "line-1", f"{dose:g}"] for dose in doses])
        assert all(a < b for a, b in pairwise(np.linalg.norm(planted, axis=1)))
        trend.append(dose_response(effects, planted, doses))
    assert np.mean(between) < 0.8 * np.mean(nearest)
    assert np.mean(trend) > 0.9
