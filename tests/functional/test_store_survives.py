"""Nothing computed is lost, nothing damaged is believed: kills, interrupts, two runs at once, bad disks."""

import shutil
import signal
import time

from harness.store import Store

WORDS = ("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1)


def finished(place):
    """Return every finished stage with the time it was written."""
    blobs = place.folder / ".harness" / "blobs"
    return {path: path.stat().st_mtime_ns for path in blobs.glob("*/??/*")}


def scores(board):
    return {s["addresses"]["score"]: (s["status"], s["metrics"]) for s in board["scores"]}


def kill_tree(process):
    """Kill the run itself; its workers notice that their parent is gone and end."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_killed_anywhere_the_final_results_are_those_of_an_uninterrupted_run(place, tmp_path_factory):
    """kill -9 again and again: at the end the same scores, and no finished stage was computed twice."""
    place.suite()
    known: dict = {}
    for attempt in range(4):
        process = place.start(*WORDS)
        deadline = time.monotonic() + 60
        while len(finished(place)) < len(known) + 3 * (attempt + 1) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        kill_tree(process)
        time.sleep(1.5)
        after = finished(place)
        assert known.items() <= after.items()
        known = after
    place(*WORDS)
    assert known.items() <= finished(place).items()
    interrupted = scores(place.board())

    place(*WORDS, "--store", "fresh")
    place.folder.joinpath(".harness").rename(place.folder / "old")
    place.folder.joinpath("fresh").rename(place.folder / ".harness")
    assert interrupted == scores(place.board())
    assert {status for status, _ in interrupted.values()} == {"ok"}


def test_a_killed_fit_finds_its_checkpoints(place, installed):
    """Its folder survives the death of the worker, and is gone when the fit has ended."""
    place.packages = (installed("hostile"),)
    deed = {"name": "hostile_pretrained", "parameters": {"deed": "dies_until_it_has_a_checkpoint"}}
    place.suite(models=[deed], tasks=["cell_type_classification"], sizes=[20], seeds=[0])
    unfinished = place.folder / ".harness" / "unfinished"
    place(*WORDS, code=1)
    assert [path.read_text() for path in unfinished.glob("*/state")] == ["half of the way"]
    place(*WORDS)
    assert list(unfinished.iterdir()) == []
    trained = [s for s in place.board()["scores"] if s["arm"] == "trained"]
    assert [score["status"] for score in trained] == ["ok"]


def test_a_second_run_computes_nothing_and_says_so(place):
    """The store is asked; no worker is started."""
    place.suite()
    place(*WORDS)
    before = finished(place)
    out = place(*WORDS)
    assert "nothing to compute: every job has a result" in out
    assert finished(place) == before


def test_interrupting_is_clean_and_says_how_to_go_on(place):
    """Ctrl-C ends with exit code 130 and leaves no unfinished stage behind."""
    place.suite(sizes=[20, 40, 60, 80, 100], seeds=[0, 1, 2, 3])
    process = place.start(*WORDS)
    while len(finished(place)) < 4:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "The same command goes on from there" in err
    assert "Traceback" not in err
    health = Store(place.folder / ".harness").health()
    assert health.complaints == ()
    assert health.records > 0


def test_two_runs_on_one_store_do_not_disturb_each_other(place):
    """Both end well, every job has one result, and no stage was computed by both."""
    place.suite()
    runs = [place.start(*WORDS) for _ in range(2)]
    for process in runs:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, out + err
    health = Store(place.folder / ".harness").health()
    assert health.complaints == ()
    assert {score["status"] for score in place.board()["scores"]} == {"ok"}


def test_a_damaged_file_is_named_and_computed_again(place):
    """A flipped byte is noticed by its digest; only what it spoils is run again."""
    place.suite()
    place(*WORDS)
    before = scores(place.board())
    file = next((place.folder / ".harness" / "blobs" / "score").glob("*/*/units.safetensors"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert str(file.relative_to(place.folder)) in place(
        "doctor", "mine.yaml", "--catalogue", "catalogue.yaml", code=1
    )
    out = place(*WORDS)
    assert "1 new" in out
    assert f'"{place.folder / file.relative_to(place.folder)}" does not have the content' in out
    assert scores(place.board()) == before


def test_failed_jobs_are_tried_again_and_stored_ones_are_not(place, installed):
    """A failure is never a result."""
    place.packages = (installed("hostile"),)
    place.suite(
        models=["hostile_raises", "do_nothing"], tasks=["do_nothing"], corpora=[], sizes=[], seeds=[0]
    )
    assert "1 failed, 1 ok" in place(*WORDS, code=1)
    out = place(*WORDS, code=1)
    assert "2 jobs, 1 new, 1 stored" in out
    assert "I would rather not" in out


def test_what_depends_on_a_failed_fit_is_not_tried_again_in_the_same_run(place, installed):
    """One hanging fit costs its time limit once, not once per task."""
    place.packages = (installed("hostile"),)
    deed = {"name": "hostile_pretrained", "parameters": {"deed": "hangs", "when": "fit"}}
    place.suite(
        models=[deed],
        tasks=["do_nothing", "cell_type_classification"],
        sizes=[20],
        seeds=[0],
        timeout=8,
    )
    started = time.monotonic()
    place(*WORDS, code=1)
    assert time.monotonic() - started < 24
    stages = {(f["kind"], f["stage"]) for f in place.board()["failures"]}
    assert stages == {("timeout", "fit")}
    assert len(place.board()["failures"]) == 2


def test_scores_need_nothing_but_the_embedding(place):
    """Samples and fits that are gone, or damaged, are not missed where what came of them is there."""
    place.suite(seeds=[0], sizes=[20])
    place(*WORDS)
    blobs = place.folder / ".harness" / "blobs"
    shutil.rmtree(blobs / "sample")
    for weights in blobs.glob("fit/*/*/model/*"):
        weights.write_bytes(b"damaged")
    place.suite(seeds=[0], sizes=[20], tasks=["cell_type_classification", "batch_integration"])
    place(*WORDS)
    trained = [score for score in place.board()["scores"] if score["arm"] == "trained"]
    assert [score["status"] for score in trained] == ["ok", "ok"]
    assert all(score["notes"]["sample"]["vendi"] > 1 for score in trained)
