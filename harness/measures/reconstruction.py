"""How well hidden expression is restored: errors, and what is gained over the mean of each gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def gaussian_bits(mse: ArrayLike) -> NDArray[np.float64]:
    """Return the differential entropy of a Gaussian with this variance, in bits: log2(2 pi e mse) / 2.

    Of all laws of that variance it is the largest (Cover and Thomas 2006, Elements of Information Theory,
    theorem 8.6.5), so it bounds what is not restored; it depends on the units of expression and on the genes,
    and expression with many zeros is far from Gaussian. Minus infinity where nothing is wrong.
    """
    import numpy as np

    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(2 * np.pi * np.e * np.asarray(mse, dtype=float)) / 2)


def restoration(
    squared_errors: ArrayLike, gene_mean_errors: ArrayLike, entries: ArrayLike
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of restored entries; NaN where there are none, or where gene means are right already.

    ``r2_over_gene_mean`` is 1 - error / error of the gene means, ``bits_over_gene_mean`` half the binary
    logarithm of the inverse ratio (information gained per entry if both residuals are Gaussian); both are
    free of units. ``mse`` and ``gaussian_bits`` (:func:`gaussian_bits`) are not.

    Parameters
    ----------
    squared_errors, gene_mean_errors
        Sums over entries of squared errors, of the answers and of the gene means.
    entries
        Number of entries.
    """
    import numpy as np

    errors, reference, number = (
        np.asarray(v, dtype=float) for v in (squared_errors, gene_mean_errors, entries)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mse, ratio = errors / number, errors / reference
        found = {
            "r2_over_gene_mean": 1 - ratio,
            "bits_over_gene_mean": -np.log2(ratio) / 2,
            "mse": mse,
            "gaussian_bits": gaussian_bits(mse),
        }
    return {name: np.where(np.isfinite(value), value, np.nan) for name, value in found.items()}
