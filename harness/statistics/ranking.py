"""Models side by side: what can be said of two of them, and of the field.

Missing is missing: a model without a score on a task is neither 0 nor last there, the task is left out and
named. What is said of two models (`compare`, win probabilities, whether they share a tier) and of one (`iqm`)
depends on their scores alone, whoever else is on the board; so nothing is adjusted for the number of pairs.
Ranks, the probability of being the best, mean win rates and their stability are about the field, and change
with it.

All resampling is hierarchical (families of tasks, within these the units of generalisation, and the seeds of
each model) and shared: a unit is drawn alike for all models and in all tasks of its family, and a fit of
a model is drawn or not in all tasks at once, since it is the same fit that was scored on them. More tasks of
one data set are no new donors, and more data sets no new fits. The draws depend on the seed and on the names
of families, units and models, not on what else there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb
from string import ascii_lowercase
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit
from scipy.stats import kendalltau, rankdata, trim_mean

from harness.statistics.curves import Direction
from harness.statistics.estimates import Estimate, Floats, cluster_sums, percentile

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
        Model -> one per unit (n_units,), or per seed and unit (n_seeds, n_units); equal where None.
    clusters
        One name per unit: units of one name are drawn together, in all tasks of the family. Where None each
        is its own, and the same in all tasks of the family that stands in its place.
    family
        Tasks of one family (of one data set, say) are drawn together; each its own where None.
    """

    name: str
    scores: Mapping[str, Floats]
    direction: Direction = "up"
    weights: Mapping[str, Floats] | None = None
    clusters: Sequence[str] | None = None
    family: str | None = None

    def __post_init__(self) -> None:
        shapes = {np.shape(values)[1:] for values in self.scores.values()}
        if any(np.ndim(values) != 2 for values in self.scores.values()) or len(shapes) > 1:
            raise ValueError(
                f'task "{self.name}": scores must be (n_seeds, n_units) with the same units for all'
            )
        for model, values in self.scores.items() if self.weights is not None else ():
            given, asked = np.shape((self.weights or {}).get(model, ())), np.shape(values)
            if given not in (asked, asked[1:]):
                raise ValueError(
                    f'task "{self.name}": weights of "{model}" must be (n_units,) or (n_seeds, n_units), '
                    f"one per score of {asked}, not {given}"
                )

    def obstacle(self, models: Sequence[str]) -> str | None:
        """Return why these models cannot be put side by side here, if they cannot."""
        missing = [model for model in models if model not in self.scores]
        if missing:
            return f"no score of {', '.join(missing)}"
        return None if any(_shared(self, tuple(models))) else "no unit counts for every run of every model"

    @property
    def of_family(self) -> str:
        """The family's name; one that no other task can have where there is none."""
        return self.family or f"\0{self.name}"

    def unit_names(self) -> NDArray[np.str_]:
        """Return the name of the cluster of each unit (n_units,)."""
        n_units = next(iter(self.scores.values())).shape[1]
        return np.asarray(range(n_units) if self.clusters is None else self.clusters).astype(str)

    def n_clusters(self, models: Sequence[str]) -> int:
        """Return how many clusters have a score of all of these models."""
        return _n_clusters(self, _shared(self, tuple(models)))


@lru_cache(maxsize=2048)
def _shared(task: TaskScores, models: tuple[str, ...]) -> bytes:
    """Return which units count for all of these models, as bytes of booleans (n_units,).

    None where some run would have no score on them, since none of them counts for its seed.
    """
    each = [_counting(task, model) for model in models]
    units = np.asarray(np.logical_and.reduce([defined for defined, _ in each]))
    scored = all(counting[:, units].any(axis=1).all() for _, counting in each)
    return (units & scored).tobytes()


@lru_cache(maxsize=2048)
def _counting(task: TaskScores, model: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the units that a model defines and that weigh something (n_units,), and those of each seed."""
    finite, counting = np.isfinite(task.scores[model]), _weights(task, model) > 0
    return np.asarray((finite | ~counting).all(axis=0) & counting.any(axis=0)), counting


def _weights(task: TaskScores, model: str) -> Floats:
    """Return the weight of each unit for each seed (n_seeds, n_units)."""
    given = 1.0 if task.weights is None else task.weights[model]
    return np.broadcast_to(np.asarray(given, dtype=float), np.shape(task.scores[model]))


@lru_cache(maxsize=2048)
def _n_clusters(task: TaskScores, shared: bytes) -> int:
    return len(np.unique(task.unit_names()[np.frombuffer(shared, dtype=bool)]))


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What is resampled: units and seeds ``n`` times, and families where they are ``sampled``.

    Attributes
    ----------
    families
        Those that are drawn, in order; None where all count once in each resample.
    """

    n: int
    seed: int
    families: tuple[str, ...] | None = None


@lru_cache(maxsize=256)
def _rows(draws: Draws, family: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return in which resamples a family is, and which resample of its units it brings there.

    A family brings a resample of its units of its own each time that it is drawn. Seeds are those of the
    resample, so that a fit is drawn in all families at once.
    """
    if draws.families is None:
        return np.arange(draws.n), np.arange(draws.n)
    drawn, inner = _drawn_families(draws)
    at, slot = np.nonzero(drawn == draws.families.index(family))
    return at, inner[at, slot]


@lru_cache(maxsize=64)
def _drawn_families(draws: Draws) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rng, k = np.random.default_rng(draws.seed), len(draws.families or ())
    return rng.integers(k, size=(draws.n, k)), rng.integers(draws.n, size=(draws.n, k))


@lru_cache(maxsize=1024)
def _runs(task: TaskScores, model: str, shared: bytes, draws: Draws | None) -> Floats:
    """Return one score per seed over the shared units, turned so that larger is better.

    (n_seeds, 1) as they are, or (n_seeds, n) as they are drawn.
    """
    of_units = _runs_of_units(task, model, shared, draws and (draws.n, draws.seed))
    if draws is None:
        return of_units
    at, inner = _rows(draws, task.of_family)
    return np.ascontiguousarray(
        of_units[_drawn_seeds(model, len(of_units), draws.n, draws.seed)[:, at], inner]
    )


@lru_cache(maxsize=1024)
def _means(task: TaskScores, model: str, shared: bytes, draws: Draws | None) -> Floats:
    """Return the mean over seeds in each resample (n,)."""
    runs = _runs(task, model, shared, draws)
    return np.asarray(runs[0] + (runs - runs[0]).mean(axis=0))  # the mean of equal runs is what they are


@lru_cache(maxsize=512)
def _runs_of_units(task: TaskScores, model: str, shared: bytes, drawn: tuple[int, int] | None) -> Floats:
    """Return the score of each seed (n_seeds, n or 1) with resampled units.

    A unit's weight in a resample is exponential, one stream per cluster. Divided by their sum these are the
    uniform Dirichlet weights of the Bayesian bootstrap (Rubin 1981, doi 10.1214/aos/1176345338): unlike
    counts they need no list of all units to be drawn from, so that tasks share the units that they have in
    common, and no resample is without units.
    """
    kept = np.flatnonzero(np.frombuffer(shared, dtype=bool))
    values, weights = np.asarray(task.scores[model], dtype=float)[:, kept], _weights(task, model)[:, kept]
    sums = np.where(weights > 0, values, 0.0) * weights
    share = np.ones((len(kept), 1))
    if drawn:
        names, codes = np.unique(task.unit_names(), return_inverse=True)
        share = _drawn_units(task.of_family, tuple(names.tolist()), *drawn)
        sums, weights = (cluster_sums(each, codes[kept], len(names)) for each in (sums, weights))
    sign = 1 if task.direction == "up" else -1
    # Row by row, since the last bit of a product of matrices depends on how many rows there are.
    by_run, total = (
        np.stack([row @ share for row in np.ascontiguousarray(each)]) for each in (sums, weights)
    )
    return np.asarray(sign * by_run / total)


@lru_cache(maxsize=8)
def _drawn_units(family: str, names: tuple[str, ...], n: int, seed: int) -> Floats:
    """Return the weight of each cluster (n_clusters, n), the same in all tasks of the family."""
    return np.array([_generator(seed, "unit", family, name).standard_exponential(n) for name in names])


@lru_cache(maxsize=512)
def _drawn_seeds(model: str, k: int, n: int, seed: int) -> NDArray[np.intp]:
    """Return which of a model's k seeds are drawn (k, n): the same on all tasks where it has so many."""
    return _generator(seed, "fit", model).integers(k, size=(k, n))


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

    Notes
    -----
    Of pairs of equal models that differ by luck alone, this share was separated at level .95 (200 worlds,
    n = 1000). Luck with donors, the same in all tasks of one data set: 10, 9 and 8 % in 1 task of 6, 8 and 12
    donors, 12, 8 and 7 % in 4 tasks. Luck of fits, the same on all tasks: with 4 fits of each 3 and 4 % in 3
    and 8 tasks of one data set, 4 % in 4 data sets. Three donors of one data set or, without units, three
    fits of each are never judged. Six to twelve data sets that are resampled (150 worlds, n = 400): 0 to 5 %;
    9 % where the luck of 3 fits outweighs all else.

    A model of a single fit is judged as that fit, its luck included: with one fit of each, and luck of fits
    as large as luck with eight donors, half of the pairs were separated.
    """
    return _compared(tasks, first, [second], sampled, Draws(n=n, seed=seed), level)[0]


def rank(
    tasks: Sequence[TaskScores],
    models: Sequence[str],
    *,
    left_out: Mapping[str, str] | None = None,
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
    left_out
        Task -> why it does not count for ranks; pairs of models are compared on it all the same.
    sampled, n, level, seed
        As `compare`.
    """
    draws = Draws(n=n, seed=seed)
    pairs = [
        pair
        for i, model in enumerate(models)
        for pair in _compared(tasks, model, models[i + 1 :], sampled, draws, level)
    ]
    lacking = {task.name: why for task in tasks if (why := task.obstacle(models))}
    left_out = {**lacking, **(left_out or {})}
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
    per_task = np.array([_ranks(task, models)[:, 0] for task in common])
    drawn = _over_tasks(common, lambda task, draws: _ranks(task, models, draws), sampled, draws).T
    here = per_task.mean(axis=0)
    order = sorted(range(len(models)), key=lambda i: (here[i], models[i]))
    first = drawn == drawn.min(axis=1, keepdims=True)
    best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
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
    shared = [_shared(task, (model,)) for task in own]
    here, drawn = (
        np.concatenate([_runs(task, model, units, draws) for task, units in zip(own, shared, strict=True)])
        for draws in (None, Draws(n=n, seed=seed))
    )
    middle = trim_mean(np.hstack([here, drawn]), 0.25, axis=0)
    return percentile(float(middle[0]), middle[1:], level)


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


_Match = tuple[bytes, int, int]
"""Units that two models share on a task, and the seeds of each."""


def _compared(
    tasks: Sequence[TaskScores],
    first: str,
    others: Sequence[str],
    sampled: bool,
    draws: Draws,
    level: float,
) -> list[Comparison]:
    """Compare a model with others, at once with those that share the same units with it."""
    alike: dict[tuple[_Match | None, ...], list[str]] = {}
    for other in others:
        alike.setdefault(tuple(_match(task, first, other) for task in tasks), []).append(other)
    found = {
        pair.second: pair
        for matches, members in alike.items()
        for pair in _compared_alike(tasks, first, members, matches, sampled, draws, level)
    }
    return [found[other] for other in others]


def _match(task: TaskScores, first: str, second: str) -> _Match | None:
    """Return what two models have in common on a task; None where they cannot be put side by side."""
    if first not in task.scores or second not in task.scores:
        return None
    shared = _shared(task, (first, second))
    return (shared, len(task.scores[first]), len(task.scores[second])) if any(shared) else None


def _compared_alike(
    tasks: Sequence[TaskScores],
    first: str,
    others: Sequence[str],
    matches: Sequence[_Match | None],
    sampled: bool,
    draws: Draws,
    level: float,
) -> Iterator[Comparison]:
    common = {task: match for task, match in zip(tasks, matches, strict=True) if match}
    if not common:
        yield from (_incomparable(tasks, first, other, level) for other in others)
        return
    names = tuple(task.name for task in common)
    here = np.mean([_pairs(task, first, others, match[0]) for task, match in common.items()], axis=0)[..., 0]
    drawn = _over_tasks(
        list(common), lambda task, draws: _pairs(task, first, others, common[task][0], draws), sampled, draws
    )
    few = _too_few(list(common)) if sampled else _too_few_runs(common)
    wider = _expanded(level, common, sampled)
    for i, other in enumerate(others):
        wins, difference = (
            replace(percentile(float(here[of, i]), drawn[of, i], wider), level=level) for of in range(2)
        )
        unjudged = few or wins.reason
        yield Comparison(
            first=first,
            second=other,
            tasks=names,
            left_out=_left_out(tasks, (first, other), names),
            wins=wins,
            difference=difference,
            separated=None if unjudged else not wins.low <= 0.5 <= wins.high,  # type: ignore[operator]
            reason=unjudged,
        )


def _incomparable(tasks: Sequence[TaskScores], first: str, second: str, level: float) -> Comparison:
    nothing = Estimate(value=None, level=level, reason="no task has scores of both")
    return Comparison(
        first=first,
        second=second,
        tasks=(),
        left_out=_left_out(tasks, (first, second)),
        wins=nothing,
        difference=nothing,
        separated=None,
        reason=nothing.reason,
    )


def _left_out(
    tasks: Sequence[TaskScores], models: Sequence[str], common: Sequence[str] = ()
) -> dict[str, str]:
    return {task.name: str(task.obstacle(models)) for task in tasks if task.name not in common}


def _pairs(
    task: TaskScores, first: str, others: Sequence[str], shared: bytes, draws: Draws | None = None
) -> Floats:
    """Return U / (n m) and the difference of the means with each of others (2, n_others, n_draws or 1).

    The others have as many seeds each.
    """
    a, mean = _runs(task, first, shared, draws), _means(task, first, shared, draws)
    b = np.stack([_runs(task, other, shared, draws) for other in others])
    means = np.stack([_means(task, other, shared, draws) for other in others])
    narrow = np.min_scalar_type(-b.shape[1] - 1)  # int8, for up to 127 seeds
    by_run = [((run > b).view(np.int8) - (run < b).view(np.int8)).sum(axis=1, dtype=narrow) for run in a]
    margin = np.sum(by_run, axis=0, dtype=np.int32)
    return np.stack([0.5 + 0.5 * margin / (len(a) * b.shape[1]), mean - means])


def _ranks(task: TaskScores, models: Sequence[str], draws: Draws | None = None) -> Floats:
    """Return the rank of each model in each resample (n_models, n_draws or 1); 1 is best."""
    shared = _shared(task, tuple(models))
    return np.asarray(rankdata(-np.stack([_means(task, m, shared, draws) for m in models]), axis=0))


def _over_tasks(
    tasks: Sequence[TaskScores],
    of_task: Callable[[TaskScores, Draws], Floats],
    sampled: bool,
    draws: Draws,
) -> Floats:
    """Return the mean over tasks in each resample (..., n), of resampled tasks where they are."""
    draws = replace(draws, families=tuple(_families(tasks)) if sampled else None)
    values = [of_task(task, draws) for task in tasks]
    if not sampled:
        return np.asarray(np.mean(values, axis=0))
    at = np.concatenate([_rows(draws, task.of_family)[0] for task in tasks])
    sums = np.apply_along_axis(
        lambda drawn: np.bincount(at, drawn, minlength=draws.n), -1, np.concatenate(values, axis=-1)
    )
    return np.asarray(sums / np.bincount(at, minlength=draws.n))


def _families(tasks: Sequence[TaskScores]) -> dict[str, list[TaskScores]]:
    found: dict[str, list[TaskScores]] = {}
    for task in tasks:
        found.setdefault(task.of_family, []).append(task)
    return found


def _too_few(tasks: Sequence[TaskScores]) -> str | None:
    k = len(_families(tasks))
    return f"only {k} independent tasks" if k < FEW_FAMILIES else None


def _too_few_runs(common: Mapping[TaskScores, _Match]) -> str | None:
    """Return why no test could tell two models apart on these very tasks, if none could.

    The smallest two-sided p-value of an exact test: the signs of paired units or, without units, the ways to
    deal the fits to the two models.
    """
    groups = _groups(common)
    ways = comb(sum(groups), groups[0]) if _units(common) == [] else 2 ** sum(groups)
    return None if 2 / ways < 0.05 else f"so few runs and units that p could not be below {2 / ways:.2g}"


def _units(common: Mapping[TaskScores, _Match]) -> list[int]:
    """Return how many clusters each family has, as its poorest task has them; without those of one."""
    families = _families(list(common)).values()
    counts = [min(_n_clusters(task, common[task][0]) for task in family) for family in families]
    return [count for count in counts if count > 1]


def _groups(common: Mapping[TaskScores, _Match]) -> list[int]:
    """Return how many are resampled: units of each family or, without units, fits of each model."""
    return _units(common) or [
        min(seeds) for seeds in zip(*(fits for _, *fits in common.values()), strict=True)
    ]


def _expanded(level: float, common: Mapping[TaskScores, _Match], sampled: bool) -> float:
    """Return the level at which a percentile interval covers as often as Student's at ``level``.

    Means of k that are drawn by counts spread by (k - 1) / k^2, by uniform Dirichlet weights by (k - 1) /
    (k (k + 1)), where they should by 1 / k; and few know little of their spread (expanded percentile
    interval: Hesterberg 2015, doi 10.1080/00031305.2015.1089789).
    """
    groups = [len(_families(list(common)))] if sampled else _groups(common)
    k, by_weights = np.array(groups, dtype=float), not sampled and bool(_units(common))
    df = k.sum() - len(k)
    if not df:
        return 1.0
    spread = (k - 1) / (k * (k + 1 if by_weights else k))
    return float(1 - 2 * ndtr(np.sqrt((1 / k).sum() / spread.sum()) * stdtrit(df, (1 - level) / 2)))


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
