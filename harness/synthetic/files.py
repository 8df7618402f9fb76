"""From a catalogue's ``world:`` mapping to an h5ad file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.digest import canonical
from harness.errors import Misuse, did_you_mean
from harness.synthetic.population import Population, check_cells
from harness.synthetic.world import WORLDS, World

WORLD_VERSION = 1
"""Raised when the same knobs give other cells; part of every simulated file's address."""

PARTS: Mapping[str, Callable[[World, int], Population]] = {
    "corpus": World.corpus,
    "evaluation": World.evaluation,
    "perturbed": World.perturbed,
}


@dataclass(frozen=True, kw_only=True)
class _Spec:
    """A ``world:`` mapping, understood."""

    world: World
    part: str
    cells: int


def identity(world_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that decides which cells a ``world:`` mapping gives: all knobs and the version.

    Parameters
    ----------
    world_spec
        ``name`` of a world in :data:`WORLDS`, ``part`` of it, number of ``cells``, and any knob of
        :class:`World` to turn.

    Raises
    ------
    Misuse
        A world, part or knob is unknown or has an impossible value.
    """
    spec = _understood(world_spec)
    knobs = {**asdict(spec.world), "doses": list(spec.world.doses)}
    return {"version": WORLD_VERSION, "part": spec.part, "cells": spec.cells, "knobs": knobs}


def materialise(world_spec: Mapping[str, Any], path: Path) -> None:
    """Simulate what a ``world:`` mapping asks for (see :func:`identity`) and write it to an h5ad file."""
    spec = _understood(world_spec)
    write(PARTS[spec.part](spec.world, spec.cells), path)


def write(population: Population, path: Path) -> None:
    """Write cells as h5ad: raw counts in X, labels in obs, knobs in uns. A reader never sees half a file."""
    import anndata
    import pandas

    names = [f"{population.part}-{number}" for number in range(population.n_cells)]
    cells = anndata.AnnData(
        X=population.counts,
        obs=pandas.DataFrame(
            {name: pandas.Categorical(v) for name, v in population.obs.items()}, index=names
        ),
        var=pandas.DataFrame(index=list(population.genes)),
        uns={"world": canonical(asdict(population.world)), "version": WORLD_VERSION, "part": population.part},
    )
    temporary = path.with_name(f".{path.stem}.{uuid4().hex}.h5ad")
    try:
        cells.write_h5ad(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _understood(world_spec: Mapping[str, Any]) -> _Spec:
    """Return a ``world:`` mapping with names looked up and values checked."""
    knobs = dict(world_spec)
    name, part, cells = (_taken(knobs, key) for key in ("name", "part", "cells"))
    _known("world", name, list(WORLDS))
    _known("part", part, list(PARTS))
    for knob in knobs:
        _known("knob", knob, [known.name for known in fields(World)])
    return _Spec(world=replace(WORLDS[name], **knobs), part=part, cells=check_cells(part, cells))


def _taken(knobs: dict[str, Any], key: str) -> Any:
    if key not in knobs:
        raise Misuse(f'a simulated world needs "{key}", as in {{name: atlas, part: corpus, cells: 1000}}')
    return knobs.pop(key)


def _known(kind: str, name: Any, known: list[str]) -> None:
    if name not in known:
        raise Misuse(f'a simulated world has no {kind} "{name}".{did_you_mean(str(name), known)}')
