"""A training that is killed goes on where it was."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness.contracts.cells import ArrayCells
from harness.contracts.run import PlainRun
from harness.records import Budget
from harness.training import seeded, train
from harness.training.checkpoint import CHECKPOINT_SECONDS

RNG = np.random.default_rng(0)
CELLS = ArrayCells(counts=RNG.poisson(3.0, (70, 4)), genes=list("abcd"))
HELD = ArrayCells(counts=RNG.poisson(3.0, (20, 4)), genes=list("abcd"))


def masked(net, values):
    hidden = torch.rand_like(values) < 0.5
    return ((net(values.masked_fill(hidden, 0)) - values).square() * hidden).sum(), values.numel()


class Killed(BaseException):
    """Stands for a kill: nothing after it is run."""


def attempt(folder, die_at=None, seed=3, steps=40, **options):
    """Train with dropout, masks, warm-up and early stopping; die where progress reaches a step."""
    with seeded(seed):
        net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 4))

    def progress(done, total, note):
        if done == die_at:
            raise Killed

    run = PlainRun(
        seed=seed,
        budget=Budget(unit="steps", amount=steps),
        validation=HELD,
        checkpoints=folder,
        on_progress=progress,
    )
    options = {"learning_rate": 0.05, "warm_up": 0.2, "schedule": "cosine", "batch_size": 16} | options
    history = train(net, masked, CELLS, run, prepare=lambda counts: counts, **options)
    return torch.cat([value.flatten() for value in net.state_dict().values()]), history


@pytest.fixture
def always(monkeypatch):
    """Write a checkpoint after every step."""
    monkeypatch.setattr("harness.training.checkpoint.CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("die_at", [4, 12, 24])
def test_killed_and_resumed_is_as_if_nothing_had_happened(tmp_path, die_at):
    """To the bit: order, masks, dropout, optimiser, schedule, looks; the history says where it went on."""
    expected, history = attempt(None)
    with pytest.raises(Killed):
        attempt(tmp_path, die_at)
    found, same = attempt(tmp_path)
    assert torch.equal(found, expected)
    assert same.resumed_at == die_at - 1
    assert replace(same, resumed_at=0) == history


@pytest.mark.usefixtures("always")
def test_it_can_die_more_than_once(tmp_path):
    """Two kills, three attempts, one result."""
    expected, _ = attempt(None)
    for die_at in (8, 24):
        with pytest.raises(Killed):
            attempt(tmp_path, die_at)
    assert torch.equal(attempt(tmp_path)[0], expected)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("other", [{"seed": 4}, {"steps": 50}, {"batch_size": 20}, {"phase": "second"}])
def test_a_checkpoint_of_another_training_is_left_alone(tmp_path, other):
    """Another seed, budget, batch or phase starts over."""
    with pytest.raises(Killed):
        attempt(tmp_path, 8)
    found, history = attempt(tmp_path, **other)
    assert history.resumed_at == 0
    assert torch.equal(found, attempt(None, **other)[0])


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("content", [b"", b"no torch file", None])
def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path, content):
    """Empty, foreign or cut: the training starts over."""
    with pytest.raises(Killed):
        attempt(tmp_path, 8)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:999] if content is None else content)
    found, history = attempt(tmp_path)
    assert history.resumed_at == 0
    assert torch.equal(found, attempt(None)[0])


@pytest.mark.usefixtures("always")
def test_a_disk_that_takes_no_checkpoint_does_not_end_the_training(tmp_path):
    """The folder is gone: the same weights as without checkpoints."""
    found, _ = attempt(tmp_path / "gone")
    assert torch.equal(found, attempt(None)[0])


def test_short_trainings_write_none(tmp_path):
    """A checkpoint costs a write: only what takes longer than two minutes has one."""
    assert CHECKPOINT_SECONDS >= 60
    attempt(tmp_path)
    assert list(tmp_path.iterdir()) == []


REAL_KILL = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import harness.training.checkpoint as checkpoint
checkpoint.CHECKPOINT_SECONDS = 0.0
import test_checkpoint as this
def progress(done, total, note):
    if done == 24:
        os.kill(os.getpid(), signal.SIGKILL)
this.PlainRun = lambda **given: this_run(**{**given, "on_progress": progress})
this_run = __import__("harness").PlainRun
this.attempt(Path(sys.argv[2]))
"""


@pytest.mark.usefixtures("always")
def test_a_real_kill(tmp_path):
    """Killed by the operating system in another process, and resumed here: the same bits."""
    command = [sys.executable, "-c", REAL_KILL, str(Path(__file__).parent), str(tmp_path)]
    died = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120)
    assert died.returncode == -9
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found, history = attempt(tmp_path)
        assert history.resumed_at == 23
        assert torch.equal(found, attempt(None)[0])
    finally:
        torch.set_num_threads(before)
