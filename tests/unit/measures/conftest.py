"""A perturbation study of known truth on plain profiles, cheap enough to draw hundreds of times."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from harness.measures.response import Measured, contrast_weights


@dataclass(frozen=True)
class Study:
    """What is measured, what is true, and what an answer may know.

    ``measured`` is the evidence of the asked perturbations, ``duplicate`` a second measurement of them and
    ``true`` their profiles without noise. ``training`` are the profiles of the training perturbations,
    ``untreated`` is the control without noise.
    """

    measured: Measured
    duplicate: np.ndarray
    true: np.ndarray
    training: np.ndarray
    untreated: np.ndarray

    def asked(self, answer):
        """Return the same answer for every perturbation."""
        return np.broadcast_to(answer, self.true.shape).copy()

    def change(self, **evidence):
        return replace(self, measured=replace(self.measured, **evidence))


def draw(seed, asked=16, training=30, genes=120, noise=0.1, shift=0.3, specific=0.2):
    """Draw a study.

    All perturbations share a shift (standard deviation ``shift`` over genes); each has effects on programmes
    (of every other gene), on four genes of its own and on a target that it lowers; one in five does nothing
    else. In the asked context an
    effect differs from that in the three training contexts by ``specific``.
    """
    rng = np.random.default_rng(seed)
    control, n = rng.gamma(1.2, 0.7, genes), asked + training
    reached = (rng.random((n, genes)) < 0.5) & (np.arange(genes) % 2 == 0)
    own = 0.35 * (rng.normal(size=(n, 5)) @ rng.normal(size=(5, genes))) * reached
    for row in range(n):
        private = rng.choice(genes, 4, replace=False)
        own[row, private] += rng.choice([-1.5, 1.5], 4)
    own *= (rng.random(n) < 0.8)[:, None]
    targets = np.zeros((n, genes), bool)
    targets[np.arange(n), rng.integers(genes, size=n)] = True
    own -= targets * np.minimum(1, control)
    effect = own + shift * rng.normal(size=genes)

    def measure(profile, precision=1.0):
        return profile + noise / precision * rng.normal(size=profile.shape)

    first, duplicate = measure(control + effect), measure(control + effect)
    untreated = measure(control, precision=3)
    elsewhere = measure(effect + specific * rng.normal(size=effect.shape), precision=np.sqrt(3))
    significant = np.abs(first - untreated) > 3.2 * noise
    measured = Measured(
        truth=first[:asked],
        control=np.broadcast_to(untreated, (asked, genes)),
        centroid=first[asked:].mean(axis=0),
        transferred=untreated + elsewhere[:asked],
        weights=contrast_weights((first - first.mean(axis=0))[:asked] / noise),
        significant=significant[:asked],
        training_significant=significant[asked:],
        targets=targets[:asked],
        detected=untreated > 0.05,
    )
    return Study(measured, duplicate[:asked], (control + effect)[:asked], first[asked:], control)


@pytest.fixture(scope="session")
def study():
    """Return what draws a study from a seed."""
    return draw
