"""What is declared of every score, as data: how to read it, what leaves it as it is, whether it may rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Direction = Literal["up", "down"]
Invariance = Literal["scale", "offset", "order", "monotone", "cells"]

TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Declared:
    """How to read one score.

    Attributes
    ----------
    because
        What the score is for or, where models may not be ranked by it, why.
    direction
        ``"up"`` where larger is better, ``"down"`` for losses.
    lower, upper
        Attainable range; None where unbounded or a matter of the data.
    perfect
        Score of the truth itself; None where that depends on the data.
    floor
        Score of an answer that knows nothing of the perturbation; None where that depends on the data.
    invariant
        What leaves the score as it is: ``"scale"`` (all predicted effects times one positive number),
        ``"offset"`` (one number added to all genes of a prediction), ``"order"`` (of genes, in prediction and
        evidence alike), ``"monotone"`` (any increasing function of the scores of perturbations), ``"cells"``
        (their order).
    rankable
        Whether models may be ranked by it: no answer that knows nothing of the perturbation beats the honest
        baselines, the truth is best, and noise does not help. Whether it can tell anything on a data set is
        another question, see :func:`calibrate`.
    """

    because: str
    direction: Direction = "up"
    lower: float | None = 0.0
    upper: float | None = 1.0
    perfect: float | None = 1.0
    floor: float | None = None
    invariant: frozenset[Invariance] = frozenset()
    rankable: bool = True


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What one score says about another of the same prediction.

    Attributes
    ----------
    score, other
        Names; ``score`` equals ``of(other)``, or does not exceed it where ``at_most``.
    """

    score: str
    other: str
    of: Callable[[np.ndarray], np.ndarray]
    at_most: bool = False


IDENTITIES = (
    Identity(score="r2", other="pearson_r", of=np.square, at_most=True),
    Identity(score="andcg_published", other="andcg", of=lambda values: np.maximum(values, 0)),
    Identity(
        score="dynamic_range_published", other="dynamic_range", of=lambda values: np.clip(values, -1, 1)
    ),
)

WHY_NOT_A_STRATUM = "chosen by the cells that are the truth, so that answers of other kinds regress unequally"

BEYOND_PROFILES: Mapping[str, Declared] = MappingProxyType(
    {
        "interaction_skill": Declared(
            because="share of the interaction beyond the additive baseline that is explained",
            lower=None,
            floor=0.0,
            invariant=frozenset(["order"]),
        ),
        "interaction_pearson": Declared(
            because="prediction and truth share the noise of the measured parts, so that no change scores",
            lower=-1.0,
            invariant=frozenset(["offset", "order"]),
            rankable=False,
        ),
        "dose_response": Declared(
            because="do effects grow as measured? every answer that grows with the dose has the same value",
            lower=-1.0,
            invariant=frozenset(["scale", "order"]),
        ),
        "andcg": Declared(
            because="are the perturbations first that lead towards the goal?",
            lower=None,
            floor=0.0,
            invariant=frozenset(["monotone"]),
        ),
        "andcg_published": Declared(
            because="floored at 0, which lifts the mean of random answers above chance",
            invariant=frozenset(["monotone"]),
            rankable=False,
        ),
        "enrichment_factor": Declared(
            because="how many times more of the best are among the first than by chance",
            upper=None,
            perfect=None,
            floor=1.0,
            invariant=frozenset(["monotone"]),
        ),
        "top1_regret": Declared(
            because="what taking the first perturbation loses",
            direction="down",
            upper=None,
            perfect=0.0,
            invariant=frozenset(["monotone"]),
        ),
        "energy_distance": Declared(
            because="between predicted and measured cells, in distribution",
            direction="down",
            lower=None,
            upper=None,
            perfect=0.0,
            invariant=frozenset(["order", "cells"]),
        ),
        "variance_ratio": Declared(
            because="a diagnostic: 1 is right, less is timid, more is inflated",
            upper=None,
            invariant=frozenset(["order"]),
            rankable=False,
        ),
        "pairwise_cosine": Declared(
            because="a diagnostic of mode collapse, to be read beside that of the truth",
            lower=-1.0,
            perfect=None,
            invariant=frozenset(["scale", "order"]),
            rankable=False,
        ),
        "best_scale": Declared(
            because="a diagnostic: the number that all predicted effects should be multiplied by; 1 is right",
            lower=None,
            upper=None,
            invariant=frozenset(["order"]),
            rankable=False,
        ),
        **{
            f"pearson_centroid_{stratum}": Declared(
                because=f"a part of pearson_centroid: {which}; {WHY_NOT_A_STRATUM}",
                lower=-1.0,
                invariant=frozenset(["offset", "order"]),
                rankable=False,
            )
            for stratum, which in {
                "small": "the third of the conditions of smallest effect",
                "middle": "the third of the conditions of middling effect",
                "large": "the third of the conditions of largest effect",
                "unsolved": "what no trivial baseline solves",
            }.items()
        },
        "dynamic_range": Declared(
            because="of a metric, not of a model: how far the positive control lies above the negative one",
            lower=None,
            floor=0.0,
            rankable=False,
        ),
        "dynamic_range_published": Declared(
            because="clipped to -1 ... 1, as it is published",
            lower=-1.0,
            floor=0.0,
            rankable=False,
        ),
    }
)
"""Scores of rankings, doses, combinations and cells, and figures about metrics and predictions."""


def violations(values: Mapping[str, ArrayLike], declared: Mapping[str, Declared]) -> list[str]:
    """Return what stored scores contradict of what is declared of them, one sentence each.

    Parameters
    ----------
    values
        Name -> numbers (one per unit, the same units for all); NaN is no contradiction.
    declared
        Name -> declaration; scores without one are passed over.
    """
    known = {name: np.asarray(value, dtype=float) for name, value in values.items() if name in declared}
    found = []
    for name, numbers in known.items():
        low, high = declared[name].lower, declared[name].upper
        if low is not None and (numbers < low - TOLERANCE).any():
            found.append(f'"{name}" has the value {np.nanmin(numbers):g}; it cannot be below {low:g}')
        if high is not None and (numbers > high + TOLERANCE).any():
            found.append(f'"{name}" has the value {np.nanmax(numbers):g}; it cannot exceed {high:g}')
    for identity in IDENTITIES:
        if identity.score in known and identity.other in known:
            gap = known[identity.score] - identity.of(known[identity.other])
            if (gap > TOLERANCE).any() or (not identity.at_most and (gap < -TOLERANCE).any()):
                relation = "exceeds what" if identity.at_most else "is not what"
                found.append(f'"{identity.score}" {relation} "{identity.other}" allows')
    return found
