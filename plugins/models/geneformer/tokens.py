"""From counts to tokens: a cell's genes in descending order of expression relative to the corpus."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from harness.measures import normalise
from harness.training import Inputs

PAD, MASK = 0, 1
"""Tokens that are no gene, in every dictionary; the first gene of our own has token 2."""

EXACT_VALUES = 2**22
"""Values up to which medians are exact; they stay in memory, which must not grow with the sample."""

PER_OCTAVE = 32
"""Bins of a histogram per doubling: a median read from it is off by a factor of 2^(1/64), 1.1 %, at most."""

OCTAVES = (-10, 14)
"""Powers of two between which values normalised to 10,000 per cell lie, down to 1 count in 10 million."""

N_BINS = (OCTAVES[1] - OCTAVES[0]) * PER_OCTAVE


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of genes, and what makes their expression comparable.

    Attributes
    ----------
    inputs
        Which gene feeds which token; genes of one token are summed.
    tokens
        The number of each input's token, ascending.
    medians
        Of each input, over the corpus cells that express it, in units of 10,000 counts per cell; 0 for one
        that no cell expresses, which is left out of every cell.
    ends
        Tokens put before and after those of a cell, where the vocabulary has such (``<cls>``, ``<eos>``).
    """

    inputs: Inputs
    tokens: np.ndarray
    medians: np.ndarray
    ends: tuple[int, ...] = ()

    @classmethod
    def untrained(cls, inputs):
        """Return the vocabulary of a control: it has seen no sample, so all medians are 1."""
        return cls(inputs, np.arange(inputs.width) + MASK + 1, np.ones(inputs.width))

    @property
    def size(self):
        """Number of tokens, those included that are no gene."""
        return int(self.tokens[-1]) + 1

    def seen_in(self, cells):
        """Return this vocabulary with the medians of a sample, read once in batches."""
        batches = (self.inputs(normalise(counts)) for counts in cells.batches())
        return replace(self, medians=nonzero_medians(batches, self.inputs.width))

    def __call__(self, counts, longest):
        """Return the tokens of each cell.

        Parameters
        ----------
        counts
            Raw counts (cells x genes), CSR.
        longest
            Tokens that a cell has at most; those of the least expressed genes are left out.

        Returns
        -------
        Tokens (cells x length of the longest cell), int64, padded with zeros behind; one column at least.
        The counts of a cell are divided by the medians and not by the cell's total too, which would change
        no order. Of equals the one with the smaller token comes first, so that nothing is left to chance.
        """
        given = self.inputs(counts).sorted_indices()
        medians = self.medians[given.indices]
        scaled = np.divide(given.data, medians, out=np.zeros(given.nnz), where=medians > 0)
        present = csr_matrix((scaled, given.indices, given.indptr), given.shape, copy=True)
        present.eliminate_zeros()
        values, tokens = _padded(present, present.data), _padded(present, self.tokens[present.indices])
        order = np.argsort(-values, axis=1, kind="stable")[:, : longest - len(self.ends)]
        return self._ended(np.take_along_axis(tokens, order, axis=1))

    def _ended(self, tokens):
        if not self.ends:
            return tokens
        first, last = self.ends
        lengths = (tokens != PAD).sum(axis=1)
        ended = np.pad(tokens, ((0, 0), (1, 1)), constant_values=((0, 0), (first, PAD)))
        ended[np.arange(len(ended)), lengths + 1] = last
        return ended


def _padded(matrix, entries):
    """Return what belongs to the entries of a CSR matrix, moved to the left (rows x most in a row)."""
    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(rows)) - np.repeat(matrix.indptr[:-1], lengths)
    padded = np.zeros((len(lengths), max(1, lengths.max(initial=0))), entries.dtype)
    padded[rows, places] = entries
    return padded


def nonzero_medians(batches, n_genes):
    """Return the median of every gene over the cells that express it (n_genes,), 0 where none does.

    Exact where the batches (cells x genes, CSR, normalised to 10,000 per cell) have few entries altogether
    (:data:`EXACT_VALUES`). Beyond that entries are counted in logarithmic bins, and a median is the middle
    of its bin, off by 1.1 % at most (:data:`PER_OCTAVE`).
    """
    waiting, histogram = _Waiting(), None
    for batch in batches:
        waiting.add(batch)
        if waiting.values > EXACT_VALUES:
            histogram = waiting.counted(histogram, n_genes)
            waiting = _Waiting()
    if histogram is None:
        return waiting.medians(n_genes)
    return _middles(waiting.counted(histogram, n_genes))


class _Waiting:
    """Expressed entries that have not been counted yet."""

    def __init__(self):
        self.parts = [(np.zeros(0, np.int32), np.zeros(0, np.float32))]
        self.values = 0

    def add(self, batch):
        """Keep the entries of a batch."""
        expressed = batch.data > 0
        self.parts.append((batch.indices[expressed], batch.data[expressed]))
        self.values += int(expressed.sum())

    def medians(self, n_genes):
        """Return exact medians: the mean of the two values in the middle."""
        genes, values = map(np.concatenate, zip(*self.parts, strict=True))
        values = values[np.lexsort((values, genes))].astype(np.float64)
        count = np.bincount(genes, minlength=n_genes)
        first, found = np.cumsum(count) - count, count > 0
        medians = np.zeros(n_genes)
        lower, upper = (values[(first + half)[found]] for half in ((count - 1) // 2, count // 2))
        medians[found] = (lower + upper) / 2
        return medians

    def counted(self, histogram, n_genes):
        """Return the histogram (genes x bins) with the entries counted in, new where there is none."""
        genes, values = map(np.concatenate, zip(*self.parts, strict=True))
        bins = np.floor((np.log2(values) - OCTAVES[0]) * PER_OCTAVE).astype(np.int64)
        places = genes.astype(np.int64) * N_BINS + bins.clip(0, N_BINS - 1)
        counts = np.bincount(places, minlength=n_genes * N_BINS).reshape(n_genes, N_BINS)
        return counts if histogram is None else np.add(histogram, counts, out=histogram)


def _middles(histogram):
    """Return the median of each row of a histogram: the mean of the middles of two bins, often the same."""
    below = np.cumsum(histogram, axis=1)
    count = below[:, -1]
    halves = ((count - 1) // 2, count // 2)
    bins = np.array([(below <= half[:, None]).sum(axis=1) for half in halves])
    middles = 2.0 ** ((bins + 0.5) / PER_OCTAVE + OCTAVES[0])
    return np.where(count > 0, middles.mean(axis=0), 0.0)
