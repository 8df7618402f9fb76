"""Never trust a guest: whatever a model does, the run goes on and the outcome says what happened."""

import os
import time
from pathlib import Path

import pytest

DEEDS = {
    "raises": ("crash", "I would rather not"),
    "raises_half_a_character": ("crash", "half of \\udc80 a character"),
    "segfaults": ("crash", "died with exit code"),
    "exits": ("crash", "died with exit code 7"),
    "exits_in_silence": ("crash", "ended and gave no result"),
    "cancels": ("crash", "CancelledError"),
    "soils_its_worker": ("crash", "the worker is soiled"),
    "hangs": ("timeout", "stopped after 12 seconds"),
    "spawns_a_child_that_hangs": ("timeout", "stopped after 12 seconds"),
    "eats_memory": ("oom", "more than 1 GiB"),
    "returns_nan": ("nan", "60 of 60 cells is NaN"),
    "returns_wrong_shape": ("contract", "shape (60,)"),
    "returns_wrong_row_count": ("contract", "shape (61, 2)"),
    "alters_input": ("contract", "read-only"),
}
HARMLESS = ("prints", "looks_for_labels", "digs_for_labels")


@pytest.fixture(scope="module")
def aftermath(shared_place, tmp_path_factory, installed):
    """One run with every misbehaving model, and the honest one among them."""
    place = shared_place
    place.packages = (installed("hostile"),)
    notes = tmp_path_factory.mktemp("notes")
    models = [f"hostile_{deed}" for deed in (*DEEDS, *HARMLESS)] + ["do_nothing"]
    suite = place.suite(
        models=models, tasks=["do_nothing"], corpora=[], sizes=[], seeds=[0], timeout=12, memory=1
    )
    out = place("run", suite, "--catalogue", "catalogue.yaml", "--jobs", 2, code=1, HOSTILE_NOTES=str(notes))
    return place, out, place.board(), notes


@pytest.mark.parametrize("deed", DEEDS)
def test_the_outcome_says_what_happened(aftermath, deed):
    """Class and reason of every failure stand on the board."""
    board = aftermath[2]
    (failure,) = [f for f in board["failures"] if f["model"]["name"] == f"hostile_{deed}"]
    kind, words = DEEDS[deed]
    assert (failure["kind"], failure["stage"]) == (kind, "embed")
    assert words in failure["reason"]


def test_no_other_job_is_touched(aftermath):
    """The honest model and the merely rude ones have their scores."""
    scored = {s["model"]["name"] for s in aftermath[2]["scores"] if s["status"] == "ok" and s["model"]}
    assert scored == {"do_nothing", *(f"hostile_{deed}" for deed in HARMLESS)}


def test_the_next_guest_gets_a_clean_worker(place, installed):
    """Whether the one before it raised or ended its process without a sign."""
    place.packages = (installed("hostile"),)
    models = ["hostile_exits_in_silence", "hostile_soils_its_worker", "do_nothing", "hvg"]
    place.suite(models=models, tasks=["do_nothing"], corpora=[], sizes=[], seeds=[0], timeout=30)
    place("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1, code=1)
    states = {score["model"]["name"]: score["status"] for score in place.board()["scores"]}
    assert states == dict(zip(models, ["failed", "failed", "ok", "ok"], strict=True))


def test_half_characters_cost_no_board(place, installed):
    """Notes and reasons that no file could hold are kept with it spelled out."""
    place.packages = (installed("hostile"),)
    place.suite(models=["do_nothing"], tasks=["mumbles"], corpora=[], sizes=[], seeds=[0])
    place("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1)
    (score,) = place.board()["scores"]
    half = "half of \\udc80 a character"
    assert score["undefined"] == {"nothing": half}
    assert (score["notes"]["said"], score["notes"][half]) == (half, 1)


def test_scores_that_cannot_be_are_not_kept(place, installed):
    """A value outside its range, a broken identity: failures that name metric, value and distribution."""
    place.packages = (installed("hostile"),)
    tasks = ["boasts", "contradicts_itself", "do_nothing"]
    place.suite(models=["do_nothing"], tasks=tasks, corpora=[], sizes=[], seeds=[0])
    place("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1, code=1)
    board = place.board()
    failures = {failure["task"]["name"]: failure for failure in board["failures"]}
    assert {(f["kind"], f["stage"]) for f in failures.values()} == {("contract", "score")}
    words = "the task boasts of hostile 1.0 contradicts what its card declares"
    assert f'{words}: "accuracy" is 1.7; its declared range is 0 to 1' in failures["boasts"]["reason"]
    said = '"hits + misses == 1" is declared, and the sides are 1.25 and 1'
    assert said in failures["contradicts_itself"]["reason"]
    states = {score["task"]["name"]: score["status"] for score in board["scores"]}
    assert states == dict(zip(tasks, ["failed", "failed", "ok"], strict=True))


def test_what_guests_print_does_not_reach_the_terminal(aftermath):
    """Standard output belongs to the harness; the guests' words are in a log."""
    out = aftermath[1]
    assert "a line on standard" not in out
    assert "a line past Python" not in out


def test_children_of_a_stopped_worker_are_stopped_too(aftermath):
    """Nothing goes on running behind the run's back."""
    child = int(Path(aftermath[3], "child.pid").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.2)
    assert not _runs(child)


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
