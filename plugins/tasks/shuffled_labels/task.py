"""The probe of cell types, on labels that were permuted within the groups of the split."""

import numpy as np

from harness import ContractBroken, Scores, Task
from harness.measures import (
    chance_agreement,
    drawing_keys,
    embedding_seed,
    majority_predictions,
    permute_labels,
    probe_predictions,
)

ROUNDING = 1e-9


class ShuffledLabels(Task):
    """Labels change places within their unit, so that each unit keeps its shares of the types.

    What a classifier is then right about by chance is known exactly: in a unit the sum over types of their
    share times how often they are told. The excess over it is 0 on average, for every embedding that has not
    seen these labels, and its standard error under permutation is known too: beyond 3 or 4 of them there
    is a leak. Where units are single cells, labels change places within folds.

    Every embedding gets labels of its own: runs that shared them, and resemble each other, would share what
    chance lets them find, and the spread of seeds would not show how much that is.
    """

    def evaluate(self, embedding, cells, split, run):
        """Score a probe, as the mean over draws."""
        asked = {name: self.parameters[name] for name in ("probe", "neighbours", "width")}

        def told(labels):
            return probe_predictions(embedding, labels, split, seed=run.seed, **asked)

        return self._score(told, cells, split, embedding_seed(embedding, run.seed))

    def baseline(self, name, cells, split, run):
        """Score the majority class; or, as the oracle, a probe whose embedding is the permuted labels."""
        if name == "majority_class":
            return self._score(lambda labels: majority_predictions(labels, split), cells, split, run.seed)
        if name != "label_leak":
            return super().baseline(name, cells, split, run)

        def told(labels):
            leak = (labels[:, None] == np.unique(labels)).astype(np.float32)
            return probe_predictions(leak, labels, split, seed=run.seed, probe=self.parameters["probe"])

        return self._score(told, cells, split, run.seed)

    def _score(self, told, cells, split, seed):
        draws = self.parameters["draws"]
        if type(draws) is not int or draws < 1:
            raise ContractBroken(f'the parameter "draws" is {draws!r}; a whole number from 1 up is needed')
        labels, tested = cells.columns["cell_type"].astype(str), split.fold >= 0
        strata = strata_of(split)
        right, chance, variance = np.zeros(tested.sum()), np.zeros(tested.sum()), 0.0
        for keys in drawing_keys(cells.batches(), len(cells.genes), draws, seed):
            permuted = permute_labels(labels, strata, keys).astype(object)
            said = told(permuted).labels[tested]
            by_chance = chance_agreement(permuted[tested], said, strata[tested])
            right += (said == permuted[tested]) / draws
            chance += by_chance.agreement / draws
            variance += by_chance.variance / draws**2
        return scores(right, chance, variance, split.units[tested].astype(str))


def strata_of(split):
    """Return within what labels change places: units, or folds where units are single cells."""
    _, cells = np.unique(split.units[split.fold >= 0].astype(str), return_counts=True)
    return split.units.astype(str) if cells.max() > 1 else split.fold.astype(str)


def scores(right, chance, variance, units):
    """Return the shares over the tested cells, and by unit."""
    names, codes = np.unique(units, return_inverse=True)
    weights = np.bincount(codes).astype(float)
    of_cells = {"excess_over_chance": right - chance, "micro_f1": right, "chance": chance}
    values, undefined = {name: float(share.mean()) for name, share in of_cells.items()}, {}
    if variance > ROUNDING:
        values["excess_in_errors"] = float((right - chance).sum() / np.sqrt(variance))
    else:
        undefined["excess_in_errors"] = "nothing depends on the permutation: in every group one type is told"
    return Scores(
        values=values,
        undefined=undefined,
        units={n: np.bincount(codes, weights=share) / weights for n, share in of_cells.items()},
        unit_names=names.tolist(),
        weights=weights,
    )
