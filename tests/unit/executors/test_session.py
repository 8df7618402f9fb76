"""A plan against a store: what is stored, what is left, and what other library versions computed."""

import json

import pytest

from harness.executors import session
from harness.executors.session import make_orders, take_stock
from harness.plan import make_plan
from harness.records import Outcome, Record
from harness.registry import discover
from harness.store import Store
from harness.suite import Suite
from harness.survey import packaged_catalogues, read_catalogues, survey


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A plan of two sizes of a model and a baseline on a small simulated world."""
    folder = tmp_path_factory.mktemp("world")
    catalogue = folder / "mine.yaml"
    catalogue.write_text(
        "corpora:\n"
        "  atlas: {world: {name: easy, part: corpus, cells: 200}, roles: {cell_type: cell_type}}\n"
        "datasets:\n"
        "  cells: {world: {name: easy, part: evaluation, cells: 100}, roles: {cell_type: cell_type}}\n"
    )
    asked = {
        "name": "s",
        "corpora": ["atlas"],
        "datasets": ["cells"],
        "models": ["pca"],
        "samplers": ["random"],
        "tasks": ["cell_type_classification"],
        "sizes": [20, 40],
    }
    registry = discover()
    entries = read_catalogues([catalogue], [], packaged_catalogues())
    known = survey(asked["corpora"], asked["datasets"], entries, Store(folder / "store"))
    return make_plan(Suite.model_validate(asked), registry, known), registry, known


@pytest.fixture
def store(world, tmp_path):
    """A store in which every stage of every job is finished, as empty folders."""
    plan = world[0]
    store = Store(tmp_path / "store")
    store.prepare()
    for job in plan.jobs:
        for stage, address in session.stages_of(job.describe()):
            if not store.blobs.has(stage, address):
                with store.blobs.write(stage, address) as folder:
                    (folder / "scores.json").write_text("{}")
    records = [
        Record(job=j.describe(), outcome=Outcome(status="ok"), task={}, plugins={}, environment={})
        for j in plan.jobs
    ]
    store.append(records)
    return store


def other_versions(store, stage, address):
    """Rewrite a manifest as if another numpy had made the stage."""
    manifest = store.blobs.path(stage, address) / "manifest.json"
    content = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**content, "made_with": {**content["made_with"], "numpy": "0.1"}}))


def trained(plan, size):
    return next(job for job in plan.jobs if job.draw and job.draw.size == size)


def test_what_has_a_result_is_not_left(world, store):
    """And nothing is foreign."""
    found = take_stock(world[0], store)
    assert (len(found.stored), found.todo, found.other_versions) == (len(world[0].jobs), (), 0)


def test_results_of_other_versions_are_counted_and_kept(world, store):
    """A foreign sample makes the one result that rests on it foreign; nothing is done unasked."""
    job = trained(world[0], 20)
    other_versions(store, "sample", job.draw.address)
    found = take_stock(world[0], store)
    assert (found.other_versions, found.todo) == (1, ())


def test_refresh_forgets_a_foreign_stage_and_all_that_came_of_it(world, store):
    """The stages of the other size stay."""
    job, other = trained(world[0], 20), trained(world[0], 40)
    other_versions(store, "fit", job.fit.address)
    found = take_stock(world[0], store, refresh=True)
    assert found.todo == (job,)
    kept = {stage: store.blobs.has(stage, address) for stage, address in session.stages_of(job.describe())}
    assert kept == {"sample": True, "fit": False, "embed": False, "score": False}
    assert all(store.blobs.has(*stage) for stage in session.stages_of(other.describe()))


def test_a_failed_job_is_left_to_do(world, store):
    """The newest record of a job counts."""
    job = world[0].jobs[-1]
    failed = Record(job=job.describe(), outcome=Outcome(status="failed"), task={}, plugins={}, environment={})
    store.append([failed])
    assert take_stock(world[0], store).todo == (job,)


def test_an_order_has_all_that_a_worker_needs(world):
    """Also where the model was never fitted: its genes are those of the corpus."""
    plan, registry, known = world
    orders = {order.job.arm: order for order in make_orders(plan.jobs, plan, registry, known)}
    assert set(orders) == {"trained", "untrained", "baseline"}
    assert orders["trained"].sampler.name == "random"
    assert orders["untrained"].corpus.entry.name == "atlas"
    assert (orders["baseline"].model, orders["baseline"].corpus) == (None, None)
