"""One store: blobs, ledger, facts and boards under one folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.environment import machine
from harness.errors import Damaged, Misuse
from harness.records import Record
from harness.store.blobs import Blobs, write_atomically
from harness.store.ledger import Ledger
from harness.store.shelf import Shelf
from harness.store.units import UNITS, Units, unpack

FORMAT = "3"


@dataclass(frozen=True, kw_only=True)
class Health:
    """What a look through the whole store found."""

    blobs: int
    records: int
    complaints: tuple[str, ...]


class Store:
    """A folder of results; two processes may share it.

    Raises
    ------
    Misuse
        The folder holds a store of another format, or is not a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise Misuse(
                f'the store "{self.path}" is a file; a folder is needed: give another with --store DIR'
            )
        self._check_format()
        self.scratch = self.path / "scratch"
        self.unfinished = self.path / "unfinished"
        self.blobs = Blobs(self.path / "blobs", self.scratch)
        self.ledger = Ledger(self.path / "ledger.jsonl")
        self.facts = Shelf(self.path / "facts")
        self.boards = self.path / "boards"
        self.data = self.path / "data"
        self.logs = self.path / "logs"

    def _check_format(self) -> None:
        marker = self.path / "FORMAT"
        found = marker.read_text().strip() if marker.is_file() else None
        if found not in (None, FORMAT):
            raise Misuse(
                f'the store "{self.path}" has format "{found}" and this version reads format "{FORMAT}"; '
                "give another folder with --store DIR"
            )

    def prepare(self) -> None:
        """Make the folder, and clear away what killed processes left unfinished."""
        write_atomically(self.path / "FORMAT", FORMAT.encode())
        for left in self.scratch.glob("*") if self.scratch.is_dir() else ():
            place, process, *_ = f"{left.name}--".split("-")
            if place == machine() and process.isdigit() and not psutil.pid_exists(int(process)):
                shutil.rmtree(left, ignore_errors=True)

    def records(self) -> list[Record]:
        """Return the newest record of each job."""
        return list(self.ledger.records().values())

    def append(self, records: Iterable[Record]) -> None:
        """Add finished jobs to the ledger."""
        self.ledger.append(records)

    def units(self, address: str) -> Units:
        """Return the per-unit scores of a finished job.

        Raises
        ------
        Damaged
            The stored file does not have the content that was written.
        """
        return unpack(self.blobs.content("score", address, UNITS))

    def intact(self, address: str) -> bool:
        """Return whether a finished job's scores are there and undamaged."""
        try:
            self.blobs.read("score", address)
        except Damaged:
            return False
        return True

    def health(self) -> Health:
        """Verify every blob and every line of the ledger."""
        complaints = []
        blobs = list(self.blobs.all())
        for stage, address in blobs:
            try:
                self.blobs.read(stage, address)
            except Damaged as damage:
                complaints.append(str(damage))
        lines = list(self.ledger.lines())
        complaints += [line.complaint for line in lines if line.complaint]
        return Health(
            blobs=len(blobs), records=sum(1 for line in lines if line.record), complaints=tuple(complaints)
        )
