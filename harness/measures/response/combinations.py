"""Genetic interaction: what a combination does beyond the sum of its parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.measures.response.profiles import pearson, skill

Floats = NDArray[np.float64]


def interaction(combined: Floats, first: Floats, second: Floats, control: Floats) -> Floats:
    """Return delta_XY - delta_X - delta_Y from profiles (combinations x genes)."""
    return np.asarray(combined - first - second + control)


def interaction_skill(
    predicted: Floats, truth: Floats, first: Floats, second: Floats, control: Floats
) -> Floats:
    """Return the share of the measured interaction (squared, over genes) that a prediction explains.

    Parameters
    ----------
    predicted, truth
        Profiles of the combinations (combinations x genes).
    first, second
        Measured profiles of their parts (combinations x genes).
    control
        Profile of untreated cells.

    Returns
    -------
    (combinations,): 0 for the additive baseline, 1 for the truth, negative where adding up is better; larger
    is better. Scaling and shifting a prediction change it.
    """
    return skill(predicted, truth, first + second - control)


def interaction_pearson(
    predicted: Floats, truth: Floats, first: Floats, second: Floats, control: Floats
) -> Floats:
    """Return the correlation of predicted with measured interaction: shown, never ranked.

    Both are differences from the same measured parts, whose noise they share: no change at all correlates
    with an interaction that is nothing but noise. The additive baseline has none (NaN).
    """
    parts = (first, second, control)
    return pearson(interaction(predicted, *parts), interaction(truth, *parts))
