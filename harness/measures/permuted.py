"""Cells and labels in which a permutation leaves nothing to find, and what is found in them by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import Cells, read_only

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


def shuffle_genes(counts: csr_matrix, measured: NDArray[np.bool_], keys: NDArray[np.uint64]) -> csr_matrix:
    """Return cells whose counts stand at random genes, each cell with the total and the values it had.

    Parameters
    ----------
    counts
        (cells x genes), zero at genes that are not measured.
    measured
        (genes,): where counts may go.
    keys
        (cells,): seed of each cell's permutation.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    places = np.flatnonzero(measured)
    drawn = [
        np.random.default_rng(key).choice(places, n, replace=False)
        for key, n in zip(keys, np.diff(counts.indptr), strict=True)
    ]
    indices = np.concatenate([*drawn, np.zeros(0, dtype=int)]).astype(counts.indices.dtype)
    shuffled = csr_matrix((counts.data.copy(), indices, counts.indptr.copy()), shape=counts.shape)
    shuffled.sort_indices()
    return shuffled


@dataclass(frozen=True, kw_only=True)
class WithShuffledCopies:
    """Cells and a gene-shuffled copy of each, mixed; read in batches like any cells, and without labels.

    Attributes
    ----------
    behind
        The cells.
    keys
        One per cell, see :func:`shuffle_genes`.
    order
        (2 n_cells,): which stands where; below n_cells the cells, from there on their copies.
    """

    behind: Cells
    keys: NDArray[np.uint64]
    order: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of cells and copies."""
        return len(self.order)

    @property
    def genes(self) -> Sequence[str]:
        """Gene names."""
        return self.behind.genes

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: whether it was measured."""
        return self.behind.measured

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells and copies, read-only."""
        import numpy as np
        from scipy.sparse import vstack

        copied, cell = np.divmod(self.order[indices], self.behind.n_cells)
        asked = [np.flatnonzero(copied == 0), np.flatnonzero(copied)]
        real, others = (self.behind.rows(cell[part]) for part in asked)
        shuffled = shuffle_genes(others, np.asarray(self.measured, dtype=bool), self.keys[cell[asked[1]]])
        back = np.argsort(np.concatenate(asked))
        return read_only(vstack([real, shuffled], format="csr")[back])

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all of them in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            yield self.rows(np.arange(start, min(start + size, self.n_cells)))


def permute_labels(labels: NDArray[Any], strata: NDArray[Any], keys: NDArray[np.uint64]) -> NDArray[Any]:
    """Return labels permuted among the cells of each stratum (n_cells,).

    The order of random ``keys`` (n_cells,) decides who gets which: every permutation is as likely, and where
    a cell stands does not matter.
    """
    import numpy as np

    permuted = np.empty_like(labels)
    permuted[np.lexsort((keys, strata.astype(str)))] = labels[
        np.lexsort((labels.astype(str), strata.astype(str)))
    ]
    return permuted


def embedding_seed(embedding: NDArray[np.floating[Any]], seed: int) -> int:
    """Return a seed that another embedding (n_cells x width) does not have, whatever the order of its cells.

    Runs that share what was permuted, and resemble each other, share what chance lets them find: the spread
    of seeds then does not show how much that is, and trends appear. Negative controls draw for each anew.
    """
    from zlib import crc32

    import numpy as np

    return crc32(np.sort(embedding.sum(axis=1, dtype=np.float64)).tobytes(), seed)


@dataclass(frozen=True, kw_only=True)
class Chance:
    """What permuting labels within strata lets answers be right about.

    Attributes
    ----------
    agreement
        Chance of each cell's answer to be right (n_cells,).
    variance
        Of the number of right answers.
    """

    agreement: NDArray[np.float64]
    variance: float


def chance_agreement(labels: NDArray[Any], told: NDArray[Any], strata: NDArray[Any]) -> Chance:
    """Return how many answers are right by chance, were labels permuted within strata.

    A cell's chance is the share of the told class among the labels of its stratum, exactly: summed over a
    stratum, the expected agreement in Cohen's kappa (Cohen 1960, doi 10.1177/001316446002000104). With
    shares p of labels and q of answers in a stratum of n cells, the variance is

        n^2 / (n - 1) x (sum p q - sum q p^2 - sum p q^2 + (sum p q)^2),

    that of a linear permutation statistic (Hoeffding 1951, doi 10.1214/aoms/1177729545, theorem 2) whose
    matrix says which label would make which answer right.

    Parameters
    ----------
    labels, told, strata
        (n_cells,): classes, answers, and within what labels change places.
    """
    import numpy as np

    classes, codes = np.unique(np.concatenate([labels, told]).astype(str), return_inverse=True)
    _, stratum = np.unique(strata.astype(str), return_inverse=True)
    counts = np.zeros((2, stratum.max() + 1, len(classes)))
    for number, of in enumerate((codes[: len(labels)], codes[len(labels) :])):
        np.add.at(counts[number], (stratum, of), 1)
    p, q = counts / counts.sum(axis=2, keepdims=True)
    agreement, n = (p * q).sum(axis=1), counts[0].sum(axis=1)
    spread = agreement - (q * p**2).sum(axis=1) - (p * q**2).sum(axis=1) + agreement**2
    return Chance(
        agreement=p[stratum, codes[len(labels) :]],
        variance=float((n**2 / np.maximum(n - 1, 1) * spread).sum()),
    )
