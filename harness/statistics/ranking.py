"""Models side by side: what can be said of two of them, and of the field.

Missing is missing: a model without a score on a task is neither 0 nor last there, the task is left out and
named. What is said of two models (`compare`, win probabilities, whether they share a tier) and of one (`iqm`)
depends on their scores alone, whoever else is on the board; so nothing is adjusted for the number of pairs.
Ranks, the probability of being the best, mean win rates and their stability are about the field, and change
with it.

All resampling is hierarchical (tasks or families of them, within these the units of generalisation, within
these the seeds of each model) and shared: the draw of a task's units is the same for all models. The draws
depend on the seed and on the names of task and model, not on what else there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from string import ascii_lowercase
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata, trim_mean

from harness.statistics.curves import Direction
from harness.statistics.estimates import Estimate, Floats, percentile

FEW_FAMILIES = 6
"""Below this many independent tasks no exact paired test can reach p < .05 two-sided (2 / 2**5 = .0625)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskScores:
    """What models scored on one task.

    Attributes
    ----------
    name
        The task, with its data set.
    scores
        Model -> scores (n_seeds, n_units), the same units for all; (n_seeds, 1) where there are no units. NaN
        where a unit does not define the score. A model that is not here has no score. Units are those of
        generalisation (donors, perturbations), not cells: memory grows with resamples times units.
    direction
        ``"down"`` for losses.
    weights
        One per unit (n_units,); equal where None.
    clusters
        One name per unit: units of one cluster are drawn together; each its own where None.
    family
        Tasks of one family (of one data set, say) are drawn together; each its own where None.
    """

    name: str
    scores: Mapping[str, Floats]
    direction: Direction = "up"
    weights: Floats | None = None
    clusters: Sequence[str] | None = None
    family: str | None = None

    def __post_init__(self) -> None:
        shapes = {np.shape(values)[1:] for values in self.scores.values()}
        if any(np.ndim(values) != 2 for values in self.scores.values()) or len(shapes) > 1:
            raise ValueError(
                f'task "{self.name}": scores must be (n_seeds, n_units) with the same units for all'
            )

    def runs(self, models: Sequence[str], n: int = 0, seed: int = 0) -> dict[str, Floats]:
        """Return for every model one score per seed, over the units that all of these models define.

        Turned so that larger is better: (1, n_seeds) as they are; or in ``n`` resamples of units and seeds
        (n, n_seeds), NaN where a resample has no unit that all define.
        """
        defined = np.logical_and.reduce([np.isfinite(self.scores[model]).all(axis=0) for model in models])
        return {model: _drawn_runs(self, model, defined.tobytes(), n, seed) for model in models}

    def obstacle(self, models: Sequence[str]) -> str | None:
        """Return why these models cannot be put side by side here, if they cannot."""
        missing = [model for model in models if model not in self.scores]
        if missing:
            return f"no score of {', '.join(missing)}"
        defined = np.logical_and.reduce([np.isfinite(self.scores[model]).all(axis=0) for model in models])
        return None if defined.any() else "no unit has a score of every model"


@lru_cache(maxsize=512)
def _drawn_runs(task: TaskScores, model: str, defined: bytes, n: int, seed: int) -> Floats:
    values = np.asarray(task.scores[model], dtype=float)
    kept = np.frombuffer(defined, dtype=bool)
    counts = _drawn_units(task, n, seed) if n else np.ones((1, len(kept)))
    share = counts * kept * (1.0 if task.weights is None else np.asarray(task.weights, dtype=float))
    total = share.sum(axis=1, keepdims=True)
    share = np.divide(share, total, out=np.full(share.shape, np.nan), where=total > 0)
    sign = 1 if task.direction == "up" else -1
    means = sign * (share @ np.where(kept, values, 0.0).T)
    if not n:
        return np.asarray(means)
    drawn = _generator(seed, task.name, model).integers(len(values), size=means.shape)
    return np.asarray(np.take_along_axis(means, drawn, axis=1))


@lru_cache(maxsize=64)
def _drawn_units(task: TaskScores, n: int, seed: int) -> Floats:
    """Return how often each unit is drawn in each resample (n, n_units)."""
    n_units = next(iter(task.scores.values())).shape[1]
    names = np.arange(n_units) if task.clusters is None else np.asarray(task.clusters)
    codes = np.unique(names, return_inverse=True)[1]
    k = int(codes.max()) + 1
    counts = _generator(seed, task.name).multinomial(k, np.full(k, 1 / k), size=n)
    return np.asarray(counts[:, codes], dtype=float)


def _generator(seed: int, *names: str) -> np.random.Generator:
    """Return a generator for what belongs to these names and nothing else."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models, by nothing but their own scores.

    Attributes
    ----------
    first, second
        Their names.
    tasks
        Those on which both have scores.
    left_out
        Task -> why it is not among them.
    wins
        Probability that a run of the first beats one of the second: the mean over tasks of U / (n m), ties
        one half (Agarwal et al. 2021, arXiv 2108.13264).
    difference
        Mean over tasks of the difference of the means, in the units of the scores: of use where these are
        normalised.
    separated
        Whether the interval of ``wins`` leaves out one half; None, with a ``reason``, where that cannot be
        judged.
    """

    first: str
    second: str
    tasks: tuple[str, ...]
    left_out: Mapping[str, str]
    wins: Estimate
    difference: Estimate
    separated: bool | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The field on the tasks that all of its models have in common.

    Attributes
    ----------
    tasks, left_out
        Tasks that count; task -> why it does not.
    average_rank
        Model -> mean over tasks of its rank (1 is best, ties share the mean of their ranks), the best first.
    best
        Model -> share of the resamples in which its average rank is the smallest, ties shared.
    win_rate
        Model -> mean over the others of the probability that it beats them, each on the tasks the two share.
    tiers
        Model -> letters: two models share one exactly where they are not shown to differ.
    comparisons
        Every pair.
    without
        Task -> how the ranking changes without it.
    reason
        Why there is no ranking.
    """

    tasks: tuple[str, ...]
    left_out: Mapping[str, str]
    average_rank: Mapping[str, Estimate]
    best: Mapping[str, float]
    win_rate: Mapping[str, float]
    tiers: Mapping[str, str]
    comparisons: tuple[Comparison, ...]
    without: Mapping[str, Stability]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stability:
    """The ranking without one task.

    Attributes
    ----------
    correlation
        Kendall's tau-b with the whole ranking; None where it is not defined.
    best
        Models of the smallest average rank.
    largest_move
        Largest change of a place in the order.
    """

    correlation: float | None
    best: tuple[str, ...]
    largest_move: float


def compare(
    tasks: Sequence[TaskScores],
    first: str,
    second: str,
    *,
    sampled: bool = True,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the tasks that both have.

    Parameters
    ----------
    sampled
        Whether the tasks stand for others like them: they are then resampled, and below ``FEW_FAMILIES``
        independent ones nothing is judged. Else the answer is about these tasks, and only units and seeds
        are resampled; nothing is judged where no exact test on so few of them could find a difference.
    n
        Resamples.
    """
    pair = (first, second)
    left_out = {task.name: why for task in tasks if (why := task.obstacle(pair))}
    common = [task for task in tasks if task.name not in left_out]
    if not common:
        nothing = Estimate(value=None, level=level, reason="no task has scores of both")
        return Comparison(
            first=first,
            second=second,
            tasks=(),
            left_out=left_out,
            wins=nothing,
            difference=nothing,
            separated=None,
            reason=nothing.reason,
        )
    here = np.mean([_pair(task, pair) for task in common], axis=0)[0]
    drawn = _over_tasks(common, [_pair(task, pair, n, seed) for task in common], sampled, n, seed)
    df = np.inf if sampled else _freedom(common, pair)
    wins, difference = (percentile(float(here[i]), drawn[:, i], level, df) for i in range(2))
    few = _too_few(common) if sampled else _too_few_runs(common, pair)
    unjudged = few or wins.reason
    return Comparison(
        first=first,
        second=second,
        tasks=tuple(task.name for task in common),
        left_out=left_out,
        wins=wins,
        difference=difference,
        separated=None if unjudged else not wins.low <= 0.5 <= wins.high,  # type: ignore[operator]
        reason=unjudged,
    )


def rank(
    tasks: Sequence[TaskScores],
    models: Sequence[str],
    *,
    sampled: bool = True,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Ranking:
    """Rank models by their average rank over the tasks that all of them have.

    Parameters
    ----------
    models
        The field. A model that lacks tasks costs all others these tasks: leave it out to keep them.
    sampled, n, level, seed
        As `compare`.
    """
    pairs = [
        compare(tasks, *pair, sampled=sampled, n=n, level=level, seed=seed)
        for pair in combinations(models, 2)
    ]
    left_out = {task.name: why for task in tasks if (why := task.obstacle(models))}
    common = [task for task in tasks if task.name not in left_out]
    wins = _win_rates(models, pairs)
    if not common:
        return Ranking(
            tasks=(),
            left_out=left_out,
            average_rank={},
            best={},
            win_rate=wins,
            tiers=letters(models, pairs),
            comparisons=tuple(pairs),
            without={},
            reason="no task has scores of all models",
        )
    per_task = np.array([_ranks(task, models)[0] for task in common])
    drawn = _over_tasks(common, [_ranks(task, models, n, seed) for task in common], sampled, n, seed)
    here = per_task.mean(axis=0)
    order = sorted(range(len(models)), key=lambda i: (here[i], models[i]))
    known = drawn[np.isfinite(drawn).all(axis=1)]
    first = known == known.min(axis=1, keepdims=True)
    best = (first / first.sum(axis=1, keepdims=True)).sum(axis=0) / max(len(known), 1)
    in_order = [models[i] for i in order]
    return Ranking(
        tasks=tuple(task.name for task in common),
        left_out=left_out,
        average_rank={models[i]: percentile(float(here[i]), drawn[:, i], level) for i in order},
        best={models[i]: float(best[i]) for i in order},
        win_rate={model: wins[model] for model in in_order if model in wins},
        tiers=letters(in_order, pairs),
        comparisons=tuple(pairs),
        without=_stability(common, models, per_task),
    )


def iqm(
    tasks: Sequence[TaskScores], model: str, *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Estimate:
    """Return the interquartile mean of a model's runs on all of its tasks.

    The mean of the middle half of all runs of all tasks, with a bootstrap stratified by task (Agarwal et al.
    2021, arXiv 2108.13264; here units are resampled too). Scores must be on one scale, normalised by floor
    and ceiling; they are turned so that larger is better. To put two models side by side hand in tasks that
    both have.
    """
    own = [task for task in tasks if not task.obstacle([model])]
    if not own:
        return Estimate(value=None, level=level, reason=f"{model} has no score on any task")
    here = np.concatenate([task.runs([model])[model] for task in own], axis=1)
    drawn = np.concatenate([task.runs([model], n, seed)[model] for task in own], axis=1)
    return percentile(float(trim_mean(here[0], 0.25)), trim_mean(drawn, 0.25, axis=1), level)


def letters(models: Sequence[str], pairs: Sequence[Comparison]) -> dict[str, str]:
    """Return a compact letter display: two models share a letter exactly where they are not shown to differ.

    Letters are the largest sets of models none of which are separated (insert and absorb: Piepho 2004, doi
    10.1198/1061860043515); a chain of neighbours is no tier. The first letter is that of the first model.
    """
    sets = [frozenset(models)]
    for pair in pairs:
        if pair.separated:
            split = [
                s - {each}
                for s in sets
                for each in (pair.first, pair.second)
                if {pair.first, pair.second} <= s
            ]
            whole = [s for s in sets if not {pair.first, pair.second} <= s]
            sets = _largest([*whole, *split])
    place = {model: i for i, model in enumerate(models)}
    sets = sorted(sets, key=lambda members: sorted(place[model] for model in members))
    return {model: "".join(_letter(i) for i, s in enumerate(sets) if model in s) for model in models}


def _largest(sets: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    distinct = list(dict.fromkeys(sets))
    return [s for s in distinct if not any(s < other for other in distinct)]


def _letter(i: int) -> str:
    return ascii_lowercase[i] if i < 26 else f"({i + 1})"


def _pair(task: TaskScores, pair: tuple[str, str], n: int = 0, seed: int = 0) -> Floats:
    """Return U / (n m) and the difference of the means in each resample (n or 1, 2)."""
    runs = task.runs(pair, n, seed)
    a, b = runs[pair[0]], runs[pair[1]]
    gap = a[:, :, None] - b[:, None, :]
    wins = np.where(np.isnan(gap), np.nan, (gap > 0) + 0.5 * (gap == 0)).mean(axis=(1, 2))
    return np.stack([wins, a.mean(axis=1) - b.mean(axis=1)], axis=1)


def _ranks(task: TaskScores, models: Sequence[str], n: int = 0, seed: int = 0) -> Floats:
    """Return the rank of each model in each resample (n or 1, n_models); 1 is best."""
    runs = task.runs(models, n, seed)
    return np.asarray(rankdata(-np.stack([runs[m].mean(axis=1) for m in models], axis=1), axis=1))


def _over_tasks(
    tasks: Sequence[TaskScores], per_task: Sequence[Floats], sampled: bool, n: int, seed: int
) -> Floats:
    """Return the mean over tasks in each resample (n, n_columns), of resampled tasks where they are.

    Each drawn family brings a resample of its units of its own, also where it is drawn twice.
    """
    if not sampled:
        known = np.isfinite(per_task).sum(axis=0)
        total = np.nansum(per_task, axis=0)
        return np.where(known > 0, total / np.maximum(known, 1), np.nan)
    codes = _families(tasks)
    k = int(codes.max()) + 1
    rng = np.random.default_rng(seed)
    family, inner = rng.integers(k, size=(n, k)), rng.integers(n, size=(n, k))
    defined = [np.isfinite(values) for values in per_task]
    sums = np.zeros((k, *per_task[0].shape))
    counts = np.zeros_like(sums)
    for code, values, known in zip(codes, per_task, defined, strict=True):
        sums[code] += np.where(known, values, 0.0)
        counts[code] += known
    total = counts[family, inner].sum(axis=1)
    mean = np.full(total.shape, np.nan)
    np.divide(sums[family, inner].sum(axis=1), total, out=mean, where=total > 0)
    return mean


def _families(tasks: Sequence[TaskScores]) -> NDArray[np.intp]:
    return np.unique([task.family or f"\0{task.name}" for task in tasks], return_inverse=True)[1]


def _too_few(tasks: Sequence[TaskScores]) -> str | None:
    k = int(_families(tasks).max()) + 1
    return f"only {k} independent tasks" if k < FEW_FAMILIES else None


def _too_few_runs(tasks: Sequence[TaskScores], pair: tuple[str, str]) -> str | None:
    """Return why no test could tell two models apart on these very tasks, if none could.

    The smallest two-sided p-value of an exact test over all tasks: the signs of paired units or, without
    units, the ways to deal the runs to the two models.
    """
    chances = [_smallest_chance(task, pair) for task in tasks]
    smallest = 2 * float(np.prod(chances))
    return None if smallest < 0.05 else f"so few runs and units that p could not be below {smallest:.2g}"


def _smallest_chance(task: TaskScores, pair: tuple[str, str]) -> float:
    seeds = [len(task.scores[model]) for model in pair]
    defined = np.logical_and.reduce([np.isfinite(task.scores[model]).all(axis=0) for model in pair])
    names = np.arange(len(defined)) if task.clusters is None else np.asarray(task.clusters)
    clusters = len(np.unique(names[defined]))
    return 0.5**clusters if clusters > 1 else 1 / comb(sum(seeds), seeds[0])


def _freedom(tasks: Sequence[TaskScores], pair: tuple[str, str]) -> float:
    """Return the degrees of freedom of the seeds, where nothing but seeds is resampled."""
    if any(task.scores[pair[0]].shape[1] > 1 for task in tasks):
        return np.inf
    return float(sum(len(task.scores[model]) - 1 for task in tasks for model in pair)) or np.inf


def _win_rates(models: Sequence[str], pairs: Sequence[Comparison]) -> dict[str, float]:
    """Return the mean over the other models of the probability of winning, where there is one."""
    against: dict[str, list[float]] = {model: [] for model in models}
    for pair in pairs:
        if pair.wins.value is not None:
            against[pair.first].append(pair.wins.value)
            against[pair.second].append(1 - pair.wins.value)
    return {model: float(np.mean(wins)) for model, wins in against.items() if wins}


def _stability(tasks: Sequence[TaskScores], models: Sequence[str], per_task: Floats) -> dict[str, Stability]:
    """Return what the ranking would be without each task in turn; nothing for a single task."""
    whole = per_task.mean(axis=0)
    found = {}
    for i, task in enumerate(tasks if len(tasks) > 1 else ()):
        rest = np.delete(per_task, i, axis=0).mean(axis=0)
        tau = float(kendalltau(whole, rest).statistic)
        found[task.name] = Stability(
            correlation=None if np.isnan(tau) else tau,
            best=tuple(np.array(models)[np.isclose(rest, rest.min())].tolist()),
            largest_move=float(np.abs(rankdata(rest) - rankdata(whole)).max()),
        )
    return found
