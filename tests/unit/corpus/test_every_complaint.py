"""One look names everything that is wrong, and where it is."""

import numpy as np
import pytest

from harness.corpus import check
from harness.corpus.measure import measure
from harness.errors import BadData


def complaints(entry, path):
    with pytest.raises(BadData) as caught:
        measure(entry, path)
    return str(caught.value).splitlines()


def test_all_complaints_come_at_once(save, entry, counts):
    """Columns, labels, digest and counts are all looked at, whatever else is wrong."""
    counts[2, 1] = -3
    obs = {"kind": ["A", None, "B"] * 4, "group": ["d1", "d2"] * 6}
    asked = entry(digest="0" * 64, ensembl="ensembl", drop={"quality": ("low",)})
    found = complaints(asked, save(x=counts, obs=obs))
    assert all(line.startswith("catalogue.yaml:7: cells: ") for line in found)
    for words in (
        'column "donor"',
        'column "quality"',
        'column "ensembl"',
        "4 cells have no label",
        "expects",
    ):
        assert sum(words in line for line in found) == 1
    assert '1 counts are negative (such as -3 in cell "cell2", gene "g1")' in found[-1]
    assert len(found) == 6


def test_an_absent_layer_hides_no_other_complaint(save, entry):
    """The columns are looked at even where there are no counts to look at."""
    found = complaints(
        entry(counts="layers/umi", roles={"batch": "lane"}), save(layers={"other": np.ones((12, 5))})
    )
    assert 'no column "lane"' in found[0]
    assert 'no "layers/umi"' in found[1]
    assert "it has X, layers/other" in found[1]


def test_the_first_of_several_faults_is_named(save, entry, counts):
    """The example is a cell and a gene of the file, counted from its first row."""
    counts[5, 4], counts[7, 0] = 0.25, 0.5
    (found,) = complaints(entry(drop={"kind": ("A",)}), save(x=counts))
    assert '2 counts are not whole (such as 0.25 in cell "cell5", gene "g4"; are they normalised?)' in found


def test_dropped_cells_may_hold_anything(save, entry, counts):
    """What is left out is neither read nor judged."""
    counts[0] = np.nan  # cell0 is of kind A
    assert measure(entry(drop={"kind": ("A",)}), save(x=counts)).n_cells == 8


def test_zeros_only_are_no_counts(save, entry):
    """A matrix that lost its values is noticed."""
    (found,) = complaints(entry(), save(x=np.zeros((12, 5), dtype=np.float32)))
    assert '"X" holds zeros only' in found


def test_counts_that_float32_cannot_hold_are_refused(save, entry, counts):
    """Above 2^24 counts would be rounded in silence."""
    counts = counts.astype(np.float64)
    counts[1, 1] = 2**24 + 1
    (found,) = complaints(entry(), save(x=counts))
    assert "1 counts are above 16,777,216" in found


def test_another_level_called_control_is_refused(save, entry):
    """Two kinds of controls are not merged by renaming one of them."""
    asked = entry(roles={"perturbation": "treatment"}, control="DMSO")
    (found,) = complaints(asked, save(obs={"treatment": ["DMSO", "control", "drug"] * 4}))
    assert "rename one of them" in found


def test_cells_that_got_a_label_by_decree_are_counted(save, entry):
    """The board can say how many cells were never labelled."""
    facts = measure(entry(missing="unknown"), save(obs={"kind": ["A", None, "B"] * 4, "donor": ["d"] * 12}))
    assert facts.warnings == ('4 cells have no cell_type and count as "unknown"',)


def test_cells_without_a_label_can_be_dropped(save, entry):
    """The empty text stands for no label."""
    obs = {"kind": ["A", None, "B"] * 4, "donor": ["d"] * 12}
    facts = measure(entry(drop={"kind": ("",)}), save(obs=obs))
    assert facts.levels["cell_type"] == {"A": 4, "B": 4}


def test_complaints_as_data(save, entry, tmp_path):
    """``harness data check`` prints sentences; a sound file has none; an absent one has one."""
    assert check(entry(), save) == []
    (found,) = check(entry(file=str(tmp_path / "cell.h5ad")))
    assert "there is no file" in found
    assert 'Did you mean "cells.h5ad"?' in found
