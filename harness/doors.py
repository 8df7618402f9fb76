"""The doors through which a task asks a fitted model: hidden is emptied, answers are checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.cells import Cells, View, read_only
from harness.contracts.guards import check_chances, check_embedding, check_history, check_restored
from harness.contracts.model import Model
from harness.contracts.run import PlainRun
from harness.corpus import aligned
from harness.errors import NotApplicable
from harness.measures import log_normalise
from harness.records import Budget

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Circumstances = Callable[[Budget | None, Cells | None], AbstractContextManager[PlainRun]]
"""Budget and validation cells -> the circumstances of one call to the model."""


MIN_OVERLAP = 0.5
"""Share of the genes of cells that a task made which a model must know, as data sets ask by default."""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """A fitted model behind doors.

    Attributes
    ----------
    name
        For complaints.
    model
        As it was fitted; asked, and never trained.
    load
        Gives the model as it was fitted, a new object each time, to be trained.
    cells
        The data set's cells on the model's genes, without labels.
    run
        Makes the circumstances of a call.
    held_out
        Divides a number of training cells into rows to train on and rows for early stopping.
    """

    name: str
    model: Model
    load: Callable[[], Model]
    cells: Cells
    run: Circumstances
    held_out: Callable[[int], tuple[NDArray[np.int64], NDArray[np.int64]]]

    def embed(self, cells: Cells) -> NDArray[np.float32]:
        """Return the embedding of cells that a task made (cells x width)."""
        with self.run(None, None) as run:
            found = self.model.embed(View(behind=self._on_own_genes(cells), columns={}), run)
        return check_embedding(found, cells.n_cells, self.name)

    def reconstruct(self, rows: NDArray[np.int64], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return hidden expression as told from the rest (cells x genes)."""
        values = log_normalise(self.cells.rows(rows))
        shown = read_only(values.multiply(~hidden).tocsr().astype("float32"))
        with self.run(None, None) as run:
            return check_restored(self.model.reconstruct(shown, hidden, run), hidden.shape, self.name)

    def fine_tuned(
        self, labels: NDArray[np.object_], train: NDArray[np.int64], test: NDArray[np.int64], steps: int
    ) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        """Return the chances of classes (test cells x classes), and the classes."""
        import numpy as np

        learnt, held = (self._labelled(labels, train[part]) for part in self.held_out(len(train)))
        model = self.load()
        with self.run(Budget(unit="steps", amount=steps), held if held.n_cells else None) as run:
            check_history(model.fine_tune(learnt, run), self.name)
        classes = np.unique(learnt.columns["label"].astype(str))
        with self.run(None, None) as run:
            found = model.classify(View(behind=self.cells, columns={}, chosen=test), run)
        return check_chances(found, (len(test), len(classes)), self.name), classes

    def _labelled(self, labels: NDArray[np.object_], rows: NDArray[np.int64]) -> View:
        return View(behind=self.cells, columns={"label": labels[rows]}, chosen=rows)

    def _on_own_genes(self, cells: Cells) -> Cells:
        if tuple(cells.genes) == tuple(self.cells.genes):
            return cells
        found = aligned(cells, self.cells.genes)
        if found.shared.share_of_dataset < MIN_OVERLAP:
            raise NotApplicable(
                f"the model knows {found.shared.share_of_dataset:.0%} of the genes of the cells that the "
                f"task makes, and at least {MIN_OVERLAP:.0%} are needed"
            )
        return found
