"""Versions are never changed, so boards of an older form stay readable."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import harness_leaderboard
from harness.errors import Misuse
from harness_leaderboard.board import SCHEMA_VERSION
from harness_leaderboard.publish import render_readme
from harness_leaderboard.render_figures import render_figures
from harness_leaderboard.report import read_board

PUBLISHED = Path(harness_leaderboard.__file__).parent / "published"
OLD = PUBLISHED / "quick" / "v0001"


def test_an_older_board_is_refused_with_where_to_read_it():
    """A sentence that names the file, exit code 2, no traceback; its data come with --json."""
    command = [Path(sys.executable).with_name("harness"), "leaderboard", "show", "quick@v0001"]
    command += ["--published", PUBLISHED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "read the BOARD.md beside it" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["schema_version"] == 1


def test_the_readme_leads_to_boards_of_an_older_form(tmp_path):
    """They are not left out in silence."""
    to = tmp_path / "leaderboard" / "published"
    (to / "quick").mkdir(parents=True)
    (to / "quick" / "v0001").symlink_to(OLD)
    assert read_board(OLD)["schema_version"] < SCHEMA_VERSION
    assert "published in an older form" in render_readme(to)


def test_a_figure_that_there_is_not_is_misuse():
    with pytest.raises(
        Misuse, match=r'no figure "gans"; there are gains, saturation, .*Did you mean "gains"'
    ):
        render_figures(read_board(OLD), only="gans")
