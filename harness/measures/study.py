"""What a split asks of a screen, and how answers are scored and metrics calibrated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.contracts.task import Split
from harness.errors import NotApplicable
from harness.measures.lesson import (
    BASELINES,
    TRIVIAL,
    Lesson,
    context_transfer,
    lesson,
    mean_effect,
    no_change,
)
from harness.measures.response import (
    DECLARED,
    SCORES,
    TARGET_RANKING,
    Measured,
    attainable_correlation,
    best_scale,
    calibrate,
    contrast_weights,
    dose_response,
    effect_strata,
    interpolated_duplicate,
    pairwise_cosine,
    panel,
    ranked_towards,
    solved,
    spearman_brown,
    variance_ratio,
)
from harness.measures.response_scores import (
    FEWEST_TO_RANK,
    INTERACTIONS,
    PRIMARY,
    PROFILES,
    STRATA,
    TOGETHER,
    UNSOLVED,
    Found,
)
from harness.measures.screen import CONTROL, MIN_CELLS, SIGNIFICANT, Condition, Moments, Screen

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Predict = Callable[[Lesson, Condition], Floats]
Json = dict[str, Any]

ORACLES = ("technical_duplicate", "interpolated_duplicate")


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What is taught, and the numbers of the conditions that are asked."""

    known: Lesson
    asked: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A screen, and what each fold of a split teaches and asks.

    Attributes
    ----------
    held_out
        What the split holds out as one with each condition of the screen (conditions,): a context, say.
    """

    screen: Screen
    folds: Sequence[Fold]
    held_out: Sequence[str]

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
        first = np.unique(screen.of_cell, return_index=True)[1]
        return cls(screen=screen, folds=folds, held_out=[str(unit) for unit in split.units[first]])

    @cached_property
    def asked(self) -> list[Condition]:
        """Conditions asked about, fold by fold: the units."""
        return [condition for fold in self.folds for condition in self._asked(fold)]

    @property
    def clusters(self) -> list[str]:
        """What generalises, one label per unit: units of one label are resampled together.

        It is what the split holds out as one: the context that is new, or the perturbation at all doses and
        in all contexts. Where both are new, units depend on each other by either, while statistics resample
        by one alone: that with fewer levels, which promises less and as a rule widens the interval.
        """
        held_out = [self.held_out[row] for row in self._rows]
        perturbations = [condition.perturbation for condition in self.asked]
        met = any(fold.known.meets(condition) for fold in self.folds for condition in self._asked(fold))
        return held_out if met or len(set(held_out)) <= len(set(perturbations)) else perturbations

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
        positive, knows_nothing, unchanged = (
            self._scores(tables, self._first_half)
            for tables in (
                self._duplicates("technical_duplicate"),
                self.predictions(_uninformed),
                self.predictions(no_change),
            )
        )
        found = {}
        for name in (*PROFILES, *INTERACTIONS, "dose_response", *TARGET_RANKING):
            negative = knows_nothing[name] if np.isfinite(knows_nothing[name]).any() else unchanged[name]
            how = DECLARED[name]
            best = np.nanmax(positive[name], initial=-np.inf) if how.perfect is None else how.perfect
            found[name] = _plain(asdict(calibrate(positive[name], negative, float(best), how.direction)))
        return {
            "calibration": found,
            "not_ranked": [n for n in found if not (DECLARED[n].rankable and found[n]["passes"])],
            "reliability": _reliability(_mean(positive["pearson_delta"])),
        }

    def difficulty(self) -> Json:
        """Return how the units divide by size of effect, how alike their effects are, and what trivial
        baselines solve, as plain JSON.

        Thirds are those of all conditions of the screen, by E-distance to the control: they are the same
        whatever is asked and answered. A unit is solved where a trivial baseline is within the range of the
        technical duplicate (:func:`harness.measures.response.solved`, primary metric, both against the
        first half of the cells).
        """
        sizes, strata = self.screen.effect_size, self._strata
        return {
            "effect_size": "E-distance to the control (squared Euclidean)",
            "strata": {
                name: _plain(
                    {
                        "conditions": int((strata == number).sum()),
                        "units": int((strata[self._rows] == number).sum()),
                        "smallest": float(np.min(sizes[strata == number], initial=np.inf)),
                        "largest": float(np.max(sizes[strata == number], initial=-np.inf)),
                    }
                )
                for number, name in enumerate(STRATA)
            },
            "pairwise_cosine_of_truth": _plain({"all": _mean(map(pairwise_cosine, self._true_effects))})[
                "all"
            ],
            "solved": _plain({name: _mean(by) for name, by in self._solved.items()}),
            "solved_by_any": _plain({"share": _mean(self._solved_by_any)})["share"],
        }

    @property
    def _true_effects(self) -> list[Floats]:
        """Measured effects of what is asked together (units x genes)."""
        mean, controls = self.screen.whole.mean, self.screen.controls
        effect = mean[self._rows] - mean[controls[self._rows]]
        return [effect[units] for units in self._together]

    @cached_property
    def _strata(self) -> NDArray[np.int64]:
        """Third of every condition of the screen by size of effect; -1 for those that are not usable."""
        found = np.full(len(self.screen.conditions), -1)
        found[self.screen.usable] = effect_strata(self.screen.effect_size[self.screen.usable], len(STRATA))
        return found

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """Number of the condition of each unit."""
        return np.concatenate([fold.asked for fold in self.folds])

    @cached_property
    def _solved(self) -> dict[str, Floats]:
        """Trivial baseline -> 1 for the units that it solves, else 0, NaN where that cannot be told."""
        ceiling = self._primary(self._duplicates("technical_duplicate"))
        floor = self._primary(self.predictions(no_change))
        found = {}
        for name in TRIVIAL:
            try:
                answer = self._primary(self.predictions(BASELINES[name]))
            except NotApplicable:
                continue
            found[name] = solved(answer, floor, ceiling, DECLARED[PRIMARY].direction)
        return found

    @cached_property
    def _solved_by_any(self) -> Floats:
        return np.asarray(np.max(list(self._solved.values()), axis=0))

    def _primary(self, tables: list[Floats]) -> Floats:
        """Return the primary scores against the first half, without the evidence of other metrics."""
        truth, control = self.screen.halves[0].mean, self.screen.whole.mean[self.screen.controls]
        return np.concatenate(
            [
                SCORES[PRIMARY].of(
                    table, Measured(truth=truth[fold.asked], control=control[fold.asked], centroid=reference)
                )
                for table, reference, fold in zip(tables, self._references, self.folds, strict=True)
            ]
        )

    @cached_property
    def _references(self) -> list[Floats]:
        return self.predictions(mean_effect)

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
        whole = moments is screen.whole
        significant = screen.significant if whole else self._adjusted_p < SIGNIFICANT
        found = []
        for fold, reference in zip(self.folds, self._references, strict=True):
            known, rows, asked = fold.known, fold.asked, self._asked(fold)
            targets = known.targets(asked)
            found.append(
                Measured(
                    truth=truth[rows],
                    control=control[rows],
                    centroid=reference,
                    transferred=np.stack([_transferred(known, c) for c in asked]),
                    weights=weights[rows],
                    significant=significant[rows],
                    training_significant=known.significant if known.several else None,
                    targets=targets if targets.any() else None,
                    groups=np.array([c.context for c in asked], dtype=object),
                )
            )
        return found

    @cached_property
    def _adjusted_p(self) -> Floats:
        """p-values of the first half against the controls (conditions x genes)."""
        return self.screen.against_control(self.screen.halves[0])

    def _duplicates(self, name: str) -> list[Floats]:
        second = self.screen.halves[1].mean
        tables = [second[fold.asked] for fold in self.folds]
        if name == "technical_duplicate":
            return tables
        p = self._adjusted_p
        return [
            interpolated_duplicate(table, mean, p[fold.asked])
            for table, mean, fold in zip(tables, self._references, self.folds, strict=True)
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
        found = self._scores(tables, measured)
        primary, stratum = found[PRIMARY], self._strata[self._rows]
        units = {name: found[name] for name in (*PROFILES, *INTERACTIONS)}
        units |= {name: np.where(stratum == n, primary, np.nan) for n, name in enumerate(STRATA)}
        units[UNSOLVED] = np.where(self._solved_by_any == 0, primary, np.nan)
        return Found(
            units={name: values for name, values in units.items() if np.isfinite(values).any()},
            together={name: found[name] for name in TOGETHER},
        )

    def _scores(self, tables: list[Floats], measured: list[Measured]) -> dict[str, Floats]:
        """Return all scores, per unit or per group of units that has one together."""
        predicted = np.concatenate(tables)
        truth = np.concatenate([evidence.truth for evidence in measured])
        control = np.concatenate([evidence.control for evidence in measured])
        effect, true_effect = predicted - control, truth - control
        return {
            **self._panels(tables, measured),
            **self._interactions(predicted, truth, control),
            **self._target_ranking(effect, true_effect),
            "dose_response": self._dose_response(effect, true_effect),
            "variance_ratio": np.array([variance_ratio(effect, true_effect)]),
            "best_scale": np.array([best_scale(effect, true_effect)]),
            "pairwise_cosine": np.array([pairwise_cosine(effect[rows]) for rows in self._together]),
        }

    @cached_property
    def _together(self) -> list[NDArray[np.int64]]:
        """Units asked together: of one fold and context."""
        asked: dict[tuple[int, str], list[int]] = {}
        unit = 0
        for number, fold in enumerate(self.folds):
            for condition in self._asked(fold):
                asked.setdefault((number, condition.context), []).append(unit)
                unit += 1
        return [np.array(units) for units in asked.values()]

    def _dose_response(self, effect: Floats, truth: Floats) -> Floats:
        """Return how effects grow with the dose, for each perturbation in a context."""
        series: dict[tuple[str, str], list[int]] = {}
        for unit, condition in enumerate(self.asked):
            if condition.dose:
                series.setdefault((condition.perturbation, condition.context), []).append(unit)
        doses = np.array([float(condition.dose or "nan") for condition in self.asked])
        return np.array([dose_response(effect[at], truth[at], doses[at]) for at in series.values()])

    def _target_ranking(self, effect: Floats, truth: Floats) -> dict[str, Floats]:
        """Return how well perturbations are ranked by where they lead, for each context and goal."""
        found = [
            ranked_towards(effect[units], truth[units], goal, shared) for units, goal, shared in self._goals()
        ]
        return {name: np.array([scores[name] for scores in found]) for name in TARGET_RANKING}

    def _goals(self) -> Iterator[tuple[NDArray[np.int64], Floats, float]]:
        """Yield units to be ranked, the way from their control to that of another context, and how much noise
        of their control is in the way as it is in their effects.
        """
        whole = self.screen.whole
        states = {
            c.context: row
            for row, c in enumerate(self.screen.conditions)
            if c.perturbation == CONTROL and whole.n[row] >= MIN_CELLS
        }
        for units in self._together:
            here = states[self.asked[units[0]].context]
            noise = float(whole.variance[here].sum() / whole.n[here])
            for there in states.values():
                if len(units) >= FEWEST_TO_RANK and there != here:
                    yield units, whole.mean[there] - whole.mean[here], noise

    def _interactions(self, predicted: Floats, truth: Floats, control: Floats) -> dict[str, Floats]:
        """Return how the interaction of two parts is predicted, where both were measured alone."""
        known, mean = self.folds[0].known, self.screen.whole.mean
        alone = {
            (known.parts(c)[0], c.dose, c.context): row
            for row, c in enumerate(self.screen.conditions)
            if self.screen.usable[row] and len(known.parts(c)) == 1
        }
        found = {name: np.full(len(self.asked), np.nan) for name in INTERACTIONS}
        for unit, c in enumerate(self.asked):
            keys = [(part, c.dose, c.context) for part in known.parts(c)]
            if len(keys) == 2 and all(key in alone for key in keys):
                first, second = mean[[alone[key] for key in keys]]
                for name, score in INTERACTIONS.items():
                    found[name][unit] = score(predicted[unit], truth[unit], first, second, control[unit])
        return found


def _transferred(known: Lesson, asked: Condition) -> Floats:
    """Return what context transfer makes of a treatment; NaN of one that is taught in no context."""
    predicted = context_transfer(known, asked)
    return predicted if len(known.same(asked)) else np.full_like(predicted, np.nan)


def _uninformed(known: Lesson, asked: Condition) -> Floats:
    return (mean_effect if known.several else no_change)(known, asked)


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
