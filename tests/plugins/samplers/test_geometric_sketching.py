"""Geometric sketching."""

from time import perf_counter

import numpy as np
import pytest

from harness import ArrayCells, PlainRun
from harness_plugins.samplers.geometric_sketching.sampler import (
    TOLERANCE,
    GeometricSketching,
    axes_of,
    cover,
    interval_starts,
    of_side,
)


def corpus_of(components):
    components = np.asarray(components, dtype=np.float32)
    return ArrayCells(counts=np.zeros((len(components), 1)), genes=["g"], components=components)


def drawn(components, size, boxes=0.01, seed=0):
    return GeometricSketching(boxes=boxes).draw(corpus_of(components), size, PlainRun(seed=seed))


def cloud(n_cells=500, n_axes=4, seed=0):
    scale = 1 / (1 + np.arange(n_axes))
    return (np.random.default_rng(seed).normal(size=(n_cells, n_axes)) * scale).astype(np.float32)


def greedy_intervals(values, side):
    """Interval number of every value, walking through them in order."""
    numbers, start, number = {}, None, -1
    for value in sorted(values.tolist()):
        if start is None or value > np.float32(np.float32(start) + side):
            start, number = value, number + 1
        numbers[value] = number
    return [numbers[value] for value in values.tolist()]


def partition(numbers):
    """Return which cells are together, whatever their group is called."""
    groups = {}
    for cell, number in enumerate(numbers):
        groups.setdefault(number, []).append(cell)
    return sorted(groups.values())


def test_intervals_of_one_axis():
    """Worked by hand: side 1 over 0, .5, 1, 1.5, 3 gives [0, 1], [1.5, 2.5], [3, 4]; the ends belong."""
    values = np.array([0, 0.5, 1, 1.5, 3], dtype=np.float32)
    assert interval_starts(values, np.float32(1), limit=9).tolist() == [0, 1.5, 3]


@pytest.mark.parametrize("side", [0.1, 0.5, 1, 3, 100])
def test_boxes_are_the_cells_that_share_every_interval(side):
    """The hashed boxes are those of a plain walk along every axis that compares whole tuples."""
    points, side = cloud(), np.float32(side)
    axes = axes_of(points, len(points))
    expected = zip(*(greedy_intervals(axis, side) for axis in points.T), strict=True)
    boxes = of_side(side, axes, np.sort(axes, axis=1), limit=10_000)
    assert partition(boxes.tolist()) == partition(expected)


@pytest.mark.parametrize("boxes", [20, 100, 300])
def test_boxes_of_one_side_are_as_many_as_the_published_program_finds(monkeypatch, boxes):
    """geosketch says which side it ended with (as a share of the range) and how many boxes that gave."""
    sketch = pytest.importorskip("geosketch.sketch")
    lines, points, state = [], cloud(), np.random.get_state()
    monkeypatch.setattr(sketch, "log", lines.append)
    sketch.gs(points, 10, k=boxes, seed=0, verbose=1)
    np.random.set_state(state)
    share = float(next(line for line in reversed(lines) if " unit to " in line).split()[-1])
    axes = axes_of(points, len(points))
    found = of_side(np.float32(share * np.ptp(axes, axis=1).max()), axes, np.sort(axes, axis=1), limit=10_000)
    assert lines[-1] == f"Found {len(np.unique(found))} grid cells"


@pytest.mark.parametrize("n_axes", [1, 2, 10])
@pytest.mark.parametrize("boxes", [1, 10, 100])
def test_about_as_many_boxes_as_asked_for(n_axes, boxes):
    """Where the cells lie anywhere, the number of boxes is met within the tolerance."""
    found = cover(axes_of(cloud(500, n_axes), 500), boxes).max() + 1
    assert abs(found - boxes) <= TOLERANCE * boxes


def test_every_box_gives_a_cell_before_any_gives_two():
    """As many cells as boxes are one of each; with one more, one box has given two."""
    points = cloud()
    boxes = cover(axes_of(points, 500), 50)
    n_boxes = boxes.max() + 1
    assert np.bincount(boxes[drawn(points, n_boxes, boxes=50)]).tolist() == [1] * n_boxes
    assert np.bincount(boxes[drawn(points, n_boxes + 1, boxes=50)]).max() == 2


def test_boxes_in_the_first_round_are_equally_likely():
    """A crowded box comes no sooner than a sparse one: 97 cells and 3 lone ones give half their share."""
    points = np.array([[0.0]] * 97 + [[1.0], [2.0], [3.0]])
    crowded = [int((drawn(points, 2, boxes=4, seed=seed) < 97).sum()) for seed in range(1_000)]
    assert 440 < sum(crowded) < 560  # binomial, 1,000 draws of one half, sd 16


def test_rare_cells_are_found():
    """1 % of the cells, far away and as spread out as the rest, are at least 8 % of the sketch."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (1_980, 2)), rng.normal(20, 1, (20, 2))])
    assert (drawn(points, 100, boxes="size") >= 1_980).sum() >= 8


@pytest.mark.parametrize("boxes", [0.01, 5, 400, "size"])
@pytest.mark.parametrize("size", [1, 5, 399, 400])
@pytest.mark.parametrize(
    "points",
    [
        np.zeros((400, 3)),
        np.repeat([[0.0, 1.0], [1.0, 0.0]], 200, axis=0),
        np.repeat(cloud(20), 20, axis=0),
        np.column_stack([cloud(400, 1), np.ones((400, 2))]),
        np.arange(400.0)[:, None],
        np.arange(400)[:, None] % 3,
        np.concatenate([cloud(399), [[1e30] * 4]]),
        cloud(400) * 1e-30,
    ],
    ids=["constant", "two", "twenty", "constant axes", "line", "lattice", "outlier", "tiny"],
)
def test_neither_crashes_nor_stalls(points, size, boxes):
    """Duplicates, constants, outliers, one axis, one cell, all cells: exact size, at once."""
    start = perf_counter()
    assert len(set(drawn(points, size, boxes))) == size
    assert perf_counter() - start < 2


def test_five_thousand_duplicates_do_not_stall():
    """The peer takes 200 rounds and more than 20 s over these rows."""
    start = perf_counter()
    points = np.repeat(cloud(50, 20), 100, axis=0)
    assert len(set(drawn(points, 1_000, boxes="size"))) == 1_000
    assert perf_counter() - start < 2


def test_each_distinct_cell_has_its_own_box_where_boxes_abound():
    """With as many boxes as distinct cells, -0 and 0 being one, duplicates come last."""
    points = np.array([[0.0], [-0.0], [1e-30], [1.0], [1.0]])
    assert partition(cover(axes_of(points, 5), 3)) == [[0, 1], [2], [3, 4]]


def test_one_cell():
    """A corpus of one cell gives it."""
    assert drawn([[1.0, 2.0]], 1).tolist() == [0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_components_that_are_not_finite_are_refused(value):
    """NaN is no place in space: the sentence says how many cells are concerned."""
    points = cloud(10)
    points[3, 1] = points[7, 0] = value
    with pytest.raises(ValueError, match="2 of 10 cells have principal components that are NaN"):
        drawn(points, 5)


@pytest.mark.parametrize("components", [None, np.zeros(4), np.zeros((3, 2)), np.zeros((4, 0))])
def test_components_of_another_shape_are_refused(components):
    """One row per cell and at least one column, or a sentence."""
    corpus = ArrayCells(counts=np.zeros((4, 1)), genes=["g"], components=components)
    with pytest.raises(ValueError, match="one row for each of its 4 cells"):
        GeometricSketching().draw(corpus, 2, PlainRun(seed=0))


@pytest.mark.parametrize("boxes", [0, -1, 2.5, "many", True, None, float("nan"), float("inf")])
def test_boxes_that_make_no_sense_are_refused(boxes):
    """The sentence repeats the value and says what would have been accepted."""
    with pytest.raises(ValueError, match=f'boxes = "{boxes}".*a whole number of boxes, or "size"'):
        GeometricSketching(boxes=boxes)


def test_boxes_as_a_share_a_number_or_the_size():
    """1 % of 12,345 cells are 123 boxes, as in the founding study; a tiny corpus has at least one."""
    assert GeometricSketching().n_boxes(12_345, 50) == 123
    assert GeometricSketching().n_boxes(7, 5) == 1
    assert GeometricSketching(boxes=70).n_boxes(12_345, 50) == 70
    assert GeometricSketching(boxes="size").n_boxes(12_345, 50) == 50
