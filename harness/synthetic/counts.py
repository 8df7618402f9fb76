"""From log-rates to counts, block by block, so that a larger draw extends a smaller one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from harness.errors import Misuse
from harness.synthetic.population import Population
from harness.synthetic.structure import Floats, Structure, generator

if TYPE_CHECKING:
    from harness.synthetic.world import World

BLOCK = 256
"""Cells that share a generator: always drawn together, then cut to what is asked."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """What is known of :data:`BLOCK` cells before they are counted.

    Attributes
    ----------
    type
        True type of each cell.
    latent
        Programmes of each cell (cells x programmes).
    offset
        Everything else that moves its log-rates (cells x genes).
    obs
        Column -> one label per cell.
    """

    type: NDArray[np.int64]
    latent: Floats
    offset: Floats
    obs: Mapping[str, NDArray[np.object_]]


Layout = Callable[[np.random.Generator, int], Block]
"""Lays out the block with a given number."""


def counted(
    world: World, shared: Structure, part: str, cells: int, layout: Layout, **truth: Any
) -> Population:
    """Return the first ``cells`` cells of a part.

    Raises
    ------
    Misuse
        The number of cells is not a whole number from 1.
    """
    if isinstance(cells, bool) or not isinstance(cells, int) or cells < 1:
        raise Misuse(f'a simulated {part} has a whole number of cells from 1, and "{cells}" was asked')
    blocks, matrices = [], []
    for number in range(-(-cells // BLOCK)):
        rng = generator(world, part, number)
        blocks.append(layout(rng, number))
        matrices.append(_count(world, shared, blocks[-1], rng))
    return Population(
        world=world,
        part=part,
        counts=csr_matrix(vstack(matrices, format="csr")[:cells]),
        genes=tuple(f"SIM{number:05d}" for number in range(1, world.genes + 1)),
        obs={
            column: np.concatenate([block.obs[column] for block in blocks])[:cells]
            for column in blocks[0].obs
        },
        truth={
            **shared.truth(),
            "type": np.concatenate([block.type for block in blocks])[:cells],
            "latent": np.concatenate([block.latent for block in blocks])[:cells],
            **truth,
        },
    )


def _count(world: World, shared: Structure, block: Block, rng: np.random.Generator) -> csr_matrix:
    log_rate = shared.base + block.latent @ shared.W.T + block.offset
    # The mean over cells of a log-normal depth is exp(spread^2 / 2) times its median.
    spread = world.depth_spread
    depth = world.depth * np.exp(spread * rng.normal(size=(BLOCK, 1)) - spread**2 / 2)
    return csr_matrix(negative_binomial(depth * np.exp(log_rate), world.dispersion, rng), dtype=np.float32)


def negative_binomial(mean: Floats, dispersion: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return counts with these means and variance mean + dispersion x mean^2: a gamma mixture of Poissons."""
    if dispersion > 0:
        mean = mean * rng.standard_gamma(1 / dispersion, size=mean.shape) * dispersion
    return rng.poisson(mean)
