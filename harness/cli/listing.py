"""``harness list``: which plugins are there."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from harness.cli.options import AsJson
from harness.registry import Registry, discover


def list_plugins(
    kind: Annotated[
        str | None, typer.Argument(help="models, tasks or samplers; all of them if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List models, tasks and samplers: version, distribution, what each needs and offers."""
    registry = discover()
    found = registry.describe()
    if kind is not None:
        found["found"] = [plugin for plugin in found["found"] if plugin["kind"] == _singular(kind)]
    if as_json:
        print(json.dumps(found, indent=1))
        return
    print(_table(found["found"]))
    for line in complaints(registry):
        print(line)


def _singular(kind: str) -> str:
    from harness.errors import Misuse, did_you_mean

    kinds = {"models": "model", "tasks": "task", "samplers": "sampler"}
    if kind not in kinds:
        raise Misuse(f'"{kind}" is not a kind of plugin.' + did_you_mean(kind, list(kinds)))
    return kinds[kind]


def _table(plugins: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        [
            plugin["kind"],
            plugin["name"],
            plugin["version"],
            plugin["distribution"],
            ", ".join(plugin["needs"]) or "-",
            ", ".join(plugin["offers"]) or "-",
            "; ".join(filter(None, [plugin["summary"], plugin["not_installed"]])),
        ]
        for plugin in plugins
    ]
    headers = ["kind", "name", "version", "distribution", "needs", "offers", "what it is"]
    return tabulate(
        rows, headers=headers, tablefmt="simple", maxcolwidths=[None, None, None, None, 28, 14, 44]
    )


def complaints(registry: Registry) -> list[str]:
    """Return a line for every plugin that is broken or whose name clashes."""
    return [
        *(f"broken: {b.name} of {b.distribution}: {b.reason}" for b in registry.broken),
        *(
            f'clashing: the {c.kind} "{c.name}" of {c.distribution} is left out; {c.kept} has that name'
            for c in registry.clashing
        ),
    ]
