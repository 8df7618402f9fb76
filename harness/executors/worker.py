"""Inside a worker process: set it up once, then run orders on one bench."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from harness.parallel import THREAD_VARIABLES
from harness.records import Outcome
from harness.stages import Bench, Order
from harness.store import Store

BENCH: Bench | None = None
STATUS: _Status | None = None
REPORT_EVERY = 0.2
"""Seconds between two reports of progress."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a worker is told at its start.

    Attributes
    ----------
    store
        Folder of the store.
    threads
        CPU threads of this slot.
    accelerator
        Index of the CUDA device of this slot, or None.
    log
        File that takes whatever guests print.
    status
        File in which the worker says what it does.
    """

    store: Path
    threads: int
    accelerator: int | None
    log: Path
    status: Path


def start(setting: Setting) -> None:
    """Prepare this process: own group, own log, limited threads; it ends when its parent does."""
    global BENCH, STATUS
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _redirect(setting.log)
    _limit_threads(setting.threads)
    if setting.accelerator is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = _visible(setting.accelerator)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    STATUS = _Status(setting.status)
    BENCH = Bench(Store(setting.store), setting.threads, STATUS)


def _limit_threads(threads: int) -> None:
    """Tell libraries that will be loaded, and those that are: NumPy came with what this process was sent."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    threadpool_limits(threads)


def work(order: Order) -> Outcome:
    """Run one order on this process's bench."""
    assert BENCH is not None
    assert STATUS is not None
    STATUS.job = order.job.address
    STATUS("", "", 0, 0, "")
    return BENCH.run(order)


def _visible(accelerator: int) -> str:
    """Return the name of one of the CUDA devices that this run was given, which may be some of many."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return given.split(",")[accelerator].strip() if given else str(accelerator)


def _redirect(log: Path) -> None:
    """Send standard output and error, also of C code, to the log: guests may print what they like."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


class _Status:
    """Writes what this worker does where its parent can see it, also after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job = ""
        self._last = 0.0
        if not path.exists():  # else the pool restarted this process: the last words are those of the dead
            self("", "", 0, 0, "")

    def __call__(self, stage: str, stage_address: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done and now - self._last < REPORT_EVERY:
            return
        self._last = now
        status = {
            "pid": os.getpid(),
            "job": self.job,
            "stage": stage,
            "address": stage_address,
            "done": int(done),
            "total": int(total),
        }
        temporary = self.path.with_suffix(".new")
        with suppress(OSError):  # a full disk costs the view of a job, not the job
            temporary.write_text(json.dumps(status))
            os.replace(temporary, self.path)
