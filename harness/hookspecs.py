"""The doors a package may knock on: each hook is an empty function whose docstring is its manual.

A package offers plugins with one entry point in the group ``harness``::

    [project.entry-points.harness]
    "model.mine" = "my_package.plugin"

where ``my_package/plugin.py`` imports nothing heavy and holds::

    from harness import ModelCard, hookimpl

    @hookimpl
    def harness_models():
        return [ModelCard(name="mine", version="1", entry="my_package.model:Mine")]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

from harness.contracts.cards import CatalogueCard, CommandCard, ModelCard, SamplerCard, TaskCard

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


@hookspec
def harness_models() -> list[ModelCard]:  # type: ignore[empty-body]
    """Return a card for every model this plugin offers. Called at every start: import nothing heavy."""


@hookspec
def harness_tasks() -> list[TaskCard]:  # type: ignore[empty-body]
    """Return a card for every task this plugin offers. Called at every start: import nothing heavy."""


@hookspec
def harness_samplers() -> list[SamplerCard]:  # type: ignore[empty-body]
    """Return a card for every sampler this plugin offers. Called at every start: import nothing heavy."""


@hookspec
def harness_catalogues() -> list[CatalogueCard]:  # type: ignore[empty-body]
    """Return a card for every catalogue file this package ships."""


@hookspec
def harness_commands() -> list[CommandCard]:  # type: ignore[empty-body]
    """Return a card for every command this plugin adds to ``harness``."""


@hookspec
def harness_reports(store: Path, grid: Mapping[str, Any]) -> list[str]:  # type: ignore[empty-body]
    """Make a report of a finished run; called by ``harness run`` at its end.

    ``store`` is the store's folder and ``grid`` what was asked, as :meth:`harness.plan.Plan.describe` gives
    it (suite, the planned score addresses, pruned pairs, broken plugins, trial or not). Return the lines to
    print: the table, and where it was written.
    """
