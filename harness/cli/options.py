"""Options that several commands share, and how their text is read."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from harness.errors import Misuse

SuiteName = Annotated[
    str | None, typer.Argument(help="A suite file, or the name of a packaged suite.", show_default="quick")
]
Everything = Annotated[
    bool,
    typer.Option("--all", help="Add every installed model and sampler, and every task from other packages."),
]
Models = Annotated[list[str] | None, typer.Option("--model", help="Only this model (repeatable).")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only this task (repeatable).")]
Samplers = Annotated[list[str] | None, typer.Option("--sampler", help="Only this sampler (repeatable).")]
Datasets = Annotated[list[str] | None, typer.Option("--dataset", help="Only this data set (repeatable).")]
Sizes = Annotated[str | None, typer.Option("--sizes", help='Numbers of cells, such as "100,400,all".')]
Seeds = Annotated[str | None, typer.Option("--seeds", help='Seeds, such as "0,1,2" or "0-4".')]
DeviceName = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of results.", envvar="HARNESS_STORE", show_default=".harness"),
]
Catalogues = Annotated[
    list[Path] | None, typer.Option("--catalogue", help="A catalogue file, searched first (repeatable).")
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of the data files that packaged catalogues name.", envvar="HARNESS_DATA"
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=20, help="Trial: at most this many cells of each data set; never published."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 also for broken, clashing or pruned-everywhere plugins.")
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Compute again what other library versions computed.")
]


def store_folder(given: Path | None) -> Path:
    """Return the store's folder: the one given, else ``.harness`` here."""
    return given or Path(os.environ.get("HARNESS_STORE", ".harness"))


def read_sizes(text: str | None) -> tuple[Any, ...] | None:
    """Read ``100,400,all``."""
    if text is None:
        return None
    return tuple("all" if part == "all" else _number(part, "--sizes", '"all"') for part in _parts(text))


def read_seeds(text: str | None) -> tuple[int, ...] | None:
    """Read ``0,1,2`` or ``0-4``."""
    if text is None:
        return None
    seeds: list[int] = []
    for part in _parts(text):
        first, dash, last = part.partition("-")
        start = _number(first, "--seeds", "a range such as 0-4")
        seeds += range(start, _number(last, "--seeds", "a range such as 0-4") + 1) if dash else [start]
    return tuple(seeds)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str, option: str, otherwise: str) -> int:
    if not text.isdigit():
        raise Misuse(
            f'{option} got "{text}"; whole numbers from 0 or {otherwise} are accepted, separated by commas'
        )
    return int(text)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options of a grid, as typed: each field is one option of ``plan``, ``run`` and ``doctor``."""

    suite: SuiteName = None
    everything: Everything = False
    model: Models = None
    task: Tasks = None
    sampler: Samplers = None
    dataset: Datasets = None
    sizes: Sizes = None
    seeds: Seeds = None
    device: DeviceName = "auto"
    store: StoreFolder = None
    catalogue: Catalogues = None
    data: DataRoot = None
    limit: Limit = None


def takes_grid(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a grid; it gets them as one :class:`Wanted`."""
    hints = get_type_hints(Wanted, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(Wanted)
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.name != "wanted"
    ]

    @wraps(command)
    def wrapper(**given: Any) -> None:
        wanted = Wanted(**{field.name: given.pop(field.name) for field in fields(Wanted)})
        command(wanted, **given)

    del wrapper.__wrapped__  # typer must see the signature below, not the one behind it
    wrapper.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in [*shared, *own]}
    return wrapper
