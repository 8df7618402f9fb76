"""Unperturbed cells: a corpus of many studies, and evaluation cells of other batches and donors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.synthetic.counts import BLOCK, Block, counted
from harness.synthetic.population import Population
from harness.synthetic.structure import Floats, Structure, generator, structure

if TYPE_CHECKING:
    from harness.synthetic.world import World

Integers = NDArray[np.int64]


def corpus(world: World, cells: int) -> Population:
    """Return cells of all studies; see :meth:`World.corpus`."""
    shared = structure(world)
    effects = _corpus_effects(world, shared)
    revealed = np.array([_revealed(world, study) for study in range(world.studies)])

    def layout(rng: np.random.Generator, number: int) -> Block:
        kind = rng.choice(world.types, size=BLOCK, p=shared.abundance)
        study = _studies(world, kind, rng)
        batch, donor = rng.integers(world.batches, size=BLOCK), rng.integers(world.donors, size=BLOCK)
        obs = {
            "cell_type": type_names(world)[flipped(world, kind, rng)],
            "study": _names("study-{}", study),
            "batch": _names("study-{}/batch-{}", study, batch),
            "donor": _names("study-{}/batch-{}/donor-{}", study, batch, donor),
        }
        latent = latents(world, shared, kind, rng) * revealed[study]
        return Block(type=kind, latent=latent, offset=effects[study, batch, donor], obs=obs)

    coverage = float(revealed.any(axis=0).mean())
    truth = _type_truth(world, shared) | {"revealed": revealed, "coverage": coverage}
    return counted(world, shared, "corpus", cells, layout, **truth)


def evaluation(world: World, cells: int) -> Population:
    """Return cells of batches and donors that the corpus lacks; see :meth:`World.evaluation`."""
    shared = structure(world)
    effects = _evaluation_effects(world, shared)

    def layout(rng: np.random.Generator, number: int) -> Block:
        kind = rng.choice(world.types, size=BLOCK, p=shared.abundance)
        batch = rng.integers(world.evaluation_batches, size=BLOCK)
        donor = rng.integers(world.donors, size=BLOCK)
        obs = {
            "cell_type": type_names(world)[flipped(world, kind, rng)],
            "batch": _names("batch-{}", batch),
            "donor": _names("batch-{}/donor-{}", batch, donor),
        }
        offset = effects[batch, donor] + shared.outside[kind]
        return Block(type=kind, latent=latents(world, shared, kind, rng), offset=offset, obs=obs)

    return counted(world, shared, "evaluation", cells, layout, **_type_truth(world, shared))


def latents(world: World, shared: Structure, kind: Integers, rng: np.random.Generator) -> Floats:
    """Return the programmes of cells of these types: the type's centre and variation within the type."""
    noise = rng.normal(size=(len(kind), world.programmes))
    return np.asarray(shared.centres[kind] + world.within * shared.strengths * noise)


def flipped(world: World, kind: Integers, rng: np.random.Generator) -> Integers:
    """Return labels of which a share was replaced by one of all types at random."""
    replaced = rng.random(len(kind)) < world.label_flip
    return np.where(replaced, rng.integers(world.types, size=len(kind)), kind)


def type_names(world: World) -> NDArray[np.object_]:
    """Return the names of the types, the most abundant first."""
    return _names("type-{:02d}", np.arange(world.types))


def gene_effect(world: World, size: float, purpose: str, *numbers: int) -> Floats:
    """Return a random log-rate change (genes,) with this standard deviation."""
    return size * generator(world, purpose, *numbers).normal(size=world.genes)


def _names(pattern: str, *numbers: Integers) -> NDArray[np.object_]:
    """Fill numbers, counted from 1, into a pattern."""
    return np.array(
        [pattern.format(*(n + 1 for n in row)) for row in zip(*numbers, strict=True)], dtype=object
    )


def _sign(number: int | Integers) -> int | Integers:
    """Return the half that a type or a lab belongs to: +1 or -1."""
    return 1 - 2 * (number % 2)


def _studies(world: World, kind: Integers, rng: np.random.Generator) -> Integers:
    """Return a study for each cell; where labs are confounded, one that holds its half of the types."""
    study = rng.integers(world.studies, size=len(kind))
    if world.lab_effect:
        study = rng.integers(world.studies // 2, size=len(kind)) * 2 + kind % 2
    return study


def _revealed(world: World, study: int) -> NDArray[np.bool_]:
    """Return which programmes a study shows (programmes,)."""
    return generator(world, "revealed", study).random(world.programmes) < world.revealed


def _corpus_effects(world: World, shared: Structure) -> Floats:
    """Return log-rate changes (studies x batches x donors x genes)."""
    effects = np.zeros((world.studies, world.batches, world.donors, world.genes))
    for study in range(world.studies):
        effects[study] += gene_effect(world, world.study_effect, "study", study)
        effects[study] += world.lab_effect * _sign(study) * shared.lab
        for batch in range(world.batches):
            effects[study, batch] += gene_effect(world, world.batch_effect, "batch", study, batch)
            for donor in range(world.donors):
                effects[study, batch, donor] += gene_effect(
                    world, world.donor_effect, "donor", study, batch, donor
                )
    return effects


def _evaluation_effects(world: World, shared: Structure) -> Floats:
    """Return log-rate changes (batches x donors x genes)."""
    effects = np.zeros((world.evaluation_batches, world.donors, world.genes))
    effects += gene_effect(world, world.study_effect, "evaluation study")
    for batch in range(world.evaluation_batches):
        effects[batch] += gene_effect(world, world.batch_effect, "evaluation batch", batch)
        effects[batch] += world.lab_effect * _sign(batch) * shared.lab
        for donor in range(world.donors):
            effects[batch, donor] += gene_effect(world, world.donor_effect, "evaluation donor", batch, donor)
    return effects


def _type_truth(world: World, shared: Structure) -> dict[str, object]:
    return {
        "label_ceiling": world.label_ceiling,
        "abundance": shared.abundance,
        "log_rate": shared.base + shared.centres @ shared.W.T + shared.outside,
    }
