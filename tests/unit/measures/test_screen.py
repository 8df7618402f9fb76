"""What is taken from a screen in one pass, against all pairs of its cells."""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist
from scipy.stats import ttest_ind

from harness.measures import measure_screen
from harness.measures.screen import welch_p, welch_t


def screen_of(x, what, where, parts=1):
    batches = [csr_matrix(part) for part in np.array_split(x, parts)]
    return measure_screen(batches, np.array(what, dtype=object), np.array(where, dtype=object))


def cells(seed=0, n=40, genes=5):
    """Return cells of a control, of a drug and of one that does nothing, in two contexts."""
    rng = np.random.default_rng(seed)
    what = np.repeat(["control", "drug", "idle"] * 2, n)
    where = np.repeat(["x", "y"], 3 * n)
    return rng.gamma(1, 1, (6 * n, genes)) + (what == "drug")[:, None] * 0.8, what, where


def test_the_size_of_an_effect_is_the_distance_between_all_pairs_of_cells():
    """E-distance with squared Euclidean distances, a cell's distance to itself left out; of one context's
    control; controls have none."""
    x, what, where = cells()
    screen = screen_of(x, what, where, parts=3)

    def within(rows):
        return cdist(rows, rows, "sqeuclidean").sum() / (len(rows) * (len(rows) - 1))

    for number, condition in enumerate(screen.conditions):
        if condition.perturbation == "control":
            assert np.isnan(screen.effect_size[number])
            continue
        here = where == condition.context
        own, control = (x[here & (what == name)] for name in (condition.perturbation, "control"))
        expected = 2 * cdist(own, control, "sqeuclidean").mean() - within(own) - within(control)
        np.testing.assert_allclose(screen.effect_size[number], expected)


def test_what_does_nothing_has_no_size_on_average():
    """Over 60 draws; a shift of .8 in each of 5 genes has 2 x 5 x .64."""
    found = [dict(zip(s.conditions, s.effect_size, strict=True)) for s in map(drawn, range(60))]
    idle, drug = (np.array([f[name, "", "x"] for f in found]) for name in ("idle", "drug"))
    assert abs(idle.mean()) < 3 * idle.std() / np.sqrt(60)
    assert abs(drug.mean() - 6.4) < 3 * drug.std() / np.sqrt(60)


def drawn(seed):
    return screen_of(*cells(seed, n=15))


def test_a_condition_with_few_cells_has_no_size():
    """Nine cells are neither taught nor asked."""
    x, what, where = cells(n=10)
    kept = np.arange(len(x)) != np.flatnonzero(what == "drug")[0]
    screen = screen_of(x[kept], what[kept], where[kept])
    missing = [c for c, size in zip(screen.conditions, screen.effect_size, strict=True) if np.isnan(size)]
    assert [tuple(c) for c in missing] == [("control", "", "x"), ("control", "", "y"), ("drug", "", "x")]


def test_welchs_t_is_scipys():
    """And a gene that varies nowhere has t = 0 and p = 1."""
    x, what, where = cells()
    x[:, 4] = 2.0
    screen = screen_of(x, what, where)
    rows, controls = np.flatnonzero(screen.usable), screen.controls[screen.usable]
    t, p = (f(screen.whole[rows], screen.whole[controls]) for f in (welch_t, welch_p))
    for place, row in enumerate(rows):
        own, control = (x[screen.of_cell == number] for number in (row, screen.controls[row]))
        peer = ttest_ind(own[:, :4], control[:, :4], equal_var=False)
        np.testing.assert_allclose(t[place, :4], peer.statistic)
        np.testing.assert_allclose(p[place, :4], peer.pvalue)
    assert (t[:, 4] == 0).all()
    assert (p[:, 4] == 1).all()
