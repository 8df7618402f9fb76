"""The compiled part of rank-sum tests: its arithmetic, and where the compiled code is kept."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from harness.measures import rank_sums

ANSWER = "from rank_sums import run_length; import numpy; print(run_length(numpy.array([1.0, 1.0, 2.0]), 0))"


@pytest.mark.parametrize("cells", [0, 7, 3_000_000])
def test_growing_a_block_of_ties(cells):
    """N^3 - sum t^3 before and after, in Python's exact integers, also where 64 bits would overflow."""
    for n, there in ((1, 0), (5, 0), (40_000, cells), (3, cells // 2)):
        exact = (cells + n) ** 3 - cells**3 - (there + n) ** 3 + there**3
        assert rank_sums.tied(cells, n, there) == pytest.approx(exact, rel=1e-15)


def test_one_group_worked_by_hand():
    """Group -1, 0, 0, 2 against reference -1, -1, 0, 2, 3."""
    reference, group = np.array([-1.0, -1.0, 2.0, 3.0]), np.array([-1.0, 2.0])
    # -1 ties with two: 2; each 0 is above two and ties with one: 5; 2 is above three and ties with one: 7.
    # Blocks of 2, 1, 1, 1 become 3, 3, 2, 1: 125 - 11 = 114 becomes 729 - 63 = 666.
    assert rank_sums.compare(group, 2, reference, 1) == (2 + 5 + 5 + 7, 666 - 114)
    assert rank_sums.ties_within(reference, 1) == 114


def run_beside(folder, cache):
    """Import a copy of the module in a process of its own, from a folder that takes no compiled code."""
    shutil.copy(rank_sums.__file__, folder)
    (folder / "__pycache__").touch()  # a file where the folder should be: not even root can write there
    kept_out = ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT")
    environment = {key: value for key, value in os.environ.items() if key not in kept_out}
    environment |= {"PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache), "HOME": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", ANSWER], env=environment, capture_output=True, text=True, check=False
    )


def test_code_is_kept_by_the_user_where_the_package_is_read_only(tmp_path):
    """In the user's cache, so that it is compiled once."""
    done = run_beside(tmp_path, tmp_path / "cache")
    assert done.stdout.split() == ["2"], done.stderr
    assert any((tmp_path / "cache").rglob("rank_sums.run_length-*.nbc"))


def test_code_is_compiled_anew_where_nothing_can_be_kept(tmp_path):
    """Neither beside the module nor in a home: it works all the same."""
    (tmp_path / "nowhere").touch()
    done = run_beside(tmp_path, tmp_path / "nowhere" / "cache")
    assert done.stdout.split() == ["2"], done.stderr


def test_the_room_imports_no_compiler():
    """Only a call imports numba, not the import of the room."""
    program = "import sys, harness.measures; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
