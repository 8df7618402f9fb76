"""What the verifier has: plugins, data, and the plan that the bundle's suite gives with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import Misuse
from harness.plan import Plan, describe, make_plan
from harness.records import Job
from harness.registry import Registry, discover
from harness.store import Store
from harness.submission.archive import Refused
from harness.submission.content import Content
from harness.suite import Suite
from harness.survey import Survey, read_catalogues, survey


@dataclass(frozen=True, kw_only=True)
class Here:
    """A plan made here, and what it was made from."""

    plan: Plan
    registry: Registry
    known: Survey

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """Score address -> job."""
        return {job.address: job for job in self.plan.jobs}

    def grid(self, content: Content) -> dict[str, Any]:
        """Return what was asked as plain data: as it is here, but for who computed it, and on what."""
        asked = {name: content.grid[name] for name in ("harness", "environment")}
        return {**describe(self.plan, self.registry, self.known), **asked, "trial": False}


def look_here(
    content: Content,
    store: Store,
    *,
    catalogues: Sequence[Path] = (),
    data: Path | None = None,
    weights: Path | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> Here:
    """Plan a bundle's suite with the plugins and data that are here.

    Parameters
    ----------
    store
        Where facts of data sets are and go; no result in it is looked at.
    weights
        Folder of the folders of published weights that the suite names.

    Raises
    ------
    Refused
        The bundle names no suite that can be read.
    Misuse
        A plugin or catalogue that the suite names is not here.
    """
    suite = _suite(content.grid, weights)
    registry = discover()
    entries = read_catalogues(catalogues, suite.catalogues, registry.catalogues, data)
    known = survey(suite.all_corpora, suite.datasets, entries, store, None, announce, suite.evaluation_cells)
    try:
        plan = make_plan(suite, registry, known, content.grid["environment"]["device_kind"])
    except Misuse as error:
        raise Misuse(f"the bundle cannot be verified here: {error}") from error
    return Here(plan=plan, registry=registry, known=known)


def _suite(grid: Mapping[str, Any], weights: Path | None) -> Suite:
    try:
        suite = Suite.model_validate_json(json.dumps(grid["suite"]))
        strange = [w.weights for w in suite.models if w.weights and Path(w.weights.name) != w.weights]
        if strange:
            raise Refused(
                f'the suite names weights by a path, "{strange[0]}"; the name of a folder is accepted'
            )
        kind = grid["environment"]["device_kind"]
        if kind not in ("cpu", "cuda"):
            raise Refused(f'the grid was computed on "{kind}"; cpu and cuda are known')
    except (KeyError, TypeError, ValidationError) as error:
        raise Refused(f"grid.json names no suite that can be read: {' '.join(str(error).split())}") from error
    needed = [wish.weights.name for wish in suite.models if wish.weights]
    if needed and weights is None:
        raise Misuse(
            f'the suite takes over the published weights "{needed[0]}"; name the folder they lie in with '
            "--weights DIR"
        )
    return suite.beside(weights.absolute()) if weights else suite
