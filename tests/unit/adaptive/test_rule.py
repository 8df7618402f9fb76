"""Which runs next: a pure function of the curves so far."""

from dataclasses import replace

import numpy as np
import pytest

from harness.adaptive import Forecast, Limits, Question, next_step, price_asked, price_made, replay
from harness.adaptive.rule import choose
from harness.checks import Curve

SIZES = (100, 1000, 10_000)


def question(runs=None, fits=None, seeds=4):
    return Question(
        asked={0: 2, **dict.fromkeys(SIZES, seeds)},
        runs=runs or {},
        price={0: 0.0, **{size: float(size) for size in SIZES}},
        terms={"bound": 1.0},
        fits=fits,
    )


def started(sd=0.01, rise=0.1, seed=0, **options):
    """A question with two runs at both ends."""
    rng = np.random.default_rng(seed)
    return question(
        {0: [0.2, 0.21], 100: rng.normal(0.5, sd, 2), 10_000: rng.normal(0.5 + rise, sd, 2)}, **options
    )


def forecast(probability):
    return Forecast(
        answer=("beats-baseline", "flat", None),
        probability=probability,
        relief={100: (0.2, 0.1), 1000: (0.5, 0.3, 0.1, 0.1), 10_000: (0.6, 0.4)},
    )


def test_it_starts_with_two_seeds_at_the_ends_and_the_control():
    """Before anything can be judged: the smallest size, the largest, and every untrained run."""
    step = next_step([question()], Limits())
    assert step.wanted == ({0: 2, 100: 2, 10_000: 2},)
    assert step.reasons == (None,)


def test_ends_that_failed_are_replaced_by_the_rest():
    """A grid whose ends gave too little to judge asks for all that is left."""
    lost = Question(asked={100: 1, 1000: 3}, runs={100: [0.5], 1000: [0.6]}, price={100: 1.0, 1000: 1.0})
    assert next_step([lost], Limits()).wanted == ({1000: 1},)
    only = Question(asked={100: 1, 1000: 1}, runs={100: [0.5], 1000: [0.6]}, price={100: 1.0, 1000: 1.0})
    assert next_step([only], Limits()).empty


def test_controls_are_asked_for_however_many_trained_runs_there_are():
    """An earlier run with fewer seeds can be judged, and its untrained controls are still incomplete."""
    asked = Question(
        asked={0: 5, 100: 5, 1000: 5},
        runs={0: [0.1], 100: [0.2, 0.21], 1000: [0.5, 0.52]},
        price={0: 0.0, 100: 100.0, 1000: 1000.0},
    )
    assert asked.judgeable
    assert next_step([asked], Limits()).wanted == ({0: 4},)
    halfway = replace(asked, runs={**asked.runs, 0: [0.1] * 5, 1000: [0.5]})
    assert halfway.judgeable
    assert next_step([halfway], Limits()).wanted == ({1000: 1},)  # what the first round still lacks
    ready = replace(asked, runs={**asked.runs, 0: [0.1] * 5})
    assert ready.start == {}
    assert next_step([ready], Limits()).forecasts != (None,)


def test_only_open_curves_get_runs_the_most_open_first():
    """One that is settled gets nothing and says so; p (1 - p) for its price decides between the others."""
    questions = [started(), started(), started()]
    step = choose(questions, [forecast(0.97), forecast(0.9), forecast(0.5)], Limits(confidence=0.95))
    assert step.reasons == ("settled", None, None)
    assert step.wanted[0] == {}
    assert sum(step.wanted[2].values()) >= sum(step.wanted[1].values())
    alone = choose(questions[1:], [forecast(0.9), forecast(0.5)], Limits(budget=0.48))
    assert alone.last
    assert alone.wanted[1]
    assert sum(alone.wanted[0].values()) < sum(alone.wanted[1].values())


def test_cheap_runs_that_tell_much_come_first():
    """Relief for its price orders the runs: all that are left of small sizes before one of the largest."""
    (wanted,) = choose([started()], [forecast(0.5)], Limits()).wanted
    assert wanted == {100: 2, 1000: 4}  # 4,200 of 44,400; one of 10,000 would pass a tenth


def test_a_budget_is_kept():
    """Whatever the forecasts say, no more than the budget is spent, and the open curves say why they stay."""
    questions = [started(seed=seed) for seed in range(3)]
    spent = price_made(questions)
    budget = spent / price_asked(questions) + 0.01
    step = choose(questions, [forecast(0.5)] * 3, Limits(budget=budget))
    after = [
        replace(each, runs={s: [0.5] * (each.made(s) + wanted.get(s, 0)) for s in each.asked})
        for each, wanted in zip(questions, step.wanted, strict=True)
    ]
    assert spent < price_made(after) <= budget * price_asked(questions)
    assert step.last
    stopped = choose(questions, [forecast(0.5)] * 3, Limits(budget=0.0))
    assert stopped.empty
    assert stopped.reasons == ("budget",) * 3


def test_a_fit_that_serves_two_curves_is_paid_once():
    """Two tasks on the same fits cost as much as one, and runs that one has made are free for the other."""
    alone, shared = [started(), started()], [started(fits="fit"), started(fits="fit")]
    assert price_asked(shared) == price_asked(alone) / 2
    more = {**shared[0].runs, 1000: [0.5, 0.5]}
    ahead = [replace(shared[0], runs=more), shared[1]]
    budget = price_made(ahead) / price_asked(ahead)
    step = choose(ahead, [forecast(0.99), forecast(0.5)], Limits(budget=budget))
    assert step.wanted == ({}, {1000: 2})


def test_it_is_pure():
    """The same curves give the same step; a clear flat curve is settled before a noisy one."""
    clear, noisy = started(sd=0.001, rise=0.0), started(sd=0.05, rise=0.06)
    first, second = (next_step([clear, noisy], Limits()) for _ in range(2))
    assert first == second
    assert first.forecasts[0].probability > first.forecasts[1].probability


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(0)
    means = [(0.5, 0.5, 0.5, 0.5), (0.4, 0.5, 0.6, 0.7), (0.5, 0.6, 0.6, 0.6)]
    return [
        Curve(
            runs={
                0: rng.normal(0.2, 0.01, 4),
                **{10 ** (i + 2): rng.normal(m, 0.003, 4) for i, m in enumerate(of)},
            },
            bound=1.0,
        )
        for of in means
    ]


def test_a_replay_measures_cost_and_agreement(curves):
    """More confidence costs more, all runs agree with themselves, and clear curves agree long before."""
    found = replay(curves, orders=2, confidences=(0.9, 1.01), budgets=(), draws=20)
    by_confidence = {row.confidence: row for row in found.rows}
    low, high = by_confidence[0.9], by_confidence[1.01]
    assert high.cost == pytest.approx(1)
    assert high.agreement == high.agreement_of_runs == 1
    assert low.cost < 0.95
    assert low.agreement > 0.6
    assert low.error is not None


def test_a_budget_in_a_replay_is_the_prefix_that_a_run_would_make(curves):
    """Each budget of one replay ends where a replay with this budget alone ends, and never beyond it."""
    budgets = (0.6, 0.8)
    both = {
        row.budget: row for row in replay(curves, orders=1, confidences=(), budgets=budgets, draws=20).rows
    }
    alone = {
        row.budget: row for row in replay(curves, orders=1, confidences=(), budgets=(0.8,), draws=20).rows
    }
    assert alone[0.8] == both[0.8]
    assert both[0.6].cost <= 0.6 < both[0.8].cost <= 0.8
