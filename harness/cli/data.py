"""``harness data``: what is wrong with a data set or catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, DataRoot, StoreFolder, store_folder

app = typer.Typer(help="Look at data sets and catalogues.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Look at data sets and catalogues."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A catalogue (.yaml) or a data file (.h5ad).")],
    data: DataRoot = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with every data set of a catalogue, or with one file of raw counts in X."""
    from harness.corpus import check as complaints_of
    from harness.store import Store
    from harness.survey import complaints_of_parts, entries_of, locate

    where = Store(store_folder(store))
    found: dict[str, list[str]] = {}
    entries = entries_of(file, data)
    by_name = {(str(entry.kind), entry.name): entry for entry in entries}
    for entry in entries:
        if entry.join:  # the parts are looked at by themselves
            found[entry.name] = complaints_of_parts(entry, by_name)
            continue
        found[entry.name] = complaints_of(entry, lambda entry=entry: locate(entry, where))  # type: ignore[misc]
    if as_json:
        print(json.dumps(found, indent=1))
    for name, complaints in found.items() if not as_json else ():
        print(f"{name}: " + ("nothing wrong" if not complaints else ""))
        for complaint in complaints:
            print(f"  {complaint}")
    if any(found.values()):
        raise typer.Exit(1)
