"""Processes on this machine: one worker per slot, one accelerator per worker.

A job that raises, crashes, hangs or eats memory costs its own worker; the slot starts another and goes on.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
from pebble import ProcessExpired, ProcessPool

from harness.environment import process_name
from harness.executors.contract import Activity
from harness.executors.queue import OrderQueue
from harness.executors.worker import Setting, start, work
from harness.records import Failure, FailureClass, Outcome
from harness.stages import WAITING, Order
from harness.store import Store

LOOK_EVERY = 0.25
"""Seconds between two looks at a worker."""
LOOKS_AT_THE_DEAD = 4
"""Looks after which a dead worker's result is no longer awaited."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may use.

    Attributes
    ----------
    seconds
        Wall time of one job, without what it waits for stages of other jobs.
    memory_bytes
        Resident memory of a worker and its children together, pages of files not counted.
    """

    seconds: float = 1800.0
    memory_bytes: int = 8 << 30


class LocalExecutor:
    """Runs orders in ``slots`` processes of this machine.

    Parameters
    ----------
    store
        Where results go.
    slots
        Jobs at the same time; on accelerators, one for each.
    threads
        CPU threads of each job.
    accelerators
        Number of CUDA devices to hand out; 0 for the CPU.
    limits
        What a job may use.
    """

    def __init__(
        self,
        store: Store,
        slots: int = 1,
        threads: int = 1,
        accelerators: int = 0,
        limits: Limits | None = None,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        store.prepare()
        self._slots = [
            _Slot(number, self._setting(number, threads, accelerators), self.limits)
            for number in range(slots)
        ]

    def _setting(self, number: int, threads: int, accelerators: int) -> Setting:
        name = f"{process_name()}-slot{number}"
        self.store.scratch.mkdir(parents=True, exist_ok=True)
        return Setting(
            store=self.store.path.absolute(),
            threads=threads,
            accelerator=number % accelerators if accelerators else None,
            log=self.store.logs / f"slot{number}.log",
            status=self.store.scratch / f"{name}.status",
        )

    def activities(self) -> list[Activity]:
        """Return what is running at this moment."""
        return [activity for slot in self._slots if (activity := slot.activity())]

    def run(self, orders: Sequence[Order]) -> Iterator[tuple[Order, Outcome]]:
        """Yield each order with its outcome; leaving the loop early stops all workers."""
        waiting = OrderQueue(orders)
        finished: queue.Queue[tuple[Order, Outcome] | BaseException] = queue.Queue()
        blame = _Blame()
        threads = [
            threading.Thread(target=slot.serve, args=(waiting, finished, blame), daemon=True)
            for slot in self._slots[: max(1, len(orders))]
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in orders:
                result = finished.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            for slot in self._slots:
                slot.stop()


@dataclass
class _Blame:
    """Stages that failed in this run: what depends on one is not tried again and again."""

    failures: dict[str, Failure] = field(default_factory=dict)

    def note(self, failure: Failure) -> None:
        if failure.stage != "score":
            self.failures.setdefault(failure.stage_address, failure)

    def of(self, order: Order) -> Failure | None:
        for _, address in order.stages:
            if address in self.failures:
                return self.failures[address]
        return None


End = tuple[FailureClass, str]
"""How a job ended that gave no outcome of its own: the class and a sentence."""


class _Slot:
    """One worker process at a time, and the thread that feeds and watches it."""

    def __init__(self, number: int, setting: Setting, limits: Limits) -> None:
        self.number = number
        self.setting = setting
        self.limits = limits
        self.pool: Any = None
        self.order: Order | None = None
        self.stopped = False
        self.pid: int | None = None
        self.tainted_by: tuple[str, ...] = ()

    def serve(self, waiting: OrderQueue, finished: Any, blame: _Blame) -> None:
        """Take orders until none is left."""
        try:
            while not self.stopped and (order := waiting.next(self.number)) is not None:
                self.order = order
                known = blame.of(order)
                outcome = Outcome(status="failed", failure=known) if known else self._run(order)
                if outcome.failure:
                    blame.note(outcome.failure)
                finished.put((order, outcome))
        except BaseException as error:
            # A fault of the executor itself: the run must hear of it, or it would wait for ever.
            finished.put(error)
        finally:
            self.order = None

    def _run(self, order: Order) -> Outcome:
        """Return the outcome of one order.

        A worker in which a guest failed may be left in any state, so other guests get a fresh one. One that
        died before it took the order, idle or starting, says nothing about the order, which gets a second.
        """
        if self.tainted_by and self.tainted_by != order.guests:
            self._retire()
        outcome = self._attempt(order)
        if outcome.failure and self.pid is None:
            outcome = self._attempt(order)
        return outcome

    def _attempt(self, order: Order) -> Outcome:
        self.pid = None
        kind: FailureClass = "crash"
        try:
            future = self._pool().schedule(work, args=[order])
            end = self._watch(future, order)
            if end is None:
                return self._taken_from(future, order)
            kind, reason = end
        except ProcessExpired as death:
            reason = f"its process died with exit code {death.exitcode}"
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
        outcome = self._failed(order, kind, reason)
        self._retire()
        return outcome

    def _taken_from(self, future: Future[Outcome], order: Order) -> Outcome:
        """Return the outcome that the worker gave, and remember what a failure may have left behind."""
        outcome = future.result()
        fit = order.job.fit
        if outcome.failure and fit and fit.device == "cuda":
            self._retire()  # the device itself may be in any state
        elif outcome.failure:
            self.tainted_by = order.guests
        return outcome

    def _pool(self) -> Any:
        if self.pool is None:
            self.pool = ProcessPool(
                max_workers=1,
                initializer=start,
                initargs=(self.setting,),
                context=multiprocessing.get_context("spawn"),
            )
        return self.pool

    def _watch(self, future: Future[Outcome], order: Order) -> End | None:
        """Wait for the job; return how it ended where it broke a limit or died in silence.

        Time in which it waits for a stage that another job computes is not its own.
        """
        spent, gone, last = 0.0, 0, time.monotonic()
        while not wait([future], timeout=LOOK_EVERY).done:
            now = time.monotonic()
            passed, last = now - last, now
            status = self._status(order)
            self.pid = status.get("pid", self.pid)
            spent += passed if status.get("stage") != WAITING else 0.0
            gone = gone + 1 if self.pid and not _alive(self.pid) else 0
            if spent > self.limits.seconds:
                return "timeout", f"it was stopped after {self.limits.seconds:g} seconds"
            if self._resident() > self.limits.memory_bytes:
                limit = self.limits.memory_bytes / 2**30
                return "oom", f"it was stopped when it held more than {limit:g} GiB"
            if gone > LOOKS_AT_THE_DEAD:
                return "crash", "its process ended and gave no result"
        self.pid = self._status(order).get("pid", self.pid)
        return None

    def _status(self, order: Order | None) -> dict[str, Any]:
        """Return what the worker says of this order; nothing where it has not taken it yet."""
        try:
            status: dict[str, Any] = json.loads(self.setting.status.read_bytes())
        except (OSError, ValueError):
            return {}
        return status if order is None or status.get("job") == order.job.address else {}

    def _resident(self) -> int:
        """Return the bytes that only the worker and its children hold, seen from outside.

        Pages of files, which the system can drop at any time, are not counted.
        """
        total = 0
        with suppress(psutil.Error):
            process = psutil.Process(self.pid) if self.pid else None
            for one in [process, *process.children(recursive=True)] if process else []:
                with suppress(psutil.Error):
                    memory = one.memory_info()
                    total += memory.rss - getattr(memory, "shared", 0)
        return total

    def _retire(self) -> None:
        """End the worker with everything it started; the next order gets another one."""
        if self.pool is not None:
            pid = self.pid or self._status(None).get("pid")
            if pid:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            self.pool.stop()
            self.pool.join()
            self.pool = None
        self.tainted_by = ()
        for left in (self.setting.status, self.setting.status.with_suffix(".new")):
            left.unlink(missing_ok=True)

    def _failed(self, order: Order, kind: FailureClass, reason: str) -> Outcome:
        status = self._status(order)
        at_work = status.get("stage") not in (None, "", WAITING)
        failure = Failure(
            kind=kind,
            reason=reason,
            stage=status["stage"] if at_work else "score",
            stage_address=status["address"] if at_work else order.job.address,
            traceback=self._last_words(),
        )
        return Outcome(status="failed", failure=failure)

    def _last_words(self) -> str:
        """Return the end of what the dead worker printed."""
        try:
            return self.setting.log.read_text(errors="replace")[-2000:]
        except OSError:
            return ""

    def activity(self) -> Activity | None:
        """Return what this slot is doing."""
        order = self.order
        if order is None:
            return None
        status = self._status(order)
        return Activity(
            slot=self.number,
            label=order.job.label,
            stage=status.get("stage") or "starting",
            done=status.get("done", 0),
            total=status.get("total", 0),
        )

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        self.stopped = True
        self._retire()


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
