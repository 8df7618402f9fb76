"""How diverse some cells are: by their labels, and by how unlike each other they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def shannon(labels: ArrayLike) -> float:
    """Return the Shannon entropy of label frequencies in bits: -sum p log2 p."""
    from scipy.stats import entropy

    return float(entropy(_frequencies(labels), base=2))


def gini_simpson(labels: ArrayLike) -> float:
    """Return the chance that two cells, drawn with replacement, differ in label: 1 - sum p^2."""
    return 1.0 - _concentration(labels)


def inverse_simpson(labels: ArrayLike) -> float:
    """Return the effective number of labels, of order 2: 1 / sum p^2."""
    return 1.0 / _concentration(labels)


def vendi(features: NDArray[Any]) -> float:
    """Return the Vendi score, the effective number of unlike cells: exp(-sum l log l).

    Here l are the eigenvalues of K / n with K the cosine similarities of n cells (Friedman and Dieng 2023,
    arXiv:2210.02410). They are those of the features' own products, X'X / n with rows of length one, so the
    score is exact at a cost of n x width^2, and at most the width. It grows with n while n is small: compare
    samples of one size.

    Parameters
    ----------
    features
        Cells x width, from one fixed encoder; a cell without any feature is like no other.
    """
    from scipy.stats import entropy

    lengths = np.linalg.norm(features.astype(np.float64), axis=1)
    seen = lengths > 0
    rows = features[seen] / lengths[seen, None]
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows / len(features)) if seen.any() else np.zeros(0)
    alone = np.full(int((~seen).sum()), 1 / len(features))
    return float(np.exp(entropy([*eigenvalues.clip(min=0), *alone])))


def diversity(columns: dict[str, NDArray[Any]], features: NDArray[Any]) -> dict[str, Any]:
    """Return all figures of one sample: ``vendi``, and for each role those of its labels.

    They are over the cells that have a label, whose share is ``labelled``; a role that labels no cell of the
    sample has none.
    """
    found: dict[str, Any] = {"vendi": vendi(features)}
    for role, labels in columns.items():
        known = labels[labels.astype(str) != ""]
        if len(known):
            found[role] = {
                "levels": len(np.unique(known.astype(str))),
                "shannon": shannon(known),
                "gini_simpson": gini_simpson(known),
                "inverse_simpson": inverse_simpson(known),
                "labelled": len(known) / len(labels),
            }
    return found


def _frequencies(labels: ArrayLike) -> NDArray[np.float64]:
    _, counts = np.unique(np.asarray(labels).astype(str), return_counts=True)
    return np.asarray(counts / counts.sum())


def _concentration(labels: ArrayLike) -> float:
    return float((_frequencies(labels) ** 2).sum())
