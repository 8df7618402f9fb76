"""Cells and their gene-shuffled copies, embedded together and told apart on held-out groups."""

import numpy as np
from sklearn.metrics import roc_auc_score

from harness import Scores, Task
from harness.measures import WithShuffledCopies, classification_scores, drawing_keys, probe_predictions

REAL, SHUFFLED = "real", "shuffled"


class GeneShuffledCells(Task):
    """Each tested cell stands beside a copy with the same total and the same values, at other genes.

    A cell and its copy are always in the same fold. Where an embedding cannot tell a cell from its copy, so
    that both get the same answer, exactly one of the two answers is right: the floor is 0.5 without noise.
    """

    def evaluate(self, subject, cells, split, run):
        """Score what a probe tells from the embedding of cells and copies; the model meets them mixed."""
        known = subject.cells
        (keys,) = drawing_keys(known.batches(), len(known.genes), 1, run.seed)
        order = np.random.default_rng(run.seed).permutation(2 * known.n_cells)
        found = subject.embed(WithShuffledCopies(behind=known, keys=keys, order=order))
        return self._told_apart(found[np.argsort(order)], split, run)

    def baseline(self, name, cells, split, run):
        """Score one place for all, or the logarithm of the total counts: neither tells the two apart."""
        if name == "majority_class":
            blind = np.zeros((cells.n_cells, 1))
        elif name == "library_size":
            blind = np.log1p(np.concatenate([batch.sum(axis=1) for batch in cells.batches()]))
        else:
            return super().baseline(name, cells, split, run)
        return self._told_apart(np.tile(np.asarray(blind), (2, 1)), split, run)

    def _told_apart(self, embedding, split, run):
        """Score a probe of an embedding of all cells, followed by that of their copies."""
        tested = np.flatnonzero(split.fold >= 0)
        pairs = split.taken(np.tile(tested, 2))
        labels = np.repeat(np.array([REAL, SHUFFLED], dtype=object), len(tested))
        asked = {name: self.parameters[name] for name in ("probe", "neighbours", "width")}
        embedding = embedding[np.concatenate([tested, len(embedding) // 2 + tested])]
        told = probe_predictions(embedding, labels, pairs, seed=run.seed, **asked)
        found = classification_scores(labels, told, pairs.fold, pairs.units)
        values = {"balanced_accuracy": found.values["balanced_accuracy"]}
        units = {"balanced_accuracy": found.by_unit["balanced_accuracy"]}
        undefined = {}
        if told.probabilities is None:
            undefined["auroc"] = "this probe gives no probabilities"
        else:
            values["auroc"], units["auroc"] = areas(labels == SHUFFLED, told.probabilities[:, 1], pairs.units)
        return Scores(
            values=values,
            units=units,
            undefined=undefined,
            unit_names=found.units,
            weights=found.weights,
            notes={"pairs": len(tested), **told.notes},
        )


def areas(truth, chances, units):
    """Return the area under the ROC curve over all cells, and in each unit."""
    names = units.astype(str)
    by_unit = [roc_auc_score(truth[names == name], chances[names == name]) for name in np.unique(names)]
    return float(roc_auc_score(truth, chances)), np.array(by_unit)
