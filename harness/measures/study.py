"""What a split asks of a screen, and how answers are scored and metrics calibrated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.contracts.task import Split
from harness.errors import ContractBroken, NotApplicable
from harness.measures.lesson import BASELINES, Lesson, context_transfer, lesson, mean_effect, no_change
from harness.measures.response import (
    DECLARED,
    Measured,
    attainable_correlation,
    calibrate,
    contrast_weights,
    dose_response,
    interaction_skill,
    interpolated_duplicate,
    pairwise_cosine,
    panel,
    solved,
    spearman_brown,
    variance_ratio,
    violations,
)
from harness.measures.screen import SIGNIFICANT, Condition, Moments, Screen

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Predict = Callable[[Lesson, Condition], Floats]
Json = dict[str, Any]

ORACLES = ("technical_duplicate", "interpolated_duplicate")
PRIMARY = "pearson_centroid"
PROFILES = (
    PRIMARY,
    "wmse",
    "r2_weighted",
    "skill_context",
    "pearson_context",
    "pds",
    "centroid_accuracy",
    "auprc",
    "de_overlap",
    "sign_accuracy",
    "tail_recall",
    "private_auprc",
    "private_sign_accuracy",
    "pearson_r",
    "r2",
    "mse",
    "pearson_delta",
)
"""Scores of profiles, one per unit."""
METRICS = (*PROFILES, "interaction_skill", "variance_ratio", "pairwise_cosine", "dose_response")

ALONE = "fewer than two perturbations are asked together in a context"
NOT_TAUGHT = "what is asked is not taught in any context"
NO_GENES = "no unit has differentially expressed genes to be told from others"
NO_RARE_GENES = "no unit changes a gene that few taught perturbations change, or one alone is taught"
CONSTANT = "the prediction or the truth is constant in every unit, or the prediction is the reference"
WHY = {
    "skill_context": NOT_TAUGHT,
    "pearson_context": f"{NOT_TAUGHT}, or the prediction is that of context transfer",
    "pds": ALONE,
    "centroid_accuracy": ALONE,
    "pairwise_cosine": f"{ALONE}, or none is predicted to have an effect",
    "auprc": NO_GENES,
    "de_overlap": NO_GENES,
    "sign_accuracy": NO_GENES,
    "private_auprc": NO_RARE_GENES,
    "private_sign_accuracy": NO_RARE_GENES,
    "interaction_skill": "no combination is asked whose two parts were measured alone in its context",
    "dose_response": "no perturbation is asked at three doses, or its predicted effects do not differ",
}


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What is taught, and the numbers of the conditions that are asked."""

    known: Lesson
    asked: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Scores of an answer.

    Attributes
    ----------
    units
        Metric -> one number per unit, NaN where a unit does not define it.
    together
        Metric -> the one number of all units, NaN where it is not defined.
    """

    units: dict[str, Floats]
    together: dict[str, float]

    @property
    def values(self) -> dict[str, float]:
        """Metric -> the mean over the units that define it, or the one number of all."""
        known = {name: value for name, value in self.together.items() if np.isfinite(value)}
        return {name: float(np.nanmean(values)) for name, values in self.units.items()} | known

    @property
    def undefined(self) -> dict[str, str]:
        """Metric -> why it has no value."""
        return {name: WHY.get(name, CONSTANT) for name in METRICS if name not in self.values}

    @property
    def missing(self) -> dict[str, int]:
        """Metric -> units that do not define it."""
        return {name: int(np.isnan(values).sum()) for name, values in self.units.items()}

    def audit(self) -> None:
        """Refuse what contradicts the declarations of the metrics.

        Raises
        ------
        ContractBroken
            A score is outside its range, or two of them cannot both be.
        """
        wrong = [*violations(self.units, DECLARED), *violations(self.together, DECLARED)]
        if wrong:
            raise ContractBroken("; ".join(wrong))


@dataclass(frozen=True, kw_only=True)
class Study:
    """A screen, and what each fold of a split teaches and asks."""

    screen: Screen
    folds: Sequence[Fold]

    @classmethod
    def of(cls, screen: Screen, split: Split, genes: Sequence[str], separator: str = "+") -> Study:
        """Return the folds that ask anything.

        Raises
        ------
        NotApplicable
            None does, or one teaches nothing.
        """
        folds = []
        for number in range(split.n_folds):
            asked = screen.all_of(split.tested(number))
            if len(asked):
                known = lesson(screen, split.training(number), genes, separator)
                folds.append(Fold(known=known, asked=asked))
        if not folds:
            raise NotApplicable("the split asks about no condition with enough treated and control cells")
        return cls(screen=screen, folds=folds)

    @cached_property
    def asked(self) -> list[Condition]:
        """Conditions asked about, fold by fold: the units."""
        return [condition for fold in self.folds for condition in self._asked(fold)]

    def scored(self, predict: Predict) -> Found:
        """Score what is predicted of every asked condition against the mean of all its cells."""
        return self._found(self.predictions(predict), self._measured)

    def predictions(self, predict: Predict) -> list[Floats]:
        """Return one table of profiles (asked conditions x genes) for each fold."""
        return [np.stack([predict(fold.known, c) for c in self._asked(fold)]) for fold in self.folds]

    def oracle(self, name: str) -> Found:
        """Score the second half of the cells against the first, or that half interpolated with the mean of
        the taught effects.
        """
        return self._found(self._duplicates(name), self._first_half)

    def calibration(self) -> Json:
        """Return what each metric can tell on these data, as plain JSON.

        The positive control is the technical duplicate, the negative one the mean of the taught effects or,
        where that has no score or one treatment alone is taught, no change.
        """
        positive = self._panels(self._duplicates("technical_duplicate"), self._first_half)
        knows_nothing = self._panels(self.predictions(_uninformed), self._first_half)
        unchanged = self._panels(self.predictions(no_change), self._first_half)
        found = {}
        for name in PROFILES:
            negative = knows_nothing[name] if np.isfinite(knows_nothing[name]).any() else unchanged[name]
            how = DECLARED[name]
            assert how.perfect is not None
            found[name] = _plain(asdict(calibrate(positive[name], negative, how.perfect, how.direction)))
        return {
            "calibration": found,
            "not_ranked": [n for n in PROFILES if not (DECLARED[n].rankable and found[n]["passes"])],
            "reliability": _reliability(_mean(positive["pearson_delta"])),
            "solved": self._solved(unchanged[PRIMARY], positive[PRIMARY]),
        }

    def _solved(self, floor: Floats, ceiling: Floats) -> Json:
        """Return the share of units in which a trivial answer closes most of the gap (primary metric)."""
        found = {}
        for name in ("perturbed_mean", "context_transfer"):
            answer = self._panels(self.predictions(BASELINES[name]), self._first_half)[PRIMARY]
            found[name] = _mean(solved(answer, floor, ceiling))
        return _plain(found)

    def _asked(self, fold: Fold) -> list[Condition]:
        return [self.screen.conditions[row] for row in fold.asked]

    @cached_property
    def _measured(self) -> list[Measured]:
        return self._evidence(self.screen.whole)

    @cached_property
    def _first_half(self) -> list[Measured]:
        return self._evidence(self.screen.halves[0])

    def _evidence(self, moments: Moments) -> list[Measured]:
        """Return what each fold's answers are held against, given the moments that are the truth."""
        screen = self.screen
        truth, control = moments.mean, screen.whole.mean[screen.controls]
        weights = contrast_weights(screen.against_rest(moments))
        significant = screen.against_control(moments) < SIGNIFICANT
        found = []
        for fold in self.folds:
            known, rows, asked = fold.known, fold.asked, self._asked(fold)
            targets = known.targets(asked)
            transferable = all(len(known.same(condition)) for condition in asked)
            found.append(
                Measured(
                    truth=truth[rows],
                    control=control[rows],
                    centroid=np.stack([mean_effect(known, c) for c in asked]),
                    transferred=np.stack([context_transfer(known, c) for c in asked])
                    if transferable
                    else None,
                    weights=weights[rows],
                    significant=significant[rows],
                    training_significant=self._taught_genes(known),
                    targets=targets if targets.any() else None,
                    groups=np.array([c.context for c in asked], dtype=object),
                )
            )
        return found

    @cached_property
    def _significant(self) -> Bools:
        return self.screen.against_control(self.screen.whole) < SIGNIFICANT

    def _taught_genes(self, known: Lesson) -> Bools | None:
        """Return the DE genes of what is taught; None where all of it is one treatment."""
        if not _several(known):
            return None
        place = {condition: row for row, condition in enumerate(self.screen.conditions)}
        return self._significant[[place[condition] for condition in known.conditions]]

    def _duplicates(self, name: str) -> list[Floats]:
        second = self.screen.halves[1].mean
        tables = [second[fold.asked] for fold in self.folds]
        if name == "technical_duplicate":
            return tables
        p = self.screen.against_control(self.screen.halves[0])
        means = self.predictions(mean_effect)
        return [
            interpolated_duplicate(table, mean, p[fold.asked])
            for table, mean, fold in zip(tables, means, self.folds, strict=True)
        ]

    def _panels(self, tables: list[Floats], measured: list[Measured]) -> dict[str, Floats]:
        """Return the scores of profiles per unit, NaN where a fold lacks the evidence."""
        found = [panel(table, evidence) for table, evidence in zip(tables, measured, strict=True)]
        absent = [np.full(len(fold.asked), np.nan) for fold in self.folds]
        return {
            name: np.concatenate([f.get(name, nothing) for f, nothing in zip(found, absent, strict=True)])
            for name in PROFILES
        }

    def _found(self, tables: list[Floats], measured: list[Measured]) -> Found:
        predicted = np.concatenate(tables)
        truth = np.concatenate([evidence.truth for evidence in measured])
        control = np.concatenate([evidence.control for evidence in measured])
        units = self._panels(tables, measured)
        units["interaction_skill"] = self._interactions(predicted, truth, control)
        return Found(
            units={name: values for name, values in units.items() if np.isfinite(values).any()},
            together={
                "variance_ratio": variance_ratio(predicted - control, truth - control),
                "pairwise_cosine": self._cosine(predicted - control),
                "dose_response": self._dose_response(predicted - control, truth - control),
            },
        )

    def _cosine(self, effect: Floats) -> float:
        """Return the mean cosine of effects asked together, averaged over folds and contexts."""
        groups = np.array(
            [f"{n}|{c.context}" for n, fold in enumerate(self.folds) for c in self._asked(fold)]
        )
        return _mean(pairwise_cosine(effect[groups == group]) for group in np.unique(groups))

    def _dose_response(self, effect: Floats, truth: Floats) -> float:
        """Return how effects grow with the dose, averaged over perturbations in contexts."""
        series: dict[tuple[str, str], list[int]] = {}
        for unit, condition in enumerate(self.asked):
            if condition.dose:
                series.setdefault((condition.perturbation, condition.context), []).append(unit)
        doses = np.array([float(condition.dose or "nan") for condition in self.asked])
        return _mean(dose_response(effect[at], truth[at], doses[at]) for at in series.values())

    def _interactions(self, predicted: Floats, truth: Floats, control: Floats) -> Floats:
        """Return the share of the measured interaction explained, where both parts were measured alone."""
        known, mean = self.folds[0].known, self.screen.whole.mean
        alone = {
            (known.parts(c)[0], c.dose, c.context): row
            for row, c in enumerate(self.screen.conditions)
            if self.screen.usable[row] and len(known.parts(c)) == 1
        }
        found = np.full(len(self.asked), np.nan)
        for unit, c in enumerate(self.asked):
            keys = [(part, c.dose, c.context) for part in known.parts(c)]
            if len(keys) == 2 and all(key in alone for key in keys):
                first, second = mean[[alone[key] for key in keys]]
                found[unit] = interaction_skill(predicted[unit], truth[unit], first, second, control[unit])
        return found


def _uninformed(known: Lesson, asked: Condition) -> Floats:
    return (mean_effect if _several(known) else no_change)(known, asked)


def _several(known: Lesson) -> bool:
    """Return whether more than one treatment is taught."""
    return len({condition.treatment for condition in known.conditions}) > 1


def _reliability(half: float) -> Json:
    """Return the mean correlation of the effects of halves, that of the whole, and what can be attained."""
    whole = float(spearman_brown(half))
    return _plain({"half": half, "whole": whole, "attainable": float(attainable_correlation(whole))})


def _mean(values: Iterable[float]) -> float:
    known = [float(value) for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _plain(numbers: Json) -> Json:
    """Return a dictionary of JSON values: None for NaN."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in numbers.items()
    }
