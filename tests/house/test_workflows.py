"""The workflows under .github: no rights that they need not have, no shell made of strangers' text."""

import os
import re
import subprocess
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


# -- the scripts, run with stand-ins for what they call ------------------------------------------------------

STAND_INS = {
    "python": """echo "pip $*" >> calls
case "$*" in *broken*) echo "no such package"; exit 1;; esac""",
    "harness": '''echo "harness $*" >> calls
cat > /dev/null  # whoever reads takes nothing from the list of bundles
if [ "$1" = verify ]; then
  case "$2" in *forged*) printf '```\\n# forged\\033[2J\\nrefused\\n'; exit 1;; esac
  case "$2" in *unheard*) mkdir -p "$6/boards/unheard";; *) mkdir -p "$6/boards/quick.part";; esac
  echo verified
  exit
fi
[ "$3" = quick@newest ] || { echo "there is no suite $3" >&2; exit 2; }
echo "# what changed"''',
    "gh": """case "$*" in
  *commits*) echo "$PULL";;
  *compare*) [ -z "$CHANGED" ] && exit 1; echo "$CHANGED";;
  *comment*) cp comment.md posted.md;;
esac""",
}


def script(name, step):
    (found,) = (each["run"] for each in steps(WORKFLOWS[name]) if each.get("name") == step)
    return found


def ran(folder, text, **environment):
    """Run a step as the runner does; return its exit code."""
    stand_ins = folder / "bin"
    stand_ins.mkdir(exist_ok=True)
    for name, body in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/bash\n{body}\n")
        (stand_ins / name).chmod(0o755)
    (folder / "step.sh").write_text(text)
    known = {**os.environ, "PATH": f"{stand_ins}:{os.environ['PATH']}", **environment}
    return subprocess.run(["bash", "-e", "step.sh"], cwd=folder, env=known, check=False).returncode


def git(folder, *words):
    name = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    done = subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def submitted(folder, *names, before=()):
    """Make the checkout of a pull request that adds bundles; return the commit it is based on."""
    head = folder / "head"
    head.mkdir()
    git(head, "init", "-q")
    for name in before:
        put(head, name)
    git(head, "add", ".")
    git(head, "commit", "-q", "--allow-empty", "-m", "base")
    base = git(head, "rev-parse", "HEAD")
    for name in before:
        (head / "submissions" / name / "bundle.zip").unlink()
    for name in names:
        put(head, name)
    git(head, "add", ".")
    git(head, "commit", "-q", "--allow-empty", "-m", "new")
    return base


def put(head, name):
    (head / "submissions" / name).mkdir(parents=True, exist_ok=True)
    (head / "submissions" / name / "bundle.zip").write_text("one bundle " * 20)


def verified(folder, base):
    """Run the step that verifies; return its exit code and what it wrote."""
    (folder / "report").mkdir()
    code = ran(
        folder,
        script("verify", "Verify every bundle that is new"),
        BASE=base,
        JOBS="2",
        GITHUB_STEP_SUMMARY=str(folder / "shown.md"),
    )
    summary = (folder / "report" / "summary.md").read_text()
    assert (folder / "shown.md").read_text() == summary
    return code, summary


def test_every_bundle_is_verified_whatever_came_of_the_others(tmp_path):
    """One that cannot be installed, a forged one, one of an unknown suite: all are told, the rest goes on."""
    names = ("a_broken", "b_forged", "c_unheard", "d_fine")
    code, summary = verified(tmp_path, submitted(tmp_path, *names))
    assert code == 1
    assert re.findall("## Submission `(.*)`", summary) == list(names)
    broken, forged, unheard, fine = summary.split("## Submission ")[1:]
    assert "    no such package\n" in broken
    assert "its requirements cannot be installed" in broken
    assert "    ```\n    # forged[2J\n    refused\n" in forged
    assert "Not verified." in forged
    assert "    there is no suite unheard@newest\n" in unheard
    assert "compared with no published board" in unheard
    assert "# what changed" in fine
    calls = (tmp_path / "calls").read_text()
    assert "-c base/constraints.txt -r head/submissions/d_fine/requirements.txt" in calls
    assert "harness verify head/submissions/d_fine/bundle.zip --jobs 2 --keep" in calls
    assert "harness verify head/submissions/a_broken" not in calls
    assert "--published base/leaderboard/published" in calls


def test_a_board_that_cannot_be_compared_is_no_refusal(tmp_path):
    """A suite that was never published has nothing to be compared with."""
    code, summary = verified(tmp_path, submitted(tmp_path, "unheard"))
    assert code == 0
    assert "    verified\n" in summary


def test_a_renamed_bundle_is_new(tmp_path):
    """Under another name it is another submission."""
    _, summary = verified(tmp_path, submitted(tmp_path, "moved", before=["old"]))
    assert re.findall("## Submission `(.*)`", summary) == ["moved"]


def test_where_no_bundle_is_new_that_is_said(tmp_path):
    """No empty report, and no bundle that was there before."""
    code, summary = verified(tmp_path, submitted(tmp_path, before=["old"]))
    assert (code, summary) == (0, "No bundle is new or changed here: nothing was verified.\n")


def test_by_hand_all_bundles_are_verified(tmp_path):
    """Without a pull request there is no base."""
    submitted(tmp_path, "one", "other")
    _, summary = verified(tmp_path, "")
    assert re.findall("## Submission `(.*)`", summary) == ["one", "other"]


def test_the_harness_that_verifies_is_not_the_pull_requests():
    """It is installed from the base commit; of the pull request nothing but submissions is checked out."""
    used = {step["with"].get("path"): step["with"] for step in steps(WORKFLOWS["verify"]) if "with" in step}
    assert used["base"]["ref"].startswith("${{ github.event.pull_request.base.sha ")
    assert used["head"]["sparse-checkout"] == "submissions"
    assert used["head"]["sparse-checkout-cone-mode"] is False
    assert script("verify", "Install the harness").split()[-1] == "./base"


def posted(folder, report, changed):
    """Return the comment on a pull request that changes these files."""
    (folder / "report").mkdir()
    (folder / "report" / "summary.md").write_text(report)
    step = script("comment", "Comment on the pull request of that commit")
    assert ran(folder, step, PULL="7 abc", CHANGED=changed, HEAD_SHA="def", GH_REPO="o/r") == 0
    return (folder / "posted.md").read_text()


def test_a_comment_begins_with_what_it_is_worth(tmp_path):
    """Whatever the report says follows as a quotation, which nothing in it can end."""
    said = posted(
        tmp_path, "# verified\n```\n@everyone\x1b[2J\r\nyes\n" + "x\n" * 60_000, "submissions/a/bundle.zip"
    )
    warning, quoted = said.split("\n\n", 1)
    assert warning.startswith("**The job behind this report ran the code of the submitter")
    assert quoted.startswith("    # verified\n    ```\n    @everyone[2J\n    yes\n    x\n")
    assert all(line == "" or line.startswith(" ") for line in quoted.splitlines())
    assert len(said) < 65_536


@pytest.mark.parametrize(
    "changed", ["submissions/a/bundle.zip\n.github/workflows/verify.yml", "more than is listed", ""]
)
def test_a_comment_warns_of_a_changed_workflow(tmp_path, changed):
    """What ran may then have been the pull request's own; also where that cannot be looked up."""
    assert "Do not believe the report" in posted(tmp_path, "verified\n", changed)


def test_a_comment_does_not_warn_without_need(tmp_path):
    """Or nobody would read it."""
    changed = "submissions/a/bundle.zip\nsubmissions/a/requirements.txt"
    assert "Do not believe the report" not in posted(tmp_path, "verified\n", changed)


def test_a_report_that_leads_elsewhere_is_not_posted(tmp_path):
    """A link would show a file of the job that has rights."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "summary.md").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("token")
    step = script("comment", "Comment on the pull request of that commit")
    assert ran(tmp_path, step, PULL="7 abc", CHANGED="x", HEAD_SHA="def", GH_REPO="o/r") == 1
    assert not (tmp_path / "posted.md").exists()


def test_nothing_is_installed_by_a_name_that_nobody_owns():
    """Whoever registers it on the public index would run code in the jobs of all who call the workflow."""
    asked = WORKFLOWS["plugin"][True]["workflow_call"]["inputs"]["harness"]
    assert asked["required"] is True
    assert "default" not in asked
    for path in FOLDER.glob("*.yml"):
        assert "scfm-harness" not in path.read_text(), path
