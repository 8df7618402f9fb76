"""Versions by name, and tombstones: what is published never changes, and what is withdrawn says so."""

import json

import pytest
from boards import board, score, written
from typer.testing import CliRunner

from harness.errors import Misuse
from harness_leaderboard.app import app
from harness_leaderboard.publish import render_readme
from harness_leaderboard.versions import newest_standing, read_version, tombstone_of, tombstones, withdraw


@pytest.fixture
def published(tmp_path):
    """Two versions of a suite."""
    folder = tmp_path / "leaderboard" / "published"
    for number, value in enumerate((0.8, 0.7), start=1):
        name = f"v{number:04}"
        made = board([score(value, model_version=str(number))], version=name, schema_version=1)
        written(folder / "quick" / name, made)
    return folder


def called(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_version_is_found_by_name_or_by_folder(published):
    """Newest is the newest that stands."""
    assert read_version("quick@v0001", published).name == "quick v0001"
    assert read_version("quick@newest", published).name == "quick v0002"
    assert read_version(str(published / "quick" / "v0001"), published).name == "quick v0001"
    withdraw(published, "quick", "v0002", "leaked", "2026-01-31")
    assert read_version("quick@newest", published).name == "quick v0001"
    assert read_version("quick@v0002", published).tombstone.reason == "leaked"


@pytest.mark.parametrize("words", ["quick@v0009", "quick@", "quick@v0001/..", "other@newest", "nowhere"])
def test_what_is_not_there_is_said(published, words):
    """With what is there."""
    with pytest.raises(Misuse):
        read_version(words, published)


def test_what_is_not_there_is_never_offered(published):
    """A suite without versions has no newest one, and neither has one whose versions are all withdrawn."""
    with pytest.raises(Misuse, match=r'"quic" was published\. Did you mean "quick"') as complaint:
        read_version("quic@newest", published)
    assert "newest" not in str(complaint.value)
    for name in ("v0001", "v0002"):
        withdraw(published, "quick", name, "leaked", "2026-01-31")
    with pytest.raises(Misuse, match=r"was withdrawn \(v0001, v0002\)"):
        read_version("quick@newest", published)


@pytest.mark.parametrize("suite", ["../quick", "a/b", ""])
def test_names_lead_nowhere_else(published, suite):
    """A suite's name is the name of a folder."""
    with pytest.raises(Misuse):
        read_version(f"{suite}@v0001", published)
    with pytest.raises(Misuse):
        withdraw(published, suite, "v0001", "x", "2026-01-31")


def test_a_tombstone_stands_beside_the_version(published):
    """Whose own files stay byte for byte as they were."""
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    path = withdraw(published, "quick", "v0001", "  the split\nleaked ", "2026-01-31")
    assert path == published / "quick" / "v0001.withdrawn.json"
    assert json.loads(path.read_bytes()) == {
        "version": "v0001",
        "reason": "the split leaked",
        "withdrawn": "2026-01-31",
    }
    assert {p: p.read_bytes() for p in before} == before
    assert tombstone_of(published / "quick" / "v0002") is None
    assert [each.version for each in tombstones(published / "quick")] == ["v0001"]


def test_nobody_withdraws_twice_or_without_a_reason(published):
    """Nor what is not there."""
    with pytest.raises(Misuse, match="say why"):
        withdraw(published, "quick", "v0001", " ", "2026-01-31")
    with pytest.raises(Misuse, match='has no version "v0007"'):
        withdraw(published, "quick", "v0007", "x", "2026-01-31")
    withdraw(published, "quick", "v0001", "leaked", "2026-01-31")
    with pytest.raises(Misuse, match='on 2026-01-31 already: "leaked"'):
        withdraw(published, "quick", "v0001", "again", "2026-02-01")


def test_a_broken_tombstone_is_not_overlooked(published):
    """A version is never taken for standing by mistake."""
    (published / "quick" / "v0002.withdrawn.json").write_text("{")
    with pytest.raises(Misuse, match="cannot be read"):
        newest_standing(published / "quick")


def test_the_readme_shows_the_newest_that_stands_and_says_what_was_withdrawn(published):
    """And nothing else of a suite whose versions are all withdrawn."""
    done = called("withdraw", "quick", "v0002", "--reason", "the <split> leaked", "--published", published)
    assert done.exit_code == 0
    readme = (published.parent / "README.md").read_text()
    assert "## Suite quick, v0001" in readme
    assert "v0002 was withdrawn on" in readme
    assert "<split>" not in readme
    withdraw(published, "quick", "v0001", "this too", "2026-01-31")
    assert "No version stands." in render_readme(published)


def test_diff_and_gate_are_commands(published, tmp_path):
    """The gate ends with 1 where it fails, and writes what CI reads."""
    options = ("--published", published)
    told = called("diff", "quick@v0001", "quick@v0002", *options)
    assert told.exit_code == 0
    assert "model pca 1 → 2" in told.output
    told = called("diff", "quick@v0001", "quick@v0002", "--json", *options)
    assert json.loads(told.output)["changes"][0]["causes"] == ["plugin"]
    files = ("--summary", tmp_path / "gate.md", "--junit", tmp_path / "gate.xml")
    told = called("gate", "quick@v0001", "quick@v0002", "--margin", "0.05", *files, *options)
    assert told.exit_code == 1
    assert "# Gate FAILED" in told.output
    assert (tmp_path / "gate.md").read_text() == told.output
    assert "<failure" in (tmp_path / "gate.xml").read_text()
    assert called("gate", "quick@v0001", "quick@v0002", "--margin", "0.2", *options).exit_code == 0
    told = called("gate", "quick@v0001", "quick@v0001", "--margin", "0.2", "--json", *options)
    assert json.loads(told.output)["passed"] is True


def test_diff_names_what_was_withdrawn(published):
    """Above everything else."""
    withdraw(published, "quick", "v0001", "leaked", "2026-01-31")
    told = called("diff", "quick@v0001", "quick@v0002", "--published", published)
    assert "**quick v0001 is withdrawn: leaked**" in told.output


def test_a_withdrawn_version_is_shown_as_such(published):
    """The warning goes to standard error, so that the data stay data."""
    withdraw(published, "quick", "v0002", "leaked", "2026-01-31")
    shown = called("show", "quick@v0002", "--json", "--published", published)
    assert shown.exit_code == 0
    assert "WITHDRAWN on 2026-01-31: leaked" in shown.stderr
    assert json.loads(shown.stdout)["version"] == "v0002"
