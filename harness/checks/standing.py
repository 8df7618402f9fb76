"""Models side by side over tasks: ranks, tiers and how firm they are, from scores of any origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.checks.no_change import UnitScores
from harness.statistics import (
    FEW_FAMILIES,
    Comparison,
    Direction,
    Estimate,
    Stability,
    TaskScores,
    iqm,
    rank,
)

Floats = NDArray[np.float64]

SHARE_OF_MODELS = 0.5
"""Share of the models that must have a task for it to count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """What one model scored on one task, at the size that it stands for.

    A size that was chosen for its score is biased towards luck: take the largest, or one that was agreed on.

    Attributes
    ----------
    model, task
        Names; the task's with its data set and metric. One metric per task: several would count it twice.
    values
        Score of each seed.
    units
        The same scores per unit of generalisation; None where there are none. They are what is ranked where
        all models of the task have them under unique names, paired by name; else the values are.
    direction
        ``"down"`` for losses.
    family
        Tasks of one family (of one data set) share their units, by name, and are not independent; each its
        own where None.
    floor, ceiling
        Of the task: the trivial score and the best possible one, between which scores are normalised.
    """

    model: str
    task: str
    values: Sequence[float]
    units: UnitScores | None = None
    direction: Direction = "up"
    family: str | None = None
    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one model stands.

    Attributes
    ----------
    average_rank
        Mean over the tasks of its rank; 1 is best, ties share the mean of their ranks.
    best
        Share of the resamples in which its average rank is the smallest, ties shared.
    win_rate
        Mean over the others of the probability that a run of it beats one of theirs.
    tier
        Letters: two models share one exactly where they are not shown to differ.
    iqm
        Interquartile mean of its normalised scores; None, with a reason, where a task has no floor or no
        ceiling.
    """

    model: str
    average_rank: Estimate
    best: float
    win_rate: float | None
    tier: str
    iqm: Estimate


@dataclass(frozen=True, kw_only=True)
class Standings:
    """A ranking of models.

    Attributes
    ----------
    rows
        The best first; none, with a ``reason``, where nothing can be ranked.
    tasks
        Those that count: all ranked models have them.
    left_out, unranked
        Task -> why it does not count; model -> why it is not ranked. A model without a score on a task that
        counts is not.
    of_tasks_like_these
        Whether tasks were resampled too, so that intervals and tiers speak of other tasks like these. False
        below six independent ones: they then speak of these tasks alone.
    comparisons
        Every pair of ranked models, each by their own scores on the tasks that both have.
    without
        Task -> how the ranking changes without it.
    """

    rows: tuple[Standing, ...] = ()
    tasks: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    unranked: Mapping[str, str] = field(default_factory=dict)
    of_tasks_like_these: bool = False
    comparisons: tuple[Comparison, ...] = ()
    without: Mapping[str, Stability] = field(default_factory=dict)
    reason: str | None = None


def standings(entries: Sequence[Entry], *, n: int = 1000, level: float = 0.95, seed: int = 0) -> Standings:
    """Rank the models that have a score on every task that counts.

    A task counts where at least half of all models have a score on it; a model that lacks one of these is not
    ranked, whatever else it has. So a partial submission takes nobody's tasks away, nor does a task that few
    have tried take away a model. Pairs of ranked models are compared on all tasks that both have.

    Parameters
    ----------
    entries
        One per model and task.
    n
        Resamples of tasks (or families of them), units and seeds.
    level
        Nominal coverage of the intervals.

    Raises
    ------
    ValueError
        A model has two entries for a task, or a task two directions.
    """
    by_task = _by_task(entries)
    tasks = [_task(name, rows) for name, rows in by_task.items()]
    models = list(dict.fromkeys(entry.model for entry in entries))
    left_out = _rare(tasks, models)
    counting = [task for task in tasks if task.name not in left_out]
    unranked = _incomplete(counting, models)
    models = [model for model in models if model not in unranked]
    if not counting or len(models) < 2:
        few = "fewer than two models have a score on every task that counts"
        reason = few if counting else "no task has a score of at least half of the models"
        return Standings(left_out=left_out, unranked=unranked, reason=reason)
    common = [task for task in counting if task.obstacle(models) is None]
    sampled = len({task.family or f"\0{task.name}" for task in common}) >= FEW_FAMILIES
    normalised = _normalised_tasks({task.name: by_task[task.name] for task in common})
    found = rank(tasks, models, left_out=left_out, sampled=sampled, n=n, level=level, seed=seed)
    return Standings(
        rows=tuple(
            Standing(
                model=model,
                average_rank=average,
                best=found.best[model],
                win_rate=found.win_rate.get(model),
                tier=found.tiers[model],
                iqm=(
                    Estimate(value=None, level=level, reason=normalised)
                    if isinstance(normalised, str)
                    else iqm(normalised, model, n=n, level=level, seed=seed)
                ),
            )
            for model, average in found.average_rank.items()
        ),
        tasks=found.tasks,
        left_out=found.left_out,
        unranked=unranked,
        of_tasks_like_these=sampled,
        comparisons=found.comparisons,
        without=found.without,
        reason=found.reason,
    )


def _by_task(entries: Sequence[Entry]) -> dict[str, dict[str, Entry]]:
    """Return task -> model -> entry."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        rows = found.setdefault(entry.task, {})
        if entry.model in rows:
            raise ValueError(f'"{entry.model}" has two entries for the task "{entry.task}"; it needs one')
        rows[entry.model] = entry
        if len({each.direction for each in rows.values()}) > 1:
            raise ValueError(f'the task "{entry.task}" has entries of both directions; it needs one')
    return found


def _rare(tasks: Sequence[TaskScores], models: Sequence[str]) -> dict[str, str]:
    """Return the tasks that do not count, and why."""
    having = {task.name: sum(task.obstacle([model]) is None for model in models) for task in tasks}
    return {
        task: f"{count} of {len(models)} models have a score on it, fewer than half"
        for task, count in having.items()
        if count < SHARE_OF_MODELS * len(models)
    }


def _incomplete(tasks: Sequence[TaskScores], models: Sequence[str]) -> dict[str, str]:
    """Return the models that are not ranked, and why."""
    lacking = {model: [task.name for task in tasks if task.obstacle([model])] for model in models}
    return {
        model: f"it has no score on {len(names)} of {len(tasks)} tasks that count: {', '.join(names)}"
        for model, names in lacking.items()
        if names
    }


def _task(name: str, rows: Mapping[str, Entry], normalised: bool = False) -> TaskScores:
    """Put the entries of a task side by side, paired by unit where all have units."""
    first = next(iter(rows.values()))
    units = _paired(rows)
    scores = {
        model: units[model].values if units else np.asarray(row.values, dtype=float)[:, None]
        for model, row in rows.items()
    }
    direction = first.direction
    if normalised:
        scores = {model: _normalised(values, first) for model, values in scores.items()}
        direction = "up"
    return TaskScores(
        name=name,
        scores=scores,
        direction=direction,
        weights={model: _weights(each) for model, each in units.items()} if units else None,
        clusters=_clusters(next(iter(units.values()))) if units else None,
        family=first.family,
    )


def _paired(rows: Mapping[str, Entry]) -> dict[str, UnitScores] | None:
    """Return the scores per unit in the order of the first entry, NaN for units that a model lacks."""
    units = {model: row.units for model, row in rows.items() if row.units is not None}
    names = [each.names for each in units.values()]
    unique = all(len(set(each)) == len(each) for each in names)
    if len(units) < len(rows) or not (unique or len(set(names)) == 1):
        return None
    return {model: _in_order(each, names[0]) for model, each in units.items()}


def _clusters(units: UnitScores) -> tuple[str, ...] | None:
    """Return what is drawn together, in all tasks of a family: the units of a cluster, else of a name."""
    unique = len(set(units.names)) == len(units.names)
    return units.clusters or (units.names if unique else None)


def _weights(units: UnitScores) -> Floats:
    return np.ones(units.values.shape[1]) if units.weights is None else units.weights


def _in_order(units: UnitScores, names: tuple[str, ...]) -> UnitScores:
    if units.names == names:
        return units
    place = {name: i for i, name in enumerate(units.names)}
    order = [place.get(name, -1) for name in names]
    values, weights = _picked(units.values, order), _picked(_weights(units), order)
    return replace(units, names=names, values=values, weights=weights, clusters=None)


def _picked(of_units: Floats, order: Sequence[int]) -> Floats:
    """Return what units have in another order (..., n_units), NaN for -1."""
    absent = np.full((*of_units.shape[:-1], 1), np.nan)
    return np.concatenate([of_units, absent], axis=-1)[..., order]


def _normalised(values: Floats, of: Entry) -> Floats:
    """Return z = (score - floor) / (ceiling - floor), unclipped; larger is better for losses too."""
    assert of.floor is not None
    assert of.ceiling is not None
    return (values - of.floor) / (of.ceiling - of.floor)


def _normalised_tasks(by_task: Mapping[str, Mapping[str, Entry]]) -> list[TaskScores] | str:
    """Return tasks with normalised scores, or why scores cannot be normalised on all of them."""
    unscaled = [name for name, rows in by_task.items() if not _scaled(list(rows.values()))]
    if unscaled:
        return f"not every task has one floor and a better ceiling: {', '.join(unscaled)}"
    return [_task(name, rows, normalised=True) for name, rows in by_task.items()]


def _scaled(rows: Sequence[Entry]) -> bool:
    """Whether the entries of a task have one floor and one ceiling, the better of the two."""
    ends = {(row.floor, row.ceiling) for row in rows}
    (floor, ceiling), sign = next(iter(ends)), 1 if rows[0].direction == "up" else -1
    if len(ends) > 1 or floor is None or ceiling is None:
        return False
    return sign * ceiling > sign * floor
