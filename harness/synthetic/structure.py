"""What all cells of a world share: gene programmes, base rates, cell types."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from harness.synthetic.world import World

Floats = NDArray[np.float64]


def generator(world: World, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the random numbers of one purpose: independent of every other purpose and of all sizes."""
    key = (zlib.crc32(purpose.encode()), *numbers)
    return np.random.default_rng(np.random.SeedSequence(world.seed, spawn_key=key))


@dataclass(frozen=True, kw_only=True)
class Structure:
    """The arrays behind all parts of a world.

    Attributes
    ----------
    W
        Programmes (genes x programmes): orthogonal columns, each with a root mean square of 1.
    lab
        The programme of the labs (genes,), orthogonal to ``W``, with a root mean square of 1.
    strengths
        Standard deviation of each programme between types (programmes,).
    base
        Base log-rates (genes,); the rates sum to 1.
    centres
        Types in the latent space (types x programmes).
    outside
        Types outside the span of ``W`` (types x genes), in units of log-rate.
    abundance
        Share of each type (types,).
    """

    W: Floats
    lab: Floats
    strengths: Floats
    base: Floats
    centres: Floats
    outside: Floats
    abundance: Floats

    def truth(self) -> dict[str, Any]:
        """Return what every part's truth holds."""
        return {"W": self.W, "base": self.base, "strengths": self.strengths}


def structure(world: World) -> Structure:
    """Return the arrays that follow from the knobs of a world."""
    directions = _orthogonal(world)
    W = directions[:, : world.programmes]
    strengths = world.strongest * np.geomspace(1, max(world.weakest, 1e-9), world.programmes)
    base = world.gene_spread * generator(world, "base").normal(size=world.genes)
    centres = strengths * generator(world, "centres").normal(size=(world.types, world.programmes))
    centres -= centres.mean(axis=0)
    abundance = np.arange(1.0, world.types + 1) ** -world.zipf
    return Structure(
        W=W,
        lab=directions[:, world.programmes],
        strengths=strengths,
        base=base - np.log(np.exp(base).sum()),
        centres=centres * np.sqrt(1 - world.label_outside),
        outside=np.sqrt(world.label_outside) * _outside(world, W, centres),
        abundance=abundance / abundance.sum(),
    )


def _orthogonal(world: World) -> Floats:
    """Return orthogonal directions with a root mean square of 1: all programmes, and one of the labs."""
    drawn = generator(world, "programmes").normal(size=(world.genes, world.programmes + 1))
    return np.asarray(np.linalg.qr(drawn)[0] * np.sqrt(world.genes))


def _outside(world: World, W: Floats, centres: Floats) -> Floats:
    """Return a direction per type, orthogonal to ``W``, as long as the type's ``W z``."""
    drawn = generator(world, "outside").normal(size=(world.types, world.genes))
    drawn -= drawn @ W @ W.T / world.genes
    lengths = np.linalg.norm(centres, axis=1) * np.sqrt(world.genes)
    return np.asarray(drawn * (lengths / np.linalg.norm(drawn, axis=1))[:, None])
