"""What an embedding kept of the data before integration: variance between batches, order within types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.measures.integration.admission import MIN_CELLS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ANCHORS = 200
"""Cells of a type and batch to which distances are compared, spread evenly along the first axis before."""


def explained_by_batch(place: NDArray[np.float64], batches: NDArray[np.str_]) -> float:
    """Return the share of variance that lies between batches (0 to 1); NaN where nothing varies.

    Principal component regression on a batch (Buettner et al. 2019, doi:10.1038/s41592-018-0254-1) weighs
    the R2 of every component by its variance. With all components that is the trace of the scatter between
    batches over the trace of all scatter, whatever the axes, so that none need be found.
    """
    import numpy as np

    _, code, counts = np.unique(batches, return_inverse=True, return_counts=True)
    centred = place - place.mean(axis=0)
    means = (np.eye(len(counts))[code].T @ centred) / counts[:, None]
    scatter = float((centred**2).sum())
    return float((counts[:, None] * means**2).sum()) / scatter if scatter > 0 else float("nan")


def structure_kept(
    before: NDArray[np.float64],
    after: NDArray[np.floating[Any]],
    types: NDArray[np.str_],
    batches: NDArray[np.str_],
) -> NDArray[np.float64]:
    """Return per cell how well its distances to others of its type and batch keep their order (-1 to 1).

    Spearman's correlation of a cell's distances before and after integration to at most :data:`ANCHORS` cells
    of the same type in the same batch, itself left out. Clusters and silhouettes reward an embedding that
    presses each type into a point (scIB-E 2025, doi:10.1186/s13059-025-03869-z); this sees it. Distances
    before and after are compared as in Heiser & Lau 2020 (doi:10.1016/j.celrep.2020.107576), and within a
    batch because there the order of distances owes nothing to batches.

    Returns
    -------
    numpy.ndarray
        1 where the order is kept, about 0 for noise; 0 where all distances after integration are equal, for
        then nothing is kept; NaN in groups of fewer than :data:`MIN_CELLS` cells, and where all distances
        before are equal.
    """
    import numpy as np

    found = np.full(len(types), np.nan)
    for name in np.unique(types):
        for batch in np.unique(batches[types == name]):
            own = np.flatnonzero((types == name) & (batches == batch))
            if len(own) >= MIN_CELLS:
                found[own] = _rank_correlations(before[own], np.asarray(after[own], dtype=np.float64))
    return found


def _rank_correlations(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    along = np.lexsort(before.T[::-1])
    anchors = along[np.linspace(0, len(along) - 1, min(ANCHORS, len(along))).astype(int)]
    others = anchors != np.arange(len(before))[:, None]
    one, two = (_centred_ranks(place, anchors, others) for place in (before, after))
    varies, kept = (one**2).sum(axis=1), (two**2).sum(axis=1)
    product = np.sqrt(varies * kept)
    found = np.divide((one * two).sum(axis=1), product, out=np.zeros(len(before)), where=product > 0)
    return np.where(varies > 0, found, np.nan)


def _centred_ranks(
    place: NDArray[np.float64], anchors: NDArray[np.int64], others: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the ranks of each cell's distances to the anchors, less their mean; 0 for the cell itself."""
    import numpy as np
    from scipy.spatial.distance import cdist
    from scipy.stats import rankdata

    distances = np.where(others, cdist(place, place[anchors]), -1.0)
    ranks = rankdata(distances, axis=1)
    mean = (ranks * others).sum(axis=1) / others.sum(axis=1)
    return np.asarray((ranks - mean[:, None]) * others)
