"""The scores of an answer about a screen: which there are, their values, and why some have none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.measures.response import (
    SCORES,
    TARGET_RANKING,
    interaction_pearson,
    interaction_skill,
)

Floats = NDArray[np.float64]

PRIMARY = "pearson_centroid"
PROFILES = (PRIMARY, *(name for name in SCORES if name != PRIMARY))
"""Scores of profiles, one per unit."""
INTERACTIONS = {"interaction_skill": interaction_skill, "interaction_pearson": interaction_pearson}
STRATA = tuple(f"{PRIMARY}_{size}" for size in ("small", "middle", "large"))
UNSOLVED = f"{PRIMARY}_unsolved"
FEWEST_TO_RANK = 3
TOGETHER = ("dose_response", *TARGET_RANKING, "variance_ratio", "pairwise_cosine", "best_scale")
"""Scores of several units at once."""
METRICS = (*PROFILES, *INTERACTIONS, *STRATA, UNSOLVED, *TOGETHER, "energy_distance")

ALONE = "fewer than two perturbations are asked together in a context"
NOT_TAUGHT = "what is asked is not taught in any context"
NO_GENES = "no unit has differentially expressed genes to be told from others"
NO_RARE_GENES = "no unit changes a gene that few taught perturbations change, or one alone is taught"
CONSTANT = "the prediction or the truth is constant in every unit, or the prediction is the reference"
NO_COMBINATION = "no combination is asked whose two parts were measured alone in its context"
NO_GOAL = (
    f"no context asks about {FEWEST_TO_RANK} perturbations of unlike effect while untreated cells of another "
    "context are a goal"
)
EMPTY = "no perturbation of this stratum is asked, or none of them has a score"
WHY = {
    "energy_distance": "means are predicted, and an E-distance is one between cells",
    "skill_context": NOT_TAUGHT,
    "pearson_context": f"{NOT_TAUGHT}, or the prediction is that of context transfer",
    "pds": ALONE,
    "pds_published": ALONE,
    "centroid_accuracy": ALONE,
    "pairwise_cosine": f"{ALONE}, or none is predicted to have an effect",
    **dict.fromkeys(("auprc", "auprc_over_prevalence", "de_overlap", "sign_accuracy"), NO_GENES),
    **dict.fromkeys(("mse_de", "r2_de"), NO_GENES),
    **dict.fromkeys(("private_auprc", "private_sign_accuracy", "rare_de_overlap"), NO_RARE_GENES),
    "interaction_skill": NO_COMBINATION,
    "interaction_pearson": f"{NO_COMBINATION}, or the prediction is their sum",
    **dict.fromkeys(TARGET_RANKING, NO_GOAL),
    **dict.fromkeys(STRATA, EMPTY),
    UNSOLVED: "every perturbation asked is solved by a trivial baseline, or none of the others has a score",
    "best_scale": "no effect is predicted",
    "dose_response": "no perturbation is asked at three doses, or its predicted effects do not differ",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Scores of an answer.

    Attributes
    ----------
    units
        Metric -> one number per unit, NaN where a unit does not define it.
    together
        Metric -> one number for each group of units that has it together (a perturbation's doses, a context
        and a goal, or all units at once); empty or NaN where it is not defined.
    """

    units: dict[str, Floats]
    together: dict[str, Floats]

    @cached_property
    def values(self) -> dict[str, float]:
        """Metric -> the mean over the units, or groups of them, that define it."""
        return {
            name: float(np.nanmean(values))
            for name, values in (self.units | self.together).items()
            if np.isfinite(values).any()
        }

    @property
    def undefined(self) -> dict[str, str]:
        """Metric -> why it has no value."""
        return {name: WHY.get(name, CONSTANT) for name in METRICS if name not in self.values}

    @property
    def missing(self) -> dict[str, int]:
        """Metric -> units that do not define it."""
        return {name: int(np.isnan(values).sum()) for name, values in self.units.items()}
