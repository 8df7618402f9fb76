"""Probes of a frozen embedding on held-out groups of cells."""

from harness import Scores, Task
from harness.measures import classification_scores, majority_predictions, probe_predictions


class CellTypeClassification(Task):
    """The cells of every fold are told by a probe that was taught the other folds."""

    def evaluate(self, embedding, cells, split, run):
        """Score a probe."""
        labels = cells.columns["cell_type"]
        asked = {name: value for name, value in self.parameters.items() if name != "split"}
        told = probe_predictions(embedding, labels, split.fold, split.units, seed=run.seed, **asked)
        return scores(labels, told, split)

    def baseline(self, name, cells, split, run):
        """Score the majority class of the taught cells."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return scores(labels, majority_predictions(labels, split.fold), split)


def scores(labels, told, split):
    """Return all metrics over the tested cells, and by unit."""
    found = classification_scores(labels, told, split.fold, split.units)
    return Scores(
        values=found.values,
        undefined=found.undefined,
        units=found.by_unit,
        unit_names=found.units,
        weights=found.weights,
        notes={**found.notes, **told.notes},
    )
