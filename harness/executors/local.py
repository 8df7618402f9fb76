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
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pebble import ProcessExpired, ProcessPool

from harness.executors.contract import Activity
from harness.executors.queue import OrderQueue
from harness.executors.worker import Setting, start, work
from harness.records import Failure, FailureClass, Outcome
from harness.stages import Order
from harness.store import Store

LOOK_EVERY = 0.25
"""Seconds between two looks at a worker's memory."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may use.

    Attributes
    ----------
    seconds
        Wall time of one job.
    memory_bytes
        Resident memory of a worker and its children together.
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
        name = f"{os.getpid()}-slot{number}"
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

    def serve(self, waiting: OrderQueue, finished: Any, blame: _Blame) -> None:
        """Take orders until none is left."""
        try:
            while not self.stopped and (order := waiting.next(self._dataset())) is not None:
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

    def _dataset(self) -> str | None:
        return self.order.job.dataset.digest if self.order else None

    def _run(self, order: Order) -> Outcome:
        future = self._pool().schedule(work, args=[order], timeout=self.limits.seconds)
        over_memory = self._watch(future)
        try:
            outcome: Outcome = future.result()
            return outcome
        except TimeoutError:
            self._kill()
            return self._failed(order, "timeout", f"it was stopped after {self.limits.seconds:g} seconds")
        except ProcessExpired as death:
            self._kill()
            if over_memory:
                limit = self.limits.memory_bytes / 2**30
                return self._failed(order, "oom", f"it was stopped when it held more than {limit:g} GiB")
            return self._failed(order, "crash", f"its process died with exit code {death.exitcode}")
        except Exception as error:
            return self._failed(order, "crash", f"{type(error).__name__}: {error}")

    def _pool(self) -> Any:
        if self.pool is None:
            self.pool = ProcessPool(
                max_workers=1,
                initializer=start,
                initargs=(self.setting,),
                context=multiprocessing.get_context("spawn"),
            )
        return self.pool

    def _watch(self, future: Future[Outcome]) -> bool:
        """Wait for the job; return whether it was killed for its memory."""
        over = False
        self.pid = None
        while not wait([future], timeout=LOOK_EVERY).done:
            # Remembered, because after a death the status soon names the next worker, which is innocent.
            self.pid = self._status().get("pid")
            if not over and self._resident() > self.limits.memory_bytes:
                over = True
                self._kill()
        return over

    def _status(self) -> dict[str, Any]:
        try:
            status: dict[str, Any] = json.loads(self.setting.status.read_bytes())
        except (OSError, ValueError):
            return {}
        return status

    def _resident(self) -> int:
        """Return resident bytes of the worker and its children, seen from outside."""
        total = 0
        with suppress(psutil.Error):
            process = psutil.Process(self.pid) if self.pid else None
            for one in [process, *process.children(recursive=True)] if process else []:
                with suppress(psutil.Error):
                    total += one.memory_info().rss
        return total

    def _kill(self) -> None:
        """Kill the worker with everything it started; the pool then starts another."""
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _failed(self, order: Order, kind: FailureClass, reason: str) -> Outcome:
        status = self._status()
        stage = status.get("stage") or "score"
        failure = Failure(
            kind=kind,
            reason=reason,
            stage=stage,
            stage_address=status.get("address") or order.job.address,
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
        order, status = self.order, self._status()
        if order is None:
            return None
        return Activity(
            slot=self.number,
            label=order.job.label,
            stage=status.get("stage", ""),
            done=status.get("done", 0),
            total=status.get("total", 0),
        )

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        self.stopped = True
        if self.pool is not None:
            self.pid = self._status().get("pid")
            self._kill()
            self.pool.stop()
            self.pool.join()
            self.pool = None
        self.setting.status.unlink(missing_ok=True)
        Path(f"{self.setting.status.with_suffix('.new')}").unlink(missing_ok=True)
