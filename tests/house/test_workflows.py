"""The workflows under .github: no rights that they need not have, no shell made of strangers' text."""

import re
from pathlib import Path

import pytest
import yaml

from harness.cli.main import OURS

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_they_are_there():
    """One for repositories of plugins, one that verifies what they submit, one that says what came of it."""
    assert WORKFLOWS.keys() == {"plugin", "verify", "comment"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_rights_are_named_and_time_is_limited(name):
    """Only the one that comments may write, and only comments."""
    workflow = WORKFLOWS[name]
    writes = [what for what, right in workflow["permissions"].items() if right == "write"]
    assert writes == (["pull-requests"] if name == "comment" else [])
    assert all(0 < job["timeout-minutes"] <= 120 for job in workflow["jobs"].values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_shell_is_made_of_what_strangers_wrote(name):
    """Values reach a script as environment variables, never as part of its text."""
    for step in steps(WORKFLOWS[name]):
        assert "${{" not in step.get("run", ""), step


def test_strangers_code_runs_without_rights():
    """No event that gives a pull request from outside the rights of the repository, nor a token on disk."""
    for workflow in WORKFLOWS.values():
        events = workflow[True]  # YAML 1.1 reads "on" as true
        assert "pull_request_target" not in events
        for step in steps(workflow):
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
    used = [step.get("uses", "") for step in steps(WORKFLOWS["comment"])]
    assert not [action for action in used if action.startswith("actions/checkout")]


def test_the_commands_are_ours():
    """What is called is there."""
    scripts = "\n".join(step.get("run", "") for workflow in WORKFLOWS.values() for step in steps(workflow))
    called = set(re.findall(r"^\s*(?:if )?harness ([a-z]+)", scripts, re.MULTILINE))
    assert called == {"check", "run", "submit", "verify", "leaderboard"}
    assert called <= {name for name, *_ in OURS} | {"leaderboard"}


def test_nothing_is_pinned_to_one_machine():
    """No path of a home or of a runner."""
    for path in FOLDER.glob("*.yml"):
        assert not re.search(r"/(home|work|root|Users)/", path.read_text()), path
