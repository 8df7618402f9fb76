"""Tables of samples and fits, worked out by hand."""

import copy

import pytest

from harness_leaderboard.efforts import fit_rows, sample_rows


def score(seed, size=100, seconds=2.0, vendi=10.0, dataset="kang", **change):
    """A trained job of a model on a random sample, asked about one data set."""
    return {
        "status": "ok",
        "arm": "trained",
        "model": {"name": "net", "label": "net"},
        "corpus": {"name": "atlas"},
        "sampler": {"name": "random", "label": "random"},
        "size": size,
        "seed": seed,
        "dataset": {"name": dataset},
        "addresses": {
            "sample": f"s{size}-{seed}",
            "fit": f"f{size}-{seed}",
            "embed": f"e{size}-{seed}-{dataset}",
        },
        "notes": {
            "training": {"steps": 5, "epochs": 500 / size, "cells_seen": 500},
            "sample": {"vendi": vendi, "donor": {"levels": 4, "shannon": 2.0, "gini_simpson": 0.75}},
        },
        "costs": {
            "fit": {"training_seconds": seconds, "peak_resident_mb": 1000.0 + seed},
            "embed": {"embedding_seconds": 0.5},
        },
        **change,
    }


def board(*scores):
    return {"scores": scores, "data": [{"name": "kang", "n_cells": 50}, {"name": "pbmc", "n_cells": 200}]}


def test_samples_are_means_over_seeds_and_each_counts_once():
    """Two seeds with Vendi 10 and 20; a second data set asked of the same sample changes nothing."""
    columns, rows = sample_rows(
        board(score(0), score(0, dataset="pbmc"), score(1, vendi=20.0), score(0, size=1000))
    )
    assert columns[-1] == "donor"
    assert rows == [
        ["atlas", "random", "100", "2", "15.0", "4 levels, 2.00 bits, 0.750"],
        ["atlas", "random", "1,000", "1", "10.0", "4 levels, 2.00 bits, 0.750"],
    ]


def test_fits_have_ranges_and_median_speeds():
    """500 cells in 2, 1 and 4 s: 250 per second; 50 cells in half a second: 100 (thrice, and once 400)."""
    scores = [score(0), score(1, seconds=1.0), score(2, size=50, seconds=4.0), score(0, dataset="pbmc")]
    (row,) = fit_rows(board(*scores))
    assert row == ["net", "3", "5", "5 to 10", "500", "250", "100", "1,002 MB"]


def test_a_fit_without_steps_is_timed_by_its_sample():
    """PCA has no updates: 100 cells in 2 s."""
    without = copy.deepcopy(score(0))
    without["notes"]["training"] = {}
    (row,) = fit_rows(board(without))
    assert row[2:6] == ["–", "–", "–", "50"]


@pytest.mark.parametrize("change", [{"status": "failed"}, {"notes": {}, "costs": {}}])
def test_what_is_not_known_is_left_out(change):
    """Failed jobs, and scores of a time when nothing was told."""
    assert sample_rows(board(score(0, **change)))[1] == []
    assert fit_rows(board(score(0, **change))) == []
