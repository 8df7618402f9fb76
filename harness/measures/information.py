"""Mean squared errors as bits.

Differential entropy has no zero of its own: it depends on the units of the data, so on the normalisation and
on which genes were chosen. "2.3 bits per gene" is no property of the transcriptome. Bits *gained* over the
gene mean, and R2 against it, are free of units: quote those.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def gaussian_bits(mse: ArrayLike) -> Floats:
    """Return the entropy of a Gaussian error in bits, 0.5 log2(2 pi e MSE), of any shape.

    Of all laws with this variance the Gaussian has the largest entropy (Cover and Thomas 2006, Elements of
    Information Theory, theorem 8.6.5), so this is an upper bound, in the units of the data; many zeros make
    it a loose one. Genes differ in error: the mean over genes is at most the value of the pooled error
    (Jensen).

    Raises
    ------
    ValueError
        An error is not positive.
    """
    return np.asarray(0.5 * np.log2(2 * np.pi * np.e * _positive(mse)))


def bits_from_nats(nats: ArrayLike) -> Floats:
    """Return natural units of information as bits: nats / ln 2."""
    return np.asarray(np.asarray(nats, dtype=float) / np.log(2))


def bits_gained(mse: ArrayLike, reference: ArrayLike) -> Floats:
    """Return the bits by which a model's error is below a reference's, 0.5 log2(reference / MSE).

    With the error of the gene mean as reference this is free of units; negative where the model is worse.
    """
    return np.asarray(0.5 * np.log2(_positive(reference) / _positive(mse)))


def r2_gained(mse: ArrayLike, reference: ArrayLike) -> Floats:
    """Return 1 - MSE / reference: R2 where the reference is the error of the gene mean."""
    return np.asarray(1 - np.asarray(mse, dtype=float) / _positive(reference))


def _positive(mse: ArrayLike) -> Floats:
    values = np.asarray(mse, dtype=float)
    if (values <= 0).any():
        raise ValueError(f'a mean squared error must be positive, not "{values.min():g}"')
    return values
