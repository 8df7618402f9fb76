"""Some jobs of a bundle, run again here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.executors.contract import Executor
from harness.executors.session import make_orders
from harness.records import Failure, Outcome, Record
from harness.store import Store, Units
from harness.submission.archive import plain
from harness.submission.content import Content
from harness.submission.here import Here

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERY = ""
"""The tolerance of every metric that is given none of its own."""
OF_THE_MACHINE = ("oom", "timeout", "environment")
"""Failures that another machine need not repeat."""


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """One job, run again.

    Attributes
    ----------
    largest
        Metric -> absolute difference between the bundle's value and the one found here.
    wrong
        What came out otherwise by more than is allowed, in sentences.
    """

    label: str
    address: str
    largest: Mapping[str, float]
    wrong: tuple[str, ...]


def choose(content: Content, k: int, seed: int) -> list[Record]:
    """Return k records, each as likely as any other, failures too; all where there are fewer."""
    import numpy as np

    records = sorted(content.records, key=lambda record: record.address)
    order = np.random.default_rng(seed).permutation(len(records))[:k]
    return [records[place] for place in order]


def repeat(
    chosen: Sequence[Record],
    content: Content,
    here: Here,
    executor: Executor,
    store: Store,
    tolerances: Mapping[str, float],
) -> list[Repetition]:
    """Run jobs again, from sample to score, and compare.

    Parameters
    ----------
    executor, store
        Where the jobs run, and the store that it works on: an empty one, in which nothing can be looked up.
    tolerances
        Metric -> absolute difference that is allowed instead of the declared one; :data:`EVERY` for all
        others.
    """
    jobs = tuple(here.jobs[record.address] for record in chosen)
    orders = make_orders(jobs, here.plan, here.registry, here.known)
    found = {order.job.address: outcome for order, outcome in executor.run(orders)}
    compare = _Comparison(content, here, store, tolerances)
    return [compare(record, found[record.address]) for record in chosen]


def threads_of(records: Sequence[Record]) -> int:
    """Return how many threads a bundle says that these jobs had: the last bits of a fit depend on it."""
    costs = (cost for record in records for cost in record.outcome.costs.values())
    return max((int(cost["threads"]) for cost in costs if "threads" in cost), default=1)


def possible_threads(said: int, cores: int) -> int:
    """Return the number of threads nearest to what a bundle says that this machine can give."""
    return min(max(said, 1), cores)


@dataclass(frozen=True)
class _Comparison:
    """Of what a bundle says with what was found here."""

    content: Content
    here: Here
    store: Store
    tolerances: Mapping[str, float]

    def __call__(self, record: Record, found: Outcome) -> Repetition:
        job, said = self.here.jobs[record.address], record.outcome
        both = said.metrics.keys() & found.metrics.keys()
        largest = {name: abs(said.metrics[name] - found.metrics[name]) for name in sorted(both)}
        wrong = tuple(map(plain, self._wrong(record, found)))
        return Repetition(label=plain(job.label), address=record.address, largest=largest, wrong=wrong)

    def _wrong(self, record: Record, found: Outcome) -> Iterator[str]:
        said = record.outcome
        if said.status == found.status == "ok":
            yield from self._unlike_scores(record, found)
        elif said.status != found.status:
            yield f"the bundle says {_came_to(said)}; here it is {_came_to(found)}{_excuse(said)}"
        elif not _fails_alike(said.failure, found.failure):
            yield f"it fails otherwise here: {_came_to(found)}; the bundle says {_came_to(said)}"

    def _unlike_scores(self, record: Record, found: Outcome) -> Iterator[str]:
        said = record.outcome
        if said.split_digest != found.split_digest:
            yield "the split that is drawn here is another one"
        if said.undefined.keys() != found.undefined.keys():
            yield f"other metrics are undefined here: {', '.join(sorted(found.undefined)) or 'none'}"
        mine, theirs = self.content.units(record.address), self.store.units(record.address)
        yield from _unlike_units(mine, theirs)
        for name, metric in self._allowed(record).items():
            if name in said.metrics:
                yield from _unlike(name, said.metrics[name], found.metrics.get(name, math.nan), metric)
            if not _alike(mine.values.get(name), theirs.values.get(name), metric):
                yield f"the scores of {name} by unit are others here"

    def _allowed(self, record: Record) -> dict[str, float]:
        """Return metric -> the absolute difference that is allowed."""
        card = self.here.registry.tasks[record.job["task"]["name"]].card
        every = self.tolerances.get(EVERY)
        return {
            metric.name: self.tolerances.get(metric.name, metric.tolerance if every is None else every)
            for metric in card.metrics
        }


def _came_to(outcome: Outcome) -> str:
    if outcome.failure:
        return f"{outcome.status} ({outcome.failure.kind}: {outcome.failure.reason})"
    return f"{outcome.status} ({outcome.reason})" if outcome.reason else outcome.status


def _excuse(said: Outcome) -> str:
    """Return what a person must know who wonders at a failure that another machine does not repeat."""
    if said.failure and said.failure.kind in OF_THE_MACHINE:
        return f"; {said.failure.kind} may be the machine's, and is believed where it happens here too"
    return ""


def _fails_alike(said: Failure | None, found: Failure | None) -> bool:
    """Return whether one failure bears out another; a short memory here bears out nothing but its like."""
    if said is None or found is None:
        return said is found
    return said.kind in OF_THE_MACHINE or found.kind not in OF_THE_MACHINE


def _unlike(name: str, said: float, found: float, allowed: float) -> Iterator[str]:
    if not abs(said - found) <= allowed:
        yield (
            f"{name} is {said:.6g} in the bundle and {found:.6g} here, {abs(said - found):.3g} apart where "
            f"{allowed:g} is allowed"
        )


def _unlike_units(said: Units, found: Units) -> Iterator[str]:
    if (said.names, said.clusters) != (found.names, found.clusters):
        yield "its units are others here"
    elif not _alike(said.weights, found.weights, 0.0):
        yield "its units have other weights here"


def _alike(one: NDArray[Any] | None, other: NDArray[Any] | None, allowed: float) -> bool:
    """Return whether scores of units agree; one unit may differ more than the mean of n, root n times."""
    import numpy as np

    if one is None or other is None:
        return one is other
    if one.shape != other.shape:
        return False
    return bool(np.allclose(one, other, rtol=1e-9, atol=allowed * math.sqrt(len(one)), equal_nan=True))
