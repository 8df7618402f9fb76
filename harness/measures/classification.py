"""Can cell types be read off an embedding? Neighbours vote, folds are the host's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class UnitF1:
    """F1 scores per unit of generalisation.

    Attributes
    ----------
    names
        Units in sorted order.
    micro, macro
        One score per unit (n_units,); macro None where units are cells, since a mean over classes is not a
        mean over cells.
    weights
        Tested cells per unit (n_units,): the weighted mean of ``micro`` is the pooled micro F1.
    """

    names: tuple[str, ...]
    micro: NDArray[np.float64]
    macro: NDArray[np.float64] | None
    weights: NDArray[np.float64]


def neighbour_votes(
    embedding: NDArray[np.float32],
    labels: NDArray[np.object_],
    fold: NDArray[np.int64],
    neighbours: int = 5,
) -> NDArray[np.object_]:
    """Predict each cell from its nearest neighbours (Euclidean) in the other folds.

    Parameters
    ----------
    embedding
        (cells x width), finite.
    labels, fold
        (cells,); a negative fold neither teaches nor is tested.

    Returns
    -------
    Predictions (cells,), empty where a cell is not tested.
    """
    import numpy as np
    from sklearn.neighbors import KNeighborsClassifier

    predicted = np.full(len(labels), "", dtype=object)
    for number in np.unique(fold[fold >= 0]):
        tested, taught = fold == number, (fold >= 0) & (fold != number)
        model = KNeighborsClassifier(min(neighbours, int(taught.sum())), algorithm="brute")
        model.fit(embedding[taught], labels[taught].astype(str))
        predicted[tested] = model.predict(embedding[tested])
    return predicted


def majority_votes(labels: NDArray[np.object_], fold: NDArray[np.int64]) -> NDArray[np.object_]:
    """Predict the most frequent label of the other folds; of equally frequent ones the first by name."""
    import numpy as np

    predicted = np.full(len(labels), "", dtype=object)
    for number in np.unique(fold[fold >= 0]):
        names, counts = np.unique(labels[(fold >= 0) & (fold != number)].astype(str), return_counts=True)
        predicted[fold == number] = names[counts.argmax()]
    return predicted


def f1_scores(truth: NDArray[np.object_], predicted: NDArray[np.object_]) -> tuple[float, float]:
    """Return micro and macro F1.

    With one label per cell micro F1 is the share of right answers. Macro F1 is the plain mean over the
    classes that occur in the truth.
    """
    import numpy as np
    from sklearn.metrics import f1_score

    true, found = truth.astype(str), predicted.astype(str)
    classes = np.unique(true)
    macro = f1_score(true, found, labels=classes, average="macro", zero_division=0)
    return float((true == found).mean()), float(macro)


def f1_by_unit(truth: Any, predicted: Any, units: NDArray[np.object_]) -> UnitF1:
    """Return micro and macro F1 of every unit by itself."""
    import numpy as np

    names, codes, counts = np.unique(units.astype(str), return_inverse=True, return_counts=True)
    if counts.max() == 1:  # a unit is a cell: right or wrong, and there is one class
        right = (truth == predicted).astype(float)[np.argsort(codes)]
        return UnitF1(names=tuple(names), micro=right, macro=None, weights=np.ones(len(names)))
    scores = [f1_scores(truth[codes == unit], predicted[codes == unit]) for unit in range(len(names))]
    micro, macro = np.array(scores).T
    return UnitF1(names=tuple(names), micro=micro, macro=macro, weights=counts.astype(float))
