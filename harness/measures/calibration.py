"""Are the probabilities of a classifier worth their name? Brier score, log loss, calibration error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15


def brier_scores(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each cell's squared distance to the truth, summed over classes: 0 (right and sure) to 2.

    Parameters
    ----------
    probabilities
        (cells x classes), each row sums to 1.
    truth
        (cells,): the column of the true class.

    References
    ----------
    Brier 1950, Monthly Weather Review 78, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    import numpy as np

    of_truth = probabilities[np.arange(len(truth)), truth]
    distances: NDArray[np.float64] = (probabilities**2).sum(axis=1) - 2 * of_truth + 1
    return np.maximum(distances, 0.0)  # where right and sure, rounding may leave -1e-16


def log_losses(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return minus the logarithm (nats) of each true class's probability; infinite where that is 0.

    Nothing is clipped: a clipped loss would depend on the clip alone where a class was never taught.
    """
    import numpy as np

    with np.errstate(divide="ignore"):
        losses: NDArray[np.float64] = -np.log(probabilities[np.arange(len(truth)), truth])
    return losses + 0.0  # no -0


def expected_calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Return the mean distance, over cells, between confidence and accuracy in bins of equal mass.

    The edges of the bins are quantiles of the confidences, and equal confidences share a bin, so that five
    neighbours, who vote in fifths, fill at most five.

    Parameters
    ----------
    confidence
        (cells,): probability of the predicted class.
    right
        (cells,): whether the prediction is true.

    References
    ----------
    Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602; Guo et al. 2017, arXiv:1706.04599 (15 bins);
    Nixon et al. 2019, arXiv:1904.01685 (equal mass)
    """
    import numpy as np

    inner_edges = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(inner_edges, confidence)
    surplus = np.bincount(place, weights=confidence - right)
    return float(np.abs(surplus).sum() / len(confidence))
