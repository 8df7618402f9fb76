"""What the whole grid would say, told from part of its runs."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from harness.adaptive import forecasts
from harness.adaptive.forecast import (
    LEAST,
    _between_answers,
    _matern,
    _posterior,
    _reliefs,
    agree,
    answer_of,
)
from harness.adaptive.replay import question_of
from harness.checks import Curve, judge
from harness.checks.operating_characteristics import TRUTHS, draw_curves


def part_of(curve, counts):
    """Return the question of a curve of which so many runs of each size are made."""
    made = {size: list(scores)[: counts(size)] for size, scores in curve.runs.items()}
    return replace(question_of(curve), runs=made)


@pytest.mark.parametrize("amplitude", [0.25, 4.0])
def test_the_posterior_is_that_of_a_gaussian_process(amplitude):
    """Means and variances of all sizes, also of one without runs, agree with scikit-learn's."""
    x = np.log10(np.array([100, 1000, 3000, 30000.0]))
    known, means, counts = [0, 1, 3], np.array([0.2, 0.5, 0.4]), np.array([5, 2, 1])
    found = _posterior(_matern(x), known, means, counts, 0.1, amplitude)
    kernel = ConstantKernel(1e6) + amplitude * Matern(length_scale=1.0, nu=1.5)
    peer = GaussianProcessRegressor(kernel, alpha=1 / counts, optimizer=None).fit(x[known, None], means)
    mean, sd = peer.predict(x[:, None], return_std=True)
    np.testing.assert_allclose(found.mean, mean, atol=1e-4)
    np.testing.assert_allclose(found.variances, sd**2, atol=1e-3)
    np.testing.assert_allclose(np.diag(found.root @ found.root.T), found.variances)


def test_what_a_further_run_takes_from_the_open_variance():
    """Worked by hand for a mean that is known: two of two runs open vary by s^2 / 2, one by s^2 / 4."""
    assert _reliefs(variance=0.0, noise=1.0, left=2, asked=2) == pytest.approx((0.5, 0.5))
    # Mean known to a variance of 1: open 1 + 1 / 2 = 1.5; after one run (1 / 2)^2 (1 / 2 + 1) = .375.
    assert _reliefs(variance=1.0, noise=1.0, left=2, asked=2) == pytest.approx((0.75, 0.25))


def test_the_size_that_decides_is_told_from_the_others():
    """Half of the grids answer otherwise, and only the mean of the second size differs between them."""
    rng = np.random.default_rng(0)
    answers = [("beats-baseline", "flat", None)] * 50 + [("beats-baseline", "still-improving", None)] * 50
    grids = [{10: rng.normal(size=3), 20: rng.normal(size=3) + 4 * (number >= 50)} for number in range(100)]
    shares = _between_answers(answers, grids, (10, 20))
    assert shares[20] > 0.8
    assert LEAST <= shares[10] < 0.1


def test_answers_agree_within_one_size():
    """Level and trend must be equal; saturation points may lie one size apart."""
    at = ("beats-baseline", "saturates", 100)
    sizes = (10, 100, 1000, 10000)
    assert agree(at, ("beats-baseline", "saturates", 1000), sizes)
    assert not agree(at, ("beats-baseline", "saturates", 10000), sizes)
    assert not agree(at, ("no-benefit", "saturates", 100), sizes)
    assert not agree(at, ("beats-baseline", "flat", None), sizes)


def test_a_whole_grid_is_its_own_forecast():
    """With no run left the forecast is the verdict, with certainty, and no run is of use."""
    clear = [
        {
            0: [0.2, 0.2],
            **{
                size: [mean, mean + 0.01, mean - 0.01] for size, mean in zip((10, 100, 1000), of, strict=True)
            },
        }
        for of in ((0.5, 0.5, 0.5), (0.4, 0.6, 0.8))
    ]
    curves = [Curve(runs=runs, bound=1.0) for runs in clear]
    verdicts = judge(curves, replicates=2)
    for curve, verdict, found in zip(
        curves, verdicts, forecasts([part_of(curve, lambda _: 4) for curve in curves]), strict=True
    ):
        assert found.probability == 1
        assert agree(found.answer, answer_of(verdict), curve.sizes)
        assert found.relief == {}


def test_forecasts_keep_their_promises():
    """Over curves of all truths with part of their runs, as many forecasts are right as promised, and the
    verdicts on these runs alone are right less often."""
    rng = np.random.default_rng(2)
    curves = [curve for truth in TRUTHS.values() for curve, _ in draw_curves(truth, 4, 4, rng)]
    truth = [answer_of(verdict) for verdict in judge(curves, replicates=2)]
    parts = [
        part_of(curve, lambda size: 4 if size < 3000 else 2 if size != 10_000 else 0) for curve in curves
    ]
    found = forecasts(parts, draws=30)
    right = np.mean([agree(f.answer, t, p.sizes) for f, t, p in zip(found, truth, parts, strict=True)])
    assert abs(right - np.mean([each.probability for each in found])) < 0.15
    alone = [answer_of(verdict) for verdict in judge([part.curve() for part in parts], replicates=2)]
    assert right > np.mean([agree(a, t, p.sizes) for a, t, p in zip(alone, truth, parts, strict=True)])


def test_losses_are_forecast_like_scores():
    """A loss that falls is a score that rises: the same answer with the same probability."""
    rng = np.random.default_rng(3)
    runs = {
        size: rng.normal(mean, 0.02, 3) for size, mean in ((0, 0.2), (100, 0.4), (1000, 0.5), (10000, 0.7))
    }
    up = part_of(Curve(runs=runs, bound=1.0), lambda size: 2)
    down = part_of(
        Curve(runs={size: 1 - values for size, values in runs.items()}, direction="down", bound=0.0),
        lambda size: 2,
    )
    first, second = forecasts([up])[0], forecasts([down])[0]
    assert first.answer == second.answer
    assert abs(first.probability - second.probability) < 0.25
