"""The append-only list of what came of each job. Resume means: ask it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from harness.digest import text_digest
from harness.records import Record


@dataclass(frozen=True)
class Line:
    """One line as found: a record, or what is wrong with it."""

    number: int
    record: Record | None
    complaint: str | None = None


class Ledger:
    """Records as lines ``<sha256 of the rest> <json>``; many processes may append.

    A kill in the middle of a line costs that line only: its job is found unfinished and its stages are in
    the blobs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, records: Iterable[Record]) -> None:
        """Add records and sync them to disk."""
        text = "".join(_as_line(record) for record in records)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")), self.path.open("ab+") as stream:
            stream.write((b"" if _ends_clean(stream) else b"\n") + text.encode())
            stream.flush()
            os.fsync(stream.fileno())

    def lines(self) -> Iterator[Line]:
        """Yield every line, damaged ones with a complaint."""
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8", errors="replace") as stream:
            for number, text in enumerate(stream, start=1):
                if text.strip():
                    yield self._read(number, text.rstrip("\n"))

    def records(self) -> dict[str, Record]:
        """Return the newest record of each score address."""
        return {line.record.address: line.record for line in self.lines() if line.record}

    def _read(self, number: int, text: str) -> Line:
        digest, _, body = text.partition(" ")
        if text_digest(body) != digest:
            return Line(
                number,
                None,
                f'line {number} of "{self.path}" is damaged; its job will be looked up or run again',
            )
        return Line(number, Record.from_json(json.loads(body)))


def _as_line(record: Record) -> str:
    body = json.dumps(record.to_json(), separators=(",", ":"), allow_nan=False)
    return f"{text_digest(body)} {body}\n"


def _ends_clean(stream) -> bool:  # type: ignore[no-untyped-def]
    """Return whether the last append was finished, so that a torn line does not swallow the next."""
    end = stream.seek(0, os.SEEK_END)
    if end == 0:
        return True
    stream.seek(end - 1)
    return bool(stream.read(1) == b"\n")
