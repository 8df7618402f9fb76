"""What a world gives: cells in memory, and the truth behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import ArrayCells
from harness.errors import Misuse, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from harness.synthetic.world import World


@dataclass(frozen=True, kw_only=True)
class Population:
    """Simulated cells of one part of a world.

    Attributes
    ----------
    world, part
        Where they come from: the knobs, and ``"corpus"``, ``"evaluation"`` or ``"perturbed"``.
    counts
        Raw counts (cells x genes): CSR, float32, whole numbers.
    genes
        Gene names, the same in every part.
    obs
        Column -> one label per cell.
    truth
        What no measurement shows. All parts: ``W`` (genes x programmes), ``base`` (genes,), ``strengths``
        (programmes,), ``type`` and ``latent`` of every cell, before labels are flipped. Corpus:
        ``revealed`` (studies x programmes) and ``coverage``, the share of programmes that some study shows.
        Corpus and evaluation: ``label_ceiling``, ``abundance`` and ``log_rate`` (types x genes), noiseless.
        Perturbed: ``log_rate`` and ``delta``, per (perturbation, context) and, where there are doses, dose;
        ``null``, the perturbations without an effect of their own; ``private``, perturbation -> its genes;
        ``gates`` (perturbations x contexts); ``shift`` (genes,).
    """

    world: World
    part: str
    counts: csr_matrix
    genes: tuple[str, ...]
    obs: Mapping[str, NDArray[np.object_]]
    truth: Mapping[str, Any]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.counts.shape[0])

    def cells(self, *roles: str) -> ArrayCells:
        """Return the cells as the host hands them to a guest, with these columns; with all if none is named.

        Raises
        ------
        Misuse
            There is no such column.
        """
        for role in roles:
            if role not in self.obs:
                raise Misuse(
                    f'the simulated {self.part} has no column "{role}".{did_you_mean(role, list(self.obs))}'
                )
        columns = {role: self.obs[role] for role in (roles or self.obs)}
        return ArrayCells(counts=self.counts, genes=self.genes, columns=columns)


def check_cells(part: str, cells: Any) -> int:
    """Return how many cells are asked of a part.

    Raises
    ------
    Misuse
        It is not a whole number from 1.
    """
    if isinstance(cells, bool) or not isinstance(cells, int) or cells < 1:
        raise Misuse(f'a simulated {part} has a whole number of cells from 1, and "{cells}" was asked')
    return cells
