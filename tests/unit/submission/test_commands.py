"""``harness submit`` and ``harness verify`` as they are called: what they print and how they end."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import typer

from harness.cli import verify as commands
from harness.cli.options import Wanted
from harness.cli.submit import submit
from harness.cli.verify import read_tolerances, verify
from harness.conformance import Finding
from harness.errors import HarnessError, Misuse
from harness.records import Failure, Outcome
from harness.submission import look_here, packing


def called(world, bundle, **more):
    """Run ``harness verify``; return its exit code."""
    catalogue = [world.bundle.parent / "catalogue.yaml"]
    try:
        verify(bundle, store=world.store.path, catalogue=catalogue, **{"jobs": 0, **more})
    except typer.Exit as end:
        return end.exit_code
    return 0


def test_a_bundle_is_written_and_verified(world, tmp_path, capsys, monkeypatch):
    """By the two commands; one job is run again in a worker process of its own."""
    monkeypatch.setattr(packing, "conform", lambda card, kind: [Finding(check="check_it", passed=True)])
    suite = tmp_path / "mine.yaml"
    suite.write_text(json.dumps(world.suite))
    wanted = Wanted(
        suite=str(suite),
        catalogue=[world.bundle.parent / "catalogue.yaml"],
        store=world.store.path,
        device="cpu",
    )
    submit(**vars(wanted), to=tmp_path / "mine.zip")
    assert "5 ok" in capsys.readouterr().out
    kept = tmp_path / "kept"
    assert called(world, tmp_path / "mine.zip", jobs=1, seed=3, keep=kept) == 0
    said = capsys.readouterr().out
    assert "it says 5 ok\n" in said
    assert "run again: 1 of 5 jobs, chosen with --seed 3" in said
    assert said.endswith("verified\n")
    board = json.loads((kept / "boards" / "mine" / "board.json").read_bytes())
    assert [score["status"] for score in board["scores"]] == ["ok"] * 5


def test_a_forged_bundle_ends_with_1_and_keeps_nothing(world, forgery, tmp_path, capsys):
    """With the sentence, for people and for programs; what is refused is not run."""
    record = forgery.records[0]
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "micro_f1": 0.99})
    path, kept = forgery.seal().write(tmp_path / "forged.zip"), tmp_path / "kept"
    assert called(world, path, jobs=1, seed=0, keep=kept) == 1
    said = capsys.readouterr().out
    assert "WRONG  aggregates and identities: 5" in said
    assert '"micro_f1" is 0.99' in said
    assert said.endswith("refused\n")
    assert not kept.exists()
    assert called(world, path, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is False
    assert [f["about"] for f in told["findings"] if f["wrong"]] == ["aggregates and identities"]


def test_tolerances_are_read():
    """One for all, others by name; anything else is said."""
    assert read_tolerances(["0.02", "mse=0.1"]) == {"": 0.02, "mse": 0.1}
    for text in ("much", "mse=", "-1", "nan"):
        with pytest.raises(Misuse, match="--tolerance got"):
            read_tolerances([text])


EVIL = "mine\n```\n\x1b[2J\u202e @everyone"


def test_a_strangers_words_steer_no_terminal(world, forgery, tmp_path, capsys):
    """Whatever the claims, labels and reasons hold, each is printed on its own line and as plain text."""
    record = next(record for record in forgery.records if record.job["arm"] == "trained")
    failure = Failure(kind="nan", reason=EVIL, stage="fit", stage_address="f")
    forgery.hide(record.address, Outcome(status="failed", failure=failure))
    manifest = forgery.label().json("manifest.json")
    forgery.claim({**manifest["claims"], "suite": EVIL})
    assert called(world, forgery.write(tmp_path / "forged.zip")) == 1
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    assert lines[0].startswith("suite mine?```??[2J? @everyone, 5 records")
    assert "it says 1 failed (nan), 4 ok" in lines
    assert all(line.isprintable() for line in lines)


def test_a_complaint_that_quotes_a_stranger_is_plain(world, forgery, tmp_path):
    """A model that is not here is called whatever the bundle calls it."""
    grid = forgery.json("grid.json")
    forgery.put("grid.json", {**grid, "suite": {**grid["suite"], "models": [{"name": EVIL}]}})
    with pytest.raises(HarnessError) as complaint:
        called(world, forgery.label().write(tmp_path / "forged.zip"))
    assert complaint.value.exit_code == 2
    assert "mine?```??[2J?" in str(complaint.value)
    assert str(complaint.value).isprintable()


def test_a_bundle_is_not_believed_about_threads(world, monkeypatch, capsys):
    """As many as it says where that is possible; what is not is brought within it, and said."""
    monkeypatch.setattr(commands.os, "cpu_count", lambda: 4)

    def threads(said):
        cost = {"fit": {"threads": said}}
        return commands._threads([SimpleNamespace(outcome=SimpleNamespace(costs=cost))])

    assert threads(3) == 3
    assert capsys.readouterr().err == ""
    for said, possible in ((1e9, 4), (-3, 1), (0, 1)):
        assert threads(said) == possible
        assert f"had {said:g} threads; here they get {possible}" in capsys.readouterr().err


def test_a_broken_report_takes_no_verdict_away(world, tmp_path, capsys, monkeypatch):
    """The verdict is told before boards are made; a report that fails is named, and the next one is made."""
    made = []

    def broken(store, grid):
        raise ValueError("no room\x1b[2J")

    def sound(store, grid):
        made.append(store)

    def with_reports(*words, **more):
        here = look_here(*words, **more)
        return replace(here, registry=replace(here.registry, reports=(broken, sound)))

    monkeypatch.setattr("harness.submission.look_here", with_reports)
    assert called(world, world.bundle, keep=tmp_path / "kept") == 0
    said = capsys.readouterr()
    assert said.out.endswith("verified\n")
    assert "failed: ValueError: no room?[2J" in said.err
    assert made == [tmp_path / "kept"]
