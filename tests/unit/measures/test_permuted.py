"""Permutations of genes and labels, and the chance level of permuted labels."""

from itertools import permutations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import chisquare
from sklearn.metrics import cohen_kappa_score

from harness import ArrayCells
from harness.measures import (
    WithShuffledCopies,
    chance_agreement,
    embedding_seed,
    permute_labels,
    shuffle_genes,
)

RNG = np.random.default_rng(0)
COUNTS = csr_matrix(RNG.poisson(0.7, (30, 12)).astype(np.float32))
KEYS = RNG.integers(0, 2**64, 30, dtype=np.uint64)
EVERYWHERE = np.ones(12, dtype=bool)


class TestShuffledGenes:
    """Where counts stand is all that changes."""

    def test_totals_and_values_stay(self):
        """Of every cell, and of no other."""
        found = shuffle_genes(COUNTS, EVERYWHERE, KEYS)
        assert found.has_canonical_format
        np.testing.assert_array_equal(np.sort(found.toarray()), np.sort(COUNTS.toarray()))
        assert (found.toarray() != COUNTS.toarray()).any(axis=1).sum() > 25

    def test_genes_that_are_not_measured_stay_empty(self):
        """Nothing goes where the data set measured nothing."""
        measured = np.arange(12) % 3 > 0
        shown = csr_matrix(COUNTS.toarray() * measured)
        found = shuffle_genes(shown, measured, KEYS).toarray()
        assert not found[:, ~measured].any()
        np.testing.assert_array_equal(found.sum(axis=1), shown.toarray().sum(axis=1))

    def test_every_gene_is_as_likely(self):
        """The largest count of a cell of three stands at each of six genes in a sixth of 1,500 shuffles."""
        cell = csr_matrix(np.tile([3.0, 2.0, 1.0, 0.0, 0.0, 0.0], (1500, 1)))
        found = shuffle_genes(cell, np.ones(6, dtype=bool), np.arange(1500, dtype=np.uint64)).toarray()
        for value in (1, 2, 3):
            assert chisquare((found == value).sum(axis=0)).pvalue > 1e-3

    def test_the_key_decides(self):
        """The same key gives the same copy in whatever company, another one another copy."""
        alone = shuffle_genes(COUNTS[7], EVERYWHERE, KEYS[7:8]).toarray()
        together = shuffle_genes(COUNTS, EVERYWHERE, KEYS).toarray()
        np.testing.assert_array_equal(alone[0], together[7])
        assert (shuffle_genes(COUNTS[7], EVERYWHERE, KEYS[8:9]).toarray() != alone).any()


class TestCellsWithCopies:
    """Cells and copies are read like any cells."""

    mixed = WithShuffledCopies(
        behind=ArrayCells(counts=COUNTS, genes=[f"g{n}" for n in range(12)], columns={"cell_type": KEYS}),
        keys=KEYS,
        order=np.random.default_rng(1).permutation(60),
    )

    def test_each_stands_in_its_place(self):
        """The i-th is the cell, or the copy of the cell, that the order names."""
        both = np.vstack([COUNTS.toarray(), shuffle_genes(COUNTS, EVERYWHERE, KEYS).toarray()])
        asked = np.array([3, 59, 0, 3])
        np.testing.assert_array_equal(self.mixed.rows(asked).toarray(), both[self.mixed.order[asked]])
        batches = [batch.toarray() for batch in self.mixed.batches(size=7)]
        assert len(batches) == 9
        np.testing.assert_array_equal(np.vstack(batches), both[self.mixed.order])

    def test_only_copies_or_only_cells_may_be_asked(self):
        """And none at all."""
        cells = np.flatnonzero(self.mixed.order < 30)
        np.testing.assert_array_equal(
            self.mixed.rows(cells).toarray(), COUNTS.toarray()[self.mixed.order[cells]]
        )
        assert self.mixed.rows(np.flatnonzero(self.mixed.order >= 30)).shape == (30, 12)
        assert self.mixed.rows(np.zeros(0, dtype=int)).shape == (0, 12)

    def test_nobody_can_write_into_them_or_see_a_label(self):
        """As the contract of cells has it."""
        assert self.mixed.columns == {}
        with pytest.raises(ValueError, match="read-only"):
            self.mixed.rows(np.arange(5)).data[0] = 1


class TestPermutedLabels:
    """Labels change places within their stratum."""

    labels = np.array(list("AABBBCABBA"), dtype=object)
    strata = np.array(list("uuuuuvvvvv"))

    def test_each_stratum_keeps_its_labels(self):
        """And they do change places."""
        found = [permute_labels(self.labels, self.strata, RNG.random(10)) for _ in range(20)]
        for permuted in found:
            assert sorted(permuted[:5]) == list("AABBB")
            assert sorted(permuted[5:]) == list("AABBC")
        assert len({"".join(permuted) for permuted in found}) > 10

    def test_every_permutation_is_as_likely(self):
        """Three labels in 6,000 draws: each of the six orders in a sixth."""
        one = np.array(["s"] * 3)
        found = ["".join(permute_labels(np.array(list("ABC")), one, RNG.random(3))) for _ in range(6000)]
        _, counts = np.unique(found, return_counts=True)
        assert len(counts) == 6
        assert chisquare(counts).pvalue > 1e-3

    def test_the_place_in_the_file_does_not_matter(self):
        """Cells in another order get the same labels."""
        keys, order = RNG.random(10), RNG.permutation(10)
        found = permute_labels(self.labels[order], self.strata[order], keys[order])
        np.testing.assert_array_equal(found, permute_labels(self.labels, self.strata, keys)[order])


class TestChance:
    """What permuted labels let anybody be right about."""

    def test_mean_and_variance_are_those_of_all_permutations(self):
        """Two strata of five and four cells: 120 x 24 permutations, counted one by one."""
        labels, told, strata = (np.array(list(text)) for text in ("AABBCABBB", "ABBBAABCB", "uuuuuvvvv"))
        right = [
            [np.array(order) == told[strata == stratum] for order in permutations(labels[strata == stratum])]
            for stratum in "uv"
        ]
        found = chance_agreement(labels, told, strata)
        np.testing.assert_allclose(found.agreement, np.concatenate([np.mean(of, axis=0) for of in right]))
        assert found.variance == pytest.approx(sum(np.sum(of, axis=1).var() for of in right))

    def test_within_a_stratum_it_is_what_kappa_expects(self):
        """Cohen's kappa is (p - chance) / (1 - chance): scikit-learn's agrees, in each stratum."""
        labels, told = RNG.choice(list("ABC"), (2, 400), p=[0.6, 0.3, 0.1])
        strata = np.repeat(["u", "v"], [150, 250])
        chance = chance_agreement(labels, told, strata).agreement
        for stratum in "uv":
            of = strata == stratum
            agreement, expected = (labels == told)[of].mean(), chance[of].mean()
            kappa = (agreement - expected) / (1 - expected)
            assert kappa == pytest.approx(cohen_kappa_score(labels[of], told[of]))

    def test_a_class_that_is_not_there_is_never_right(self):
        """Its share is 0; and one cell by itself is right for certain, or wrong."""
        found = chance_agreement(np.array(["A", "A", "B"]), np.array(["A", "Z", "B"]), np.array(list("ssv")))
        assert found.agreement.tolist() == [1, 0, 1]
        assert found.variance == 0


def test_every_embedding_has_a_seed_of_its_own():
    """Whatever the order of its cells; another embedding has another one, and so has another run."""
    embedding = RNG.normal(size=(50, 4)).astype(np.float32)
    seed = embedding_seed(embedding, 7)
    assert embedding_seed(embedding[RNG.permutation(50)], 7) == seed
    assert len({seed, embedding_seed(embedding, 8), embedding_seed(embedding + np.float32(1e-3), 7)}) == 3
