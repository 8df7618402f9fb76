"""A plan run in rounds: plan -> execute -> check -> plan, until the rule wants nothing more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from harness.adaptive.forecast import DRAWS, Forecast
from harness.adaptive.question import Question, price_asked, price_made, total_price
from harness.adaptive.rule import Limits, Reason, Step, next_step
from harness.checks import Verdict, judge
from harness.contracts.cards import TaskCard
from harness.errors import Misuse
from harness.plan import Plan
from harness.records import Fit, Job, Record
from harness.registry import Registry

Values = Mapping[str, float]
"""Score address -> value by the task's primary metric."""


@dataclass(frozen=True, kw_only=True)
class CurveJobs:
    """The jobs of one curve, by its task's primary metric.

    Attributes
    ----------
    by_size
        Size -> jobs by seed; those of size 0 serve other samplers of the same model too.
    card
        The task.
    rivals
        Jobs of the task's baselines, oracles and reference models on the same data.
    """

    by_size: Mapping[int, tuple[Job, ...]]
    card: TaskCard
    rivals: tuple[Job, ...]

    @property
    def fit(self) -> Fit:
        """The fit of one of its trained runs."""
        fit = self.by_size[max(self.by_size)][0].fit
        assert fit is not None
        return fit

    @property
    def first(self) -> Job:
        """One of its trained runs."""
        return self.by_size[max(self.by_size)][0]

    def question(self, values: Values, lost: frozenset[str]) -> Question:
        """Return what is asked and known; runs that were made and have no value are asked no more."""
        kept = {size: [job for job in jobs if job.address not in lost] for size, jobs in self.by_size.items()}
        steps = self.fit.budget is not None and self.fit.budget.unit == "steps"
        return Question(
            asked={size: len(jobs) for size, jobs in kept.items() if jobs},
            runs={
                size: [values[job.address] for job in jobs if job.address in values]
                for size, jobs in kept.items()
            },
            price={size: 0.0 if size == 0 else (1.0 if steps else float(size)) for size in kept},
            terms=self._terms(values),
            fits=_of_fit(self.first),
        )

    def _terms(self, values: Values) -> dict[str, Any]:
        """Return what the curve is measured against, as on the board."""
        metric = self.card.primary
        found: dict[str, list[float]] = {}
        for job in self.rivals:
            if job.address in values:
                found.setdefault(_name(job), []).append(values[job.address])
        declared = (*self.card.baselines, *self.card.references)
        own = [found[name] for name in self.card.baselines if name in found]
        oracles = [fmean(found[name]) for name in self.card.oracles if name in found]
        up = metric.direction == "up"
        return {
            "direction": metric.direction,
            "baselines": {name: runs for name, runs in found.items() if name in declared},
            "trivial": fmean(own[0]) if own else None,
            "ceiling": (max if up else min)(oracles) if oracles else None,
            "bound": metric.upper if up else metric.lower,
        }

    def next_jobs(self, wanted: Mapping[int, int], tried: Collection[str]) -> list[Job]:
        """Return the next jobs of these sizes, in the order of their seeds."""
        return [
            job
            for size, n in wanted.items()
            for job in [each for each in self.by_size[size] if each.address not in tried][:n]
        ]


@dataclass(frozen=True, kw_only=True)
class CurveEnd:
    """How a curve ended.

    Attributes
    ----------
    jobs, question
        What was asked, and what is known.
    verdict
        On the runs made; None where they say nothing.
    forecast, reason
        What the whole grid would say, and why the rest was not run.
    not_run
        The jobs that were left out.
    """

    jobs: CurveJobs
    question: Question
    verdict: Verdict | None
    forecast: Forecast | None
    reason: Reason | None
    not_run: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an adaptive grid ended; ``cost`` is the share of the whole grid's price that was spent."""

    curves: tuple[CurveEnd, ...]
    cost: float

    @property
    def not_run(self) -> frozenset[str]:
        """Addresses of the jobs that were left out."""
        return frozenset(job.address for curve in self.curves for job in curve.not_run)


def run_in_rounds(
    plan: Plan,
    registry: Registry,
    stored: Mapping[str, Record],
    limits: Limits,
    run: Callable[[Sequence[Job]], Iterable[Record]],
    tell: Callable[[int, Sequence[Job], float], object] = lambda number, jobs, cost: None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Ending:
    """Run a plan until the verdicts of its curves are settled or the budget is spent.

    Baselines, reference models and untrained controls are run whole, at the start. Nothing but the records
    decides what comes next, so that an interrupted grid goes on where it stopped.

    Parameters
    ----------
    stored
        Score address -> record of the jobs that have a result.
    run
        Runs jobs and returns their records.
    tell
        Called before each round with its number, its jobs and the share of the price spent so far.

    Raises
    ------
    Misuse
        The budget does not pay for the first runs.
    """
    curves, others = curves_of(plan, registry)
    records = dict(stored)
    tried: set[str] = set(stored)
    waiting = {job.address for job in others if job.address not in stored}
    number = 0
    while True:
        values = _values(records.values())
        questions = [curve.question(values, frozenset(tried - set(values))) for curve in curves]
        if number == 0:
            _check_start(questions, limits)
        step = next_step(questions, limits, draws=draws, seed=seed)
        wanted = waiting | {
            job.address
            for curve, sizes in zip(curves, step.wanted, strict=True)
            for job in curve.next_jobs(sizes, tried)
        }
        if not wanted:
            return _end(curves, questions, step, tried)
        number, waiting = number + 1, set()
        jobs = tuple(job for job in plan.jobs if job.address in wanted)
        tell(number, jobs, _share(questions))
        records |= {record.address: record for record in run(jobs)}
        tried |= wanted
        if step.last:
            limits = replace(limits, budget=0.0)


def curves_of(plan: Plan, registry: Registry) -> tuple[list[CurveJobs], list[Job]]:
    """Return the curves of a plan, and its jobs that belong to none."""
    trained: dict[Any, dict[int, list[Job]]] = {}
    untrained: dict[Any, list[Job]] = {}
    rivals: dict[Any, list[Job]] = {}
    for job in plan.jobs:
        if job.draw is not None:
            sizes = trained.setdefault((_of_fit(job), _of_task(job)), {})
            sizes.setdefault(job.draw.size, []).append(job)
        elif job.arm == "untrained":
            untrained.setdefault(_of_control(job), []).append(job)
        else:
            rivals.setdefault(_of_task(job), []).append(job)
    curves = [
        CurveJobs(
            by_size={
                **({0: _by_seed(controls)} if (controls := untrained.get(_of_control(first))) else {}),
                **{size: _by_seed(jobs) for size, jobs in sorted(sizes.items())},
            },
            card=registry.tasks[first.task.name].card,
            rivals=tuple(rivals.get(_of_task(first), ())),
        )
        for sizes in trained.values()
        for first in [next(iter(sizes.values()))[0]]
    ]
    of_curves = {job for curve in curves for jobs in curve.by_size.values() for job in jobs}
    return curves, [job for job in plan.jobs if job not in of_curves]


def _by_seed(jobs: Sequence[Job]) -> tuple[Job, ...]:
    return tuple(sorted(jobs, key=lambda job: job.fit.seed if job.fit else 0))


def _of_fit(job: Job) -> Any:
    """Return what runs of one curve share on the side of the model."""
    fit, draw = job.fit, job.draw
    assert fit is not None
    assert draw is not None
    return fit.model, fit.budget, fit.genes, draw.corpus, draw.excluded, draw.sampler


def _of_task(job: Job) -> Any:
    return job.task, job.split, job.dataset


def _of_control(job: Job) -> Any:
    assert job.fit is not None
    return job.fit.model, job.fit.genes, _of_task(job)


def _name(job: Job) -> str:
    return job.fit.model.name if job.fit else getattr(job.subject, "name", "")


def _values(records: Iterable[Record]) -> dict[str, float]:
    return {
        record.address: record.outcome.metrics[primary]
        for record in records
        if record.outcome.status == "ok"
        for primary in [record.task["primary"]]
        if primary in record.outcome.metrics
    }


def _check_start(questions: Sequence[Question], limits: Limits) -> None:
    """Refuse a budget that does not reach the first look, unless what is missing of it costs nothing."""
    whole = price_asked(questions)
    first = [each.start for each in questions]
    start = total_price(
        (each, {size: each.made(size) + more.get(size, 0) for size in each.asked})
        for each, more in zip(questions, first, strict=True)
    )
    if start > max(limits.budget * whole, price_made(questions)):
        raise Misuse(
            f"the budget is {limits.budget:.0%} of the whole grid, and the first runs at the ends of every "
            f"curve cost {start / whole:.0%}; give --budget {start / whole:.2f} or more"
        )


def _share(questions: Sequence[Question]) -> float:
    return price_made(questions) / (price_asked(questions) or 1.0)


def _end(
    curves: Sequence[CurveJobs], questions: Sequence[Question], step: Step, tried: Collection[str]
) -> Ending:
    judgeable = [place for place, question in enumerate(questions) if question.judgeable]
    judged = dict(zip(judgeable, judge([questions[place].curve() for place in judgeable]), strict=True))
    ends = [
        CurveEnd(
            jobs=curve,
            question=questions[place],
            verdict=judged.get(place),
            forecast=step.forecasts[place],
            reason=step.reasons[place],
            not_run=tuple(job for jobs in curve.by_size.values() for job in jobs if job.address not in tried),
        )
        for place, curve in enumerate(curves)
    ]
    return Ending(curves=tuple(ends), cost=_share(questions))
