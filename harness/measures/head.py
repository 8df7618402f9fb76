"""A head on frozen embeddings of control cells: what they say about cells that were treated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.measures.lesson import Lesson, no_change
from harness.measures.response.baselines import DIMENSIONS, target_embedding
from harness.measures.response.doses import log_dose_line
from harness.measures.screen import CONTROL, Condition, Screen

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

RIDGE_PENALTY = 1.0
"""Per training cell, on features of unit variance: the penalty is this times the number of cells."""
TARGET_PENALTIES = tuple(10.0**power for power in range(-3, 4))
"""Per taught perturbation, as shares of the spread of their targets; the largest leave but the mean."""
FEWEST_TARGETS = 3


class RidgeHead:
    """Predict from frozen embeddings of control cells.

    A ridge regression maps the embedding of a control cell to the mean of the treated cells of its context,
    which is what random pairing of control and treated cells amounts to on average. It is learnt in the
    taught contexts and applied to the asked one; a linear head averages: its mean prediction over cells is
    its prediction at their mean embedding.

    A treatment taught at other doses lies on the line of what is predicted at them; the effects of a
    combination's parts add up; and a treatment or part that was never taught has the mean of all. Where it
    and at least three taught ones target measured genes, a second ridge regression says by how much it
    differs: effects on places of the targets, genes being placed by how they vary with the embedding over
    control cells (:func:`gene_embedding`). Its penalty is the best when each taught perturbation is left out
    in turn.

    Parameters
    ----------
    embedding
        Frozen embedding (cells x width).
    screen
        Of the same cells.
    expression
        Gives log-normalised expression of the same cells in batches, read only where genes are embedded.
    """

    def __init__(
        self, embedding: NDArray[np.float32], screen: Screen, expression: Callable[[], Iterable[csr_matrix]]
    ) -> None:
        self.embedding = embedding
        self.screen = screen
        self.expression = expression
        self.features = {
            c.context: embedding[screen.of_cell == number].astype(np.float64)
            for number, c in enumerate(screen.conditions)
            if c.perturbation == CONTROL
        }
        self.weights: dict[tuple[tuple[str, ...], str], Floats] = {}
        self.means: dict[tuple[Lesson, str], Floats] = {}
        self.responses: dict[tuple[Lesson, str], Any] = {}

    def predict(self, known: Lesson, asked: Condition) -> Floats:
        """Return the profile (genes,) of a condition."""
        if len(same := known.same(asked)):
            return self._learnt(known, same, asked)
        control = no_change(known, asked)
        if at := known.at_other_doses(asked, here=False):
            effects = np.stack([self._learnt(known, rows, asked) - control for rows in at.values()])
            return control + log_dose_line(float(asked.dose), [float(dose) for dose in at], effects)
        parts = known.parts(asked)
        return np.asarray(control + sum(self._part(known, part, asked) - control for part in parts))

    def _part(self, known: Lesson, part: str, asked: Condition) -> Floats:
        """Return the profile of one part of a perturbation alone."""
        if len(rows := known.alone(part)):
            return self._learnt(known, rows, asked)
        mean = self._mean(known, asked)
        targets = known.targets([asked._replace(perturbation=part)])
        response = self._response(known, asked) if targets.any() else None
        if response is None:
            return mean
        return np.asarray(mean + response.predict(target_embedding(self.genes, targets))[0])

    def _mean(self, known: Lesson, asked: Condition) -> Floats:
        """Return what all that is taught says of a context."""
        key = known, asked.context
        if key not in self.means:
            self.means[key] = self._learnt(known, np.arange(len(known.conditions)), asked)
        return self.means[key]

    def _response(self, known: Lesson, asked: Condition) -> Any:
        """Return how effects differ from their mean by target; None where too few targets are taught."""
        key = known, asked.context
        if key not in self.responses:
            targets, effects = known.by_target(asked)
            enough = len(targets) >= FEWEST_TARGETS
            self.responses[key] = _ridge(target_embedding(self.genes, targets), effects) if enough else None
        return self.responses[key]

    @cached_property
    def genes(self) -> Floats:
        """Genes, embedded by the cells (genes x dimensions)."""
        control = np.array([c.perturbation == CONTROL for c in self.screen.conditions])
        return gene_embedding(self.expression(), self.embedding, control[self.screen.of_cell])

    def _learnt(self, known: Lesson, rows: Rows, asked: Condition) -> Floats:
        """Return what these conditions teach of the asked context."""
        of_row = np.array([known.conditions[row].context for row in rows])
        contexts = tuple(np.unique(of_row).tolist())
        targets = np.stack([known.profiles[rows[of_row == c]].mean(axis=0) for c in contexts])
        key = contexts, asked.context
        if key not in self.weights:
            learnt = [self.features[c] for c in contexts]
            self.weights[key] = context_weights(learnt, self.features[asked.context])
        return np.asarray(self.weights[key] @ targets)


def _ridge(places: Floats, effects: Floats) -> Any:
    """Return a fitted regression of the deviations of effects from their mean; None where places are one."""
    from sklearn.linear_model import RidgeCV

    spread = float(places.var(axis=0).sum())
    if spread == 0:
        return None
    penalties = [penalty * spread * len(places) for penalty in TARGET_PENALTIES]
    return RidgeCV(alphas=penalties).fit(places, effects - effects.mean(axis=0))


def context_weights(
    learnt: Sequence[NDArray[np.floating[Any]]], asked: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return how much each training context counts in what a ridge regression predicts of another.

    The cells of a context share their target, so that the prediction is a weighted sum of the targets, and
    the weights, which sum to one, are the same for all of them. Features are standardised on the training
    cells, the penalty is :data:`RIDGE_PENALTY` per training cell, and the intercept is free.

    Parameters
    ----------
    learnt
        Embeddings of the control cells of each training context (cells x width).
    asked
        Those of the context asked about.
    """
    features = np.concatenate(learnt).astype(np.float64)
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale == 0] = 1.0
    z = (features - centre) / scale
    counts = np.array([len(rows) for rows in learnt], dtype=float)
    sums = np.add.reduceat(z, np.concatenate([[0], np.cumsum(counts[:-1])]).astype(int), axis=0)
    gram = z.T @ z + RIDGE_PENALTY * len(z) * np.eye(z.shape[1])
    place = (asked.astype(np.float64).mean(axis=0) - centre) / scale
    found = sums @ np.linalg.solve(gram, place)
    return np.asarray(found + (1 - found.sum()) * counts / counts.sum())


def gene_embedding(
    batches: Iterable[csr_matrix],
    embedding: NDArray[np.floating[Any]],
    chosen: NDArray[np.bool_],
    dimensions: int = DIMENSIONS,
) -> Floats:
    """Embed genes by how they vary with a frozen embedding of cells.

    The covariance over cells of each gene's expression with the principal components of the standardised
    embedding, each of unit variance: genes are near each other where cells that the model tells apart differ
    in them alike. A gene that varies with nothing in the embedding is at 0.

    Parameters
    ----------
    batches
        Log-normalised expression of all cells, in order.
    embedding
        Of the same cells (cells x width).
    chosen
        Which cells to take (cells,): those without treatment.
    dimensions
        Components, at most; there are no more than vary.

    Returns
    -------
    (genes x dimensions), in units of expression.
    """
    components = np.zeros((len(chosen), dimensions))
    components[chosen] = _unit_components(np.asarray(embedding[chosen], dtype=np.float64), dimensions)
    found: Any = 0.0
    start = 0
    for batch in batches:
        stop = start + batch.shape[0]
        found = found + batch.T.astype(np.float64) @ components[start:stop]
        start = stop
    return np.asarray(found / max(int(chosen.sum()), 1))


def _unit_components(features: Floats, dimensions: int) -> Floats:
    """Return the first components of standardised features (cells x dimensions), of unit variance or zero."""
    scale = features.std(axis=0)
    z = (features - features.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    size, axes = np.linalg.eigh(z.T @ z / len(z))
    first = np.argsort(-size, kind="stable")[:dimensions]
    first = first[size[first] > 1e-9 * max(float(size.max()), 1e-300)]
    found = np.zeros((len(z), dimensions))
    found[:, : len(first)] = z @ axes[:, first] / np.sqrt(size[first])
    return found
