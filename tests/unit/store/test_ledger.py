"""The ledger: append-only, newest wins, a torn line costs itself alone."""

from concurrent.futures import ThreadPoolExecutor

from harness.records import Outcome, Record
from harness.store import Ledger


def record(address, value=1.0, status="ok"):
    return Record(
        job={"addresses": {"score": address}},
        outcome=Outcome(status=status, metrics={"f1": value}),
        task={},
        plugins={},
        environment={},
    )


def test_the_newest_record_of_an_address_counts(tmp_path):
    """A job that failed and then succeeded has succeeded."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([record("a", status="failed"), record("b")])
    ledger.append([record("a", 2.0)])
    found = ledger.records()
    assert found["a"].outcome.metrics == {"f1": 2.0}
    assert set(found) == {"a", "b"}


def test_a_kill_in_the_middle_of_a_line_costs_that_line_only(tmp_path):
    """The next append does not run into the torn line, and the damage is reported with its number."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([record("a"), record("b")])
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-20])
    ledger.append([record("c")])
    assert set(ledger.records()) == {"a", "c"}
    complaints = [line for line in ledger.lines() if line.complaint]
    assert [line.number for line in complaints] == [2]


def test_a_changed_number_is_noticed(tmp_path):
    """Nobody edits a score in the ledger by hand."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([record("a", 0.5)])
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"f1":0.5', b'"f1":0.9'))
    assert ledger.records() == {}


def test_many_writers_lose_nothing(tmp_path):
    """Runs that share a store do not overwrite each other's lines."""
    path = tmp_path / "ledger.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Ledger(path).append([record(f"{n}-{k}") for k in range(5)]), range(40)))
    assert len(Ledger(path).records()) == 200
