"""Joined corpora: the cells of all parts in order, on the genes of the first, and where each comes from."""

import numpy as np
import pytest

from harness.contracts.cells import Cells
from harness.corpus import Entry, JoinedCells, facts_of, joined_facts, open_cells, read_catalogue
from harness.errors import Misuse
from harness.store import Store
from harness.survey import survey


@pytest.fixture
def catalogue(tmp_path, save, counts):
    """An atlas of twelve cells and a screen of six: genes in another order, one unknown, one not measured."""
    save("atlas.h5ad")
    obs = {"kind": ["A"] * 6, "donor": ["d9"] * 6}
    save("screen.h5ad", x=counts[:6, :4], obs=obs, symbols=["g3", "new", "g0", "g1"])
    path = tmp_path / "mine.yaml"
    path.write_text(
        "corpora:\n"
        "  atlas: {file: atlas.h5ad, roles: {cell_type: kind, donor: donor}}\n"
        "  spiked: {join: [atlas, screen]}\n"
        "  nested: {join: [atlas, spiked]}\n"
        "  lost: {join: [atlas, scren]}\n"
        "datasets:\n"
        "  screen: {file: screen.h5ad, roles: {cell_type: kind}}\n"
    )
    return {(entry.kind, entry.name): entry for entry in read_catalogue(path)}


@pytest.fixture
def spiked(catalogue, tmp_path):
    """What a suite would know of the joined corpus, and its cells."""
    known = survey(["spiked"], [], catalogue, Store(tmp_path / "store"))
    facts = known.corpora["spiked"]
    return facts, known.located[facts.digest].open(with_labels=True)


def test_cells_follow_one_another_on_the_genes_of_the_first(spiked, counts):
    """Genes of the screen by name; those that it did not measure are zero there."""
    cells = spiked[1]
    assert isinstance(cells, Cells)
    assert (cells.n_cells, cells.genes) == (18, ("g0", "g1", "g2", "g3", "g4"))
    screen = np.zeros((6, 5))
    screen[:, [3, 0, 1]] = counts[:6][:, [0, 2, 3]]
    everything = np.vstack([counts, screen])
    np.testing.assert_array_equal(np.vstack([b.toarray() for b in cells.batches(5)]), everything)
    order = np.array([17, 0, 12, 3, 0])
    np.testing.assert_array_equal(cells.rows(order).toarray(), everything[order])


def test_rows_of_one_part_alone_and_none_at_all(spiked, counts):
    """Nothing asked of a part is nothing read."""
    np.testing.assert_array_equal(spiked[1].rows(np.array([2, 1])).toarray(), counts[[2, 1]])
    assert spiked[1].rows(np.array([], dtype=int)).shape == (0, 5)


def test_labels_say_where_a_cell_comes_from(spiked):
    """And are empty where a part has no such role."""
    columns = spiked[1].columns
    assert columns["source"].tolist() == ["atlas"] * 12 + ["screen"] * 6
    assert columns["cell_type"].tolist() == ["A", "B", "C"] * 4 + ["A"] * 6
    assert columns["donor"].tolist() == ["d1", "d2"] * 6 + [""] * 6


def test_facts_are_those_of_the_parts(spiked):
    """A role that a part lacks is not offered; source is."""
    facts = spiked[0]
    assert (facts.name, facts.kind, facts.n_cells) == ("spiked", "corpus", 18)
    assert facts.levels["cell_type"] == {"A": 10, "B": 4, "C": 4}
    assert {"corpus:source>=2", "corpus:cell_type", "corpus:components"} <= facts.offers
    assert "corpus:donor" not in facts.offers
    assert "screen measured 60% of the genes of atlas" in facts.warnings[-1]


def test_cells_of_a_data_set_are_marked(spiked):
    """So that a suite that evaluates on it leaves them out of every fit."""
    facts, cells = spiked
    assert facts.marked == {"screen": 6}
    assert cells.marked.tolist() == [""] * 12 + ["screen"] * 6


def test_the_digest_is_that_of_the_parts_in_order(save, tmp_path):
    """Other parts, or another order, are another corpus."""
    store = Store(tmp_path / "store")
    parts = [Entry(name=n, kind="corpus", file="x") for n in "ab"]
    facts = [facts_of(part, save(f"{part.name}.h5ad"), store.facts) for part in parts]
    whole = Entry(name="ab", kind="corpus", join=("a", "b"))
    digests = {joined_facts(whole, order).digest for order in (facts, facts[::-1])}
    assert len(digests) == 2
    assert joined_facts(whole, facts).digest in digests


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lost", 'no catalogue has its part "scren". Did you mean "screen"?'),
        ("nested", "is a joined corpus itself"),
    ],
)
def test_parts_that_cannot_be_joined(catalogue, tmp_path, name, words):
    """With the line of the entry."""
    with pytest.raises(Misuse) as caught:
        survey([name], [], catalogue, Store(tmp_path / "store"))
    assert words in str(caught.value)
    assert "mine.yaml:" in str(caught.value)


def test_marks_of_a_part_are_kept(save, tmp_path):
    """A corpus that marks its own cells goes on doing so."""
    obs = {"kind": ["A"] * 12, "of": ["other"] * 2 + [""] * 10}
    marked = Entry(name="m", kind="corpus", file="m.h5ad", marks="of", folder=str(tmp_path))
    plain = Entry(name="p", kind="corpus", file="p.h5ad", folder=str(tmp_path))
    parts = [open_cells(marked, save("m.h5ad", obs=obs)), open_cells(plain, save("p.h5ad"))]
    cells = JoinedCells(names=["m", "p"], parts=parts, marks=["", ""])
    assert cells.marked.tolist() == ["other"] * 2 + [""] * 22
