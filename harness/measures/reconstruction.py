"""How well hidden expression is restored: errors, and what is gained over the mean of each gene."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from harness.measures.information import bits_gained, gaussian_bits, r2_gained

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def restoration(
    squared_errors: ArrayLike, gene_mean_errors: ArrayLike, entries: ArrayLike
) -> dict[str, Floats]:
    """Return the scores of restored entries; NaN where there are none, or where gene means are right already.

    ``r2_over_gene_mean`` and ``bits_over_gene_mean`` (:func:`r2_gained`, :func:`bits_gained`) are free of
    units; ``mse`` and ``gaussian_bits`` (:func:`gaussian_bits`) are not. An exact answer has an R2 of 1 and
    no bits: its error has no logarithm.

    Parameters
    ----------
    squared_errors, gene_mean_errors
        Sums over entries of squared errors, of the answers and of the gene means.
    entries
        Number of entries.
    """
    errors, reference, number = (
        np.asarray(v, dtype=float) for v in (squared_errors, gene_mean_errors, entries)
    )
    asked, wrong, gainable = number > 0, errors > 0, reference > 0
    mse = _where(asked, np.divide, errors, number)
    return {
        "r2_over_gene_mean": _where(asked & gainable, r2_gained, errors, reference),
        "bits_over_gene_mean": _where(asked & gainable & wrong, bits_gained, errors, reference),
        "mse": mse,
        "gaussian_bits": _where(asked & wrong, gaussian_bits, mse),
    }


def _where(known: NDArray[np.bool_], function: Callable[..., Floats], *values: Floats) -> Floats:
    found = np.full(known.shape, np.nan)
    found[known] = function(*(value[known] for value in values))
    return found
