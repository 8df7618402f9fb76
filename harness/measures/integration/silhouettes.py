"""How much nearer a cell is to its own group than to others, over types and over batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TILE = 1024
"""Cells whose distances are held in memory at once, squared."""
NOTHING = 1e-12
"""Cosine distance that counts as none."""


def silhouettes(place: NDArray[np.float32], types: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the silhouette of each cell in its type (Rousseeuw 1987: -1 to 1, 0 where it is alone).

    Distances are summed per type, tile by tile and each pair once, in float64: memory does not grow with the
    square of the cells, and the time is a third of scikit-learn's.
    """
    import numpy as np

    _, code, counts = np.unique(types, return_inverse=True, return_counts=True)
    sums = _distance_sums(place.astype(np.float64), np.eye(len(counts))[code])
    own = (np.arange(len(code)), code)
    within = sums[own] / np.maximum(counts[code] - 1, 1)
    means = sums / counts
    means[own] = np.inf
    between = means.min(axis=1)
    longest = np.maximum(within, between)
    asked = (longest > 0) & (counts[code] > 1)
    found: NDArray[np.float64] = np.divide(between - within, longest, out=np.zeros_like(within), where=asked)
    return found


def _distance_sums(place: NDArray[np.float64], member: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return per cell the sum of its distances to the members of each group (cells x groups)."""
    import numpy as np

    squares = np.einsum("ij,ij->i", place, place)
    sums = np.zeros_like(member)
    parts = [slice(start, start + TILE) for start in range(0, len(place), TILE)]
    for number, rows in enumerate(parts):
        for columns in parts[number:]:
            tile = squares[rows, None] + squares[columns] - 2 * (place[rows] @ place[columns].T)
            if rows == columns:
                np.fill_diagonal(tile, 0.0)
            np.sqrt(np.maximum(tile, 0.0, out=tile), out=tile)
            sums[rows] += tile @ member[columns]
            if rows != columns:
                sums[columns] += tile.T @ member[rows]
    return sums


def batch_silhouettes(
    place: NDArray[np.float64], types: NDArray[np.str_], batches: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return 1 - abs(silhouette of the batch within the type) of each cell; 1 where batches are mixed.

    The silhouette of BRAS (Rautenstrauch & Ohler 2025, doi:10.1038/s41587-025-02743-4): cosine distances, and
    all cells of other batches in place of the nearest batch. A sum of cosine distances to a group is the
    group's size less a product with the sum of its unit vectors, so that the time is linear in the cells. NaN
    for types in one batch only, and for cells at the origin, which have no direction: scib-metrics would give
    1 to their whole type.
    """
    import numpy as np

    norm = np.linalg.norm(place, axis=1)
    unit = place / np.where(norm > 0, norm, np.nan)[:, None]
    found = np.full(len(types), np.nan)
    for name in np.unique(types):
        own = np.flatnonzero((types == name) & (norm > 0))
        if len(set(batches[own])) > 1:
            found[own] = 1 - np.abs(_cosine_silhouettes(unit[own], batches[own]))
    return found


def _cosine_silhouettes(unit: NDArray[np.float64], batches: NDArray[np.str_]) -> NDArray[np.float64]:
    import numpy as np

    _, code, counts = np.unique(batches, return_inverse=True, return_counts=True)
    member = np.eye(len(counts))[code]
    sums = counts - unit @ (unit.T @ member)
    inside = sums[np.arange(len(code)), code]
    own = counts[code]
    within = inside / np.maximum(own - 1, 1)
    between = (sums.sum(axis=1) - inside) / (len(code) - own)
    longest = np.maximum(within, between)
    apart = (longest > NOTHING) & (own > 1)
    found: NDArray[np.float64] = np.divide(between - within, longest, out=np.zeros_like(within), where=apart)
    return found


def isolated_types(types: NDArray[np.str_], batches: NDArray[np.str_]) -> list[str]:
    """Return the types that are in the fewest batches: all of them, where all are in every batch."""
    pairs = set(zip(types.tolist(), batches.tolist(), strict=True))
    spread = {name: sum(name == kind for kind, _ in pairs) for name in set(types.tolist())}
    return sorted(name for name, n in spread.items() if n == min(spread.values()))
