"""The circumstances of one call to a guest: seed, device, threads, scratch folder, budget, progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Protocol

from harness.records import Budget

if TYPE_CHECKING:
    from harness.contracts.cells import Cells


class Run(Protocol):
    """The circumstances of one call. No guest picks a device or a seed itself."""

    @property
    def seed(self) -> int:
        """32-bit seed of this call's purpose."""

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"cuda"``: where to compute."""

    @property
    def precision(self) -> str:
        """``"float32"`` or ``"bfloat16"``."""

    @property
    def threads(self) -> int:
        """How many CPU threads this job may use."""

    @property
    def scratch(self) -> Path:
        """A folder for temporary files; it is emptied when the job ends."""

    @property
    def checkpoints(self) -> Path | None:
        """A folder for what a fit needs to go on after a kill, emptied when it ends; None elsewhere."""

    @property
    def budget(self) -> Budget | None:
        """How long to train; None when embedding or scoring."""

    @property
    def validation(self) -> Cells | None:
        """Cells of the sample set apart for early stopping, where the card asks for them."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Say how far the work is."""


def silent(done: int, total: int, note: str) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True)
class PlainRun:
    """A run as plain values: what the stages hand out, and what tests of a plugin can use."""

    seed: int = 0
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    scratch: Path = field(default_factory=lambda: Path(gettempdir()))
    checkpoints: Path | None = None
    budget: Budget | None = None
    validation: Cells | None = None
    on_progress: Callable[[int, int, str], None] = silent

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Say how far the work is."""
        self.on_progress(done, total, note)
