"""Linear classifiers for a path of penalties, from one decomposition of the features.

Penalties are per cell, so that one means the same at every number of cells, and do not touch intercepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CURVATURE = 0.25
"""Rough second derivative of a cell's log loss, by which the steps of logistic regression are scaled."""
GRADIENT = 3e-6
"""Where logistic regression has converged, see :func:`logistic_path`."""
MAX_ITERATIONS = 1000


@dataclass(frozen=True, kw_only=True)
class Linear:
    """One plane per class.

    Attributes
    ----------
    centre
        Mean features (width,).
    coefficients
        (width x n_classes).
    intercepts
        (n_classes,), at the centre.
    converged
        False where the search for it was given up.
    """

    centre: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    converged: bool = True

    def scores(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return (n_cells x n_classes)."""
        found: NDArray[np.float64] = (features - self.centre) @ self.coefficients + self.intercepts
        return found


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """Features along their principal axes.

    Attributes
    ----------
    centre
        Mean features (width,).
    axes
        Orthonormal columns (width x rank).
    features
        Centred and turned (n_cells x rank).
    squares
        Sum of squares along each axis (rank,).
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    features: NDArray[np.float64]
    squares: NDArray[np.float64]


def rotated(features: NDArray[np.floating[Any]]) -> Rotated:
    """Turn features to their principal axes, by the smaller of the two matrices of products.

    Neither ridge nor logistic regression notices: the penalty has no direction, and axes along which nothing
    varies have no part in either.
    """
    import numpy as np

    centre = features.mean(axis=0, dtype=np.float64)
    x = features - centre
    wide = x.shape[1] > x.shape[0]
    squares, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = squares > squares[-1] * max(x.shape) * np.finfo(np.float64).eps
    squares, vectors = squares[kept], vectors[:, kept]
    axes = x.T @ vectors / np.sqrt(squares) if wide else vectors
    return Rotated(centre=centre, axes=axes, features=x @ axes, squares=squares)


def class_codes(classes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return +1 in the column of each cell's class and -1 elsewhere (n_cells x n_classes)."""
    import numpy as np

    codes: NDArray[np.float64] = np.where(classes[:, None] == np.arange(n_classes), 1.0, -1.0)
    return codes


def ridge_path(
    features: NDArray[np.floating[Any]],
    classes: NDArray[np.int64],
    n_classes: int,
    penalties: Iterable[float],
) -> Iterator[Linear]:
    """Yield the ridge regression on :func:`class_codes` for every penalty.

    It minimises the squared error, summed over cells and classes, plus penalty x cells x the squared
    coefficients: scikit-learn's ``RidgeClassifier`` with ``alpha`` = penalty x cells.

    References
    ----------
    Hoerl and Kennard 1970, doi 10.1080/00401706.1970.10488634; all penalties from one decomposition: Hastie
    et al. 2009, The Elements of Statistical Learning, section 3.4.1
    """
    return regression_path(features, class_codes(classes, n_classes), penalties)


def regression_path(
    features: NDArray[np.floating[Any]], targets: NDArray[np.float64], penalties: Iterable[float]
) -> Iterator[Linear]:
    """Yield the ridge regression of targets (n_cells x n_targets) for every penalty as :func:`ridge_path`."""
    space, means = rotated(features), targets.mean(axis=0)
    products = space.features.T @ (targets - means)
    for penalty in penalties:
        shrunk = products / (space.squares + penalty * len(targets))[:, None]
        yield Linear(centre=space.centre, coefficients=space.axes @ shrunk, intercepts=means)


def logistic_path(
    features: NDArray[np.floating[Any]],
    classes: NDArray[np.int64],
    n_classes: int,
    penalties: Iterable[float],
    tolerance: float = GRADIENT,
) -> Iterator[Linear]:
    """Yield the multinomial logistic regression for every penalty; probabilities are ``softmax(scores)``.

    It minimises the mean log loss plus penalty / 2 x the squared coefficients, by L-BFGS over all cells:
    scikit-learn's ``LogisticRegression`` with ``C`` = 1 / (penalty x cells), where there are more than two
    classes (it gives two classes one plane, so that the same penalty there is ``C`` = 2 / (penalty x
    cells)). Each search starts where the last one ended, in coordinates in which the loss is about as steep
    in every direction, so that correlated features take it a fraction of the steps.

    Parameters
    ----------
    classes
        (n_cells,): numbers below ``n_classes``, each of which occurs.
    tolerance
        Largest entry of the gradient, in those coordinates, at which the search ends.

    References
    ----------
    Hastie et al. 2009, The Elements of Statistical Learning, section 4.4; L-BFGS: Liu and Nocedal 1989, doi
    10.1007/BF01589116
    """
    import numpy as np
    from scipy.optimize import minimize

    space = rotated(features)
    truth = np.eye(n_classes)[:, classes]
    planes = np.zeros((n_classes, len(space.squares)))
    intercepts = np.log(truth.mean(axis=1))
    for penalty in penalties:
        scale = 1 / np.sqrt(CURVATURE * space.squares / len(classes) + penalty)
        loss = _Loss(scale[:, None] * space.features.T, truth, penalty * scale**2)
        start = np.column_stack([planes / scale, intercepts])
        options = {"gtol": tolerance, "ftol": 0.0, "maxiter": MAX_ITERATIONS}
        found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
        solution = found.x.reshape(n_classes, -1)
        planes, intercepts = solution[:, :-1] * scale, solution[:, -1]
        yield Linear(
            centre=space.centre,
            coefficients=space.axes @ planes.T,
            intercepts=intercepts,
            converged=found.nit < MAX_ITERATIONS,
        )


@dataclass(frozen=True)
class _Loss:
    """Mean log loss and penalty, with the gradient; cells lie along rows, whose sums over classes are fast.

    Attributes
    ----------
    features
        (rank x n_cells).
    truth
        1 in the row of each cell's class (n_classes x n_cells).
    penalties
        One per axis (rank,).
    """

    features: NDArray[np.float64]
    truth: NDArray[np.float64]
    penalties: NDArray[np.float64]

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return them at these coefficients (n_classes x rank), each followed by its intercept."""
        import numpy as np

        solution = parameters.reshape(len(self.truth), -1)
        planes, n_cells = solution[:, :-1], self.truth.shape[1]
        scores = planes @ self.features + solution[:, -1:]
        scores -= scores.max(axis=0)
        of_truth = np.vdot(scores, self.truth)
        odds = np.exp(scores, out=scores)
        total = odds.sum(axis=0)
        weight = self.penalties * planes
        loss = (np.log(total).sum() - of_truth) / n_cells + np.vdot(weight, planes) / 2
        odds /= total
        surplus = np.subtract(odds, self.truth, out=odds)
        gradient = np.empty_like(solution)
        gradient[:, :-1] = surplus @ self.features.T / n_cells + weight
        gradient[:, -1] = surplus.mean(axis=1)
        return float(loss), gradient.ravel()
