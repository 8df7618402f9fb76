"""One store: blobs, ledger, facts and boards under one folder."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.environment import machine
from harness.errors import Damaged, Misuse
from harness.records import Record
from harness.store.blobs import Blobs, write_atomically
from harness.store.ledger import Ledger
from harness.store.shelf import Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = "1"


@dataclass(frozen=True, kw_only=True)
class Units:
    """Per-unit scores of one job.

    Attributes
    ----------
    names
        One name per unit.
    weights
        One weight per unit (n_units,), or None for equal weights.
    clusters
        One name per unit, equal for units that are not independent; None where all are.
    values
        Metric -> one number per unit (n_units,); NaN where the unit does not define it.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float64] | None
    clusters: tuple[str, ...] | None
    values: dict[str, NDArray[np.float64]]


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

    def units(self, address: str, metrics: Collection[str] | None = None) -> Units:
        """Return the per-unit scores of a finished job.

        Parameters
        ----------
        metrics
            Those to be read, where the job has them; all where None.

        Raises
        ------
        Damaged
            The stored file does not have the content that was written.
        """
        import numpy as np

        with np.load(self.blobs.read("score", address) / "units.npz", allow_pickle=False) as stored:
            clusters = stored["clusters"].tolist() if "clusters" in stored.files else None
            return Units(
                names=tuple(stored["names"].tolist()),
                weights=stored["weights"] if "weights" in stored.files else None,
                clusters=tuple(clusters) if clusters is not None else None,
                values={
                    name.removeprefix("value:"): stored[name]
                    for name in stored.files
                    if name.startswith("value:") and (metrics is None or name[len("value:") :] in metrics)
                },
            )

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
