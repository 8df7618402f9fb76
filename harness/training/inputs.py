"""Networks with fewer inputs than there are genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Inputs:
    """Which gene feeds which input of a network.

    Attributes
    ----------
    of_gene
        Per gene the number of its input, or -1 where it feeds none.
    """

    of_gene: NDArray[np.int64]

    @classmethod
    def dealt(cls, n_genes: int, width: int | None, seed: int) -> Inputs:
        """Let every gene feed one of ``width`` inputs, dealt out at random; None gives each its own.

        For an untrained control, which then sees as many genes as there are (feature hashing: Weinberger
        et al. 2009, arXiv:0902.2206) instead of few that happened to be drawn.
        """
        if width is None or width >= n_genes:
            return cls(np.arange(n_genes))
        return cls(np.random.default_rng(seed).permutation(n_genes) % width)

    @classmethod
    def chosen(cls, n_genes: int, genes: NDArray[np.int64]) -> Inputs:
        """Let each of these genes feed an input of its own, in this order, and the others none."""
        of_gene = np.full(n_genes, -1)
        of_gene[genes] = np.arange(len(genes))
        return cls(of_gene)

    @property
    def width(self) -> int:
        """Number of inputs."""
        return int(self.of_gene.max()) + 1

    def __call__(self, values: Any) -> Any:
        """Return the sums over each input's genes (cells x width) of values (cells x genes, CSR)."""
        from scipy.sparse import csr_matrix

        if np.array_equal(self.of_gene, np.arange(len(self.of_gene))):
            return values
        (genes,) = np.nonzero(self.of_gene >= 0)
        ones = np.ones(len(genes), values.dtype)
        shape = (len(self.of_gene), self.width)
        return values @ csr_matrix((ones, (genes, self.of_gene[genes])), shape=shape)
