"""How few labels does an embedding need? A probe is taught 1, 5, 10, 50 and all labels per class.

The score of each budget is micro F1: the last point of the curve is the score of the same probe taught as
usual. (Balanced accuracy and macro F1 would often fall at that point, where the labels stop being balanced
and a probe learns which classes are rare.) The curve is drawn over the logarithm of the labels per class,
and its area is that under the curve divided by the length of the axis: a score that is the same at every
budget is the area too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.contracts.task import Split
from harness.errors import ContractBroken, NotApplicable
from harness.measures.probes import Lesson, ask, check_probe, own_order, probe_features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

BUDGETS = (1, 5, 10, 50)
"""Labels per class; the last point of the curve is all of them."""
POINTS = (*map(str, BUDGETS), "all")


@dataclass(frozen=True, kw_only=True)
class LabelEfficiency:
    """A curve over label budgets.

    Attributes
    ----------
    scores
        Micro F1 at each of :data:`POINTS`, the mean over draws; a budget that no class can fill has none.
    area
        Area under the curve, see the module; None where one label per class is all there is.
    scores_by_unit, area_by_unit
        The same per unit (n_units,). Their weighted means are those of all cells.
    units, weights
        Units in sorted order and their numbers of tested cells.
    labels_per_class
        Geometric mean over classes and folds of the labels taught at each point.
    notes
        Standard deviation of the scores over draws, where there are several.
    """

    scores: Mapping[str, float]
    area: float | None
    scores_by_unit: Mapping[str, NDArray[np.float64]]
    area_by_unit: NDArray[np.float64]
    units: tuple[str, ...]
    weights: NDArray[np.float64]
    labels_per_class: Mapping[str, float]
    notes: Mapping[str, Any] = field(default_factory=dict)


def drawing_keys(batches: Iterable[csr_matrix], n_genes: int, draws: int, seed: int) -> NDArray[np.uint64]:
    """Return random numbers (draws x n_cells) by which cells are put into the orders they are drawn in.

    They come from the counts of a cell and the seed (a random weight per gene, summed over the cell's counts
    modulo 2^64: Carter and Wegman 1979, doi 10.1016/0022-0000(79)90044-8): every model is taught the same
    cells, wherever they stand in the file.
    """
    import numpy as np

    drawn = np.random.default_rng(seed).integers(0, 2**64, (n_genes + 1, draws), dtype=np.uint64)
    weights, start = drawn[:-1], drawn[-1]
    return np.concatenate([counts.astype(np.uint64) @ weights + start for counts in batches]).T


def label_efficiency_curve(
    embedding: NDArray[np.floating[Any]],
    labels: NDArray[np.object_],
    split: Split,
    keys: NDArray[np.uint64],
    *,
    probe: str = "ridge",
    neighbours: int = 5,
    width: int | None = None,
    seed: int = 0,
) -> LabelEfficiency:
    """Teach a probe ever more labels of the cells that a split lets it learn from.

    Draws are nested: the first cells of each class in a draw's order are taught, and the cells of a larger
    budget are those of a smaller one and more. A class with fewer cells than the budget gives all of them.
    Scales and components are learnt from all cells of the training part, labelled or not.

    Parameters
    ----------
    embedding
        (n_cells x width), finite.
    labels
        (n_cells,).
    split
        Its units are the groups of inner choices.
    keys
        (n_draws x n_cells), see :func:`drawing_keys`.
    probe, neighbours, width, seed
        As in :func:`harness.measures.probe_predictions`; no more neighbours vote than there are labels per
        class.

    Raises
    ------
    ContractBroken
        There is no such probe, or a parameter is out of range.
    NotApplicable
        The split tests no cell.
    """
    check_probe(probe, neighbours, width)
    if not len(keys):
        raise ContractBroken("no labels were drawn; at least one draw is needed")
    if not split.n_folds or not (split.fold >= 0).any():
        raise NotApplicable("the split tests no cell")
    order = own_order(embedding, labels)
    curve = _Curve(embedding[order], labels[order].astype(str), split.taken(order), keys[:, order])
    for number in range(split.n_folds):
        curve.teach(number, probe, neighbours, width, seed)
    return curve.result()


class _Curve:
    """The answers of all budgets and draws as they come in, fold by fold."""

    def __init__(
        self,
        embedding: NDArray[np.floating[Any]],
        labels: NDArray[np.str_],
        split: Split,
        keys: NDArray[np.uint64],
    ) -> None:
        import numpy as np

        self.embedding, self.split, self.keys = embedding, split, keys
        self.classes, self.codes = np.unique(labels, return_inverse=True)
        self.right = np.zeros((len(POINTS), len(keys), len(labels)))
        self.available: list[NDArray[np.int64]] = []

    def teach(self, number: int, probe: str, neighbours: int, width: int | None, seed: int) -> None:
        """Teach all budgets of all draws in one fold, and note which tested cells are told rightly."""
        import numpy as np

        taught, tested = self.split.training(number), self.split.tested(number)
        cells = np.bincount(self.codes[taught], minlength=len(self.classes))
        self.available.append(cells[cells > 0])
        features = probe_features(self.embedding, taught, probe, width)
        for point, draw, budget, known in self._labelled(taught, int(cells.max())):
            lesson = Lesson(
                taught=features[known],
                tested=features[tested],
                classes=self.codes[known],
                groups=self.split.units[known].astype(str),
                neighbours=min(neighbours, budget),
                seed=seed,
            )
            told = ask(probe, lesson, len(self.classes)).scores.argmax(axis=1)
            self.right[point, draw, tested] = told == self.codes[tested]

    def _labelled(
        self, taught: NDArray[np.bool_], most: int
    ) -> Iterator[tuple[Any, Any, int, NDArray[np.int64]]]:
        """Yield points of the curve, draws, budget, and the labelled cells that they have in common."""
        import numpy as np

        cells = np.flatnonzero(taught)
        budgets = [budget for budget in BUDGETS if budget < most]
        yield slice(len(budgets), None), slice(None), most, cells
        for draw, keys in enumerate(self.keys):
            place = _place_in_class(self.codes[cells], keys[cells])
            for point, budget in enumerate(budgets):
                yield point, draw, budget, cells[place < budget]

    def result(self) -> LabelEfficiency:
        import numpy as np

        tested = self.split.fold >= 0
        right = self.right[:, :, tested]
        names = self.split.units[tested].astype(str)
        units, of_unit, cells = np.unique(names, return_inverse=True, return_counts=True)
        by_unit = np.array([np.bincount(of_unit, weights=point) / cells for point in right.mean(axis=1)])
        by_draw = right.mean(axis=2)
        labelled, axis = self._axis()
        filled = [point for point in labelled if point == "all" or int(point) <= self._most()]
        return LabelEfficiency(
            scores={p: float(by_draw[i].mean()) for i, p in enumerate(POINTS) if p in filled},
            area=float(_area(axis, by_draw.mean(axis=1))) if axis[-1] > 0 else None,
            scores_by_unit={p: by_unit[i] for i, p in enumerate(POINTS) if p in filled},
            area_by_unit=_area(axis, by_unit) if axis[-1] > 0 else np.full(len(units), np.nan),
            units=tuple(units.tolist()),
            weights=cells.astype(float),
            labels_per_class=labelled,
            notes={"sd_over_draws": {p: float(by_draw[i].std(ddof=1)) for i, p in enumerate(POINTS[:-1])}}
            if len(self.keys) > 1
            else {},
        )

    def _most(self) -> int:
        """Return how many labels the class with the most has in any fold."""
        return max(int(cells.max()) for cells in self.available)

    def _axis(self) -> tuple[dict[str, float], NDArray[np.float64]]:
        """Return the labels per class at each point, and their logarithms."""
        import numpy as np

        there = np.concatenate(self.available)
        axis = np.array([np.log10(np.minimum(there, budget)).mean() for budget in (*BUDGETS, np.inf)])
        return {point: float(10**x) for point, x in zip(POINTS, axis, strict=True)}, axis


def _place_in_class(codes: NDArray[np.int64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return each cell's place, from 0, among the cells of its class in the order of their keys."""
    import numpy as np

    order = np.lexsort((keys, codes))
    cells = np.bincount(codes)
    first = np.cumsum(cells) - cells
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes)) - first[codes[order]]
    return place


def _area(axis: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under scores (n_points, ...) by trapezia, over the length of the axis."""
    import numpy as np

    area: NDArray[np.float64] = np.trapezoid(scores, axis, axis=0) / (axis[-1] - axis[0])
    return area
