"""Fine-tuned models on held-out groups of cells."""

import numpy as np

from harness import Task
from harness.measures import Answer, AnswerSheet, classified, majority_predictions


class FineTunedClassification(Task):
    """For each fold the model, as it was fitted, is taught the other groups and tells the types there."""

    def evaluate(self, subject, cells, split, run):
        """Score what a model tells that was taught for ``steps`` steps."""
        labels = cells.columns["cell_type"].astype(str)
        classes = np.unique(labels)
        sheet = AnswerSheet(split, classes)
        for fold, (train, asked) in enumerate(sheet.folds()):
            found, taught = subject.fine_tuned(
                cells.columns["cell_type"],
                np.flatnonzero(train),
                np.flatnonzero(asked),
                self.parameters["steps"],
            )
            chances = np.zeros((len(found), len(classes)))
            chances[:, np.searchsorted(classes, taught)] = found
            sheet.write(asked, Answer(scores=chances), ~np.isin(labels[asked], taught))
            run.progress(fold + 1, split.n_folds)
        told = sheet.predictions(np.arange(cells.n_cells), True, {})
        return classified(cells.columns["cell_type"], told, split)

    def baseline(self, name, cells, split, run):
        """Score the majority class of the taught cells."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return classified(labels, majority_predictions(labels, split), split)
