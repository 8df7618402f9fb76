"""``harness doctor``: is everything here in order?"""

from __future__ import annotations

import json
import platform
import sys

import typer

from harness.cli import options
from harness.cli.listing import complaints
from harness.errors import HarnessError


@options.takes_grid
def doctor(wanted: options.Wanted, as_json: options.AsJson = False) -> None:
    """Look at Python, torch, the device, the plugins and the store; exit with 1 where something is wrong.

    A plugin of this distribution that the suite's data do not admit, or that waits for an extra, is noted.
    """
    facts, problems, notes = examine(wanted)
    if as_json:
        print(json.dumps({"facts": facts, "problems": problems, "notes": notes}, indent=1))
    else:
        for name, value in facts.items():
            print(f"{name:8} {value}")
        for note in notes:
            print(f"noted: {note}")
        for problem in problems or ["nothing is wrong"]:
            print(problem)
    if problems:
        raise typer.Exit(1)


def examine(wanted: options.Wanted) -> tuple[dict[str, str], list[str], list[str]]:
    """Return what is here, what is wrong with it, and what is merely not of use."""
    from harness.environment import library_versions
    from harness.executors.devices import detect
    from harness.registry import discover
    from harness.store import Store

    device, registry = detect(wanted.device), discover()
    folder = options.store_folder(wanted.store)
    health = Store(folder).health()
    plugins = {"models": registry.models, "tasks": registry.tasks, "samplers": registry.samplers}
    facts = {
        "python": f"{platform.python_version()} at {sys.executable}",
        "torch": library_versions().get("torch", "not installed"),
        "device": f"{device.kind}: {device.name}, {device.memory_bytes / 2**30:.1f} GiB"
        + (f" each, {device.count} of them" if device.count else ""),
        "plugins": ", ".join(f"{len(shelf)} {kind}" for kind, shelf in plugins.items()),  # type: ignore[arg-type]
        "store": f"{folder.absolute()}: {health.records:,} records, {health.blobs:,} stages",
    }
    guests, ours = _lost(wanted)
    problems = [*complaints(registry), *guests, *(f"damaged: {one}" for one in health.complaints)]
    return facts, problems, ours


def _lost(wanted: options.Wanted) -> tuple[list[str], list[str]]:
    """Return what :func:`harness.cli.planning.lost` does, of the suite with everything installed."""
    from dataclasses import replace

    from harness.cli.grid import expand
    from harness.cli.planning import lost

    try:
        return lost(expand(replace(wanted, everything=True)))
    except HarnessError as error:
        return [f"the suite cannot be planned: {error}"], []
