"""What a task plugin must be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.contracts.cells import Cells
    from harness.contracts.run import Run


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the host divided a data set's cells; the same for every model.

    Attributes
    ----------
    fold
        Per cell (n_cells,): the one fold in which it is tested, or -1 where it is in none.
    n_folds
        Number of folds; 0 where the recipe divides nothing.
    units
        Per cell (n_cells,): the unit of generalisation it belongs to, whose cells are held out together
        (donor, batch, cell, context, perturbation).
    unit_kind
        What a unit is, for people: ``"donor"``, ``"cell"``, ...
    notes
        What was left out and why, shown beside the scores.
    taught
        Per fold and cell (n_folds x n_cells): whether the cell may be learnt from. None where each fold
        learns from the cells of all other folds.
    in_distribution
        Per cell (n_cells,): the fold that learns from other cells of its unit but not from it, so that the
        same model can be tested on it as on familiar ground, or -1. None where the recipe sets none apart.
    """

    fold: NDArray[np.int64]
    n_folds: int
    units: NDArray[np.object_]
    unit_kind: str
    notes: Mapping[str, Any] = field(default_factory=dict)
    taught: NDArray[np.bool_] | None = None
    in_distribution: NDArray[np.int64] | None = None

    def tested(self, fold: int) -> NDArray[np.bool_]:
        """Return which cells (n_cells,) are tested in a fold."""
        found: NDArray[np.bool_] = self.fold == fold
        return found

    def training(self, fold: int) -> NDArray[np.bool_]:
        """Return which cells (n_cells,) a model may learn from before it is tested in a fold.

        These are not simply all others: where an unseen perturbation meets an unseen context, cells that
        share one of the two are on neither side. Controls of a perturbation screen are in training always.
        """
        found: NDArray[np.bool_] = (self.fold >= 0) & (self.fold != fold)
        if self.taught is not None:
            found = self.taught[fold].astype(bool)
        return found if self.in_distribution is None else found & (self.in_distribution != fold)

    def taken(self, rows: NDArray[np.int64]) -> Split:
        """Return the same split of some of the cells, or of all in another order."""
        return replace(
            self,
            fold=self.fold[rows],
            units=self.units[rows],
            taught=None if self.taught is None else self.taught[:, rows],
            in_distribution=None if self.in_distribution is None else self.in_distribution[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a task found.

    Attributes
    ----------
    values
        Metric -> finite number. Every metric of the card stands here or in ``undefined``.
    units
        Metric -> one number per unit, for statistics to resample; NaN where the unit does not define it.
    unit_names
        One name per unit.
    weights
        One non-negative weight per unit (cells in it, say), for all metrics in ``units``: leave out of them
        those that are means by other weights, or none. None for equal weights.
    clusters
        One name per unit, equal for units that are not independent of each other (perturbations asked in one
        held-out context, say): statistics resample them together. None where each unit stands for itself.
    undefined
        Metric -> why it has no value for this subject.
    notes
        Further facts to show, JSON values only.
    """

    values: Mapping[str, float]
    units: Mapping[str, Sequence[float] | NDArray[np.floating[Any]]] = field(default_factory=dict)
    unit_names: Sequence[str] = ()
    weights: Sequence[float] | NDArray[np.floating[Any]] | None = None
    clusters: Sequence[str] | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


class Fitted(Protocol):
    """A model as a task may ask it; the host checks every answer, and the model sees no label it need not."""

    @property
    def cells(self) -> Cells:
        """The data set's cells on the model's genes, without labels."""

    def embed(self, cells: Cells) -> NDArray[np.float32]:
        """Return the embedding of cells that the task made (cells x width), in one call to the model.

        The host hides their columns and puts them on the model's genes, where they are on others; counts are
        those of :attr:`cells`, altered, say. For cards with ``makes_cells``.

        Raises
        ------
        NotApplicable
            The model knows fewer than half of their genes.
        """

    def reconstruct(self, rows: NDArray[np.int64], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the expression of these cells, what is hidden told from the rest (rows x genes).

        Expression is log-normalised (:func:`harness.measures.log_normalise` of :attr:`cells`); the host
        empties what is hidden before the model sees it. NaN for genes that the model does not restore.
        """

    def fine_tuned(
        self, labels: NDArray[np.object_], train: NDArray[np.int64], test: NDArray[np.int64], steps: int
    ) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        """Return the chances of classes (test cells x classes), and the classes.

        A fresh copy of the model learns for so many steps from the labels (one per cell of :attr:`cells`) of
        the ``train`` rows, part of which the host sets apart for early stopping.
        """


class Task(ABC):
    """A question about a model on a data set: ``Task(**parameters)``, then :meth:`evaluate`.

    ``cells`` are the data set's cells with the columns of its roles (``cells.columns["cell_type"]``), on the
    data set's own genes. Raise :class:`harness.NotApplicable` with a reason where the question makes no
    sense for these cells.
    """

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    @abstractmethod
    def evaluate(self, subject: NDArray[np.float32] | Fitted, cells: Cells, split: Split, run: Run) -> Scores:
        """Score a model.

        ``subject`` is its frozen embedding (cells x width; finite, read-only), row i belonging to cell i; or,
        where the card wants more than ``embed`` or makes cells, the model itself behind doors.
        """

    def baseline(self, name: str, cells: Cells, split: Split, run: Run) -> Scores:
        """Score one of the trivial answers or oracles that the card names."""
        raise NotImplementedError(f"{type(self).__name__} names no baseline {name!r}")
