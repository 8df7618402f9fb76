"""Which runs next? A pure function of the curves so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.adaptive.forecast import DRAWS, Forecast, forecasts
from harness.adaptive.question import Question, price_asked, price_made, total_price

Reason = Literal["settled", "budget"]

CONFIDENCE = 0.95
BATCH = 0.1
"""Share of a curve's price that is added to it at a time."""
ROUND = 0.1
"""Share of the grid's price that is run before the curves are looked at again."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    confidence
        A curve is settled when its forecast has this probability.
    budget
        Share of the whole grid's price that may be spent.
    """

    confidence: float = CONFIDENCE
    budget: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """What to do next.

    Attributes
    ----------
    wanted
        For every question size -> further runs; all empty where nothing is to be run any more.
    forecasts
        For every question what the whole grid would say; None before its first runs.
    reasons
        For every question why the runs that are left need not or cannot be made, else None.
    last
        The budget allows nothing after this step.
    """

    wanted: tuple[Mapping[int, int], ...]
    forecasts: tuple[Forecast | None, ...]
    reasons: tuple[Reason | None, ...]
    last: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is to be run."""
        return not any(self.wanted)


def next_step(questions: Sequence[Question], limits: Limits, *, draws: int = DRAWS, seed: int = 0) -> Step:
    """Return the runs to make next, or why there are none.

    First the ends of the ladder and the untrained control of every curve. Then, until every curve is settled,
    complete, or the budget is spent: more runs of the open curves whose forecast they are most likely to
    decide, each at the sizes where a run tells most of the whole grid for its price.
    """
    starting = [question.start for question in questions]
    if any(starting):
        nothing: tuple[None, ...] = (None,) * len(questions)
        return Step(wanted=tuple(starting), forecasts=nothing, reasons=nothing)
    judgeable = [place for place, question in enumerate(questions) if question.judgeable]
    found = forecasts([questions[place] for place in judgeable], draws=draws, seed=seed)
    by_place = dict(zip(judgeable, found, strict=True))
    return choose(questions, tuple(by_place.get(place) for place in range(len(questions))), limits)


def choose(questions: Sequence[Question], found: Sequence[Forecast | None], limits: Limits) -> Step:
    """Return the runs to make next, given the forecasts."""
    whole = price_asked(questions)
    left = limits.budget * whole - price_made(questions)
    purse = _Purse(questions, min(ROUND * whole, left), left)
    open_ = {
        place: _batch(question, forecast)
        for place, (question, forecast) in enumerate(zip(questions, found, strict=True))
        if forecast and question.left and forecast.probability < limits.confidence
    }
    for place in sorted(open_, key=lambda place: -_worth(questions[place], found[place], open_[place])):
        for size in open_[place]:
            purse.buy(place, size)
    goes_on = any(purse.bought)
    reasons = [_reason(question, place in open_, goes_on) for place, question in enumerate(questions)]
    return Step(
        wanted=tuple(purse.bought), forecasts=tuple(found), reasons=tuple(reasons), last=purse.refused
    )


def _reason(question: Question, is_open: bool, goes_on: bool) -> Reason | None:
    if not question.left:
        return None
    if not is_open:
        return "settled"
    return None if goes_on else "budget"


def _batch(question: Question, forecast: Forecast) -> list[int]:
    """Return sizes, one for each run to be added, the most telling for its price first."""
    allowed = BATCH * sum(n * question.price.get(size, 0.0) for size, n in question.asked.items())
    steps = [
        (relief / max(question.price.get(size, 0.0), math.ulp(1.0)), size, nth)
        for size, reliefs in forecast.relief.items()
        for nth, relief in enumerate(reliefs)
    ]
    chosen: list[int] = []
    spent = 0.0
    for _, size, _ in sorted(steps, key=lambda step: (-step[0], step[1], step[2])):
        spent += question.price.get(size, 0.0)
        if chosen and spent > allowed:
            break
        chosen.append(size)
    return chosen


def _worth(question: Question, forecast: Forecast | None, batch: Sequence[int]) -> float:
    """Return how open the forecast is, p (1 - p), for the price of the runs that may decide it."""
    assert forecast is not None
    price = sum(question.price.get(size, 0.0) for size in batch)
    return forecast.probability * (1 - forecast.probability) / max(price, math.ulp(1.0))


class _Purse:
    """What a round may spend, and what is bought of it."""

    def __init__(self, questions: Sequence[Question], allowance: float, left: float) -> None:
        self.questions = questions
        self.bought: list[dict[int, int]] = [{} for _ in questions]
        self.allowance, self.left = allowance, left
        self.before = price_made(questions)
        self.spent = 0.0
        self.refused = False
        """Something did not fit into the budget, not only into the round."""

    def buy(self, place: int, size: int) -> None:
        """Add a run if it can be paid; a run that another question pays for is free."""
        bought = self.bought[place]
        bought[size] = bought.get(size, 0) + 1
        spent = self._price() - self.before
        if spent <= self.allowance or (self.spent == 0 and spent <= self.left):
            self.spent = spent
            return
        self.refused = self.refused or spent > self.left
        bought[size] -= 1
        if not bought[size]:
            del bought[size]

    def _price(self) -> float:
        return total_price(
            (question, {size: question.made(size) + more.get(size, 0) for size in question.asked})
            for question, more in zip(self.questions, self.bought, strict=True)
        )
