"""Elasticities on worlds with known ones, and against statsmodels."""

import numpy as np
import pytest

from harness.statistics import elasticities


def world(seed=0, size=0.05, diversity=0.12, couple=0.0, noise=0.01, n_tasks=8, swing=0.4):
    """Three models, eight tasks, sizes of three decades; diversity moves freely or with the size."""
    rng = np.random.default_rng(seed)
    grid = [(m, t, n) for m in "abc" for t in range(n_tasks) for n in (2, 3, 4) for _ in range(3)]
    models, tasks, log_n = (np.array(column) for column in zip(*grid, strict=True))
    log_d = 1 + couple * log_n + rng.normal(0, swing, len(log_n))
    level = {m: rng.normal(0, 0.3) for m in "abc"}
    hard = rng.normal(0, 0.3, n_tasks)
    slope = rng.normal(0, 0.01, n_tasks)[tasks]
    z = np.array([level[m] for m in models]) + hard[tasks] + (size + slope) * log_n + diversity * log_d
    return z + rng.normal(0, noise, len(z)), 10.0**log_n, 10.0**log_d, models, tasks.astype(str)


def test_truth_is_recovered():
    """Per decade .05 of cells and .12 of diversity, told apart although they are correlated."""
    found = elasticities(*world(couple=0.4))
    assert found.size.value == pytest.approx(0.05, abs=0.015)
    assert found.diversity.value == pytest.approx(0.12, abs=0.01)
    assert found.size.low < 0.05 < found.size.high
    assert 0.4 < found.correlation < 0.9
    assert (found.n, found.n_clusters, found.n_excluded) == (216, 8, 0)


def test_slopes_are_those_of_statsmodels():
    """Ordinary least squares with indicators of model and task, by formula."""
    formula = pytest.importorskip("statsmodels.formula.api")
    z, cells, diversity, models, tasks = world(seed=1)
    data = {"z": z, "n": np.log10(cells), "d": np.log10(diversity), "m": models, "t": tasks}
    theirs = formula.ols("z ~ n + d + C(m) + C(t)", data).fit().params
    ours = elasticities(z, cells, diversity, models, tasks)
    assert (ours.size.value, ours.diversity.value) == pytest.approx((theirs["n"], theirs["d"]), rel=1e-8)


def test_what_moves_together_is_refused():
    """Diversity that follows the size: neither is told, with the correlation and what would help."""
    found = elasticities(*world(couple=0.8, swing=0.02))
    assert (found.size.value, found.diversity.value) == (None, None)
    assert "move together" in found.diversity.reason
    assert "samplers" in found.diversity.reason
    assert found.correlation > 0.99


def test_random_draws_say_nothing_of_diversity():
    """Size at constant diversity (Vendi 83 to 85): its slope is told, that of diversity is not."""
    z, cells, diversity, models, tasks = world(swing=0.004, diversity=0.0)
    found = elasticities(z, cells, diversity, models, tasks)
    assert found.size.value == pytest.approx(0.05, abs=0.015)
    assert found.diversity.value is None
    assert "diversity does not vary within model and task" in found.diversity.reason


def test_differences_between_models_are_no_size_effect():
    """Better models that saw more cells, with no slope within any: size is refused, not credited."""
    models = np.repeat(["a", "b", "c"], 8)
    cells = np.repeat([1e3, 1e4, 1e5], 8)
    tasks = np.tile([f"t{i}" for i in range(8)], 3)
    found = elasticities(np.log10(cells), cells, np.random.default_rng(0).uniform(1, 99, 24), models, tasks)
    assert found.size.value is None
    assert "size does not vary within model and task" in found.size.reason


def test_intervals_cover():
    """Slopes differ between tasks: drawing whole tasks holds the truth in 26 of 30 worlds."""
    hits = np.zeros(2)
    for seed in range(30):
        found = elasticities(*world(seed=seed, n_tasks=12), n=300, seed=seed)
        hits += [
            found.size.low <= 0.05 <= found.size.high,
            found.diversity.low <= 0.12 <= found.diversity.high,
        ]
    assert hits.min() >= 25, hits


def test_missing_rows_are_counted():
    """NaN, the untrained control and a missing diversity are left out, not imputed."""
    z, cells, diversity, models, tasks = world()
    whole = elasticities(z[3:], cells[3:], diversity[3:], models[3:], tasks[3:], n=50)
    z[0], cells[1], diversity[2] = np.nan, 0, np.nan
    found = elasticities(z, cells, diversity, models, tasks, n=50)
    assert (found.n, found.n_excluded) == (213, 3)
    assert found.size == whole.size


def test_few_tasks_have_no_interval():
    found = elasticities(*world(n_tasks=3))
    assert found.size.value is not None
    assert (found.size.low, found.size.reason) == (None, "only 3 independent tasks: no interval")


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="equally long"):
        elasticities([1, 2], [1], [1, 2], ["a", "a"], ["t", "t"])
