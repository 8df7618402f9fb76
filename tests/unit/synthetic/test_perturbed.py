"""Perturbed cells: each knob against its exact truth."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from harness.synthetic import World
from harness.synthetic.perturbed import hill

SMALL = World(genes=80, programmes=5, types=6, perturbations=10, contexts=4)


def arms(population):
    """Return (perturbation, context) -> delta without the controls."""
    return {key: delta for key, delta in population.truth["delta"].items() if key[0] != "control"}


def test_every_condition_has_equally_many_cells():
    """One round of the design is 4 contexts x (10 treated + 5 controls) = 60 cells."""
    obs = SMALL.perturbed(120).obs
    assert set(obs) == {"perturbation", "context", "donor"}
    for start in (0, 60):
        found = Counter(zip(obs["perturbation"][start:][:60], obs["context"][start:][:60], strict=True))
        assert len(found) == 44
        assert all(cells == (5 if key[0] == "control" else 1) for key, cells in found.items())


@pytest.mark.parametrize(("share", "null"), [(0.0, 0), (0.25, 2), (0.6, 6), (1.0, 10)])
def test_a_share_of_perturbations_has_no_effect_of_its_own(share, null):
    """Null ones change nothing but by the shift, and the others change more in at least one context."""
    population = replace(SMALL, null_share=share).perturbed(1)
    own = {key[0] for key, delta in arms(population).items() if np.any(delta != population.truth["shift"])}
    assert len(population.truth["null"]) == null
    assert own == {key[0] for key in arms(population)} - set(population.truth["null"])


def test_own_effects_lie_in_the_programmes_but_for_private_genes():
    """After the shift and W a are taken away, only private genes differ, by the private effect."""
    world = replace(SMALL, null_share=0.0, gating=0.0, private_genes=3, private_effect=2.0)
    bare = replace(world, private_effect=0.0).perturbed(1).truth
    truth = world.perturbed(1).truth
    for key, delta in bare["delta"].items():
        rest = delta - (bare["shift"] if key[0] != "control" else 0)
        assert np.allclose(bare["W"] @ (bare["W"].T @ rest) / world.genes, rest)
        private = truth["delta"][key] - delta
        genes = truth["private"].get(key[0], np.zeros(0, dtype=int))
        assert np.array_equal(np.flatnonzero(abs(private) > 1e-9), genes)
        assert np.allclose(abs(private[genes]), 2.0)


@pytest.mark.parametrize(("gating", "silent"), [(0.0, 0), (0.25, 1), (0.75, 3)])
def test_effects_are_silent_in_a_share_of_contexts(gating, silent):
    """Where the gate is shut only the shift is left; the number of shut gates is exact."""
    population = replace(SMALL, null_share=0.0, gating=gating).perturbed(1)
    truth = population.truth
    assert np.all((truth["gates"] == 0).sum(axis=1) == silent)
    for (name, context), delta in arms(population).items():
        opened = truth["gates"][int(name[-2:]) - 1, int(context[-1]) - 1]
        assert np.array_equal(delta, truth["shift"]) != bool(opened)


def test_controls_do_not_change():
    """Their log-rates are those of the context's type."""
    truth = SMALL.perturbed(1).truth
    types = SMALL.evaluation(1).truth["log_rate"]
    for number in range(4):
        assert np.array_equal(truth["log_rate"]["control", f"line-{number + 1}"], types[number])


def measured(population):
    """Return perturbation -> measured change of log mean counts, over all contexts."""
    name = population.obs["perturbation"].astype(str)
    mean = {one: np.asarray(population.counts[name == one].mean(axis=0)).ravel() for one in set(name)}
    return {one: np.log((m + 0.1) / (mean["control"] + 0.1)) for one, m in mean.items() if one != "control"}


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, -0.15, 0.15), (0.4, 0.75, 1.0)])
def test_a_shared_shift_makes_the_perturbed_mean_strong(shift, low, high):
    """The mean of the other perturbations predicts one of them well with the shift, hardly without."""
    world = replace(
        SMALL,
        programmes=20,
        perturbations=24,
        null_share=0.0,
        effect=1.0,
        private_genes=0,
        depth=4000,
        shift=shift,
    )
    found = measured(world.perturbed(24 * 4 * 25))
    total = sum(found.values())
    r = [np.corrcoef((total - delta) / 23, delta)[0, 1] for delta in found.values()]
    assert low < np.mean(r) < high


def test_measured_changes_agree_with_the_truth():
    """Counts show the noiseless delta."""
    world = replace(SMALL, null_share=0.0, gating=0.0, depth=4000, dispersion=0.05, within=0.1, effect=2.0)
    population = world.perturbed(60 * 20)
    for name, delta in measured(population).items():
        assert np.corrcoef(delta, population.truth["delta"][name, "line-1"])[0, 1] > 0.9


def test_the_dose_curve_is_hill():
    """Half of the effect at dose 1 whatever the exponent; d^h / (1 + d^h) elsewhere, by hand 4/5 and 1/5."""
    assert hill(1.0, 3.0) == 0.5
    assert hill(2.0, 2.0) == pytest.approx(0.8)
    assert hill(0.5, 2.0) == pytest.approx(0.2)
    full = SMALL.perturbed(1).truth["delta"]
    dosed = replace(SMALL, doses=(0.5, 2.0), hill=2.0).perturbed(200)
    for name, context in arms(SMALL.perturbed(1)):
        assert np.allclose(dosed.truth["delta"][name, context, "2"], 0.8 * full[name, context])
        assert np.allclose(dosed.truth["delta"][name, context, "0.5"], 0.2 * full[name, context])
    assert set(dosed.obs["dose"]) == {"0", "0.5", "2"}
    assert set(dosed.obs["dose"][dosed.obs["perturbation"] == "control"]) == {"0"}


def test_combinations_add_up_but_for_a_sparse_interaction():
    """delta(x+y) - delta(x) - delta(y) is non-zero in exactly the interaction genes, apart from the shift."""
    world = replace(SMALL, combinations=5, interaction_genes=4, interaction=0.7, shift=0.0)
    population = world.perturbed(1)
    pairs = {key for key in arms(population) if "+" in key[0]}
    assert len({name for name, _ in pairs}) == 5
    for name, context in pairs:
        first, second = name.split("+")
        delta = population.truth["delta"]
        rest = delta[name, context] - delta[first, context] - delta[second, context]
        assert (abs(rest) > 1e-9).sum() == 4
        assert np.allclose(abs(rest[abs(rest) > 1e-9]), 0.7)


def test_private_genes_are_a_perturbations_own():
    """Each perturbation draws its own genes."""
    private = replace(SMALL, null_share=0.0).perturbed(1).truth["private"]
    assert all(len(genes) == SMALL.private_genes for genes in private.values())
    assert any(set(a) != set(b) for a, b in combinations(private.values(), 2))
