"""What every executor does: take orders, give back outcomes as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.records import Outcome
from harness.stages import Order


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What one slot is doing now."""

    slot: int
    label: str
    stage: str
    done: int
    total: int


class Executor(Protocol):
    """A place where jobs run. Whatever a job does, every other order still gets its own outcome."""

    def run(self, orders: Sequence[Order]) -> Iterator[tuple[Order, Outcome]]:
        """Yield each order with its outcome, in the order of finishing."""

    def activities(self) -> list[Activity]:
        """Return what is running at this moment."""
