"""Does a model say the same for every perturbation, or too little, or too much? Diagnostics, never ranked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.measures.response.profiles import CONSTANT

Floats = NDArray[np.float64]


def variance_ratio(effect: Floats, truth: Floats) -> float:
    """Return the summed squares of predicted over those of measured effects: 1 is right, 0 is no change."""
    measured = float((truth**2).sum())
    return float((effect**2).sum()) / measured if measured > CONSTANT**2 else float("nan")


def pairwise_cosine(effect: Floats) -> float:
    """Return the mean cosine between effects of different perturbations: 1 where all point one way.

    To be read beside that of the measured effects. Perturbations without an effect are left out; NaN with
    fewer than two.
    """
    length = np.linalg.norm(effect, axis=1)
    unit = effect[length > CONSTANT] / length[length > CONSTANT, None]
    n = len(unit)
    if n < 2:
        return float("nan")
    return float(((unit.sum(axis=0) ** 2).sum() - n) / (n * (n - 1)))


def best_scale(effect: Floats, truth: Floats) -> float:
    """Return the one number by which all predicted effects should be multiplied (least squares)."""
    size = float((effect**2).sum())
    return float((effect * truth).sum()) / size if size > CONSTANT**2 else float("nan")
