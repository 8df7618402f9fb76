"""``harness submit`` and ``harness verify`` as they are called: what they print and how they end."""

import json

import pytest
import typer

from harness.cli.options import Wanted
from harness.cli.submit import submit
from harness.cli.verify import read_tolerances, verify
from harness.conformance import Finding
from harness.errors import Misuse
from harness.submission import packing


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
    assert "run again: 1 of 5 scored jobs, chosen with --seed 3" in said
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
