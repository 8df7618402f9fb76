"""What a bundle says, read without believing it: records, scores by unit, grid, conformance."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.digest import canonical, text_digest
from harness.errors import Misuse
from harness.records import Record
from harness.store import UNITS, Units, unpack
from harness.submission.archive import Archive, Refused
from harness.submission.schema import Conformance, Grid, Manifest, read_record

FORMAT = 3
MANIFEST, GRID, RECORDS, LOCKS, CONFORMANCE = (
    "manifest.json",
    "grid.json",
    "records.jsonl",
    "locks.txt",
    "conformance.json",
)
ONCE = (MANIFEST, GRID, RECORDS, LOCKS, CONFORMANCE)
SCORE_FILES = ("manifest.json", "scores.json", UNITS, "costs.json")
SCORE_NAME = re.compile(rf"scores/([0-9a-f]{{64}})/({'|'.join(map(re.escape, SCORE_FILES))})")
LARGEST_INTEGER = 2**63 - 1


def belongs(name: str) -> bool:
    """Return whether a bundle has files of this name."""
    return name in ONCE or SCORE_NAME.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class Content:
    """A bundle whose files have the digests that its manifest names.

    Attributes
    ----------
    digest
        Of the manifest, and so of everything: what a bundle is cited by.
    claims
        What the manifest says of the rest.
    """

    archive: Archive
    digest: str
    claims: Mapping[str, Any]
    grid: Mapping[str, Any]
    records: tuple[Record, ...]
    conformance: Mapping[str, Any]

    @property
    def scored(self) -> tuple[Record, ...]:
        """The records that have scores."""
        return tuple(record for record in self.records if record.outcome.status == "ok")

    def score_file(self, address: str, name: str) -> bytes:
        """Return a file of a finished job's stored scores."""
        return self.archive.read(f"scores/{address}/{name}")

    def document(self, address: str, name: str) -> dict[str, Any]:
        """Return a JSON file of a finished job's stored scores."""
        return dict(_json(self.score_file(address, name), f"scores/{address}/{name}"))

    def units(self, address: str) -> Units:
        """Return the scores by unit of a finished job."""
        return read_units(self.score_file(address, UNITS), f"scores/{address}/{UNITS}")


@contextmanager
def open_bundle(path: Path) -> Iterator[Content]:
    """Read a bundle, and keep its file open for the scores in it."""
    if not path.is_file():
        raise Misuse(f'there is no bundle "{path}"; harness submit writes one')
    with Archive(path, belongs, f'"{path.name}"') as archive:
        yield read_content(archive)


def read_content(archive: Archive) -> Content:
    """Read a bundle.

    Raises
    ------
    Refused
        A file is absent, or not what the manifest says, or not in the form that it should have.
    """
    manifest = _json(archive.read(MANIFEST), MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Refused(f'"{MANIFEST}" is not of format {FORMAT}, the one that this version reads')
    _formed(manifest, Manifest, MANIFEST)
    _refuse_other_files(archive, manifest)
    _refuse_other_digest(manifest)
    records = tuple(_records(archive.read(RECORDS)))
    _refuse_lost_scores(archive, records)
    return Content(
        archive=archive,
        digest=manifest["digest"],
        claims=manifest["claims"],
        grid=_formed(_json(archive.read(GRID), GRID), Grid, GRID),
        records=records,
        conformance=_formed(_json(archive.read(CONFORMANCE), CONFORMANCE), Conformance, CONFORMANCE),
    )


def make_manifest(files: Mapping[str, Mapping[str, Any]], claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``manifest.json``, its own digest inside."""
    manifest = {"format": FORMAT, "files": dict(files), "claims": dict(claims)}
    return {**manifest, "digest": text_digest(canonical(manifest))}


def entry(content: bytes) -> dict[str, Any]:
    """Return what a manifest says of one file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def claims_of(grid: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """Return what a manifest claims: nothing that does not follow from grid and records."""
    return {
        "suite": grid["suite"]["name"],
        "outcomes": dict(sorted(Counter(record.outcome.status for record in records).items())),
        "plugins": sorted({f"{kind} {origin}" for r in records for kind, origin in r.plugins.items()}),
        "versions": [" ".join(plugin) for plugin in used_plugins(records)],
        "data": {data["name"]: data["digest"] for data in grid["data"]},
        "environments": _distinct(record.environment for record in records),
        "metrics": text_digest(canonical([[r.address, dict(r.outcome.metrics)] for r in records])),
    }


def used_plugins(records: Iterable[Record]) -> list[tuple[str, str, str]]:
    """Return kind, name and version of every plugin behind these records."""
    return sorted(
        {
            (kind, record.job[kind]["name"], record.job[kind]["version"])
            for record in records
            for kind in ("model", "task", "sampler")
            if record.job[kind]
        }
    )


def _distinct(mappings: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [json.loads(text) for text in sorted({canonical(dict(mapping)) for mapping in mappings})]


def _refuse_other_files(archive: Archive, manifest: Mapping[str, Any]) -> None:
    files = manifest["files"]
    found = set(archive.names()) - {MANIFEST}
    if strangers := sorted(found - files.keys()):
        raise Refused(f'the manifest does not name "{strangers[0]}", which the bundle has')
    for name, said in files.items():
        is_so = entry(archive.read(name))
        if is_so != said:
            raise Refused(
                f'"{name}" is not the file that the manifest names: it has sha256 {is_so["sha256"][:12]}..., '
                f"{is_so['bytes']:,} bytes"
            )


def _refuse_other_digest(manifest: Mapping[str, Any]) -> None:
    whole = make_manifest(manifest["files"], manifest["claims"])
    if manifest["digest"] != whole["digest"]:
        raise Refused("the manifest was edited: its digest is not that of its content")


def _refuse_lost_scores(archive: Archive, records: Sequence[Record]) -> None:
    scored = {record.address for record in records if record.outcome.status == "ok"}
    stored = {match[1] for name in archive.names() if (match := SCORE_NAME.fullmatch(name))}
    if strangers := sorted(stored ^ scored):
        what = "no stored scores" if strangers[0] in scored else "stored scores and no record with scores"
        raise Refused(f"the job {strangers[0]} has {what}")


def _records(content: bytes) -> Iterable[Record]:
    seen: set[str] = set()
    for number, line in enumerate(content.splitlines(), start=1):
        where = f"line {number} of {RECORDS}"
        data = _json(line, where)
        try:
            record = read_record(data)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise Refused(f"{where} is no record: {_one_line(error)}") from error
        if record.address in seen:
            raise Refused(f"{where} is a second record of the job {record.address}")
        seen.add(record.address)
        yield record


def _formed(document: Any, form: type[BaseModel], name: str) -> Any:
    """Return a document as it came, if it has the form that it should have."""
    try:
        form.model_validate(document)
    except ValidationError as error:
        raise Refused(f"{name} does not have the form that it should have: {_one_line(error)}") from error
    return document


def _json(content: bytes, name: str) -> Any:
    """Return what a JSON text says, which can be written again: no number beyond all, no half a character."""
    try:
        said = json.loads(content, parse_constant=_no_number, parse_float=_finite, parse_int=_counted)
        canonical(said).encode()
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} is not JSON that can be read: {_one_line(error)}") from error
    return said


def _no_number(text: str) -> float:
    raise ValueError(f"{text[:40]} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _counted(text: str) -> int:
    number = int(text)
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(f"{text[:40]} is larger than any number here")
    return number


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def read_units(content: bytes, name: str) -> Units:
    """Return scores by unit; `Refused` where there are none to be read."""
    try:
        return unpack(content)
    except ValueError as error:
        raise Refused(f'"{name}" {_one_line(error)}') from error
