"""What a page keeps of scaling laws, marginal gains and elasticities."""

import copy
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from harness_leaderboard.page_data import page_data

ROOT = Path(__file__).resolve().parents[3]
SYNTHETIC = runpy.run_path(str(ROOT / "tests" / "fixtures" / "synthetic_boards.py"))
SIZES = np.repeat([100.0, 400.0, 1_600.0, 6_400.0, 25_600.0], 3)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return SYNTHETIC["synthetic_board"](tmp_path_factory.mktemp("store"), 4, 1)


def first_curve(board):
    return next(curve for curve in board["tables"][0]["curves"] if curve["metric"] == "micro_f1")


def shown(board):
    return page_data(board)["tables"][0]["curves"][0]["metrics"]["micro_f1"]


def estimate(value, low=None, high=None, reason=None):
    return {"value": value, "low": low, "high": high, "level": 0.95, "reason": reason}


def with_law(board, values, limit, exponent, answer="offset"):
    """Return a board whose first curve has these runs at SIZES, and this law."""
    board = copy.deepcopy(board)
    curve = first_curve(board)
    point = curve["points"][0]
    untrained = {**point, "size": 0, "value": -5.0}
    runs = [
        {**point, "size": int(size), "value": value, "address": f"{at:064}"}
        for at, (size, value) in enumerate(zip(SIZES, values.tolist(), strict=True))
    ]
    curve["points"] = [untrained, *runs]
    curve["verdict"]["law"] |= {"answer": answer, "limit": limit, "exponent": exponent}
    return board


def test_the_amplitude_of_exact_runs(board):
    """Runs on 0.7 - 2 n^-0.5 give A = -2; the untrained control, at no cells, is not among them."""
    law = shown(with_law(board, 0.7 - 2 * SIZES**-0.5, estimate(0.7), estimate(0.5)))["law"]
    assert law["amplitude"] == pytest.approx(-2.0)


def test_the_amplitude_of_noisy_runs_is_the_fitted_one(board):
    """It is what scipy fits together with limit and exponent."""
    values = 0.7 - 2 * SIZES**-0.5 + np.random.default_rng(0).normal(0, 0.01, len(SIZES))
    (limit, amplitude, exponent), _ = curve_fit(
        lambda n, e, a, power: e + a * n**-power, SIZES, values, p0=(0.6, -1.0, 0.4), xtol=1e-14, ftol=1e-14
    )
    law = shown(with_law(board, values, estimate(limit), estimate(exponent)))["law"]
    assert abs(amplitude + 2) > 0.02
    assert law["amplitude"] == pytest.approx(amplitude, rel=2e-4)


@pytest.mark.parametrize(
    ("limit", "exponent", "answer"),
    [
        (estimate(0.7), estimate(0.5), "log-linear"),
        (estimate(0.7), estimate(None, reason="the sizes span 1.20 decades"), "offset"),
        (estimate(None, reason="edge"), estimate(None, reason="edge"), "offset"),
    ],
)
def test_no_amplitude_where_the_law_is_not_told(board, limit, exponent, answer):
    """Nothing is drawn that the board does not quote."""
    law = shown(with_law(board, 0.7 - 2 * SIZES**-0.5, limit, exponent, answer))["law"]
    assert law["amplitude"] is None


def test_fits_stand_with_the_primary_metric_as_the_board_says_them(board):
    """Weights, held-out size, gain per decade and steps; others have none."""
    verdict = first_curve(board)["verdict"]
    found = shown(board)
    assert found["law"]["answer"] == verdict["law"]["answer"]
    assert found["law"]["weights"] == pytest.approx(verdict["law"]["weights"], rel=1e-4)
    held_out = verdict["law"]["held_out"]
    assert found["law"]["held_out"]["size"] == 10_000
    assert found["law"]["held_out"]["predicted"] == pytest.approx(held_out["predicted"], rel=1e-4)
    assert found["law"]["limit"] == {"reason": verdict["law"]["limit"]["reason"]}
    gain = verdict["marginal_gain"]
    assert found["marginal_gain"]["per_decade"]["value"] == pytest.approx(
        gain["per_decade"]["value"], rel=1e-4
    )
    assert [(step["start"], step["end"]) for step in found["marginal_gain"]["steps"]] == [
        (0, 100),
        (100, 1_000),
        (1_000, 10_000),
    ]
    other = page_data(board)["tables"][0]["curves"][0]["metrics"]["log_loss"]
    assert not {"law", "marginal_gain"} & set(other)


def test_gains_per_cost_and_where_to_stop(board):
    """What was paid stands by its unit; an interval that is not told is absent, the reason one line."""
    board = copy.deepcopy(board)
    gain = first_curve(board)["verdict"]["marginal_gain"]
    gain["steps"][1]["per_cost"] = {"kwh": estimate(0.123456789, reason="one\nrun")}
    gain["stop"] = {
        **{"unit": "kwh", "worth": 3.0, "size": 1_000.0, "at_end": False},
        **{"distribution": {"1000": 1.0}, "reason": None},
    }
    found = shown(board)["marginal_gain"]
    assert found["steps"][1]["per_cost"]["kwh"]["value"] == 0.12346
    assert "\n" not in found["steps"][1]["per_cost"]["kwh"]["reason"]
    assert set(found["steps"][1]["per_cost"]["kwh"]) == {"value", "reason"}
    assert (found["stop"]["size"], found["stop"]["worth"]) == (1_000, 3)


def test_medians_are_over_all_tables(board):
    """Those that there are, without an end where none is in sight; none of an older board."""
    size = {
        **{"low": 300.0, "high": None, "interval_low": 100.0, "interval_high": None},
        **{"level": 0.95, "n": 5, "n_clusters": 3, "reason": None},
    }
    median = {"model": "pca\n", "sampler": "random", "corpus": None, "budget": None, "rule": "R4"}
    found = [{**median, "size": size, "n_without": 2}, {**median, "size": None, "n_without": 7}]
    assert page_data({**board, "medians": found})["medians"] == [
        {
            **{"model": "pca", "sampler": "random", "corpus": None, "budget": None, "rule": "R4"},
            **{"low": 300, "high": None, "within": [100, None], "n": 5, "without": 2},
        }
    ]
    older = {name: value for name, value in board.items() if name != "medians"}
    assert page_data(older)["medians"] == []


def test_elasticities_are_over_all_tables(board):
    """With their runs and data sets; nothing where no run entered, or of an older board."""
    found = {
        "size": estimate(0.031234567, 0.01, 0.05),
        "diversity": estimate(None, reason="diversity does not vary"),
        **{"correlation": None, "n": 378, "n_clusters": 2, "n_excluded": 4},
    }
    assert page_data({**board, "elasticities": found})["elasticities"] == {
        "size": {"value": 0.031235, "low": 0.01, "high": 0.05},
        "diversity": {"reason": "diversity does not vary"},
        **{"n": 378, "n_clusters": 2, "n_excluded": 4},
    }
    assert page_data({**board, "elasticities": {**found, "n": 0}})["elasticities"] is None
    older = {name: value for name, value in board.items() if name != "elasticities"}
    assert page_data(older)["elasticities"] is None


def test_a_verdict_without_fits_is_shown(board):
    """A curve of one size has no law; a verdict of an older board knows neither."""
    board = copy.deepcopy(board)
    verdict = first_curve(board)["verdict"]
    verdict["law"] = None
    del verdict["marginal_gain"]
    found = shown(board)
    assert found["verdict"]["level"]
    assert not {"law", "marginal_gain"} & set(found)
