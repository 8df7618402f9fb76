"""How much of a known truth can be read off an embedding by a plane?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.measures.linear import Linear, regression_path
from harness.measures.probes import INNER_FOLDS, PENALTIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def recovery_errors(
    embedding: NDArray[np.floating[Any]], truth: NDArray[np.float64], groups: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return squared errors of ridge regression on an embedding, and of the mean (cells x quantities).

    Each group is told by what the others teach: features are standardised there, and the penalty is that of
    least squared error in held-out groups among them. The mean is that of the other groups too.

    Parameters
    ----------
    embedding
        (n_cells x width), finite.
    truth
        (n_cells x quantities).
    groups
        (n_cells,), at least three.
    """
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    errors, of_mean = np.empty_like(truth), np.empty_like(truth)
    names, embedding = groups.astype(str), embedding.astype(np.float64)
    for name in np.unique(names):
        asked = names == name
        features = StandardScaler().fit(embedding[~asked]).transform(embedding)
        plane = _taught(features[~asked], truth[~asked], names[~asked])
        errors[asked] = (truth[asked] - plane.scores(features[asked])) ** 2
        of_mean[asked] = (truth[asked] - truth[~asked].mean(axis=0)) ** 2
    return errors, of_mean


def _taught(features: NDArray[np.float64], truth: NDArray[np.float64], groups: NDArray[np.str_]) -> Linear:
    """Return the plane with the penalty of least error on held-out groups, the stronger one of equals."""
    import numpy as np
    from sklearn.model_selection import GroupKFold

    losses = np.zeros(len(PENALTIES))
    inner = GroupKFold(min(INNER_FOLDS, len(np.unique(groups))))
    for taught, held in inner.split(features, groups=groups):
        path = regression_path(features[taught], truth[taught], PENALTIES)
        losses += [((plane.scores(features[held]) - truth[held]) ** 2).sum() for plane in path]
    return next(regression_path(features, truth, [PENALTIES[int(losses.argmin())]]))
