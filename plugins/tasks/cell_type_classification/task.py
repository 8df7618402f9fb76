"""Probes of a frozen embedding on held-out groups of cells."""

import numpy as np

from harness import Scores, Task
from harness.measures import classification_scores, majority_predictions, probe_predictions

NOT_APART = "the split sets no cells apart as familiar ground; split_in_distribution: true does"


class CellTypeClassification(Task):
    """The cells of every fold are told by a probe that was taught other groups of cells."""

    def evaluate(self, embedding, cells, split, run):
        """Score a probe."""
        labels = cells.columns["cell_type"]
        asked = {name: value for name, value in self.parameters.items() if not name.startswith("split")}
        return scores(labels, probe_predictions(embedding, labels, split, seed=run.seed, **asked), split)

    def baseline(self, name, cells, split, run):
        """Score the majority class of the taught cells."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        labels = cells.columns["cell_type"]
        return scores(labels, majority_predictions(labels, split), split)


def scores(labels, told, split):
    """Return all metrics over the tested cells, and by unit."""
    found = classification_scores(labels, told, split.fold, split.units)
    values, undefined, units = dict(found.values), dict(found.undefined), dict(found.by_unit)
    if told.in_distribution is None:
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
