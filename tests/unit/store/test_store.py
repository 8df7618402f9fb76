"""The store as a whole: formats, units, health, and what killed processes left."""

import numpy as np
import pytest

from harness.environment import machine, process_name
from harness.errors import Misuse
from harness.store import Store, Units, write_units

ADDRESS = "cd" + "1" * 62


def test_a_store_of_another_format_is_refused(tmp_path):
    """A newer store is not misread, and the sentence says what to do."""
    (tmp_path / "FORMAT").write_text("99")
    with pytest.raises(Misuse, match=r'format "99".*--store'):
        Store(tmp_path)


def test_a_file_is_not_a_store(tmp_path):
    """Pointing --store at a file is said, not crashed upon."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse, match="is a file"):
        Store(tmp_path / "file")


def test_what_a_dead_process_left_unfinished_is_cleared_away(tmp_path):
    """Temporary folders of processes that are gone disappear; those of the living stay."""
    store = Store(tmp_path)
    store.prepare()
    dead, alive = store.scratch / f"{machine()}-999999999-x", store.scratch / f"{process_name()}-x"
    elsewhere = store.scratch / "0123abcd-999999999-x"  # on another machine, or in another container
    for folder in (dead, alive, elsewhere):
        folder.mkdir(parents=True)
    store.prepare()
    assert not dead.exists()
    assert alive.exists()
    assert elsewhere.exists()


def test_units_come_back_with_gaps(tmp_path):
    """Per-unit scores keep their NaN: missing is not a number."""
    store = Store(tmp_path)
    with store.blobs.write("score", ADDRESS) as folder:
        write_units(folder, Units(names=("d1", "d2"), values={"f1": np.array([0.5, np.nan])}))
    units = store.units(ADDRESS)
    assert units.names == ("d1", "d2")
    assert units.weights is None
    np.testing.assert_array_equal(units.values["f1"], [0.5, np.nan])


def test_health_names_damaged_blobs(tmp_path):
    """Doctor can say which file is bad."""
    store = Store(tmp_path)
    with store.blobs.write("score", ADDRESS) as folder:
        (folder / "file").write_text("x")
    assert store.health().complaints == ()
    (store.blobs.path("score", ADDRESS) / "file").write_text("y")
    damaged = Store(tmp_path)
    assert "file" in damaged.health().complaints[0]
    assert not damaged.intact(ADDRESS)
