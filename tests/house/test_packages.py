"""The packages of strangers that other tests install: each does what it is there for, and nothing leaks."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest

PACKAGES = ("broken", "clashing", "hopeless", "hostile", "stranger")

DISCOVER = """
import json
from harness.registry import discover
found = discover()
print(json.dumps({
    "models": {name: m.origin for name, m in found.models.items()},
    "tasks": {name: t.origin for name, t in found.tasks.items()},
    "broken": [[b.name, b.distribution, b.reason] for b in found.broken],
    "clashing": [[c.kind, c.name, c.distribution, c.kept] for c in found.clashing],
}))
"""

DEED = """
import sys
import numpy as np
from harness import ArrayCells, PlainRun
from hostile_models import Hostile
cells = ArrayCells(counts=np.ones((30, 5)), genes=list("abcde"), columns={columns})
model = Hostile(deed=sys.argv[1], when="embed")
run = PlainRun()
model.initialise(cells.genes, run)
result = model.embed(cells, run)
print("result", result.shape, bool(np.isfinite(result).all()))
"""
NO_LABELS = DEED.replace("{columns}", "{}")
LABELS = DEED.replace("{columns}", '{"cell_type": np.array(["a"] * 30, dtype=object)}')


def python(site, program, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(site), **more.pop("env", {})},
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


def discovered(site):
    done = python(site, DISCOVER)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_process_that_has_the_folder_has_the_entry_point(installed, name):
    """An installed package is seen where its folder is on the path, and nowhere else."""
    program = (
        "from importlib.metadata import entry_points; "
        "print(*[e.value for e in entry_points(group='harness') if e.dist.name == 'NAME'])"
    )
    program = program.replace("NAME", name)
    assert python(installed(name), program).stdout.split() == [name]
    assert name not in {entry.dist.name for entry in entry_points(group="harness")}


def test_a_package_is_installed_once(installed):
    """Tests that share a package share its folder."""
    assert installed("stranger") is installed("stranger")


def test_the_stranger_and_the_hopeless_are_found(installed):
    """Their models stand in the registry with their distributions."""
    assert discovered(installed("stranger"))["models"]["stranger_svd"] == "stranger 1.0"
    assert discovered(installed("hopeless"))["models"]["hopeless"] == "hopeless 1.0"


def test_the_broken_one_is_named(installed):
    """A plugin that cannot be imported is reported with its distribution and the reason."""
    [[name, distribution, reason]] = [
        b for b in discovered(installed("broken"))["broken"] if not b[1].startswith("scfm-harness")
    ]
    assert (name, distribution) == ("model.broken", "broken 1.0")
    assert "a_package_that_is_not_installed" in reason


def test_the_clashing_one_is_named(installed):
    """A second model of one name is reported, and the first one kept."""
    found = discovered(installed("clashing"))
    assert ["model", "pca", "clashing 1.0", "scfm-harness"] in [
        [kind, name, who, kept.split()[0]] for kind, name, who, kept in found["clashing"]
    ]
    assert found["models"]["pca"].startswith("scfm-harness")


def test_the_hostile_ones_and_those_that_do_nothing_are_found(installed):
    """One model per deed, one for any deed, and a model and a task that do nothing."""
    found = discovered(installed("hostile"))
    assert len([name for name in found["models"] if name.startswith("hostile_")]) == 18
    assert "do_nothing" in found["models"]
    assert "do_nothing" in found["tasks"]


def test_the_strangers_model_is_short():
    """The model that the documents show is at most 25 lines of a user's own code, card aside."""
    from pathlib import Path

    source = Path(__file__).parent.parent / "fixtures" / "stranger" / "stranger_svd.py"
    assert len([line for line in source.read_text().splitlines() if line.strip()]) <= 25


CONFORM = """
from harness.conformance import conform
from harness.registry import discover
for finding in conform(discover().models["stranger_svd"].card, "model"):
    assert finding.passed and (not finding.message or "does not offer" in finding.message), finding
"""


def test_the_strangers_model_conforms(installed):
    """What the documents show as an example passes every check, and all apply but those of further doors."""
    done = python(installed("stranger"), CONFORM)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("deed", "code", "said"),
    [
        ("raises", 1, "RuntimeError: I would rather not"),
        ("segfaults", -signal.SIGSEGV, ""),
        ("exits", 7, ""),
        ("alters_input", 1, "read-only"),
        ("returns_nan", 0, "result (30, 2) False"),
        ("returns_wrong_shape", 0, "result (30,) True"),
        ("returns_wrong_row_count", 0, "result (31, 2) True"),
        ("prints", 0, "a line past Python"),
        ("looks_for_labels", 0, "result (30, 1) True"),
        ("digs_for_labels", 0, "result (30, 1) True"),
    ],
)
def test_a_hostile_deed_is_done(installed, deed, code, said):
    """Each deed really does what the executor's tests rely on."""
    done = python(installed("hostile"), NO_LABELS, deed)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("deed", ["looks_for_labels", "digs_for_labels"])
def test_labels_that_are_there_are_found(installed, deed):
    """A search that could not find labels would prove nothing: it finds those that are in plain sight."""
    done = python(installed("hostile"), LABELS, deed)
    assert done.returncode == 1
    assert "LookupError" in done.stderr
    assert "cell_type" in done.stderr


LABELS_BEHIND = """
import functools
labels = {'cell_type': ['a'] * 30}
class Callable:
    def __init__(self, labels): self.labels = labels
    def __call__(self, *_): pass
    def method(self, *_): pass
closure = (lambda labels: lambda *_: labels)(labels)
method = Callable(labels).method
partial = functools.partial(Callable(labels))
"""


@pytest.mark.parametrize("hiding", ["closure", "method", "partial"])
def test_digging_reaches_what_functions_hold(installed, hiding):
    """Labels behind the functions that a model is given are found."""
    program = NO_LABELS.replace("run = PlainRun()", f"{LABELS_BEHIND}\nrun = PlainRun(on_progress={hiding})")
    done = python(installed("hostile"), program, "digs_for_labels")
    assert done.returncode == 1
    assert "LookupError" in done.stderr


@pytest.mark.parametrize("deed", ["hangs", "eats_memory"])
def test_a_deed_without_end_does_not_end(installed, deed):
    """Hanging and eating go on until somebody stops them, and eating really grows."""
    import psutil

    program = NO_LABELS.replace("model.initialise", "print('ready', flush=True); model.initialise")
    process = subprocess.Popen(
        [sys.executable, "-c", program, deed],
        env={**os.environ, "PYTHONPATH": str(installed("hostile"))},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        if deed == "eats_memory":
            _wait_until(lambda: psutil.Process(process.pid).memory_info().rss > 300 * 2**20)
        else:
            time.sleep(0.3)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_child_of_a_hostile_model_is_real(installed, tmp_path):
    """The child's process id is noted, so that a test can see whether it outlives the job."""
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-c", NO_LABELS, "spawns_a_child_that_hangs"],
        env={**os.environ, "PYTHONPATH": str(installed("hostile")), "HOSTILE_NOTES": str(tmp_path)},
    )
    try:
        note = tmp_path / "child.pid"
        _wait_until(lambda: note.is_file() and note.read_text())
        child = psutil.Process(int(note.read_text()))
        assert child.is_running()
        child.kill()
    finally:
        process.kill()
        process.wait()


def _wait_until(happened, seconds=30):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
