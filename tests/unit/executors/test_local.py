"""How a slot watches its worker, with a worker that is only a status file."""

import json
import os
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from harness.executors import local
from harness.executors.local import Limits, _Slot
from harness.executors.worker import Setting, _visible
from harness.stages import WAITING

ORDER = SimpleNamespace(job=SimpleNamespace(address="mine"))


@pytest.fixture
def slot(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "LOOK_EVERY", 0.01)
    setting = Setting(
        store=tmp_path, threads=1, accelerator=None, log=tmp_path / "log", status=tmp_path / "status"
    )
    return _Slot(0, setting, Limits(seconds=0.2, memory_bytes=1 << 40))


def says(slot, stage, job="mine", pid=None):
    content = {"pid": pid or os.getpid(), "job": job, "stage": stage, "address": "it", "done": 0, "total": 0}
    slot.setting.status.write_text(json.dumps(content))


def test_time_that_is_waited_for_another_job_is_not_counted(slot, monkeypatch):
    """Waiting ends when the other job does; then the job has all of its own time."""
    says(slot, WAITING)
    future, looks = Future(), []
    look = slot._status

    def status(order):
        looks.append(1)
        if len(looks) == 60:  # three times the limit, all of it waited
            future.set_result("an outcome")
        return look(order)

    monkeypatch.setattr(slot, "_status", status)
    assert slot._watch(future, ORDER) is None
    says(slot, "fit")
    kind, reason = slot._watch(Future(), ORDER)
    assert (kind, reason) == ("timeout", "it was stopped after 0.2 seconds")


def test_a_stage_that_was_waited_for_is_not_blamed(slot):
    """It belongs to another job, which may well finish it."""
    says(slot, WAITING)
    assert slot._failed(ORDER, "crash", "it died").failure.stage_address == "mine"
    says(slot, "fit")
    assert slot._failed(ORDER, "crash", "it died").failure.stage_address == "it"


def test_a_worker_that_ends_without_a_sign_is_noticed(slot):
    """Long before the time is up: its process is gone and there is no result."""
    slot.limits = Limits(seconds=60)
    says(slot, "embed", pid=2**22 - 1)
    assert slot._watch(Future(), ORDER) == ("crash", "its process ended and gave no result")


def test_what_was_said_of_another_job_does_not_count(slot):
    """A worker that was replaced may have left its last words behind."""
    says(slot, "embed", job="another", pid=2**22 - 1)
    kind, _ = slot._watch(Future(), ORDER)
    assert kind == "timeout"
    assert slot.pid is None


@pytest.mark.parametrize(
    ("given", "index", "found"), [(None, 1, "1"), ("2,3", 1, "3"), ("GPU-8f, MIG-22", 1, "MIG-22")]
)
def test_only_devices_that_were_given_are_used(monkeypatch, given, index, found):
    """A scheduler's choice of devices is narrowed, never widened."""
    if given is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert _visible(index) == found
