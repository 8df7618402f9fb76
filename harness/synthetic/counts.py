"""From log-rates to counts, block by block, so that a larger draw extends a smaller one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from harness.synthetic.population import Population, check_cells
from harness.synthetic.structure import Floats, Structure, generator

if TYPE_CHECKING:
    from harness.synthetic.world import World

BLOCK = 256
"""Cells that share a generator: always drawn together, then cut to what is asked."""
HIDDEN = ("type", "latent")
"""Fields of a block that go into the truth, not into obs."""


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
    numbers = range(-(-check_cells(part, cells) // BLOCK))
    matrices, columns = zip(*(_drawn(world, shared, part, layout, number) for number in numbers), strict=True)
    joined = {name: np.concatenate([block[name] for block in columns])[:cells] for name in columns[0]}
    return Population(
        world=world,
        part=part,
        counts=csr_matrix(vstack(matrices, format="csr")[:cells]),
        genes=tuple(f"SIM{number:05d}" for number in range(1, world.genes + 1)),
        truth={**shared.truth(), **{name: joined.pop(name) for name in HIDDEN}, **truth},
        obs=joined,
    )


def _drawn(
    world: World, shared: Structure, part: str, layout: Layout, number: int
) -> tuple[csr_matrix, dict[str, NDArray[Any]]]:
    """Return the counts of a block, and its labels beside what no measurement shows."""
    rng = generator(world, part, number)
    block = layout(rng, number)
    return _count(world, shared, block, rng), {**block.obs, **{name: getattr(block, name) for name in HIDDEN}}


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
