"""Few groups, equal shares, exact sizes; and on a world where studies teach, more studies teach more."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from harness import ArrayCells, NotApplicable, PlainRun
from harness.measures import diversity
from harness.synthetic import WORLDS
from harness_plugins.models.pca.model import PCA
from harness_plugins.samplers.group_limited.sampler import GroupLimited

SIZES = {"a": 50, "b": 30, "c": 20, "d": 5}


def corpus():
    donors = np.repeat(list(SIZES), list(SIZES.values())).astype(object)
    return ArrayCells(counts=np.zeros((len(donors), 1)), genes=["g"], columns={"donor": donors})


def donors_of(rows):
    return np.unique(corpus().columns["donor"][rows].astype(str), return_counts=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_only_that_many_groups_give_cells_and_equally_many(groups, seed):
    """Twelve cells of g groups are 12 / g of each, unless a group has fewer."""
    rows = GroupLimited(groups=groups).draw(corpus(), 5, PlainRun(seed=seed))
    assert len(set(rows.tolist())) == 5
    names, counts = donors_of(rows)
    assert len(names) == groups
    assert counts.max() - counts.min() <= 1


def test_a_used_up_group_is_passed_over():
    """All four donors at 65 cells: 5, and 20 of each of the others."""
    names, counts = donors_of(GroupLimited(groups=4).draw(corpus(), 65, PlainRun(seed=0)))
    assert dict(zip(names, counts.tolist(), strict=True)) == {"a": 20, "b": 20, "c": 20, "d": 5}


def test_a_small_draw_is_part_of_a_larger_one():
    """For the same seed and number of groups."""
    small, large = (set(GroupLimited(groups=2).draw(corpus(), n, PlainRun(seed=3))) for n in (4, 20))
    assert small < large


def test_seeds_choose_other_groups():
    """Which groups teach is chance, and repeated over seeds."""
    chosen = {
        tuple(donors_of(GroupLimited(groups=1).draw(corpus(), 5, PlainRun(seed=s)))[0]) for s in range(20)
    }
    assert len(chosen) > 1


@pytest.mark.parametrize(
    ("groups", "size", "words"),
    [(5, 5, "have 4 levels of donor, fewer than 5"), (4, 106, "105 cells, fewer than 106")],
)
def test_what_cannot_be_drawn_is_said(groups, size, words):
    """Never fewer groups or cells than asked for."""
    with pytest.raises(NotApplicable, match=words):
        GroupLimited(groups=groups).draw(corpus(), size, PlainRun())


@pytest.fixture(scope="module")
def diverse():
    """A world in which a study shows few programmes: s studies cover a share 1 - (1 - f)^s of them."""
    return WORLDS["diverse"].corpus(16_000).cells(), WORLDS["diverse"].evaluation(900).cells()


def test_at_one_size_more_studies_teach_more(diverse):
    """And further cells of one study teach next to nothing: the effects are known from the construction."""
    narrow = {n: [accuracy(*diverse, 1, n, seed) for seed in range(4)] for n in (300, 800)}
    wide = {groups: [accuracy(*diverse, groups, 800, seed) for seed in range(4)] for groups in (4, 16)}
    assert np.mean(wide[4]) > np.mean(narrow[800]) + 0.1
    assert np.mean(wide[16]) > np.mean(narrow[800]) + 0.15
    assert min(wide[16]) > max(narrow[800])
    assert abs(np.mean(narrow[800]) - np.mean(narrow[300])) < 0.08


def test_the_figures_of_diversity_move_with_the_studies(diverse):
    """At one size: what the host writes with a sample."""
    studies = diverse[0].columns["study"]
    rows = {g: GroupLimited(by="study", groups=g).draw(diverse[0], 320, PlainRun()) for g in (1, 4, 16)}
    found = {
        g: diversity({"study": studies[chosen]}, np.ones((320, 1)))["study"] for g, chosen in rows.items()
    }
    assert {g: figures["shannon"] for g, figures in found.items()} == pytest.approx({1: 0, 4: 2, 16: 4})


def accuracy(everything, asked, groups, size, seed):
    """Return how well five neighbours tell the types of every other cell by components of a sample."""
    rows = GroupLimited(by="study", groups=groups).draw(everything, size, PlainRun(seed=seed))
    model = PCA(n_components=50, n_genes=700)
    model.initialise(everything.genes, PlainRun())
    model.fit(ArrayCells(counts=everything.counts[np.sort(rows)], genes=everything.genes), PlainRun())
    found, types = model.embed(asked, PlainRun()), asked.columns["cell_type"].astype(str)
    return KNeighborsClassifier(5).fit(found[::2], types[::2]).score(found[1::2], types[1::2])
