"""How well were classes told? F1 scores, recall and calibration, over all tested cells and by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.contracts.metrics import DECILES
from harness.contracts.task import Scores, Split
from harness.errors import NotApplicable
from harness.measures.calibration import brier_scores, expected_calibration_error, log_losses

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CALIBRATION = ("expected_calibration_error", "brier_score", "log_loss")


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a classifier says of the cells that it was tested on.

    Attributes
    ----------
    labels
        (n_cells,): the predicted class, empty where a cell is not tested.
    classes
        (n_classes,): their names, sorted.
    probabilities
        (n_cells x n_classes), or None where the classifier gives none.
    notes
        How the classifier was chosen.
    in_distribution
        What the same classifiers say of the cells that a split sets apart as familiar ground, or None.
    """

    labels: NDArray[np.object_]
    classes: NDArray[np.str_]
    probabilities: NDArray[np.float64] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    in_distribution: Predictions | None = None


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What the metrics found.

    Attributes
    ----------
    values
        Metric -> score of all tested cells.
    undefined
        Metric -> why it has none.
    by_unit
        Metric -> one score per unit (n_units,), NaN where a unit does not define it. A metric that is no mean
        over cells is absent where units are cells.
    units, weights
        Units in sorted order and their numbers of tested cells: the weighted mean of micro F1, Brier score
        and log loss over units is the score of all cells.
    notes
        What was tested.
    """

    values: Mapping[str, float]
    undefined: Mapping[str, str]
    by_unit: Mapping[str, NDArray[np.float64]]
    units: tuple[str, ...]
    weights: NDArray[np.float64]
    notes: Mapping[str, Any]


NOT_APART = "the split sets no cells apart as familiar ground; split_in_distribution: true does"


def classified(labels: NDArray[np.object_], told: Predictions, split: Split) -> Scores:
    """Return :data:`harness.CLASSIFICATION_METRICS` of predictions as a task's scores.

    What the same classifiers say of familiar ground stands beside, with the gap to it.

    Raises
    ------
    NotApplicable
        No cell is tested.
    """
    import numpy as np

    found = classification_scores(labels, told, split.fold, split.units)
    values, undefined, units = dict(found.values), dict(found.undefined), dict(found.by_unit)
    if told.in_distribution is None or split.in_distribution is None:
        undefined |= dict.fromkeys(("in_distribution_micro_f1", "micro_f1_gap"), NOT_APART)
    else:
        familiar = classification_scores(labels, told.in_distribution, split.in_distribution, split.units)
        there = dict(zip(familiar.units, familiar.by_unit["micro_f1"], strict=True))
        of_units = np.array([there.get(unit, np.nan) for unit in found.units])
        values["in_distribution_micro_f1"] = familiar.values["micro_f1"]
        values["micro_f1_gap"] = familiar.values["micro_f1"] - found.values["micro_f1"]
        units["in_distribution_micro_f1"] = of_units
        units["micro_f1_gap"] = of_units - found.by_unit["micro_f1"]
    return Scores(
        values=values,
        undefined=undefined,
        units=units,
        unit_names=found.units,
        weights=found.weights,
        notes={**found.notes, **told.notes},
    )


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Numbers of cells by unit and class (..., n_classes): told rightly, truly there, told at all."""

    right: NDArray[np.float64]
    true: NDArray[np.float64]
    told: NDArray[np.float64]

    @cached_property
    def f1(self) -> NDArray[np.float64]:
        """F1 = 2 right / (true + told) of each class; NaN where the class is not there."""
        return _ratio(2 * self.right, self.true + self.told, self.true > 0)

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """Share of each class that was told rightly; NaN where the class is not there."""
        return _ratio(self.right, self.true, self.true > 0)

    def pooled(self) -> Tally:
        """Return the tally of all units together."""
        return Tally(right=self.right.sum(axis=0), true=self.true.sum(axis=0), told=self.told.sum(axis=0))

    def means(self, deciles: Mapping[str, NDArray[np.int64]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield each metric that is a mean over the classes that are there; NaN where there are none."""
        yield "macro_f1", _mean(self.f1)
        yield "balanced_accuracy", _mean(self.recall)
        for name, of_decile in deciles.items():
            yield name, _mean(self.f1[..., of_decile])


def classification_scores(
    labels: NDArray[np.object_],
    predictions: Predictions,
    fold: NDArray[np.int64],
    units: NDArray[np.object_],
) -> Classification:
    """Score predictions of the tested cells.

    With one label per cell micro F1 is the share of right answers. Macro F1 and balanced accuracy (the mean
    recall) are plain means over the classes that occur among the tested cells. The deciles divide the
    classes, sorted by their number of cells in the whole data set: of n classes the one of rank r (from the
    rarest, equally frequent ones by name) belongs to the tenth that holds (r - 1/2) / n, so that each tenth
    has a class from ten classes on. A cell whose class was never taught counts as wrong.

    Parameters
    ----------
    labels, units
        (n_cells,): the true class and the unit of generalisation of every cell.
    fold
        (n_cells,); negative where a cell is not tested.

    Raises
    ------
    NotApplicable
        No cell is tested.
    """
    import numpy as np

    tested = fold >= 0
    if not tested.any():
        raise NotApplicable("the split tests no cell")
    names, of_unit = np.unique(units[tested].astype(str), return_inverse=True)
    sheet = _Sheet(of_unit=of_unit)
    truth, told = labels[tested].astype(str), predictions.labels[tested].astype(str)
    sheet.mean_over_cells("micro_f1", (truth == told).astype(float))
    _write_class_means(sheet, truth, told, labels.astype(str))
    _write_calibration(sheet, truth, told, predictions, tested)
    return Classification(
        values=sheet.values,
        undefined=sheet.undefined,
        by_unit=sheet.by_unit,
        units=tuple(names.tolist()),
        weights=sheet.cells.astype(float),
        notes={"classes": len(set(truth)), "cells_tested": int(tested.sum())},
    )


@dataclass(kw_only=True)
class _Sheet:
    """The scores as they are found; ``of_unit`` is the number of each tested cell's unit."""

    of_unit: NDArray[np.int64]
    values: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    by_unit: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """Cells per unit."""
        import numpy as np

        return np.bincount(self.of_unit)

    @property
    def units_are_cells(self) -> bool:
        return bool(self.cells.max() == 1)

    def mean_over_cells(self, name: str, scores: NDArray[np.float64]) -> None:
        import numpy as np

        self.values[name] = float(scores.mean())
        self.by_unit[name] = np.bincount(self.of_unit, weights=scores) / self.cells


def _write_class_means(
    sheet: _Sheet, truth: NDArray[np.str_], told: NDArray[np.str_], all_labels: NDArray[np.str_]
) -> None:
    import numpy as np

    classes = np.unique(np.concatenate([truth, told]))
    deciles = decile_classes(all_labels)
    columns = {name: np.flatnonzero(np.isin(classes, of_decile)) for name, of_decile in deciles.items()}
    tally = count_classes(truth, told, classes, sheet.of_unit)
    whole = dict(tally.pooled().means(columns))
    for name, value in whole.items():
        if np.isfinite(value):
            sheet.values[name] = float(value)
        elif len(deciles[name]):
            sheet.undefined[name] = f"the split tests no cell of {', '.join(deciles[name])}"
        else:
            sheet.undefined[name] = f"none of the {len(set(all_labels))} classes falls into this tenth"
    if not sheet.units_are_cells:
        sheet.by_unit |= {name: of_units for name, of_units in tally.means(columns) if name in sheet.values}


def decile_classes(labels: NDArray[np.str_]) -> dict[str, NDArray[np.str_]]:
    """Return the classes of each decile of :data:`DECILES`; see :func:`classification_scores`."""
    import numpy as np

    names, cells = np.unique(labels, return_counts=True)
    names = names[np.argsort(cells, kind="stable")]
    rank = np.arange(1, len(names) + 1)
    decile = -(-(10 * (2 * rank - 1)) // (2 * len(names)))
    return {name: names[decile == number] for number, name in enumerate(DECILES, start=1)}


def count_classes(
    truth: NDArray[np.str_], told: NDArray[np.str_], classes: NDArray[np.str_], of_unit: NDArray[np.int64]
) -> Tally:
    """Count cells by unit and class (n_units x n_classes)."""
    import numpy as np

    true, said = np.searchsorted(classes, truth), np.searchsorted(classes, told)
    n_units = int(of_unit.max()) + 1

    def counted(codes: NDArray[np.int64], which: Any = slice(None)) -> NDArray[np.float64]:
        place = of_unit[which] * len(classes) + codes[which]
        flat = np.bincount(place, minlength=n_units * len(classes))
        return flat.reshape(n_units, len(classes)).astype(float)

    return Tally(right=counted(true, true == said), true=counted(true), told=counted(said))


def _write_calibration(
    sheet: _Sheet,
    truth: NDArray[np.str_],
    told: NDArray[np.str_],
    predictions: Predictions,
    tested: NDArray[np.bool_],
) -> None:
    import numpy as np

    if predictions.probabilities is None:
        sheet.undefined |= dict.fromkeys(CALIBRATION, "this classifier gives no probabilities")
        return
    probabilities = predictions.probabilities[tested]
    codes = np.searchsorted(predictions.classes, truth)
    sheet.values["expected_calibration_error"] = expected_calibration_error(
        probabilities.max(axis=1), truth == told
    )
    sheet.mean_over_cells("brier_score", brier_scores(probabilities, codes))
    losses = log_losses(probabilities, codes)
    if impossible := int(np.isinf(losses).sum()):
        sheet.undefined["log_loss"] = (
            f"the class of {impossible:,} of {len(losses):,} cells was given the probability 0, "
            "for which the loss is infinite"
        )
    else:
        sheet.mean_over_cells("log_loss", losses)


def _ratio(
    part: NDArray[np.float64], whole: NDArray[np.float64], defined: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return part / whole, NaN where it is not defined."""
    import numpy as np

    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=defined)
    return ratio


def _mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over classes (the last axis) that are there; NaN where there are none."""
    import numpy as np

    there = np.isfinite(scores)
    n = there.sum(axis=-1)
    return _ratio(np.where(there, scores, 0.0).sum(axis=-1), n, n > 0)
