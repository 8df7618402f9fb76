"""The guest's two doors: light to look at, and usable from the command line."""

import subprocess
import sys

from harness_leaderboard.app import app
from typer.testing import CliRunner


def test_looking_at_the_plugin_imports_nothing_heavy():
    """Discovery imports this module at every start."""
    code = (
        "import sys, harness_leaderboard as g; g.harness_commands(); "
        "print([m for m in ('numpy', 'scipy', 'tabulate', 'typer', 'harness.store') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_both_commands():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "show" in result.output
    assert "publish" in result.output


def test_without_a_board_the_default_says_so(tmp_path):
    """Bare ``harness leaderboard`` means ``show``."""
    result = CliRunner().invoke(app, ["--store", str(tmp_path)])
    assert "no board yet" in str(result.exception)
