"""``harness check``: is this plugin well behaved?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson

if TYPE_CHECKING:
    from harness.registry import Found


def check(
    plugin: Annotated[str, typer.Argument(help="Name of an installed model, task or sampler.")],
    as_json: AsJson = False,
) -> None:
    """Run the conformance checks over one plugin; exit with 1 where one fails."""
    from harness.conformance import conform
    from harness.errors import Misuse, did_you_mean
    from harness.registry import discover

    registry = discover()
    shelves: dict[str, Mapping[str, Found[Any]]] = {
        "model": registry.models,
        "task": registry.tasks,
        "sampler": registry.samplers,
    }
    found = {kind: shelf[plugin] for kind, shelf in shelves.items() if plugin in shelf}
    if not found:
        known = [name for shelf in shelves.values() for name in shelf]
        raise Misuse(f'no plugin is called "{plugin}".' + did_you_mean(plugin, known))
    findings = [finding for kind, one in found.items() for finding in conform(one.card, kind)]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for kind, one in found.items():
            print(f"{kind} {plugin} {one.card.version} of {one.origin}")
        for finding in findings:
            state = "ok" if finding.passed else ("known" if finding.known else "FAILED")
            print(f"{state:6} {finding.check}" + (f": {finding.message}" if finding.message else ""))
    if any(not finding.passed and not finding.known for finding in findings):
        raise typer.Exit(1)
