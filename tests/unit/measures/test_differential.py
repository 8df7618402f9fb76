"""Wilcoxon rank-sum tests of many groups: by hand, against scipy and scanpy, and what must not matter."""

from math import erfc, expm1, log2, sqrt

import numpy as np
import pandas as pd
import pytest
import scanpy
from anndata import AnnData, read_h5ad
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csc_matrix, csr_array, csr_matrix
from scipy.stats import mannwhitneyu, rankdata

from harness.contracts.cells import read_only
from harness.errors import HarnessError, NotFinite
from harness.measures import differential, log_normalise, wilcoxon

REFERENCES = ("control", "rest")
CELLS = {"control": 60, "drug": 40, "other drug": 25, "weak": 3, "alone": 1}
GENES = 60


def world(seed=0, genes=GENES, lowest=0):
    """Few distinct values, many zeros; gene 0 is never seen, gene 1 constant, gene 2 seen in one cell only.

    A gene in three goes up with the drug; with ``lowest`` below zero a third of the values is negative.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(CELLS), list(CELLS.values())).astype(object)
    rate = rng.gamma(0.5, 2.0, genes) * np.where(labels == "drug", 1.6, 1.0)[:, None] ** (
        np.arange(genes) % 3
    )
    values = rng.poisson(rate) / 4
    values[rng.random(values.shape) < 0.3] += lowest
    values[:, 0], values[:, 1], values[:, 2], values[7, 2] = 0, 1.25, 0, 0.5
    order = rng.permutation(len(labels))
    return csr_matrix(values[order].astype(np.float32)), labels[order]


def sides(expression, labels, group, reference):
    """Return the cells of a group and of its reference, dense, in float64."""
    dense = expression.toarray().astype(np.float64)
    other = labels != group if reference == "rest" else labels == reference
    return dense[labels == group], dense[other]


def z_by_ranks(cells, others, tie_correct):
    """The rank sum of the cells, standardised: Kruskal & Wallis 1952, in plain numpy."""
    n, m = len(cells), len(others)
    pooled = np.concatenate([cells, others])
    excess = rankdata(pooled, axis=0)[:n].sum(axis=0) - n * (n + m + 1) / 2
    blocks = [np.unique(gene, return_counts=True)[1].astype(float) for gene in pooled.T]
    ties = np.array([np.sum(t**3 - t) for t in blocks]) / ((n + m) ** 3 - (n + m)) * tie_correct
    variance = n * m * (n + m + 1) / 12 * (1 - ties)
    return np.divide(excess, np.sqrt(variance), out=np.zeros(len(excess)), where=variance > 0)


def by_scanpy(expression, labels, reference, tie_correct, groups="all"):
    """Return what scanpy stores, genes in their order: group -> table of scores, p-values and changes."""
    atlas = AnnData(expression.copy())
    atlas.obs["group"] = pd.Categorical(labels.astype(str))
    scanpy.tl.rank_genes_groups(
        atlas, "group", groups=groups, reference=reference, method="wilcoxon", tie_correct=tie_correct
    )
    found = atlas.uns["rank_genes_groups"]
    return {
        group: pd.DataFrame({key: found[key][group] for key in found if key != "params"})
        .set_index("names")
        .loc[atlas.var_names]
        for group in found["names"].dtype.names
    }


def agrees_with_scanpy(expression, labels, reference, tie_correct, groups="all"):
    """scanpy keeps z and changes in float32: up to 6e-8 of their size is lost; p-values are float64."""
    expected = by_scanpy(expression, labels, reference, tie_correct, groups)
    found = wilcoxon(
        expression, labels, reference=reference, groups=tuple(expected), tie_correct=tie_correct, min_cells=2
    )
    for row, table in enumerate(expected.values()):
        np.testing.assert_allclose(found.z[row], table["scores"], rtol=2**-23, atol=1e-12)
        np.testing.assert_allclose(found.p[row], table["pvals"], rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(found.p_adjusted[row], table["pvals_adj"], rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(
            found.log_fold_change[row], table["logfoldchanges"], rtol=2**-22, atol=1e-6
        )
        np.testing.assert_allclose(found.p[row], table["pvals"], rtol=0, atol=1e-12)
    return found


def same(one, other, **tolerance):
    for name in ("z", "p", "p_adjusted", "log_fold_change"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), **{"rtol": 0, "atol": 0, **tolerance}
        )


# -- by hand ---------------------------------------------------------------------------------------------


def test_worked_by_hand():
    """Three treated cells against four controls; the second gene is the first with its sign changed."""
    expression = csr_matrix(np.array([[0, 1, 3, 0, 0, 1, 2], [0, -1, -3, 0, 0, -1, -2], [1] * 7]).T)
    labels = np.array(["drug"] * 3 + ["control"] * 4, dtype=object)
    found = wilcoxon(expression, labels, min_cells=3)
    # The drug's 0 ties with two controls: 1; its 1 beats two and ties with one: 2.5; its 3 beats all: 4.
    u, n, m = 1 + 2.5 + 4, 3, 4
    # 0 stands three times, 1 twice: 27 - 3 + 8 - 2 = 30 of 343 - 7 = 336.
    variance = n * m * (7 + 1) / 12 * (1 - 30 / 336)
    z = (u - n * m / 2) / sqrt(variance)
    p = erfc(z / sqrt(2))
    np.testing.assert_allclose(found.z, [[z, -z, 0]], rtol=1e-14)
    np.testing.assert_allclose(found.p, [[p, p, 1]], rtol=1e-13)
    np.testing.assert_allclose(found.p_adjusted, [[p * 3 / 2, p * 3 / 2, 1]], rtol=1e-13)
    np.testing.assert_allclose(found.log_fold_change[0, 0], log2(expm1(4 / 3) / expm1(3 / 4)), rtol=1e-8)
    np.testing.assert_allclose(found.log_fold_change[0, 1:], [np.nan, 0])  # a mean below zero has no fold
    assert (found.groups, found.reference, found.notes) == (("drug",), "control", {})
    assert (found.n_cells.tolist(), found.n_reference.tolist()) == ([3], [4])
    plain = wilcoxon(expression, labels, min_cells=3, tie_correct=False)
    np.testing.assert_allclose(plain.z[0, 0], 1.5 / sqrt(3 * 4 * 8 / 12), rtol=1e-14)


def test_the_rest_is_all_other_cells():
    """Cells of groups that are not asked for are part of it, and the groups come in the order asked for."""
    expression, labels = world()
    found = wilcoxon(expression, labels, reference="rest", groups=("other drug", "drug"))
    assert found.groups == ("other drug", "drug")
    assert found.n_cells.tolist() == [25, 40]
    assert found.n_reference.tolist() == [129 - 25, 129 - 40]
    two = np.where(labels == "drug", "drug", "not").astype(object)
    same_cells = wilcoxon(expression, two, reference="not")
    np.testing.assert_allclose(found.z[1], same_cells.z[0], rtol=1e-12)
    np.testing.assert_allclose(found.log_fold_change[1], same_cells.log_fold_change[0], rtol=1e-7)


# -- against others --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lowest", [0, -1])
@pytest.mark.parametrize("tie_correct", [True, False])
@pytest.mark.parametrize("reference", REFERENCES)
def test_z_is_that_of_ranks(reference, tie_correct, lowest):
    """Many ties, a gene never seen, a constant one, a group of one cell, values below zero: to 1e-11."""
    expression, labels = world(lowest=lowest)
    found = wilcoxon(expression, labels, reference=reference, tie_correct=tie_correct, min_cells=1)
    assert set(found.groups) == set(CELLS) - ({"control"} if reference == "control" else set())
    assert not found.notes
    for row, group in enumerate(found.groups):
        expected = z_by_ranks(*sides(expression, labels, group, reference), tie_correct)
        np.testing.assert_allclose(found.z[row], expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("lowest", [0, -1])
@pytest.mark.parametrize("reference", REFERENCES)
def test_p_is_that_of_scipy(reference, lowest):
    """mannwhitneyu, asymptotic without continuity; where nothing varies scipy has no answer and ours is 1."""
    expression, labels = world(seed=1, lowest=lowest)
    found = wilcoxon(expression, labels, reference=reference, min_cells=1)
    for row, group in enumerate(found.groups):
        cells, others = sides(expression, labels, group, reference)
        expected = mannwhitneyu(cells, others, method="asymptotic", use_continuity=False).pvalue
        varies = np.ptp(np.concatenate([cells, others]), axis=0) > 0
        np.testing.assert_allclose(found.p[row, varies], expected[varies], rtol=1e-10)
        assert np.isnan(expected[~varies]).all()
        assert (found.p[row, ~varies] == 1).all()
        assert (found.z[row, ~varies] == 0).all()
        assert not varies[:2].any()


@pytest.mark.parametrize("tie_correct", [True, False])
@pytest.mark.parametrize("reference", REFERENCES)
def test_all_is_that_of_scanpy(reference, tie_correct):
    """z, p, adjusted p and fold changes of every group that scanpy accepts, to the digits that it keeps."""
    expression, labels = world(seed=2)
    several = labels != "alone"
    found = agrees_with_scanpy(expression[several], labels[several], reference, tie_correct)
    assert np.abs(found.z).max() > 3
    assert (found.p_adjusted < 0.05).sum() > 3


@pytest.fixture(scope="module")
def blood(shared):
    """Log-normalised expression and labels of 3,816 blood cells, half treated with interferon beta."""
    path = shared / "data" / "kang_ifnb.h5ad"
    if not path.exists():
        pytest.skip(f'the data set is absent ("{path.name}")')
    atlas = read_h5ad(path)
    return log_normalise(atlas.X)[:, ::15], atlas.obs


@pytest.mark.parametrize("tie_correct", [True, False])
@pytest.mark.parametrize(("column", "reference"), [("perturbation", "control"), ("cell_type", "rest")])
def test_real_cells_agree_with_scanpy(blood, column, reference, tie_correct):
    """Every 15th gene, with interferon or without, and a large and a tiny cell type against the rest."""
    expression, labels = blood[0], blood[1][column].astype(str).to_numpy()
    groups = ["IFN-beta"] if column == "perturbation" else ["B", "Eryth"]
    found = agrees_with_scanpy(expression, labels, reference, tie_correct, groups)
    for row, group in enumerate(found.groups):
        expected = z_by_ranks(*sides(expression, labels.astype(object), group, reference), tie_correct)
        np.testing.assert_allclose(found.z[row], expected, rtol=1e-10, atol=1e-12)


# -- known truth -----------------------------------------------------------------------------------------


def test_the_variance_is_right_where_nothing_differs():
    """Two halves of one population: z has variance 1 if ties are corrected for, and much less if not."""
    rng = np.random.default_rng(0)
    expression = csr_matrix(rng.poisson(0.1, (400, 3000)).astype(np.float32))
    labels = np.repeat(["a", "control"], 200).astype(object)
    corrected, plain = (wilcoxon(expression, labels, tie_correct=ties) for ties in (True, False))
    assert np.var(corrected.z) == pytest.approx(1, abs=4 * sqrt(2 / 3000))
    assert np.var(plain.z) == pytest.approx(1 - 0.9**3, abs=0.05)
    assert np.mean(corrected.p < 0.05) == pytest.approx(0.05, abs=0.015)


def test_changed_genes_are_found_with_their_signs():
    """Of 300 genes 20 go up and 20 down; at 5 % false discoveries they are found, and few others."""
    rng = np.random.default_rng(1)
    effect = np.repeat([8.0, 0.125, 1.0], [20, 20, 260])
    labels = np.repeat(["drug", "control"], 150).astype(object)
    expression = csr_matrix(np.log1p(rng.poisson(np.where((labels == "drug")[:, None], effect, 1.0))))
    found = wilcoxon(expression, labels)
    called = found.p_adjusted[0] < 0.05
    assert called[:40].all()
    assert called[40:].sum() <= 8
    assert (np.sign(found.z[0, :40]) == np.repeat([1, -1], 20)).all()
    assert (np.sign(found.log_fold_change[0, :40]) == np.repeat([1, -1], 20)).all()


# -- too little, or not right ----------------------------------------------------------------------------


@pytest.mark.parametrize("reference", REFERENCES)
def test_groups_with_too_few_cells_get_a_reason_and_no_score(reference):
    """Their rows are NaN; those of the others do not change, nor do their adjusted p-values."""
    expression, labels = world()
    found, lenient = (wilcoxon(expression, labels, reference=reference, min_cells=n) for n in (10, 1))
    assert set(found.notes) == {"weak", "alone"}
    others = 60 if reference == "control" else 129 - 3
    assert found.notes["weak"] == f"3 cells against {others} of the reference; at least 10 of each are needed"
    few = np.array([group in found.notes for group in found.groups])
    for name in ("z", "p", "p_adjusted", "log_fold_change"):
        assert np.isnan(getattr(found, name)[few]).all()
        np.testing.assert_array_equal(getattr(found, name)[~few], getattr(lenient, name)[~few])
        assert np.isfinite(getattr(found, name)[~few]).all()


def test_a_small_reference_leaves_nothing_to_test():
    """Every group gets the reason, and the table is NaN, not an error."""
    found = wilcoxon(*world(), reference="weak")
    assert set(found.notes) == set(found.groups) == set(CELLS) - {"weak"}
    assert np.isnan(found.p_adjusted).all()


@pytest.mark.parametrize("min_cells", [0, 1])
def test_a_group_without_a_rest_is_not_tested(min_cells):
    """All cells in one group: there is nothing to hold them against."""
    found = wilcoxon(np.eye(20), ["a"] * 20, reference="rest", min_cells=min_cells)
    assert found.notes == {"a": "20 cells against 0 of the reference; at least 1 of each are needed"}
    assert np.isnan(found.z).all()


def test_no_genes_are_no_error():
    """A table without columns."""
    assert wilcoxon(csr_matrix((20, 0)), ["a", "control"] * 10).p_adjusted.shape == (1, 0)


LABELS = np.array(["drug", "control"] * 10, dtype=object)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [csr_matrix, np.asarray])
def test_what_has_no_rank_is_refused(value, form):
    """One value in the whole matrix is enough."""
    expression = np.eye(20)
    expression[3, 4] = value
    with pytest.raises(NotFinite, match="1 values of the expression are NaN or infinite"):
        wilcoxon(form(expression), LABELS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": LABELS[:-1]}, "19 labels are given for 20 cells"),
        ({"labels": np.where(LABELS == "drug", None, LABELS)}, "10 of 20 cells have no label"),
        ({"labels": np.where(LABELS == "drug", np.nan, LABELS)}, "10 of 20 cells have no label"),
        ({"reference": "controls"}, 'no cell is labelled "controls". Did you mean "control"?'),
        ({"groups": ["drug", "durg"]}, 'no cell is labelled "durg". Did you mean "drug"?'),
        ({"groups": ["control"]}, 'the groups to test are "control"; at least one is needed'),
        ({"groups": ["drug", "drug"]}, 'the groups to test are "drug, drug"'),
        ({"labels": ["control"] * 20}, 'the groups to test are ""'),
        ({"labels": ["a", "rest"] * 10, "reference": "rest"}, 'a group is called "rest"'),
    ],
)
def test_bad_questions_are_refused_in_sentences(change, sentence):
    """What is wrong, and what is known."""
    with pytest.raises(HarnessError) as error:
        wilcoxon(**{"expression": np.eye(20), "labels": LABELS, **change})
    assert sentence in str(error.value)


# -- what must not matter --------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", REFERENCES)
def test_neither_threads_nor_blocks_matter(monkeypatch, reference):
    """The same bits with one, two and five threads, and gene by gene."""
    expression, labels = world()
    found = wilcoxon(expression, labels, reference=reference)
    for threads in (2, 5):
        same(wilcoxon(expression, labels, reference=reference, threads=threads), found)
    monkeypatch.setattr(differential, "BLOCK", 1)
    same(wilcoxon(expression, labels, reference=reference, threads=2), found)


def untidy(expression):
    """The same matrix with values in two parts, in no order, and zeros that are stored."""
    half = coo_matrix(expression / 2)
    rows, columns = np.tile(half.row, 2)[::-1], np.tile(half.col, 2)[::-1]
    data = np.tile(half.data, 2)[::-1]
    empty = np.argwhere(expression.toarray() == 0)[:50].T
    rows, columns, data = (
        np.concatenate(pair) for pair in ((rows, empty[0]), (columns, empty[1]), (data, np.full(50, -0.0)))
    )
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(expression.shape[0] + 1))
    return csr_matrix((data[order], columns[order], starts), shape=expression.shape)


def wide(expression):
    """The same matrix with indices of 64 bits."""
    found = expression.copy()
    found.indices, found.indptr = found.indices.astype(np.int64), found.indptr.astype(np.int64)
    return found


@pytest.mark.parametrize(
    "form",
    [
        csc_matrix,
        coo_matrix,
        csr_array,
        csr_matrix.toarray,
        lambda x: x.astype(float),
        read_only,
        untidy,
        wide,
    ],
)
@pytest.mark.parametrize("reference", REFERENCES)
def test_the_form_of_the_matrix_does_not_matter_and_it_stays_as_it_is(form, reference):
    """By rows, by columns, dense, with duplicates, with stored zeros; never altered."""
    expression, labels = world()
    given, before = form(expression), form(expression.copy())
    same(wilcoxon(given, labels, reference=reference), wilcoxon(expression, labels, reference=reference))
    for part in ("data", "indices", "indptr"):
        if hasattr(before, part):
            np.testing.assert_array_equal(getattr(given, part), getattr(before, part))


@pytest.mark.parametrize("form", [list, pd.Series, pd.Categorical, lambda x: x.astype(str)])
def test_labels_come_in_any_form(form):
    """Lists, series, categories, arrays of text."""
    expression, labels = world()
    same(wilcoxon(expression, form(labels)), wilcoxon(expression, labels))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), lowest=st.sampled_from([0, -1]))
def test_only_ranks_matter(seed, lowest):
    """Any order of cells, any increasing map that keeps zero; group and reference change the sign."""
    expression, labels = world(seed, 20, lowest)
    found = wilcoxon(expression, labels, groups=["drug"])
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = wilcoxon(expression[order], labels[order], groups=["drug"])
    np.testing.assert_array_equal(shuffled.z, found.z)
    mapped = expression.copy()
    mapped.data = np.sign(mapped.data) * np.expm1(np.abs(mapped.data)) ** 2
    np.testing.assert_array_equal(wilcoxon(mapped, labels, groups=["drug"]).z, found.z)
    swapped = wilcoxon(expression, labels, reference="drug", groups=["control"])
    np.testing.assert_allclose(swapped.z, -found.z, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(swapped.log_fold_change, -found.log_fold_change, rtol=1e-9, atol=1e-12)
