"""All scores of predicted profiles at once, and what is declared of each score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import Misuse, NotFinite
from harness.measures.response.declared import BEYOND_PROFILES, Declared, Invariance
from harness.measures.response.discrimination import (
    centroid_accuracy,
    perturbation_discrimination,
    published_discrimination,
)
from harness.measures.response.genes import (
    auprc,
    auprc_over_prevalence,
    de_overlap,
    rare_genes,
    rarity_weights,
    sign_accuracy,
    tail_recall,
)
from harness.measures.response.profiles import expression_stratum, mse, pearson, pearson_delta, r2, skill

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What predictions of one fold are held against; rows are the perturbations asked about.

    Training evidence belongs to a fold, so there is one of these for each, and the panels are put together.

    Attributes
    ----------
    truth, control
        Measured profiles, and those of untreated cells of the same context (perturbations x genes).
    centroid
        Mean of the training perturbations' profiles (genes,) or (perturbations x genes).
    transferred
        Control plus the mean effect in the training contexts (perturbations x genes), NaN of a perturbation
        that is taught in none of them.
    weights
        From :func:`contrast_weights` (perturbations x genes).
    significant
        DE genes of each perturbation (perturbations x genes).
    training_significant
        DE genes of the training perturbations (training perturbations x genes).
    targets
        Genes that a perturbation targets directly (perturbations x genes).
    detected
        Genes above the detection floor (genes,).
    groups
        Perturbations of one label share their control and are compared with each other: their context
        (perturbations,). See :func:`perturbation_discrimination`.
    """

    truth: Floats
    control: Floats
    centroid: Floats | None = None
    transferred: Floats | None = None
    weights: Floats | None = None
    significant: Bools | None = None
    training_significant: Bools | None = None
    targets: Bools | None = None
    detected: Bools | None = None
    groups: NDArray[np.object_] | None = None

    @property
    def effect(self) -> Floats:
        """Measured minus control profile."""
        return self.truth - self.control

    @property
    def candidates(self) -> Bools:
        """Genes that can be found: detected and not targeted by the perturbation itself."""
        found = np.ones(self.truth.shape, dtype=bool)
        if self.detected is not None:
            found &= self.detected
        if self.targets is not None:
            found &= ~self.targets
        return found

    @property
    def changed(self) -> Bools:
        """DE genes among the candidates."""
        return _given(self.significant) & self.candidates

    @property
    def rare(self) -> Bools:
        """Candidates that few training perturbations change."""
        return self.candidates & rare_genes(_given(self.training_significant))


def _given(evidence: NDArray[Any] | None) -> NDArray[Any]:
    if evidence is None:
        raise Misuse("a score was asked for without its evidence; panel() leaves such scores out")
    return evidence


@dataclass(frozen=True, kw_only=True)
class Score(Declared):
    """A score of predicted profiles.

    Attributes
    ----------
    needs
        Attributes of :class:`Measured` without which it is not defined.
    of
        (predicted profiles, evidence) -> one number per perturbation.
    """

    of: Callable[[Floats, Measured], Floats]
    needs: tuple[str, ...] = ()


ORDER: frozenset[Invariance] = frozenset(["order"])
OFFSET: frozenset[Invariance] = frozenset(["order", "offset"])
SCALE: frozenset[Invariance] = frozenset(["order", "scale"])

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "pearson_r": Score(
            of=lambda p, m: pearson(p, m.truth),
            because="published under the name R2; near 1 for no change at all",
            invariant=OFFSET,
            lower=-1.0,
            rankable=False,
        ),
        "r2": Score(
            of=lambda p, m: r2(p, m.truth),
            because="of mean expression over genes; near 1 for no change at all",
            invariant=ORDER,
            lower=None,
            rankable=False,
        ),
        "mse": Score(
            of=lambda p, m: mse(p, m.truth),
            because="dominated by genes that do not change: shrinking any answer improves it",
            invariant=ORDER,
            direction="down",
            upper=None,
            perfect=0.0,
            rankable=False,
        ),
        "pearson_delta": Score(
            of=lambda p, m: pearson_delta(p, m.truth, m.control),
            because="rewards what all perturbations share: the mean of others is a strong answer",
            invariant=SCALE | OFFSET,
            lower=-1.0,
            rankable=False,
        ),
        "pearson_centroid": Score(
            of=lambda p, m: pearson_delta(p, m.truth, _given(m.centroid)),
            because="what is not shared with n training perturbations; no change has up to 1 / sqrt(n + 1)",
            needs=("centroid",),
            invariant=OFFSET,
            lower=-1.0,
        ),
        "pearson_context": Score(
            of=lambda p, m: pearson_delta(p, m.truth, _given(m.transferred)),
            because="the context-specific part; prediction and truth share the noise of the reference",
            needs=("transferred",),
            invariant=OFFSET,
            lower=-1.0,
            rankable=False,
        ),
        "skill_context": Score(
            of=lambda p, m: skill(p, m.truth, _given(m.transferred), m.weights),
            because="share of the (weighted) squared error of context transfer that a model removes",
            needs=("transferred",),
            invariant=ORDER,
            lower=None,
            floor=0.0,
        ),
        "wmse": Score(
            of=lambda p, m: mse(p, m.truth, _given(m.weights)),
            because="squared error over the genes that tell a perturbation from the others",
            needs=("weights",),
            invariant=ORDER,
            direction="down",
            upper=None,
            perfect=0.0,
        ),
        "r2_weighted": Score(
            of=lambda p, m: r2(p, m.truth, _given(m.centroid), _given(m.weights)),
            because="over the genes that tell a perturbation from the others, against the centroid",
            needs=("weights", "centroid"),
            invariant=ORDER,
            lower=None,
        ),
        "mse_de": Score(
            of=lambda p, m: mse(p, m.truth, m.changed),
            because="over genes chosen for being large: inflating an answer improves it",
            needs=("significant",),
            invariant=ORDER,
            direction="down",
            upper=None,
            perfect=0.0,
            rankable=False,
        ),
        "r2_de": Score(
            of=lambda p, m: r2(p, m.truth, m.control, m.changed),
            because="over DE genes: where they are few or change alike, one perturbation outweighs all",
            needs=("significant",),
            invariant=ORDER,
            lower=None,
            rankable=False,
        ),
        "pds": Score(
            of=lambda p, m: perturbation_discrimination(p, m.truth, m.targets, m.groups),
            because="is the own perturbation nearest, targets left out?",
            invariant=ORDER,
            floor=0.5,
        ),
        "pds_published": Score(
            of=lambda p, m: published_discrimination(p, m.truth, m.targets, m.groups),
            because="cell-eval's form: rewards the same answer for all where targets are known",
            invariant=ORDER,
            rankable=False,
        ),
        "centroid_accuracy": Score(
            of=lambda p, m: centroid_accuracy(p, m.truth, m.groups),
            because="is the own perturbation nearest?",
            invariant=ORDER,
            floor=0.5,
        ),
        "de_overlap": Score(
            of=lambda p, m: de_overlap(p - m.control, _given(m.significant), candidates=m.candidates),
            because="DE genes among as many of largest predicted effect",
            needs=("significant",),
            invariant=SCALE,
        ),
        "auprc": Score(
            of=lambda p, m: auprc(p - m.control, m.changed, candidates=m.candidates),
            because="DE genes by size of predicted effect, beyond chance",
            needs=("significant",),
            invariant=SCALE,
            lower=None,
            floor=0.0,
        ),
        "auprc_over_prevalence": Score(
            of=lambda p, m: auprc_over_prevalence(p - m.control, m.changed, candidates=m.candidates),
            because="customary form: with few DE genes a random order beats an answer without preference",
            needs=("significant",),
            invariant=SCALE,
            lower=None,
            rankable=False,
        ),
        "sign_accuracy": Score(
            of=lambda p, m: sign_accuracy(p - m.control, m.effect, m.changed),
            because="direction of DE genes",
            needs=("significant",),
            invariant=SCALE,
            floor=0.5,
        ),
        "private_auprc": Score(
            of=lambda p, m: auprc(p - m.control, _given(m.significant), candidates=m.rare),
            because="the rare tail: DE genes among those that few training perturbations change",
            needs=("significant", "training_significant"),
            invariant=SCALE,
            lower=None,
            floor=0.0,
        ),
        "private_sign_accuracy": Score(
            of=lambda p, m: sign_accuracy(p - m.control, m.effect, m.changed & m.rare),
            because="direction of DE genes that few training perturbations change",
            needs=("significant", "training_significant"),
            invariant=SCALE,
            floor=0.5,
        ),
        "rare_de_overlap": Score(
            of=lambda p, m: de_overlap(
                p - m.control,
                _given(m.significant),
                candidates=m.candidates,
                weights=rarity_weights(_given(m.training_significant)),
            ),
            because="rare genes count more: an answer that avoids the frequent ones gains",
            needs=("significant", "training_significant"),
            invariant=SCALE,
            rankable=False,
        ),
        "tail_recall": Score(
            of=lambda p, m: tail_recall(p - m.control, m.effect, m.candidates),
            because="the most changed genes among as many of largest predicted effect",
            invariant=SCALE,
        ),
        "r2_low_expression": Score(
            of=lambda p, m: r2(p, m.truth, m.control, _low(m)),
            because="against the control: rewards what all perturbations share; mostly noise",
            invariant=ORDER,
            lower=None,
            rankable=False,
        ),
    }
)
"""Scores of predicted profiles, one number per perturbation."""

DECLARED: Mapping[str, Declared] = MappingProxyType({**SCORES, **BEYOND_PROFILES})
"""How to read every score of this package."""


def _low(measured: Measured) -> Bools:
    seen = np.ones(measured.truth.shape[1], bool) if measured.detected is None else measured.detected
    return expression_stratum(np.where(seen, measured.control, 0.0))


def panel(predicted: Floats, measured: Measured) -> dict[str, Floats]:
    """Return every score whose evidence is given, one number per perturbation (NaN where not defined).

    Parameters
    ----------
    predicted
        Predicted profiles (perturbations x genes).

    Raises
    ------
    Misuse
        Predicted and measured profiles differ in shape.
    NotFinite
        A prediction holds NaN or infinite numbers: who answers some perturbations only cannot be compared.
    """
    if predicted.shape != measured.truth.shape:
        raise Misuse(
            f"the predicted profiles have shape {predicted.shape}; {measured.truth.shape} were measured"
        )
    if not np.isfinite(predicted).all():
        unanswered = int((~np.isfinite(predicted)).any(axis=1).sum())
        raise NotFinite(
            f"the predicted profiles of {unanswered} of {len(predicted)} perturbations hold NaN or infinite "
            "numbers; every perturbation needs an answer"
        )
    return {
        name: score.of(predicted, measured)
        for name, score in SCORES.items()
        if all(getattr(measured, need) is not None for need in score.needs)
    }
