"""What the documents say is so: commands, targets, options, figures, and the example of a plugin."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import OURS
from harness.registry import discover

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(sys.executable).with_name("harness")
README, CONTRIBUTING = ((ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))


def blocks(text, language):
    """Return the code blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def test_the_make_targets_exist():
    """Each command that a document names is one that make knows."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", README + CONTRIBUTING, re.MULTILINE))
    assert {"run", "test", "check", "bench"} <= named <= targets


def test_the_two_commands_stand_at_the_top_of_the_readme():
    """In its first code block."""
    first = blocks(README, "")[0]
    assert [line.partition("#")[0].strip() for line in first.splitlines()] == ["make run", "make test"]


def test_every_command_is_in_the_table_of_the_readme():
    """None is missing and none is made up."""
    known = {*(name for name, *_ in OURS), *discover().commands}
    assert set(re.findall(r"^\| `harness ([a-z]+)", README, re.MULTILINE)) == known


@pytest.mark.parametrize(
    "line",
    [line for line in (README + CONTRIBUTING).splitlines() if re.match(r" *harness .*--", line)],
)
def test_every_option_is_one_of_its_command(line):
    """As its help lists them."""
    words = line.partition("#")[0].split()
    command = [HARNESS, *[word for word in words[1:3] if word in ("run", "plan", "data", "check")][:1]]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    for option in [word for word in words if word.startswith("--")]:
        assert option in shown


def test_the_figures_in_the_readme_are_those_of_the_newest_board():
    """The table is a copy of one that is published."""
    section = README.partition("## What comes out")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    published = (ROOT / "leaderboard" / "README.md").read_text().splitlines()
    assert len(rows) >= 5
    assert [row for row in rows if row not in published] == []


def test_the_example_of_a_plugin_works(tmp_path):
    """A package made of the code blocks of CONTRIBUTING passes every conformance check."""
    for body in blocks(CONTRIBUTING, "python"):
        path = tmp_path / body.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(body)
    info = tmp_path / "my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1\n")
    (toml,) = blocks(CONTRIBUTING, "toml")
    name, module = re.search(r'"(.+)" = "(.+)"', toml).groups()
    (info / "entry_points.txt").write_text(f"[harness]\n{name} = {module}\n")
    done = subprocess.run(
        [HARNESS, "check", "my_svd"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model my_svd 1 of my_package 1" in done.stdout
    assert "FAILED" not in done.stdout
