"""The guest's two doors: light to look at, and usable from the command line."""

import importlib
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import harness_leaderboard
from harness_leaderboard.app import app


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


def test_as_a_command_of_the_host(tmp_path):
    """The host adds the app under the card's name; options and environment variable reach it."""
    host = typer.Typer(rich_markup_mode=None)
    host.command("other")(lambda: None)
    (card,) = harness_leaderboard.harness_commands()
    module, _, name = card.entry.partition(":")
    host.add_typer(getattr(importlib.import_module(module), name), name=card.name, help=card.summary)
    for words in (
        ["leaderboard"],
        ["leaderboard", "show"],
        ["leaderboard", "publish", "--to", str(tmp_path)],
    ):
        result = CliRunner().invoke(host, words, env={"HARNESS_STORE": str(tmp_path / "mine")})
        assert "mine" in str(result.exception)
        assert "no board yet" in str(result.exception)


def test_without_a_board_the_default_says_so(tmp_path):
    """Bare ``harness leaderboard`` means ``show``."""
    result = CliRunner().invoke(app, ["--store", str(tmp_path)])
    assert "no board yet" in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        ["--store", "mine", "show"],
        ["show", "--store", "mine"],
        ["--store", "mine", "publish", "--to", "published"],
        ["--store", "other", "publish", "--to", "published", "--store", "mine"],
    ],
)
def test_options_stand_before_or_after_the_commands_name(words):
    """An option that is given is never ignored, and wins over the environment."""
    result = CliRunner().invoke(app, words, env={"HARNESS_STORE": "elsewhere"})
    assert '"mine" has no board yet' in str(result.exception)
