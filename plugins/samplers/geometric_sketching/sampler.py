"""Geometric sketching: cover the cells with boxes of equal side, then let the boxes give cells in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness import Corpus, Run, Sampler

Axes = NDArray[np.float32]
Boxes = NDArray[np.uint64]

TOLERANCE = 0.1
"""The search ends within this share of the number of boxes asked for, as in the published program."""

MAX_STEPS = 40
"""Halvings of the side; float32 coordinates cannot be told apart much sooner."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio, the usual odd multiplier that spreads whole numbers over 64 bits."""


class GeometricSketching(Sampler):
    """Cells spread evenly over the space that the corpus fills, whatever its density (Hie et al. 2019).

    Boxes of equal side cover the cells in principal components. The boxes give one cell each in turn, in a
    new random order in every round, until ``size`` cells are drawn; a box whose cells are used up is passed
    over. The boxes depend on the corpus alone, so a larger draw goes on where a smaller one stopped.

    Parameters
    ----------
    boxes
        How many boxes. Below 1, a share of the corpus's cells: the default is that of DenAdel et al. 2026,
        doi:10.1038/s41592-026-03120-y. From 1 up, a number. ``"size"`` for as many as cells are drawn, the
        default of the published program: every size then has boxes of its own and draws are not nested.

    References
    ----------
    Hie, Cho, DeMeo, Bryson, Berger 2019, Cell Systems 8, 483-493, doi:10.1016/j.cels.2019.05.003
    """

    def __init__(self, boxes: float | Literal["size"] = 0.01) -> None:
        super().__init__(boxes=boxes)
        self.boxes = accepted(boxes)

    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return ``size`` distinct row indices (size,).

        Raises
        ------
        ValueError
            Where the components have the wrong shape, or are not finite.
        """
        axes = axes_of(corpus.components, corpus.n_cells)
        boxes = cover(axes, self.n_boxes(corpus.n_cells, size))
        return in_turn(boxes, np.random.default_rng(run.seed))[:size]

    def n_boxes(self, n_cells: int, size: int) -> int:
        """Return the number of boxes to look for."""
        if isinstance(self.boxes, str):
            return size
        return max(1, int(self.boxes if self.boxes >= 1 else self.boxes * n_cells))


def accepted(boxes: Any) -> Any:
    """Return the parameter ``boxes`` where it makes sense."""
    number = isinstance(boxes, int | float) and not isinstance(boxes, bool)
    if boxes == "size" or (number and (0 < boxes < 1 or (boxes >= 1 and float(boxes).is_integer()))):
        return boxes
    raise ValueError(
        f'geometric_sketching got boxes = "{boxes}". Give a share of the corpus between 0 and 1, '
        'a whole number of boxes, or "size".'
    )


def axes_of(components: ArrayLike, n_cells: int) -> Axes:
    """Return the components as one contiguous row per axis (axes, cells)."""
    points = np.asarray(components, dtype=np.float32)
    if points.ndim != 2 or len(points) != n_cells or not points.shape[1]:
        raise ValueError(
            f'the principal components of the corpus have the shape "{points.shape}"; geometric_sketching '
            f"needs one row for each of its {n_cells:,} cells, and at least one column."
        )
    unusable = n_cells - int(np.isfinite(points).all(axis=1).sum())
    if unusable:
        raise ValueError(
            f"{unusable:,} of {n_cells:,} cells have principal components that are NaN or infinite; "
            "geometric_sketching needs finite ones. Look for damaged counts in the corpus."
        )
    return np.ascontiguousarray(points.T) + np.float32(0)  # adding 0 gives -0 the bits of 0


def cover(axes: Axes, n_boxes: int) -> NDArray[np.int64]:
    """Return the box of every cell (cells,), numbered from 0.

    Where there are no more distinct cells than boxes asked for, each has a box of its own.
    """
    distinct = combined(list(axes.view(np.uint32)), axes.shape[1])
    enough = len(np.unique(distinct)) <= n_boxes
    boxes = distinct if enough else of_suitable_side(axes, n_boxes)
    return np.unique(boxes, return_inverse=True)[1]


def of_suitable_side(axes: Axes, n_boxes: int) -> Boxes:
    """Return the boxes of the side, found by bisection, that gives the number nearest to ``n_boxes``.

    The number jumps where many cells lie on a lattice, so it cannot always be met.
    """
    ordered = np.sort(axes, axis=1)
    low, high = 0.0, float((ordered[:, -1] - ordered[:, 0]).max())
    best, nearest = combined([], axes.shape[1]), float(n_boxes - 1)  # one box for all
    for _ in range(MAX_STEPS):
        side = (low + high) / 2
        boxes = of_side(np.float32(side), axes, ordered, limit=2 * n_boxes)
        number = np.inf if boxes is None else len(np.unique(boxes))
        if boxes is not None and abs(number - n_boxes) < nearest:
            nearest, best = abs(number - n_boxes), boxes
        if nearest <= TOLERANCE * n_boxes:
            break
        low, high = (side, high) if number > n_boxes else (low, side)
    return best


def of_side(side: np.float32, axes: Axes, ordered: Axes, limit: int) -> Boxes | None:
    """Return the boxes of one side (cells,); None as soon as there are clearly more than ``limit``.

    No interval is empty, so there are at least as many boxes as intervals on any axis.
    """
    numbers = []
    for axis, values in zip(axes, ordered, strict=True):
        starts = interval_starts(values, side, limit)
        if len(starts) > limit:
            return None
        if len(starts) > 1:
            numbers.append(np.searchsorted(starts, axis, side="right"))
    return combined(numbers, axes.shape[1])


def interval_starts(values: Axes, side: np.float32, limit: int) -> Axes:
    """Return where the intervals of one axis start, at most ``limit + 1`` of them.

    An interval starts at the smallest value that the one before does not hold, and is ``side`` long.
    """
    starts: list[np.float32] = []
    first = 0
    while first < len(values) and len(starts) <= limit:
        starts.append(values[first])
        first = int(np.searchsorted(values, values[first] + side, side="right"))
    return np.array(starts)


def combined(numbers: Sequence[NDArray[Any]], n_cells: int) -> Boxes:
    """Return one 64-bit hash per cell of its whole numbers on every axis, mixed by multiply and shift.

    Among 100,000 boxes two would share a hash by chance in one corpus of several thousand millions.
    """
    hashes = np.zeros(n_cells, dtype=np.uint64)
    for number in numbers:
        hashes ^= number.astype(np.uint64)
        hashes *= GOLDEN
        hashes ^= hashes >> np.uint64(32)
    return hashes


def in_turn(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return all cells in the order in which the groups give them, one cell per group and round.

    Cells come in random order within their group, groups in a new random order in every round.
    """
    by_group = ordered_at_random(groups, rng)
    sizes = np.bincount(groups)
    turn = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return by_group[ordered_at_random(turn, rng)]


def ordered_at_random(keys: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices that sort the keys, equal keys in random order."""
    shuffled = rng.permutation(len(keys))
    return shuffled[np.argsort(keys[shuffled], kind="stable")]
