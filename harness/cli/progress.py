"""What is running and how much is left, on a terminal or in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from harness.executors.contract import Activity

LOG_EVERY = 15.0
"""Seconds between two lines where there is no terminal."""


class Display:
    """Shows finished and running jobs: live on a terminal, a line now and then in a log."""

    def __init__(self, total: int, activities: Callable[[], Sequence[Activity]]) -> None:
        self.total = total
        self.finished = 0
        self.activities = activities
        self.started = self.logged = time.monotonic()
        self.console = Console(highlight=False)
        self.live = (
            Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True)
            if sys.stdout.isatty()
            else None
        )

    def __enter__(self) -> Display:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def advance(self, remarks: Sequence[str] = ()) -> None:
        """Count one job as finished, with what there is to say of it."""
        self.finished += 1
        for remark in remarks:
            self.console.print(Text(remark), soft_wrap=True)
        now = time.monotonic()
        if self.live is None and (now - self.logged > LOG_EVERY or self.finished == self.total):
            self.logged = now
            print(self._line(), flush=True)

    def _line(self) -> str:
        elapsed = time.monotonic() - self.started
        left = elapsed / self.finished * (self.total - self.finished) if self.finished else 0.0
        about = f", about {left:.0f} s left" if self.finished and self.finished < self.total else ""
        running = next(iter(self.activities()), None)
        now = f"; {running.stage}: {running.label}" if running and self.finished < self.total else ""
        return f"{self.finished:,} of {self.total:,} jobs in {elapsed:.0f} s{about}{now}"

    def _render(self) -> Text:
        lines = [self._line().partition(";")[0]]
        for one in self.activities():
            part = f" {one.done / one.total:.0%}" if one.total else ""
            lines.append(f"  slot {one.slot}: {one.stage}{part}: {one.label}")
        return Text("\n".join(lines))
