"""Fine-tuned models on held-out groups of cells."""

import numpy as np

from harness import Scores, Task
from harness.measures import Predictions, classification_scores, majority_predictions


class FineTunedClassification(Task):
    """For each fold the model, as it was fitted, is taught the other groups and tells the types there."""

    def evaluate(self, subject, cells, split, run):
        """Score what a model tells that was taught for ``steps`` steps."""
        labels = cells.columns["cell_type"].astype(str)
        classes = np.unique(labels[split.fold >= 0])
        chances = np.zeros((cells.n_cells, len(classes)))
        for fold in range(split.n_folds):
            train, test = split.training(fold), np.flatnonzero(split.fold == fold)
            found, taught = subject.fine_tuned(
                cells.columns["cell_type"], np.flatnonzero(train), test, self.parameters["steps"]
            )
            known = np.isin(taught, classes)
            chances[test[:, None], np.searchsorted(classes, taught[known])] = found[:, known]
            run.progress(fold + 1, split.n_folds)
        told = np.where(split.fold >= 0, classes[chances.argmax(axis=1)], "").astype(object)
        predictions = Predictions(labels=told, classes=classes, probabilities=chances)
        return scores(cells.columns["cell_type"], predictions, split)

    def baseline(self, name, cells, split, run):
        """Score the majority class of the taught cells."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return scores(labels, majority_predictions(labels, split), split)


def scores(labels, predictions, split):
    """Return all metrics over the tested cells, and by unit."""
    found = classification_scores(labels, predictions, split.fold, split.units)
    return Scores(
        values=found.values,
        undefined=found.undefined,
        units=found.by_unit,
        unit_names=found.units,
        weights=found.weights,
        notes={**found.notes, **predictions.notes},
    )
