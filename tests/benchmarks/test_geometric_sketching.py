"""Geometric sketching against the geosketch package: how long it takes, and how well it covers.

Toy size by default, so that the code runs in CI; ``HARNESS_BENCH_FULL=1`` measures and judges 100,000 x 50.
"""

import os
from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin_min

from harness import ArrayCells, PlainRun
from harness_plugins.samplers.geometric_sketching.sampler import GeometricSketching, axes_of, cover

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
N_CELLS, N_AXES = (100_000, 50) if FULL else (2_000, 10)
SIZES = (1_000, 10_000) if FULL else (50, 200)
SEEDS = range(5)
N_TYPES = 20
RAREST_TYPES = 5


@pytest.fixture(scope="module")
def world() -> tuple[ArrayCells, np.ndarray]:
    """A mixture of 20 types from 36 % to 8 in 100,000 cells, in its true principal components."""
    rng = np.random.default_rng(0)
    shares = 0.36 * (8 / 36_000) ** np.linspace(0, 1, N_TYPES)
    sizes = np.maximum(1, np.round(N_CELLS * shares)).astype(int)
    sizes[0] += N_CELLS - sizes.sum()
    types = np.repeat(np.arange(N_TYPES), sizes)
    scale = 1 / np.sqrt(1 + np.arange(N_AXES))
    cells = (2 * rng.normal(size=(N_TYPES, N_AXES))[types] + rng.normal(size=(N_CELLS, N_AXES))) * scale
    centred = cells - cells.mean(axis=0)
    rotation = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    components = (centred @ rotation).astype(np.float32)
    return ArrayCells(counts=np.zeros((N_CELLS, 0)), genes=(), components=components), types


def ours(corpus, size, boxes, seed):
    return GeometricSketching(boxes=boxes).draw(corpus, size, PlainRun(seed=seed))


def peer(corpus, size, boxes, seed):
    from geosketch import gs

    state = np.random.get_state()  # the package seeds numpy's global generator
    chosen = gs(corpus.components, size, k=boxes, seed=seed, replace=False)
    np.random.set_state(state)
    return np.array(chosen)


def boxes_of_ours(corpus, boxes):
    return int(cover(axes_of(corpus.components, corpus.n_cells), boxes).max()) + 1


def boxes_of_peer(corpus, boxes):
    """The package only tells its log how many boxes it found."""
    lines = []
    with patch("geosketch.sketch.log", lines.append):
        from geosketch import gs

        gs(corpus.components, 1, k=boxes, verbose=1)
    return int(lines[-1].split()[1])


def measured(draw, world, size, seed):
    """Return what one draw took and how well it covers."""
    corpus, types = world
    start = perf_counter()
    chosen = draw(corpus, size, size, seed)
    seconds = perf_counter() - start
    assert len(set(chosen)) == size
    _, distance = pairwise_distances_argmin_min(corpus.components, corpus.components[chosen])
    return {
        "seconds": seconds,
        "mean_distance": float(distance.mean()),
        "max_distance": float(distance.max()),
        "rare_cells": int(np.sum(types[chosen] >= N_TYPES - RAREST_TYPES)),
    }


def side_by_side(world, size):
    """Return per quantity one value for every seed, of ours and of the peer, measured in turn."""
    pairs = [[measured(draw, world, size, seed) for draw in (ours, peer)] for seed in SEEDS]
    return [
        {quantity: [values[quantity] for values in side] for quantity in side[0]}
        for side in zip(*pairs, strict=True)
    ]


@pytest.mark.parametrize("size", SIZES)
def test_draw(benchmark, world, size):
    """The time of one draw."""
    chosen = benchmark.pedantic(ours, args=(world[0], size, size, 0), rounds=5, warmup_rounds=1)
    assert len(chosen) == size


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("size", SIZES)
def test_faster_than_geosketch_and_covers_no_worse(benchmark, world, size):
    """At 100,000 x 50: at least 20 times faster than the package, and every cell has a chosen one as near."""
    mine, theirs = benchmark.pedantic(side_by_side, args=(world, size))
    ratio = median(theirs["seconds"]) / median(mine["seconds"])
    found = {"harness": boxes_of_ours(world[0], size), "geosketch": boxes_of_peer(world[0], size)}
    benchmark.extra_info.update(
        {"size": size, "boxes": found, "times_faster": ratio, "harness": mine, "geosketch": theirs}
    )
    if not FULL:
        return
    assert ratio >= 20
    for distance in ("mean_distance", "max_distance"):
        assert median(mine[distance]) <= 1.01 * median(theirs[distance])
    assert min(theirs["rare_cells"]) <= median(mine["rare_cells"]) <= max(theirs["rare_cells"])
