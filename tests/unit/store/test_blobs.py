"""Blobs: whole or absent, verified when read."""

import threading

import pytest

from harness.errors import Damaged
from harness.store import Blobs, write_atomically

ADDRESS = "ab" + "0" * 62


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs", tmp_path / "scratch")


def fill(blobs, text="content"):
    with blobs.write("fit", ADDRESS) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "weights").write_text(text)


def test_a_finished_stage_is_found_with_its_content(blobs):
    """What was written is read back from the same address."""
    assert not blobs.has("fit", ADDRESS)
    fill(blobs)
    assert (blobs.read("fit", ADDRESS) / "inner" / "weights").read_text() == "content"
    assert list(blobs.all()) == [("fit", ADDRESS)]


def test_an_interrupted_write_leaves_nothing(blobs):
    """A stage that raises is not there afterwards, and neither is its temporary folder."""

    def interrupted():
        with blobs.write("fit", ADDRESS) as folder:
            (folder / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not blobs.has("fit", ADDRESS)
    assert list(blobs.scratch.iterdir()) == []


@pytest.mark.parametrize("harm", ["change", "remove", "manifest"])
def test_damage_is_noticed_and_the_file_named(tmp_path, blobs, harm):
    """A changed or missing file is never taken for the result."""
    fill(blobs)
    file = blobs.path("fit", ADDRESS) / ("manifest.json" if harm == "manifest" else "inner/weights")
    if harm == "remove":
        file.unlink()
    else:
        file.write_text("Content" if harm == "change" else "{")
    fresh = Blobs(blobs.folder, blobs.scratch)
    with pytest.raises(Damaged, match=file.name):
        fresh.read("fit", ADDRESS)


def test_two_writers_of_one_address_do_not_disturb_each_other(blobs):
    """The second to finish finds the stage done; the content is whole."""
    with blobs.write("fit", ADDRESS) as folder:
        (folder / "file").write_text("first")
        with blobs.write("fit", ADDRESS) as second:
            (second / "file").write_text("second")
    assert (blobs.read("fit", ADDRESS) / "file").read_text() == "second"


def test_a_claim_keeps_others_waiting(blobs):
    """While one holds a stage, another one waits for it."""
    order = []

    def other():
        with blobs.claim("fit", ADDRESS):
            order.append("other")

    with blobs.claim("fit", ADDRESS):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_waiting_is_told_and_a_free_stage_is_not_waited_for(blobs):
    """A run that waits says so; its clock stands still meanwhile."""
    told = []
    with blobs.claim("fit", ADDRESS, lambda: told.append("waiting")):
        assert told == []

        def other():
            with blobs.claim("fit", ADDRESS, lambda: told.append("waiting")):
                told.append("done")

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=0.2)
        assert told == ["waiting"]
    thread.join()
    assert told == ["waiting", "done"]


def test_write_atomically_replaces_the_whole_content(tmp_path):
    """A reader sees the old file or the new one."""
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"old and long")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]
