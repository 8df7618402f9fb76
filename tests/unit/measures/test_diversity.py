"""Diversity figures against hand-worked ones and the definition with all similarities written out."""

import numpy as np
import pytest
from scipy.linalg import logm

from harness.measures import diversity, gini_simpson, inverse_simpson, shannon, vendi

HALVES = ["a", "a", "b", "c"]


def test_label_indices_by_hand():
    """Frequencies 1/2, 1/4, 1/4: 1.5 bits, 1 - 3/8, 8/3."""
    assert shannon(HALVES) == pytest.approx(1.5)
    assert gini_simpson(HALVES) == pytest.approx(5 / 8)
    assert inverse_simpson(HALVES) == pytest.approx(8 / 3)


def test_one_label_has_no_diversity():
    """Nothing to be unlike; one effective label."""
    assert (shannon(["a"] * 5), gini_simpson(["a"] * 5), inverse_simpson(["a"] * 5)) == (0, 0, 1)


def test_vendi_counts_unlike_cells():
    """Copies of k orthogonal cells count k, whatever their length."""
    axes = np.repeat(np.eye(4)[:3], 5, axis=0) * np.arange(1, 16)[:, None]
    assert vendi(axes) == pytest.approx(3)
    assert vendi(np.ones((7, 2))) == pytest.approx(1)


def test_vendi_is_the_entropy_of_the_similarities():
    """The definition, tr of K/n log K/n with the n x n matrix (Friedman and Dieng 2023, definition 3.1)."""
    features = np.random.default_rng(0).normal(size=(6, 8))
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = rows @ rows.T / 6
    assert vendi(features) == pytest.approx(np.exp(-np.trace(similarity @ logm(similarity)).real), rel=1e-9)


def test_a_cell_without_features_is_like_no_other():
    """Zero rows have no direction; each adds one of its own, and nothing is NaN."""
    assert vendi(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])) == pytest.approx(3)
    assert vendi(np.zeros((4, 2))) == pytest.approx(4)


def test_all_figures_of_a_sample():
    """One entry per role, and the Vendi score."""
    columns = {"cell_type": np.array(HALVES, dtype=object)}
    found = diversity(columns, np.eye(4))
    assert found["vendi"] == pytest.approx(4)
    assert found["cell_type"] == pytest.approx(
        {"levels": 3, "shannon": 1.5, "gini_simpson": 0.625, "inverse_simpson": 8 / 3, "labelled": 1}
    )


def test_a_missing_label_is_no_level():
    """Figures are those of the labelled cells; a role that labels none has none."""
    columns = {
        "study": np.array(["a", "a", "b", ""], dtype=object),
        "assay": np.array([""] * 4, dtype=object),
    }
    found = diversity(columns, np.eye(4))
    assert "assay" not in found
    assert (found["study"]["levels"], found["study"]["labelled"]) == (2, 0.75)
    assert found["study"]["gini_simpson"] == pytest.approx(1 - 5 / 9)
