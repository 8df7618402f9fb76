"""Plan -> execute -> check -> plan, with an executor that makes scores up."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from harness.adaptive import Limits, run_in_rounds
from harness.adaptive.rounds import curves_of
from harness.cli.adaptive import ending_lines, left_out
from harness.contracts.cards import Metric, ModelCard, SamplerCard, TaskCard
from harness.corpus import Facts
from harness.errors import Misuse
from harness.plan import make_plan
from harness.records import Outcome, Record
from harness.registry import Found, Registry
from harness.suite import Suite

SIZES, SEEDS = (10, 100, 1000), (0, 1, 2, 3)


class Known:
    def __init__(self, corpus, dataset):
        self.corpora, self.datasets = {corpus.name: corpus}, {dataset.name: dataset}


def facts(name, kind):
    return Facts(
        name=name,
        kind=kind,
        digest=f"digest-{name}",
        n_cells=2000,
        symbols=("a", "b"),
        ensembl=None,
        gene_digest="genes",
        levels={"donor": {f"d{i}": 40 for i in range(3)}},
        crosstabs={},
        marked={},
        related={},
        warnings=(),
        species="human",
        min_overlap=0.5,
        marked_as=(),
    )


def task(name):
    return TaskCard(
        name=name,
        version="1",
        entry="x:Task",
        metrics=(Metric(name="score"), Metric(name="other")),
        baselines=("floor",),
        oracles=("truth",),
        references=("ref",),
    )


@pytest.fixture(scope="module")
def world():
    """A model with two samplers and two tasks, three sizes of four seeds, and a reference model."""
    shelves = {
        "models": [
            ModelCard(name="net", version="1", entry="x:Net"),
            ModelCard(name="ref", version="1", entry="x:Ref", pretrains=False, deterministic=True),
        ],
        "samplers": [SamplerCard(name=name, version="1", entry="x:S") for name in ("random", "other")],
        "tasks": [task("flat"), task("rises")],
    }
    registry = Registry(
        **{
            kind: {card.name: Found(card=card, distribution="x", version="1") for card in cards}
            for kind, cards in shelves.items()
        }
    )
    asked = {
        "name": "s",
        "corpora": ["atlas"],
        "datasets": ["cells"],
        "models": ["net", "ref"],
        "samplers": ["random", "other"],
        "tasks": ["flat", "rises"],
        "sizes": SIZES,
        "seeds": SEEDS,
    }
    suite = Suite.model_validate(asked)
    return make_plan(suite, registry, Known(facts("atlas", "corpus"), facts("cells", "dataset"))), registry


class Lab:
    """Makes scores up: 0.3 untrained, 0.5 trained; on ``rises`` 0.1 more per decade, with noise of seeds."""

    def __init__(self, noise=0.002, broken=()):
        self.noise, self.broken, self.rounds = noise, broken, []

    def __call__(self, jobs):
        self.rounds.append(jobs)
        return [self.record(job) for job in jobs]

    def record(self, job):
        size = job.draw.size if job.draw else 0
        mean = {"floor": 0.1, "truth": 0.95}.get(getattr(job.subject, "name", ""), 0.5 if job.draw else 0.3)
        if job.draw and job.task.name == "rises":
            mean += 0.1 * np.log10(size / 10)
        noise = np.random.default_rng(zlib.crc32(job.address.encode())).normal(0, self.noise)
        ok = (size, job.fit and job.fit.seed) not in self.broken
        return Record(
            job=job.describe(),
            outcome=Outcome(status="ok" if ok else "failed", metrics={"score": mean + noise} if ok else {}),
            task={"primary": "score"},
            plugins={},
            environment={},
        )


def trained(jobs):
    return [job for job in jobs if job.draw]


def test_a_plan_falls_into_curves_that_share_controls_and_fits(world):
    """Two tasks by two samplers; baselines, oracle and reference belong to none and are their rivals."""
    curves, others = curves_of(*world)
    assert len(curves) == 4
    assert {job.arm for job in others} == {"baseline", "reference"}
    for curve in curves:
        assert {size: len(jobs) for size, jobs in curve.by_size.items()} == {0: 4, 10: 4, 100: 4, 1000: 4}
        assert len(curve.rivals) == 3
    questions = [curve.question({}, frozenset()) for curve in curves]
    assert len({each.fits for each in questions}) == 2
    assert questions[0].price == {0: 0.0, 10: 1.0, 100: 1.0, 1000: 1.0}  # a budget of steps costs alike


def test_a_curve_is_measured_as_on_the_board(world):
    """Its baselines are the task's own and the reference model; the oracle is the ceiling and no baseline."""
    lab, plan = Lab(noise=0.0), world[0]
    curves, others = curves_of(*world)
    values = {job.address: lab.record(job).outcome.metrics["score"] for job in others}
    terms = curves[0].question(values, frozenset()).terms
    assert terms == {
        "direction": "up",
        "baselines": {"floor": [0.1], "ref": [0.3]},
        "trivial": 0.1,
        "ceiling": 0.95,
        "bound": 1.0,
    }
    assert len(plan.jobs) == 2 * (3 + 4 + 2 * 12)


def test_clear_curves_are_settled_and_the_rest_is_named(world):
    """First the ends with all controls and baselines; what was left out has a reason and a forecast."""
    lab = Lab()
    end = run_in_rounds(*world, {}, Limits(confidence=0.9), lab, draws=20)
    first = lab.rounds[0]
    assert {(job.draw.size, job.fit.seed) for job in trained(first)} == {
        (10, 0),
        (10, 1),
        (1000, 0),
        (1000, 1),
    }
    assert len([job for job in first if not job.draw]) == 2 * (3 + 4)
    made = [job.address for jobs in lab.rounds for job in jobs]
    assert len(made) == len(set(made))
    assert end.not_run == {job.address for job in world[0].jobs} - set(made)
    assert 0.3 < end.cost < 1
    for curve in end.curves:
        assert curve.verdict is not None
        assert curve.reason == ("settled" if curve.not_run else None)
        assert curve.forecast.answer[0] == "beats-baseline"
    trends = {curve.jobs.first.task.name: curve.forecast.answer[1] for curve in end.curves}
    assert trends == {"flat": "flat", "rises": "still-improving"}


@pytest.fixture(scope="module")
def uncut(world):
    """The lab and the ending of a grid that nothing interrupted."""
    lab = Lab()
    return lab, run_in_rounds(*world, {}, Limits(confidence=0.9), lab, draws=20)


def test_what_is_stored_is_not_run_again(world, uncut):
    """Cut off after any round, the same call goes on: no job twice, the same end."""
    whole, end = uncut
    for cut in range(1, len(whole.rounds) + 1):
        stored = {record.address: record for jobs in whole.rounds[:cut] for record in map(whole.record, jobs)}
        rest = Lab()
        assert run_in_rounds(*world, stored, Limits(confidence=0.9), rest, draws=20) == end
        assert [set(jobs) for jobs in rest.rounds] == [set(jobs) for jobs in whole.rounds[cut:]]


CUTS = {
    "the untrained controls": lambda job: job.arm == "untrained",
    "half of the controls": lambda job: job.arm == "untrained" and job.fit.seed > 1,
    "a second seed of the largest size": lambda job: (
        bool(job.draw) and (job.draw.size, job.fit.seed) == (1000, 1)
    ),
    "all but the baselines": lambda job: job.arm != "baseline",
}


@pytest.mark.parametrize("lacks", CUTS.values(), ids=CUTS)
def test_a_first_round_that_was_cut_off_is_completed_first(world, uncut, lacks):
    """Whichever jobs of it are missing: they come first, and the rest goes on as if nothing had happened."""
    whole, end = uncut
    missing = [job for job in whole.rounds[0] if lacks(job)]
    assert missing
    stored = {job.address: whole.record(job) for job in whole.rounds[0] if job not in missing}
    rest = Lab()
    assert run_in_rounds(*world, stored, Limits(confidence=0.9), rest, draws=20) == end
    assert [set(jobs) for jobs in rest.rounds] == [set(missing), *map(set, whole.rounds[1:])]


def test_a_budget_that_is_spent_does_not_refuse_controls_that_cost_nothing(world):
    """More than the budget is in the store, without a control: they are run, and nothing else is."""
    lab = Lab()
    stored = {job.address: lab.record(job) for job in trained(world[0].jobs) if job.fit.seed < 3}
    end = run_in_rounds(*world, stored, Limits(confidence=1.01, budget=0.5), lab, draws=20)
    assert [set(jobs) for jobs in lab.rounds] == [{job for job in world[0].jobs if not job.draw}]
    assert {curve.reason for curve in end.curves} == {"budget"}


def test_a_control_that_was_not_run_is_pruned_too(world, uncut):
    """Every job without a result has a reason on the board."""
    ending = uncut[1]
    curve = ending.curves[0]
    control = curve.jobs.by_size[0][0]
    lost = replace(ending, curves=(replace(curve, not_run=(control,)), *ending.curves[1:]))
    plan = left_out(world[0], lost)
    assert control not in plan.jobs
    [entry] = [each for each in plan.pruned if each.size == 0]
    assert (entry.model, entry.sampler, entry.corpus, entry.task) == ("net", None, None, control.task.label)
    assert ending_lines(lost)[1].endswith("runs left out: 1 untrained")


def test_failed_runs_are_replaced_and_never_asked_for_twice(world):
    """Both first runs of the largest size fail: others take their place, and the loop ends."""
    lab = Lab(broken={(1000, 0), (1000, 1)})
    end = run_in_rounds(*world, {}, Limits(confidence=0.9), lab, draws=20)
    made = [job for jobs in lab.rounds for job in jobs]
    assert len(made) == len(set(made))
    assert all(curve.question.made(1000) for curve in end.curves)


def test_a_budget_must_reach_the_first_look(world):
    """Below it the sentence says how much is needed; above it the budget is kept."""
    sentence = r"the first runs at the ends of every curve cost 33%; give --budget 0\.33"
    with pytest.raises(Misuse, match=sentence):
        run_in_rounds(*world, {}, Limits(budget=0.2), Lab(), draws=20)
    end = run_in_rounds(*world, {}, Limits(budget=0.4), Lab(noise=0.05), draws=20)
    assert end.cost <= 0.4
    assert {curve.reason for curve in end.curves} >= {"budget"}
