"""A finished suite -> a bundle."""

from __future__ import annotations

import importlib.metadata
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.conformance import conform
from harness.digest import canonical
from harness.errors import Misuse
from harness.plan import Plan
from harness.records import Record
from harness.registry import Registry
from harness.store import Store
from harness.submission.content import (
    CONFORMANCE,
    GRID,
    LOCKS,
    MANIFEST,
    RECORDS,
    SCORE_FILES,
    claims_of,
    entry,
    make_manifest,
    used_plugins,
)

REPAIRS = "recomputed"
"""The note of a run that found damaged files and computed them again: of the store, not of the result."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same results give the same file."""


def pack(
    to: Path, grid: Mapping[str, Any], plan: Plan, registry: Registry, store: Store
) -> Mapping[str, Any]:
    """Write the bundle of a suite of which every job has an outcome.

    Parameters
    ----------
    to
        The file, which must not be there yet.
    grid
        What was asked, as plain data.

    Returns
    -------
    The manifest.

    Raises
    ------
    Misuse
        The results are a trial, or some are missing, or the file is there already.
    """
    if grid["trial"]:
        raise Misuse("a trial on limited cells is never submitted; run and submit without --limit")
    if to.exists():
        raise Misuse(f'"{to}" is there already; name another file with --to')
    records = _records(plan, store)
    to.parent.mkdir(parents=True, exist_ok=True)
    temporary = to.with_name(f".{to.name}.{uuid4().hex}")
    files = {}
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in _files(grid, records, registry, store):
                files[name] = entry(content)
                _add(archive, name, content)
            manifest = make_manifest(files, claims_of(grid, records))
            _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
        temporary.replace(to)
    finally:
        temporary.unlink(missing_ok=True)
    return manifest


def _records(plan: Plan, store: Store) -> list[Record]:
    """Return what came of every planned job, under the names that this plan uses."""
    found = store.ledger.records()
    missing = [job.label for job in plan.jobs if job.address not in found]
    if missing:
        raise Misuse(
            f"{len(missing):,} of {len(plan.jobs):,} jobs have no result yet, such as {missing[0]}; a bundle "
            "answers a whole suite: harness run finishes it"
        )
    return [_told(replace(found[job.address], job=job.describe())) for job in plan.jobs]


def _files(
    grid: Mapping[str, Any], records: list[Record], registry: Registry, store: Store
) -> Iterator[tuple[str, bytes]]:
    yield GRID, canonical(grid).encode()
    yield RECORDS, "".join(f"{canonical(record.to_json())}\n" for record in records).encode()
    for record in records:
        if record.outcome.status == "ok":
            folder = store.blobs.read("score", record.address)
            for name in SCORE_FILES:
                yield f"scores/{record.address}/{name}", (folder / name).read_bytes()
    yield LOCKS, "".join(f"{line}\n" for line in locks()).encode()
    yield CONFORMANCE, json.dumps(conformance(records, registry), indent=1).encode()


def _told(record: Record) -> Record:
    """Return a record without tracebacks and repairs of the store, which name paths of this machine."""
    outcome = record.outcome
    failure = replace(outcome.failure, traceback="") if outcome.failure else None
    notes = {name: value for name, value in outcome.notes.items() if name != REPAIRS}
    return replace(record, outcome=replace(outcome, failure=failure, notes=notes))


def locks() -> list[str]:
    """Return every installed distribution with its version, as ``pip install -r`` reads them."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions() if d.metadata["Name"]}
    return [f"{name}=={version}" for name, version in sorted(found.items(), key=lambda item: item[0].lower())]


def conformance(records: list[Record], registry: Registry) -> dict[str, Any]:
    """Return what the conformance checks say of every plugin behind these records."""
    shelves: dict[str, Mapping[str, Any]] = {
        "model": registry.models,
        "task": registry.tasks,
        "sampler": registry.samplers,
    }
    return {
        f"{kind} {name}": {
            "version": shelves[kind][name].card.version,
            "findings": [asdict(finding) for finding in conform(shelves[kind][name].card, kind)],
        }
        for kind, name, _ in used_plugins(records)
    }


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
