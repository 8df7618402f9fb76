"""kNN classification of held-out groups of cells."""

from harness import Scores, Task
from harness.measures import f1_by_unit, f1_scores, majority_votes, neighbour_votes


class CellTypeClassification(Task):
    """Every cell of a fold is told by its nearest neighbours in the other folds."""

    def evaluate(self, embedding, cells, split, run):
        """Score neighbour votes."""
        labels = cells.columns["cell_type"]
        return scores(
            labels, neighbour_votes(embedding, labels, split.fold, self.parameters["neighbours"]), split
        )

    def baseline(self, name, cells, split, run):
        """Score the majority class of the training part."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return scores(labels, majority_votes(labels, split.fold), split)


def scores(labels, predicted, split):
    """Return F1 over all tested cells, and by unit."""
    tested = split.fold >= 0
    truth, predicted = labels[tested], predicted[tested]
    micro, macro = f1_scores(truth, predicted)
    units = f1_by_unit(truth, predicted, split.units[tested])
    return Scores(
        values={"micro_f1": micro, "macro_f1": macro},
        units={"micro_f1": units.micro} | ({} if units.macro is None else {"macro_f1": units.macro}),
        unit_names=units.names,
        weights=units.weights,
        notes={"classes": len(set(truth)), "cells_tested": int(tested.sum())},
    )
