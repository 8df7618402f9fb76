"""The first look at a file: facts where it is sound, a sentence for everything that is not."""

import anndata
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from harness.corpus import check, facts_of, overlap
from harness.corpus.alignment import GeneList
from harness.corpus.measure import measure
from harness.errors import BadData
from harness.store import Shelf


def test_facts_say_what_planning_needs(save, entry, counts):
    """Cells, genes, levels, cross-tables and offers, against the file made by hand."""
    facts = measure(entry(ensembl="ensembl_id"), save())
    assert facts.n_cells == 12
    assert facts.symbols == ("g0", "g1", "g2", "g3", "g4")
    assert facts.ensembl == ("ENSG0", "ENSG1", "ENSG2", "ENSG3", "ENSG4")
    assert facts.levels == {"cell_type": {"A": 4, "B": 4, "C": 4}, "donor": {"d1": 6, "d2": 6}}
    assert facts.crosstabs["cell_type|donor"]["A"] == {"d1": 2, "d2": 2}
    assert {"counts", "cell_type", "cell_type>=3", "donor>=2"} <= facts.offers
    assert "donor>=3" not in facts.offers
    assert not any(offer.startswith("corpus:") for offer in facts.offers)


def test_a_corpus_offers_its_complete_columns(save, entry):
    """A role with unlabelled cells is not offered, unless the catalogue gives them a label."""
    obs = {"kind": ["A", None, "B"] * 4, "donor": ["d1", "d2"] * 6}
    corpus = measure(entry(kind="corpus"), save(obs=obs))
    assert "corpus:donor" in corpus.offers
    assert "corpus:cell_type" not in corpus.offers
    assert "4 cells have no cell_type, so it is not offered" in corpus.warnings
    named = measure(entry(kind="corpus", missing="unknown"), save(obs=obs))
    assert "corpus:cell_type" in named.offers
    assert named.levels["cell_type"]["unknown"] == 4


def test_dropped_cells_do_not_count(save, entry):
    """Facts are of the cells that remain."""
    facts = measure(entry(drop={"kind": ("C", "Z")}), save())
    assert facts.n_cells == 8
    assert facts.levels["cell_type"] == {"A": 4, "B": 4}
    assert 'no cell has "Z" in "kind", so there is nothing to drop' in facts.warnings


def test_the_control_is_always_called_control(save, entry):
    """Tasks need not know what a study called its controls."""
    obs = {"treatment": ["DMSO", "drug"] * 6}
    facts = measure(entry(roles={"perturbation": "treatment"}, control="DMSO"), save(obs=obs))
    assert facts.levels["perturbation"] == {"control": 6, "drug": 6}


def bad(counts, value):
    changed = counts.copy()
    changed[3, 2] = value
    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: {"x": bad(x, np.nan)}, "1 counts are NaN or infinite"),
        (lambda x: {"x": csr_matrix(bad(x, -1))}, "1 counts are negative"),
        (lambda x: {"x": csr_matrix(bad(x, 1.5))}, r"1 counts are not whole \(such as 1.5"),
        (lambda x: {"x": x[:0]}, "the matrix has 0 cells"),
        (lambda x: {"x": x[:, :0]}, "and 0 genes"),
        (
            lambda x: {"obs": {"kind": ["A", None, "C"] * 4, "donor": ["d"] * 12}},
            '4 cells have no label in "kind"',
        ),
        (
            lambda x: {"obs": {"kinds": ["A"] * 12, "donor": ["d"] * 12}},
            'no column "kind" .* Did you mean "kinds"',
        ),
    ],
)
def test_a_wrong_file_gets_a_sentence(save, entry, counts, change, words):
    """What is wrong is said with catalogue, line and name before anything runs."""
    with pytest.raises(BadData, match=rf"catalogue.yaml:7: cells: .*{words}"):
        measure(entry(), save(**change(counts)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"counts": "layers/counts"}, 'no "layers/counts".*it has X'),
        ({"counts": "raw"}, 'no "raw"'),
        ({"ensembl": "ensembl"}, 'var has no column "ensembl" .* Did you mean "ensembl_id"'),
        ({"kind": "corpus", "marks": "eval_file"}, 'no column "eval_file"'),
        ({"roles": {"perturbation": "kind"}}, 'no cell has the control "control"'),
        ({"drop": {"kind": ("A", "B", "C")}}, "no cell is left"),
        ({"digest": "0" * 64}, "the catalogue expects"),
        ({"recover": "expm1"}, "cannot be recovered"),
    ],
)
def test_an_entry_that_does_not_fit_its_file_gets_a_sentence(save, entry, fields, words):
    """The catalogue may be what is wrong."""
    with pytest.raises(BadData, match=words):
        measure(entry(**fields), save())


def test_repeated_cell_names_and_other_files(save, entry, tmp_path):
    """Duplicate names are counted; a text file is not an h5ad file."""
    path = save()
    adata = anndata.read_h5ad(path)
    adata.obs_names = ["same", "same", *adata.obs_names[2:]]
    adata.write_h5ad(path)
    (complaint,) = check(entry(), lambda: path)
    assert complaint.startswith(
        'catalogue.yaml:7: cells: 1 names of cells stand more than once, such as "same"'
    )
    (tmp_path / "text.h5ad").write_text("no")
    with pytest.raises(BadData, match="not a readable h5ad file"):
        measure(entry(), tmp_path / "text.h5ad")


def test_the_digest_follows_content_and_reading_but_not_the_place(save, entry):
    """Moving a file changes no address; another reading of it does."""
    one, two = save("one.h5ad"), save("two.h5ad")
    assert measure(entry(), one).digest == measure(entry(name="other"), two).digest
    assert measure(entry(), one).digest != measure(entry(drop={"kind": ("A",)}), one).digest
    assert measure(entry(), one, limit=5).digest != measure(entry(), one).digest
    assert measure(entry(), one, limit=50).digest == measure(entry(), one).digest
    assert measure(entry(), one, limit=5).n_cells == 5


def test_the_second_look_opens_nothing(save, entry, tmp_path, monkeypatch):
    """Facts come from the shelf while file and entry are the same, and only then."""
    shelf, path = Shelf(tmp_path / "facts"), save()
    first = facts_of(entry(), path, shelf)
    monkeypatch.setattr("harness.corpus.measure.measure", lambda *_: pytest.fail("the file was opened"))
    assert facts_of(entry(), path, shelf) == first
    with pytest.raises(pytest.fail.Exception):
        facts_of(entry(drop={"kind": ("A",)}), path, shelf)


def test_overlap_takes_the_key_that_matches_more():
    """By symbol 1 of 4 genes is known, by Ensembl id 3 of 4; unknown ids never match each other."""
    mine = GeneList(symbols=("a", "b", "c", "d"), ensembl=("E1", "E2", "E3", ""))
    model = GeneList(symbols=("a", "x", "y", "z", "w"), ensembl=("E1", "E2", "E3", "E9", ""))
    found = overlap(mine, model)
    assert (found.key, found.n_shared) == ("ensembl", 3)
    assert (found.share_of_dataset, found.share_of_model) == (0.75, 0.6)
