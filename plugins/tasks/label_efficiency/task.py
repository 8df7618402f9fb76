"""A probe taught ever more labels of a frozen embedding."""

import numpy as np

from harness import ContractBroken, Scores, Task
from harness.measures import drawing_keys, label_efficiency_curve

UNFILLED = "no class has so many labels"
NO_AXIS = "no class has more than one label, so there is no curve"


class LabelEfficiency(Task):
    """Micro F1 over the number of labels per class."""

    def evaluate(self, embedding, cells, split, run):
        """Score a probe at every budget."""
        draws = self.parameters["draws"]
        if type(draws) is not int or draws < 1:
            raise ContractBroken(f'the parameter "draws" is {draws!r}; a whole number from 1 up is needed')
        found = label_efficiency_curve(
            embedding,
            cells.columns["cell_type"],
            split,
            drawing_keys(cells.batches(), len(cells.genes), draws, run.seed),
            seed=run.seed,
            **{name: self.parameters[name] for name in ("probe", "neighbours", "width")},
        )
        return scores(found)

    def baseline(self, name, cells, split, run):
        """Score the most frequent of the labels: all that can be read off an embedding of one place."""
        if name != "majority_class":
            return super().baseline(name, cells, split, run)
        return self.evaluate(np.zeros((cells.n_cells, 1), dtype=np.float32), cells, split, run)


def scores(found):
    """Return the curve and its area, over the tested cells and by unit."""
    values = {f"micro_f1_{point}": score for point, score in found.scores.items()}
    units = {f"micro_f1_{point}": score for point, score in found.scores_by_unit.items()}
    unfilled = {f"micro_f1_{point}" for point in found.labels_per_class} - set(values)
    undefined = dict.fromkeys(sorted(unfilled), UNFILLED)
    if found.area is None:
        undefined["micro_f1_area"] = NO_AXIS
    else:
        values["micro_f1_area"] = found.area
        units["micro_f1_area"] = found.area_by_unit
    return Scores(
        values=values,
        undefined=undefined,
        units=units,
        unit_names=found.units,
        weights=found.weights,
        notes={"labels_per_class": dict(found.labels_per_class), **found.notes},
    )
