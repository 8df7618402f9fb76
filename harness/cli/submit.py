"""``harness submit``: write one file with the results of a suite, for others to verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.grid import expand


@options.takes_grid
def submit(
    wanted: options.Wanted,
    to: Annotated[Path, typer.Option("--to", help="The file to write.")] = Path("submission.zip"),
    as_json: options.AsJson = False,
) -> None:
    """Write a finished suite into one bundle: results, manifest, locks, conformance of its plugins."""
    from harness.submission import pack

    grid = expand(wanted)
    manifest = pack(to, grid.describe(), grid.plan, grid.registry, grid.store)
    if as_json:
        print(json.dumps(manifest, indent=1))
        return
    outcomes = ", ".join(f"{count:,} {status}" for status, count in manifest["claims"]["outcomes"].items())
    print(f"{to}: {outcomes}; {to.stat().st_size:,} bytes, digest {manifest['digest']}")
