"""Simulated cells, embedded by the model, and a plane that tells their programmes."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from harness import ContractBroken, NotApplicable, Scores, Task
from harness.measures import embedding_seed, log_normalised, r2_gained, recovery_errors
from harness.synthetic import WORLDS


class KnownBenefit(Task):
    """How much of the activity of a world's gene programmes can be read off the embedding of its cells?

    The cells are simulated here, in batches that no corpus has. A corpus of the same world shows the
    programmes, and a sample of it shows the better which of them are weak the larger it is: a model that
    learns must gain with size, up to what the true programmes tell. The data set lends its genes alone.

    Where ``learnable`` is false activities change places among the cells of a batch, for each embedding anew,
    and nothing helps.
    """

    def evaluate(self, subject, cells, split, run):
        """Score a plane on the model's embedding."""
        population = self._population()
        return self._score(subject.embed(population.cells()), population, run)

    def baseline(self, name, cells, split, run):
        """Score the mean activity of the other batches; or, as the oracle, the true programmes."""
        population = self._population()
        if name == "mean_activity":
            return self._score(np.zeros((population.n_cells, 1)), population, run)
        if name != "true_programmes":
            return super().baseline(name, cells, split, run)
        if not self.parameters["learnable"]:
            raise NotApplicable("activities changed places among cells, so that no programme tells them")
        expression = log_normalised(population.cells())
        return self._score(np.concatenate([b @ population.truth["W"] for b in expression]), population, run)

    def _population(self):
        world, cells, batches = (self.parameters[name] for name in ("world", "cells", "batches"))
        if world not in WORLDS:
            raise ContractBroken(f'there is no simulated world "{world}". Known: {", ".join(WORLDS)}.')
        if type(batches) is not int or batches < 3:
            raise ContractBroken(f'the parameter "batches" is {batches!r}; a whole number from 3 is needed')
        return simulated(world, self.parameters["world_seed"], batches, cells)

    def _score(self, embedding, population, run):
        batches = population.obs["batch"].astype(str)
        activity = population.truth["latent"] / population.truth["strengths"]
        if not self.parameters["learnable"]:
            activity = activity[mixed(batches, embedding_seed(embedding, run.seed))]
        errors, of_mean = recovery_errors(embedding, activity, batches)
        names, codes = np.unique(batches, return_inverse=True)
        units = [halves(errors[codes == n], of_mean[codes == n]) for n in range(len(names))]
        values = halves(errors, of_mean)
        return Scores(
            values=values,
            units={name: np.array([unit[name] for unit in units]) for name in values},
            unit_names=names.tolist(),
            weights=np.bincount(codes).astype(float),
            notes={"unit_kind": "simulated batch", "cells_simulated": population.n_cells},
        )


@lru_cache(maxsize=1)
def simulated(world, seed, batches, cells):
    """Return cells of a world, kept for the next model that is asked about them."""
    return replace(WORLDS[world], seed=seed, evaluation_batches=batches).evaluation(cells)


def mixed(batches, seed):
    """Return who gets whose activity: a permutation of the cells within batches."""
    drawn = np.random.default_rng(seed).random(len(batches))
    found = np.empty(len(batches), dtype=int)
    found[np.lexsort((np.arange(len(batches)), batches))] = np.lexsort((drawn, batches))
    return found


def halves(errors, of_mean):
    """Return the variance explained, mean over all programmes and over the stronger and weaker half."""
    r2 = r2_gained(errors.mean(axis=0), of_mean.mean(axis=0))
    half = len(r2) // 2
    return {
        "programme_r2": float(r2.mean()),
        "strong_programmes_r2": float(r2[:half].mean()),
        "weak_programmes_r2": float(r2[half:].mean()),
    }
