"""Which gene feeds which input."""

import numpy as np
from scipy.sparse import csr_matrix

from harness.training import Inputs

VALUES = csr_matrix(np.arange(1.0, 21.0).reshape(2, 10))


def test_chosen_genes_feed_one_input_each():
    """By hand: three columns, in the order asked for."""
    found = Inputs.chosen(10, np.array([7, 0, 2]))
    assert found.width == 3
    np.testing.assert_array_equal(found(VALUES).toarray(), [[8, 1, 3], [18, 11, 13]])


def test_dealt_genes_are_all_used_and_evenly():
    """Sums stay, every input gets two or three of ten genes, and a seed deals differently."""
    found = Inputs.dealt(10, 4, seed=0)
    assert sorted(np.bincount(found.of_gene)) == [2, 2, 3, 3]
    np.testing.assert_allclose(found(VALUES).sum(axis=1), VALUES.sum(axis=1))
    assert not np.array_equal(found.of_gene, Inputs.dealt(10, 4, seed=1).of_gene)
    np.testing.assert_array_equal(found.of_gene, Inputs.dealt(10, 4, seed=0).of_gene)


def test_all_genes_are_left_as_they_are():
    """Without a width, or with one that all genes fit into."""
    for width in (None, 10, 99):
        found = Inputs.dealt(10, width, seed=0)
        assert found.width == 10
        assert found(VALUES) is VALUES
