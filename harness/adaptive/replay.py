"""The rule on finished grids: what it saves, and how often it ends with the verdicts of the whole grid.

Seeds are taken as exchangeable: every replay deals the runs of each size in another order, and figures are
means over the orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from harness.adaptive.forecast import DRAWS, Answer, Forecast, agree, answer_of, forecasts
from harness.adaptive.question import Question, price_asked, price_made
from harness.adaptive.rule import CONFIDENCE, Limits, Step, choose, next_step
from harness.checks import Curve, judge
from harness.checks.operating_characteristics import TRUTHS, draw_curves

CONFIDENCES = (0.7, 0.9, 0.95, 0.99)
BUDGETS = (0.25, 0.35, 0.5, 0.75)
ORDERS = 5
PERMUTATIONS = 1_999
NO_BOOTSTRAP = 2

Runs = Mapping[int, Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one setting of the rule ends, averaged over orders of the seeds.

    Attributes
    ----------
    confidence, budget
        The limits; a budget of 1 is none.
    cost
        Share of the whole grid's cost that was spent.
    agreement
        Share of the curves whose forecast agrees with the verdict on the whole grid: level and trend equal,
        saturation points at most one size apart.
    agreement_of_runs
        The same for the verdicts on the runs made, without the forecast.
    level_agreement
        Share of the forecasts with the same level.
    settled
        Share of the curves that ended settled or complete.
    promised
        Mean probability of the forecasts: what ``agreement`` should be.
    error
        Standard error of ``agreement`` over orders; None for one order.
    """

    confidence: float
    budget: float
    cost: float
    agreement: float
    agreement_of_runs: float
    level_agreement: float
    settled: float
    promised: float
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The whole trade-off.

    Attributes
    ----------
    curves, orders
        How many of each.
    rows
        One for every confidence without a budget, and one for every budget at the default confidence.
    """

    curves: int
    orders: int
    rows: tuple[Row, ...]


def replay(
    curves: Sequence[Curve],
    *,
    orders: int = ORDERS,
    confidences: Sequence[float] = CONFIDENCES,
    budgets: Sequence[float] = BUDGETS,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[int], object] = lambda _: None,
) -> Replay:
    """Replay the rule on curves all of whose runs are known; a run costs the cells that it was trained on.

    Parameters
    ----------
    confidences
        Each is replayed without a budget.
    budgets
        Shares of the cost; each is replayed at the default confidence.
    progress
        Called with 1 for every confidence of every order.
    """
    ends: dict[tuple[float, float], list[Row]] = {}
    judged = judge(curves, replicates=NO_BOOTSTRAP, permutations=PERMUTATIONS)
    truth = [answer_of(verdict) for verdict in judged]
    for order in range(orders):
        rng = np.random.default_rng([seed, order])
        decks = [_dealt(curve, rng) for curve in curves]
        for confidence in dict.fromkeys([*confidences, *([CONFIDENCE] if budgets else [])]):
            trip = _Trip(curves, decks, truth, Limits(confidence=confidence), draws, seed + order)
            for row in trip.rows(budgets if confidence == CONFIDENCE else ()):
                ends.setdefault((row.confidence, row.budget), []).append(row)
            progress(1)
    rows = [_mean(each) for each in ends.values()]
    ordered = sorted(rows, key=lambda row: (row.budget < 1, row.budget, row.confidence))
    return Replay(curves=len(curves), orders=orders, rows=tuple(ordered))


def _dealt(curve: Curve, rng: np.random.Generator) -> dict[int, list[float]]:
    return {size: rng.permutation(np.asarray(scores)).tolist() for size, scores in curve.runs.items()}


def _mean(rows: Sequence[Row]) -> Row:
    names = ("cost", "agreement", "agreement_of_runs", "level_agreement", "settled", "promised")
    means = {name: fmean(getattr(row, name) for row in rows) for name in names}
    every = [row.agreement for row in rows]
    error = float(np.std(every, ddof=1) / np.sqrt(len(every))) if len(every) > 1 else None
    return replace(rows[0], **means, error=error)


class _Trip:
    """One replay of one order at one confidence."""

    def __init__(
        self,
        curves: Sequence[Curve],
        decks: Sequence[Runs],
        truth: Sequence[Answer],
        limits: Limits,
        draws: int,
        seed: int,
    ) -> None:
        self.decks, self.truth, self.limits, self.draws, self.seed = decks, truth, limits, draws, seed
        self.questions = [question_of(curve) for curve in curves]

    def rows(self, budgets: Sequence[float]) -> list[Row]:
        """Return the end without a budget, and that of every budget: each is a prefix of the same way."""
        waiting, found = sorted(budgets), []
        while True:
            step = next_step(self.questions, self.limits, draws=self.draws, seed=self.seed)
            while waiting and (end := self._end_at(waiting[0], step)):
                waiting.pop(0)
                found += [end] if end.cost <= end.budget else []  # else the first runs cost more than that
            if step.empty:
                return [*found, self._row(self.questions, step.forecasts, 1.0)]
            self.questions = self._run(step)

    def _run(self, step: Step) -> list[Question]:
        """Return the questions with the wanted runs taken from the decks."""
        pairs = zip(self.questions, step.wanted, self.decks, strict=True)
        return [
            replace(
                question,
                runs={size: deck[size][: question.made(size) + wanted.get(size, 0)] for size in deck},
            )
            for question, wanted, deck in pairs
        ]

    def _end_at(self, budget: float, step: Step) -> Row | None:
        """Return how the rule ends with this budget, if it ends with this step."""
        if any(forecast is None for forecast in step.forecasts):
            return None
        capped = choose(self.questions, step.forecasts, replace(self.limits, budget=budget))
        if capped.empty:
            return self._row(self.questions, step.forecasts, budget)
        if not capped.last:
            return None
        ended = self._run(capped)
        return self._row(ended, forecasts(ended, draws=self.draws, seed=self.seed), budget)

    def _row(self, questions: Sequence[Question], told: Sequence[Forecast | None], budget: float) -> Row:
        known = [forecast for forecast in told if forecast is not None]
        verdicts = judge(
            [question.curve() for question in questions],
            replicates=NO_BOOTSTRAP,
            permutations=PERMUTATIONS,
        )
        found = [answer_of(verdict) for verdict in verdicts]
        answers = [f.answer if q.left else own for q, f, own in zip(questions, known, found, strict=True)]
        cases = list(zip(questions, known, self.truth, answers, found, strict=True))
        return Row(
            confidence=self.limits.confidence,
            budget=budget,
            cost=price_made(questions) / price_asked(questions),
            agreement=fmean(agree(answer, truth, q.sizes) for q, _, truth, answer, _ in cases),
            agreement_of_runs=fmean(agree(own, truth, q.sizes) for q, _, truth, _, own in cases),
            level_agreement=fmean(answer[0] == truth[0] for _, _, truth, answer, _ in cases),
            settled=fmean(not q.left or f.probability >= self.limits.confidence for q, f, *_ in cases),
            promised=fmean(f.probability for f in known),
        )


def question_of(curve: Curve) -> Question:
    """Return the question of a curve none of whose runs is made yet; a run costs its cells."""
    terms: dict[str, Any] = {
        name: getattr(curve, name) for name in ("direction", "baselines", "trivial", "ceiling", "bound")
    }
    return Question(
        asked={size: len(scores) for size, scores in curve.runs.items()},
        runs={},
        price={size: float(size) for size in curve.runs},
        terms=terms,
    )


def synthetic_curves(each: int = 3, seeds: int = 5, seed: int = 0) -> list[Curve]:
    """Return ``each`` curves of every truth of the operating characteristics, to be replayed as one grid."""
    rng = np.random.default_rng(seed)
    return [curve for truth in TRUTHS.values() for curve, _ in draw_curves(truth, seeds, each, rng)]
