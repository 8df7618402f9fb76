"""What would the whole grid say? The runs that are not made are drawn many times, and every grid is judged.

A learning curve over log size is a Gaussian process around a constant; its amplitude, in units of the seeds'
spread, is weighed by its marginal likelihood, so that a flat curve counts as flat and a curve that moves lets
sizes without runs move too. The share of the completed grids that agree is the predictive probability of
their verdict, by which clinical trials are stopped (Saville et al. 2014, doi 10.1177/1740774514531352). No
drawn run is a score: nothing of this reaches a board.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.adaptive.question import Question
from harness.checks import Verdict, judge

FloatArray = NDArray[np.float64]

DRAWS = 40
"""Completed grids behind a forecast: its probability is known to within .05 or so (standard error)."""
AMPLITUDES = (0.0, 0.25, 1.0, 4.0, 16.0, 64.0, 256.0)
"""Variances of the curve, in units of the seeds' variance, among which the runs choose."""
DECADES = 1.0
"""Length scale: how far, in decades of cells, two sizes have something to say of each other."""
LEAST = 0.03
"""Weight of a size whose mean has nothing to do with the answer, as far as the draws tell."""
PERMUTATIONS = 399
"""Shuffles behind the gate of a drawn grid: p is known well enough around .05."""
NO_BOOTSTRAP = 2
"""Replicates: verdicts do not need the distribution of the saturation points."""

Answer = tuple[str, str, int | None]
"""Level, trend and, where it saturates, the size."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the whole grid would say of a curve, as far as the runs made can tell.

    Attributes
    ----------
    answer
        The answer that most completed grids agree with.
    probability
        Their share; 1 where no run is left.
    relief
        Size -> how much the first, second, ... further run there does to decide the answer: the share of the
        open variance of the size's mean that it takes away, times the share of that mean's variance that
        lies between answers.
    """

    answer: Answer
    probability: float
    relief: Mapping[int, tuple[float, ...]]


def answer_of(verdict: Verdict) -> Answer:
    """Return what a verdict says, as far as verdicts are compared."""
    return verdict.level, verdict.trend, verdict.evidence.saturates_at


def agree(first: Answer, second: Answer, sizes: Sequence[int]) -> bool:
    """Return whether level and trend are equal, and the saturation points at most one size apart."""
    if first[:2] != second[:2]:
        return False
    at, other = first[2], second[2]
    if at is None or other is None:
        return at == other
    return abs(sizes.index(at) - sizes.index(other)) <= 1


def forecasts(questions: Sequence[Question], *, draws: int = DRAWS, seed: int = 0) -> list[Forecast]:
    """Return the forecast of every question; all must be judgeable.

    Drawn grids are judged together, so that the correction for the number of curves is that of one grid.
    """
    models = [_Curve(question) for question in questions]
    drawn = [model.complete(draws, np.random.default_rng([seed, n])) for n, model in enumerate(models)]
    verdicts = judge(
        [question.curve(runs) for question, grids in zip(questions, drawn, strict=True) for runs in grids],
        replicates=NO_BOOTSTRAP,
        permutations=PERMUTATIONS,
        seed=seed,
    )
    answers = [answer_of(verdict) for verdict in verdicts]
    found = []
    for place, model in enumerate(models):
        own = answers[place * draws : (place + 1) * draws]
        answer, share = _most_agreed(own, model.question.sizes)
        telling = _between_answers(own, drawn[place], model.question.sizes)
        relief = {
            size: tuple(telling[size] * part for part in parts) for size, parts in model.relief().items()
        }
        found.append(Forecast(answer=answer, probability=share, relief=relief))
    return found


def _between_answers(
    answers: Sequence[Answer], grids: Sequence[Mapping[int, FloatArray]], sizes: Sequence[int]
) -> dict[int, float]:
    """Return size -> share of the variance of its mean between answers, less what chance puts there.

    Epsilon squared (Kelley 1935, doi 10.1073/pnas.21.9.554); never below :data:`LEAST`, so that no size is
    written off by a handful of draws.
    """
    _, labels = np.unique([str(answer[:2]) for answer in answers], return_inverse=True)
    groups = [labels == label for label in range(labels.max() + 1)]
    chance = (len(groups) - 1) / max(len(answers) - 1, 1)
    shares = {}
    for size in sizes:
        means = np.array([grid[size].mean() for grid in grids])
        total = float(((means - means.mean()) ** 2).sum())
        between = sum(float(at.sum() * (means[at].mean() - means.mean()) ** 2) for at in groups)
        share = between / total if total > 0 else 0.0
        shares[size] = max((share - chance) / (1 - chance), LEAST) if chance < 1 else LEAST
    return shares


def _most_agreed(answers: Sequence[Answer], sizes: Sequence[int]) -> tuple[Answer, float]:
    """Return the answer that most of them agree with, and their share."""
    counts = Counter(answers)
    support = {
        one: sum(n for other, n in counts.items() if agree(one, other, sizes))
        for one in sorted(counts, key=str)
    }
    answer = max(support, key=lambda one: (support[one], counts[one]))
    return answer, support[answer] / len(answers)


class _Curve:
    """The posterior of one curve's means, for every amplitude."""

    def __init__(self, question: Question) -> None:
        self.question = question
        sizes = question.sizes
        known = [place for place, size in enumerate(sizes) if question.made(size)]
        runs = [np.asarray(question.runs[sizes[place]], dtype=float) for place in known]
        self.counts = np.array([len(each) for each in runs])
        self.df = int(self.counts.sum()) - 1
        means = np.array([each.mean() for each in runs])
        within = sum(float(((each - each.mean()) ** 2).sum()) for each in runs)
        kernel = _matern(np.log10(np.array(sizes, dtype=float)) / DECADES)
        self.posteriors = [_posterior(kernel, known, means, self.counts, within, a) for a in AMPLITUDES]
        evidence = np.array([posterior.log_evidence(self.df) for posterior in self.posteriors])
        weights = np.exp(evidence - evidence.max())
        self.weights = weights / weights.sum()

    def complete(self, n: int, rng: np.random.Generator) -> list[dict[int, FloatArray]]:
        """Return ``n`` whole grids: the runs made, and a draw of all others."""
        question = self.question
        means, spread = self._draw(n, rng)
        made = {size: np.asarray(scores, dtype=float) for size, scores in question.runs.items()}
        columns = {}
        for place, size in enumerate(question.sizes):
            new = rng.standard_normal((n, question.left.get(size, 0)))
            old = np.tile(made.get(size, np.empty(0)), (n, 1))
            columns[size] = np.hstack([old, means[:, [place]] + spread[:, None] * new])
        control = {0: made[0]} if question.made(0) else {}
        return [control | {size: column[row] for size, column in columns.items()} for row in range(n)]

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Return means (n, sizes) and seed standard deviations (n,)."""
        chosen = rng.choice(len(self.weights), size=n, p=self.weights)
        squares = np.array([self.posteriors[one].squares for one in chosen])
        spread = np.sqrt(squares / rng.chisquare(self.df, n))
        normal = rng.standard_normal((n, len(self.question.sizes)))
        means = np.stack([self.posteriors[one].root @ z for one, z in zip(chosen, normal, strict=True)])
        return np.stack([self.posteriors[one].mean for one in chosen]) + spread[:, None] * means, spread

    def relief(self) -> dict[int, tuple[float, ...]]:
        """Return size -> share of the open variance of its whole mean that the first, second, ... run takes.

        Of the K runs of the whole grid r are not made; their mean has variance v + s^2 / r, and a share r / K
        of the whole mean. A run made lowers r, and v as one more observation does.
        """
        variances = sum(w * p.variances for w, p in zip(self.weights, self.posteriors, strict=True))
        squares = sum(w * p.squares for w, p in zip(self.weights, self.posteriors, strict=True))
        scale = squares / max(self.df - 2, 1)
        left = self.question.left
        return {
            size: _reliefs(float(v * scale), float(scale), left[size], self.question.asked[size])
            for size, v in zip(self.question.sizes, np.asarray(variances), strict=True)
            if size in left
        }


def _reliefs(variance: float, noise: float, left: int, asked: int) -> tuple[float, ...]:
    open_, v = [], variance
    for r in range(left, 0, -1):
        open_.append((r / asked) ** 2 * (v + noise / r))
        v = v * noise / (v + noise) if v + noise > 0 else 0.0
    whole = open_[0] or 1.0
    return tuple((now - after) / whole for now, after in zip(open_, [*open_[1:], 0.0], strict=True))


@dataclass(frozen=True)
class _Posterior:
    """Means given one amplitude, in units of the seeds' spread: mean (sizes,), root of the covariance."""

    mean: FloatArray
    root: FloatArray
    variances: FloatArray
    squares: float
    log_volume: float

    def log_evidence(self, df: int) -> float:
        return self.log_volume - df / 2 * float(np.log(self.squares))


def _posterior(
    kernel: FloatArray,
    known: Sequence[int],
    means: FloatArray,
    counts: NDArray[np.int_],
    within: float,
    amplitude: float,
) -> _Posterior:
    """Return the posterior with vague priors on the constant and on the spread of the seeds.

    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, section 2.7, with the noise variance
    integrated out.
    """
    here = np.ix_(known, known)
    covariance = amplitude * kernel[here] + np.diag(1 / counts)
    inverse = np.linalg.inv(covariance)
    precision = float(inverse.sum())
    constant = float((inverse @ means).sum()) / precision
    rest = means - constant
    squares = max(within + float(rest @ inverse @ rest), np.finfo(float).tiny)
    gain = amplitude * kernel[:, known] @ inverse
    free = 1 - gain.sum(axis=1)
    posterior = amplitude * (kernel - gain @ kernel[known]) + np.outer(free, free) / precision
    values, vectors = np.linalg.eigh(posterior)
    return _Posterior(
        mean=constant + gain @ rest,
        root=vectors * np.sqrt(np.maximum(values, 0)),
        variances=np.diag(posterior).copy(),
        squares=squares,
        log_volume=-(float(np.linalg.slogdet(covariance)[1]) + float(np.log(precision))) / 2,
    )


def _matern(x: FloatArray) -> FloatArray:
    """Return Matern's covariance of smoothness 3/2 for points at unit length scale."""
    distance = np.sqrt(3) * np.abs(x[:, None] - x[None, :])
    return np.asarray((1 + distance) * np.exp(-distance))
