"""From options to a plan: what ``plan`` and ``run`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.cli.options import Wanted, read_seeds, read_sizes, store_folder
from harness.environment import of_harness
from harness.executors.devices import Device, detect
from harness.plan import Plan, describe, make_plan
from harness.registry import HOUSE, Registry, discover
from harness.store import Store
from harness.suite import DEFAULT, Suite, find_suite, read_suite
from harness.survey import Survey, read_catalogues, survey


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A plan and everything it was made from."""

    plan: Plan
    registry: Registry
    known: Survey
    store: Store
    device: Device
    trial: bool

    def describe(self) -> dict[str, Any]:
        """Return the grid as plain data, as reports and programs get it."""
        return {
            **describe(self.plan, self.registry, self.known),
            "trial": self.trial,
            "harness": of_harness(),
            "environment": {"device": self.device.name, "device_kind": self.device.kind},
        }


def expand(wanted: Wanted, announce: Callable[[str], None] = lambda _: None) -> Grid:
    """Read the suite, look at the data, and expand the grid."""
    registry = discover()
    suite = narrow(wanted, registry)
    store = Store(store_folder(wanted.store))
    entries = read_catalogues(wanted.catalogue or [], suite.catalogues, registry.catalogues, wanted.data)
    known = survey(
        suite.all_corpora, suite.datasets, entries, store, wanted.limit, announce, suite.evaluation_cells
    )
    device = detect(wanted.device)
    plan = make_plan(suite, registry, known, device.kind)
    return Grid(
        plan=plan,
        registry=registry,
        known=known,
        store=store,
        device=device,
        trial=wanted.limit is not None,
    )


def narrow(wanted: Wanted, registry: Registry) -> Suite:
    """Return the suite that the options ask for.

    ``--all`` adds every installed model and sampler. Tasks are what a suite is about, so of those only the
    ones from other packages are added: a task of ours enters a suite on purpose.
    """
    suite = read_suite(find_suite(wanted.suite or DEFAULT))
    if wanted.everything:
        guests = [name for name, found in registry.tasks.items() if found.distribution != HOUSE]
        suite = suite.everything(registry.models, registry.samplers, guests)
    parts = {
        "models": _tuple(wanted.model),
        "tasks": _tuple(wanted.task),
        "samplers": _tuple(wanted.sampler),
        "datasets": _tuple(wanted.dataset),
        "sizes": read_sizes(wanted.sizes),
        "seeds": read_seeds(wanted.seeds),
    }
    narrowed = suite.narrowed(**parts)
    # A board of another grid has another name, so that it never takes the place of the suite's own.
    kind = ".trial" if wanted.limit else (".part" if any(parts.values()) else "")
    return narrowed.model_copy(update={"name": suite.name + kind})


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None
