"""How well is the mean expression of perturbed cells in a new context predicted?

Means are over cells, of log-normalised expression (see :func:`harness.measures.log_normalise`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.measures.response import baselines
from harness.measures.response.profiles import pearson, r2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

CONTROL = "control"
MIN_CELLS = 10
RIDGE_PENALTY = 1.0
"""Per training cell, on features of unit variance: the penalty is this times the number of cells."""
ALL_METRICS = ("pearson_r", "r2", "mse", "pearson_delta")

Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Means:
    """Mean expression of every perturbation in every context.

    Attributes
    ----------
    mean
        (perturbation, context) -> mean expression (genes,).
    cells
        (perturbation, context) -> number of cells.
    """

    mean: Mapping[Key, NDArray[np.float64]]
    cells: Mapping[Key, int]

    def questions(self) -> list[Key]:
        """Return every (perturbation, context) that can be asked.

        The perturbation is measured there and in another context, by at least :data:`MIN_CELLS` treated and
        as many control cells each.
        """
        asked = [key for key in sorted(self.mean) if key[0] != CONTROL and self.usable(*key)]
        return [key for key in asked if self.training(*key)]

    def usable(self, perturbation: str, context: str) -> bool:
        """Return whether treated and control cells of a context suffice."""
        wanted = ((perturbation, context), (CONTROL, context))
        return all(self.cells.get(key, 0) >= MIN_CELLS for key in wanted)

    def training(self, perturbation: str, held_out: str) -> list[str]:
        """Return the other contexts in which a perturbation was measured."""
        return [c for p, c in sorted(self.mean) if p == perturbation and c != held_out and self.usable(p, c)]


def mean_expression(
    batches: Iterable[csr_matrix], perturbation: NDArray[np.object_], context: NDArray[np.object_]
) -> Means:
    """Return the mean expression of every perturbation in every context, in one pass.

    Parameters
    ----------
    batches
        Log-normalised expression in the order of the labels.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    pairs = list(zip(perturbation.astype(str).tolist(), context.astype(str).tolist(), strict=True))
    keys = sorted(set(pairs))
    place = {key: number for number, key in enumerate(keys)}
    codes = np.array([place[pair] for pair in pairs])
    sums: Any = 0.0
    start = 0
    for batch in batches:
        rows = codes[start : start + batch.shape[0]]
        ones = np.ones(len(rows))
        belongs = csr_matrix((ones, (rows, np.arange(len(rows)))), shape=(len(keys), len(rows)))
        sums = sums + (belongs @ batch.astype(np.float64)).toarray()
        start += batch.shape[0]
    counts = np.bincount(codes, minlength=len(keys))
    return Means(
        mean={key: sums[number] / counts[number] for number, key in enumerate(keys)},
        cells={key: int(counts[number]) for number, key in enumerate(keys)},
    )


def no_change(means: Means, perturbation: str, context: str) -> NDArray[np.float64]:
    """Predict the control mean of the held-out context."""
    return means.mean[CONTROL, context]


def perturbed_mean(means: Means, perturbation: str, context: str) -> NDArray[np.float64]:
    """Predict the mean of all perturbation centroids in the training contexts.

    A centroid is the mean of a perturbation in a context; perturbations count equally, not cells.
    """
    return baselines.perturbed_mean(
        [
            mean
            for (p, c), mean in sorted(means.mean.items())
            if p != CONTROL and c != context and means.cells[p, c] >= MIN_CELLS
        ]
    )


def context_transfer(means: Means, perturbation: str, context: str) -> NDArray[np.float64]:
    """Predict the held-out control mean plus the effect in other contexts, weighted by treated cells.

    The effect of a perturbation that no other context has seen is the mean of all that they have.
    """
    elsewhere = [(perturbation, c) for c in means.training(perturbation, context)]
    keys = elsewhere or [
        (p, c) for p, c in sorted(means.mean) if p != CONTROL and c != context and means.usable(p, c)
    ]
    return means.mean[CONTROL, context] + baselines.transferred_effect(
        [means.mean[p, c] - means.mean[CONTROL, c] for p, c in keys], [means.cells[key] for key in keys]
    )


def ridge_head(
    embedding: NDArray[np.float32],
    perturbation: NDArray[np.object_],
    context: NDArray[np.object_],
    means: Means,
    question: Key,
) -> NDArray[np.float64]:
    """Predict from control cells: a ridge head learnt in the other contexts, applied to the held-out one.

    The head maps the embedding of a control cell to the mean of the treated cells of its context, which is
    what random pairing of control and treated cells amounts to on average. Features are standardised on the
    training cells; the penalty is :data:`RIDGE_PENALTY` per training cell; the intercept is free. A linear
    head averages: its mean prediction over cells is its prediction at their mean embedding.
    """
    import numpy as np

    treatment, held_out = question
    is_control, where = perturbation == CONTROL, context.astype(str)
    contexts = means.training(treatment, held_out)
    learnt = [embedding[is_control & (where == c)] for c in contexts]
    weights = context_weights(learnt, embedding[is_control & (where == held_out)])
    return np.asarray(weights @ np.stack([means.mean[treatment, c] for c in contexts]))


def context_weights(
    learnt: Sequence[NDArray[np.floating[Any]]], asked: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return how much each training context counts in what :func:`ridge_head` predicts.

    The cells of a context share their target, so that the prediction is a weighted sum of the targets, and
    the weights, which sum to one, are the same for all of them.

    Parameters
    ----------
    learnt
        Embeddings of the control cells of each training context (cells x width).
    asked
        Those of the context asked about.
    """
    import numpy as np

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


def agreement(
    predicted: NDArray[np.float64], truth: NDArray[np.float64], control: NDArray[np.float64]
) -> dict[str, float]:
    """Compare a predicted with a measured mean expression (genes,); NaN where a metric is not defined.

    Returns
    -------
    ``pearson_r`` of the two means (published under the name R2), ``r2`` = 1 - MSE / variance of the truth
    over genes, ``mse``, and ``pearson_delta`` of the two differences from the control.
    """
    import numpy as np

    return {
        "pearson_r": float(pearson(predicted, truth)),
        "r2": float(r2(predicted, truth)),
        "mse": float(np.mean((predicted - truth) ** 2)),
        "pearson_delta": float(pearson(predicted - control, truth - control)),
    }
