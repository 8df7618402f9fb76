"""Checkpoints: what a training needs to go on after a kill as if nothing had happened."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

CHECKPOINT_SECONDS = 120.0
"""What a kill costs at most, apart from the step in progress."""

UNREADABLE = (EOFError, LookupError, OSError, RuntimeError, TypeError, UnpicklingError, ValueError)
"""What torch raises over a file that is damaged or something else."""


@dataclass
class Checkpoint:
    """One file with the state of one training; without a folder nothing is kept.

    Attributes
    ----------
    folder
        That of the run; the host empties it when the fit ends, and a kill leaves it.
    phase
        Name of this training among those of one fit.
    setting
        What must be the same for the state to fit; else the training starts over.
    """

    folder: Path | None
    phase: str
    setting: dict[str, Any]
    _written: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> Path:
        """The file."""
        assert self.folder is not None
        return self.folder / f"{self.phase}.pt"

    def due(self) -> bool:
        """Return whether the last one is old enough for the next."""
        return self.folder is not None and time.monotonic() - self._written >= CHECKPOINT_SECONDS

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file in one go; random states go with it.

        Where it cannot be written, on a full disk say, the training goes on without.
        """
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        temporary = self.path.with_suffix(".new")
        self._written = time.monotonic()
        with suppress(OSError, RuntimeError):
            torch.save({"setting": self.setting, "random": random, **state}, temporary)
            os.replace(temporary, self.path)

    def read(self, device: str) -> dict[str, Any] | None:
        """Return the state and take over its random states; None where there is none that fits."""
        if self.folder is None or not self.path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, weights_only=True, map_location=device)
            if state.pop("setting") != self.setting:
                return None
            random = state.pop("random")
            torch.set_rng_state(random["cpu"].cpu())
            if device == "cuda":
                torch.cuda.set_rng_state(random["cuda"].cpu())
        except UNREADABLE:
            return None
        return state
