"""What is declared of every score, as data: how to read it, what leaves it as it is, whether it may rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["up", "down"]
Invariance = Literal["scale", "offset", "order", "monotone", "cells"]


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
