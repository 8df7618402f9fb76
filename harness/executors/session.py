"""A plan against a store: what has a result, what is left, and how outcomes become records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from harness.environment import library_versions
from harness.executors.contract import Executor
from harness.plan import Plan
from harness.records import Job, Outcome, Record
from harness.registry import Registry
from harness.stages import Order
from harness.store import Store
from harness.survey import Located, Survey


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a plan stands against a store.

    Attributes
    ----------
    stored
        Score address -> record of every planned job that has a result.
    todo
        Jobs that have none: new, failed last time, or damaged.
    other_versions
        How many stored results were computed with other library versions than are installed now.
    """

    stored: Mapping[str, Record] = field(default_factory=dict)
    todo: tuple[Job, ...] = ()
    other_versions: int = 0


def take_stock(plan: Plan, store: Store, refresh: bool = False) -> Progress:
    """Compare a plan with what the store has.

    With ``refresh`` every stage that other library versions computed is removed, and all that came of it.
    """
    if refresh:
        _forget_foreign(plan, store)
    ledger = store.ledger.records()
    foreign = _Foreign(store)
    stored, todo, other = {}, [], 0
    for job, address in zip(plan.jobs, plan.addresses, strict=True):
        record = ledger.get(address)
        if record is None or not _finished(record, store):
            todo.append(job)
            continue
        stored[address] = record
        other += any(foreign(*stage) for stage in stages_of(record.job))
    return Progress(stored=stored, todo=tuple(todo), other_versions=other)


def _finished(record: Record, store: Store) -> bool:
    status = record.outcome.status
    return status == "not-applicable" or (status == "ok" and store.intact(record.address))


def stages_of(job: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and address of every stage of a described job, in order."""
    return [(stage, address) for stage, address in job["addresses"].items() if address]


class _Foreign:
    """Tells which stages were computed with other library versions than are installed; asks once each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.versions = library_versions()
        self.known: dict[str, bool] = {}

    def __call__(self, stage: str, address: str) -> bool:
        if address not in self.known:
            made_with = self.store.blobs.made_with(stage, address)
            self.known[address] = bool(made_with) and made_with != self.versions
        return self.known[address]


def _forget_foreign(plan: Plan, store: Store) -> None:
    """Remove foreign stages and everything after them, of jobs without a result too."""
    foreign = _Foreign(store)
    for job in plan.jobs:
        spoiled = False
        for stage, address in stages_of(job.describe()):
            spoiled = spoiled or foreign(stage, address)
            if spoiled:
                store.blobs.discard(stage, address)


def make_orders(jobs: tuple[Job, ...], plan: Plan, registry: Registry, known: Survey) -> list[Order]:
    """Give every job what a worker needs to run it."""
    by_genes = {facts.gene_digest: known.located[facts.digest] for facts in known.corpora.values()}
    return [_order(job, registry, known, by_genes) for job in jobs]


def _order(job: Job, registry: Registry, known: Survey, by_genes: Mapping[str, Located]) -> Order:
    fit, draw = job.fit, job.draw
    corpus = known.located[draw.corpus.digest] if draw else by_genes.get((fit.genes if fit else None) or "")
    return Order(
        job=job,
        task=registry.tasks[job.task.name].card,
        model=registry.models[fit.model.name].card if fit else None,
        sampler=registry.samplers[draw.sampler.name].card if draw else None,
        corpus=corpus,
        dataset=known.located[job.dataset.digest],
        origin=registry.tasks[job.task.name].origin,
    )


def execute(
    progress: Progress,
    plan: Plan,
    registry: Registry,
    known: Survey,
    store: Store,
    executor: Executor,
    environment: Mapping[str, str],
    trial: bool = False,
) -> Iterator[Record]:
    """Run what is left; yield each record when it is in the ledger."""
    orders = make_orders(progress.todo, plan, registry, known)
    for order, outcome in executor.run(orders):
        record = Record(
            job=order.job.describe(),
            outcome=outcome,
            task=_task_facts(order, outcome),
            plugins=_origins(order, registry),
            environment={**_made_with(order, store), **environment},
            trial=trial,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        store.append([record])
        yield record


def _made_with(order: Order, store: Store) -> dict[str, str]:
    """Return the library versions behind a job; a stage that was there already may have had others."""
    found = [store.blobs.made_with(*stage) for stage in order.stages]
    versions = [each for each in found if each] or [library_versions()]
    names = dict.fromkeys(name for each in versions for name in each)
    return {name: " and ".join(sorted({each[name] for each in versions if name in each})) for name in names}


def _task_facts(order: Order, outcome: Outcome) -> dict[str, Any]:
    """Return how to read the numbers of a job, so that the ledger explains itself."""
    card = order.task
    return {
        "name": card.name,
        "version": card.version,
        "primary": card.primary.name,
        **card.declared(),
        "baselines": list(card.baselines),
        "oracles": list(card.oracles),
        "references": list(card.references),
        "unit_kind": outcome.notes.get("unit_kind"),
    }


def _origins(order: Order, registry: Registry) -> dict[str, str]:
    """Return the distribution behind every guest of a job."""
    origins = {"task": registry.tasks[order.job.task.name].origin}
    if order.job.fit:
        origins["model"] = registry.models[order.job.fit.model.name].origin
    if order.job.draw:
        origins["sampler"] = registry.samplers[order.job.draw.sampler.name].origin
    return origins
