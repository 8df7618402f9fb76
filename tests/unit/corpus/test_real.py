"""The catalogue of real data against the files it names, where they are."""

from pathlib import Path

import numpy as np
import pytest

import harness
from harness.corpus import aligned, open_cells, overlap, read_catalogue
from harness.corpus.measure import measure

CATALOGUE = Path(harness.__file__).parent / "catalogues" / "real.yaml"

# Cells that are left after dropping, genes, cell types, and what else planning must find: counted by hand
# from the files' own description.
SETS = {
    "pbmc3k": (2638, 16579, 9, {"cell_type"}),
    "pbmc_facs": (3874, 16782, 10, {"cell_type"}),
    "pbmc_10batch": (2631, 21948, 8, {"batch>=10"}),
    "pancreas_2study": (3514, 1194, 6, {"batch>=2", "donor>=5"}),
    "kang_ifnb": (3816 - 289, 9015, 10, {"perturbation>=2", "context>=10", "donor>=8"}),
    "crispr_4lines": (5961, 452, 4, {"perturbation>=20", "context>=4"}),
    "gbm_panobinostat": (5000, 300, None, {"perturbation>=2", "context>=5"}),
    "onek1k_1kgenes": (7811, 1000, 4, {"donor>=20", "batch>=20"}),
}


@pytest.fixture(scope="module")
def entries(shared):
    return {entry.name: entry for entry in read_catalogue(CATALOGUE, shared / "data")}


@pytest.fixture(scope="module")
def facts(entries):
    return {name: measure(entry, entry.path()) for name, entry in entries.items() if not entry.join}


@pytest.mark.parametrize("name", SETS)
def test_every_data_set_is_what_the_catalogue_says(facts, name):
    """Cells, genes, cell types and roles."""
    cells, genes, types, offers = SETS[name]
    found = facts[name]
    assert (found.n_cells, len(found.symbols)) == (cells, genes)
    assert offers <= found.offers
    assert len(found.levels.get("cell_type", {})) == (types or 0)
    if "perturbation" in found.levels:
        assert "control" in found.levels["perturbation"]


def test_labels_and_libraries_that_are_one_are_no_batches(facts):
    """In pbmc_facs every population is a library of its own: it must not be offered for integration."""
    assert not {"batch", "donor"} & facts["pbmc_facs"].offers


def test_marked_cells_are_those_of_the_data_sets(facts):
    """Every mark of the corpus is claimed by a data set, and without the marked cells 15,475 remain."""
    corpus = facts["corpus_human"]
    claimed = {mark for found in facts.values() for mark in found.marked_as}
    assert set(corpus.marked) <= claimed
    assert corpus.n_cells - sum(corpus.marked.values()) == 15_475


def test_the_corpus_offers_what_samplers_and_models_ask_for(facts):
    """Every column is complete once cells without a type have one name; their number is shown."""
    corpus = facts["corpus_human"]
    assert {"corpus:cell_type", "corpus:study", "corpus:tissue", "corpus:components"} <= corpus.offers
    assert corpus.warnings == ('8,502 cells have no cell_type and count as "unknown"',)
    assert len(corpus.levels["study"]) == 19


def test_the_corpus_knows_most_genes_of_every_data_set(facts):
    """No data set falls below its smallest overlap."""
    for name in SETS:
        assert overlap(facts[name], facts["corpus_human"]).share_of_dataset >= facts[name].min_overlap


def test_cells_in_corpus_and_data_set_have_the_same_counts(entries, facts):
    """The corpus's marked cells of pbmc3k, on the genes of the data set, are the data set's cells.

    The corpus keeps genes seen in 10 of its cells at least, so rarer genes are compared with nothing.
    """
    corpus = open_cells(entries["corpus_human"], entries["corpus_human"].path())
    own = open_cells(entries["pbmc3k"], entries["pbmc3k"].path())
    marked = np.flatnonzero(corpus.marked == "pbmc3k.h5ad")
    seen = aligned(corpus, own.symbols, own.ensembl)
    there = seen.rows(marked)[:, seen.measured]
    here = own.rows(np.arange(own.n_cells))[:, seen.measured]
    assert seen.measured.mean() > 0.7
    assert there.shape == here.shape
    np.testing.assert_array_equal(np.sort(there.sum(axis=0)), np.sort(here.sum(axis=0)))
    np.testing.assert_array_equal(np.sort(there.sum(axis=1), axis=0), np.sort(here.sum(axis=1), axis=0))
