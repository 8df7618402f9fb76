"""Probes of a frozen embedding on held-out groups of cells."""

from harness import Task
from harness.measures import classified, majority_predictions, probe_predictions


class CellTypeClassification(Task):
    """The cells of every fold are told by a probe that was taught other groups of cells."""

    def evaluate(self, embedding, cells, split, run):
        """Score a probe."""
        labels = cells.columns["cell_type"]
        asked = {name: value for name, value in self.parameters.items() if not name.startswith("split")}
        return classified(labels, probe_predictions(embedding, labels, split, seed=run.seed, **asked), split)

    def baseline(self, name, cells, split, run):
        """Score the majority class of the taught cells."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return classified(labels, majority_predictions(labels, split), split)
