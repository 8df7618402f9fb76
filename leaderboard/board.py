"""Records -> board: frozen plain data, the only thing that is published; everything else is rendered from it.

A board is what ``board.json`` holds. A model's scores, verdicts and gains do not depend on who else is on it:
its checks know only the baselines of the task. Rankings are about the field, and say which tasks they count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic_core import from_json
from pydantic_core import to_json as plain_json

from harness.digest import canonical
from harness.parallel import uncollected
from harness.records import Outcome, Record
from harness.store import Store

from .tables import Facts, make_tables

Board = dict[str, Any]
SCHEMA_VERSION = 2
"""Raised when the meaning or the place of something in ``board.json`` changes."""


@uncollected()
def make_board(store: Store, grid: Mapping[str, Any]) -> Board:
    """Assemble the board of one grid from what its store holds.

    Parameters
    ----------
    store
        Where the records and the scores per unit are.
    grid
        What was asked, see :func:`harness.hookspecs.harness_reports`.
    """
    found = {record.address: record for record in store.records()}
    jobs = json.loads(canonical(grid["jobs"]))
    planned = [_as_planned(found.get(job["addresses"]["score"]), job) for job in jobs]
    records = [record for record in planned if record.outcome.status != "missing"]
    board = {
        "schema_version": SCHEMA_VERSION,
        "suite": grid["suite"],
        "version": None,
        "trial": bool(grid.get("trial")),
        **_provenance(records, grid),
        "scores": [_score(record) for record in records],
        **make_tables(planned, store, _facts(grid)),
        "failures": [_failure(record) for record in records if record.outcome.failure],
        "not_applicable": [_refusal(r) for r in records if r.outcome.status == "not-applicable"],
        "missing": [_address(record) for record in planned if record.outcome.status == "missing"],
        "pruned": list(grid.get("pruned", [])),
    }
    return frozen(board)


def _facts(grid: Mapping[str, Any]) -> Facts:
    found = grid.get("plugins", {}).get("found", [])
    return Facts(
        nested=frozenset(p["name"] for p in found if p["kind"] == "sampler" and p.get("nested")),
        available={data["digest"]: data["n_available"] for data in grid.get("data", [])},
    )


def _as_planned(record: Record | None, job: Board) -> Record:
    """Return what came of a planned job, under the names that this grid uses; another one may have run it.

    A job without a result is absent with its reason.
    """
    if record is not None:
        return replace(record, job=job)
    outcome = Outcome(status="missing", reason="it was not computed; run the suite again")
    return Record(job=job, outcome=outcome, task={}, plugins={}, environment={})


def frozen(board: Mapping[str, Any]) -> Board:
    """Return the board as it will be read back: JSON values only, no NaN.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    """
    content = plain_json(board, inf_nan_mode="constants")
    try:
        return dict(from_json(content, allow_inf_nan=False))
    except ValueError as error:
        raise ValueError(f"a number of the board is NaN or infinite: {error}") from error


def to_json(board: Mapping[str, Any]) -> bytes:
    """Return the content of ``board.json``: one line per entry of a list, so that versions compare well."""
    parts = (f"{_dump(name)}: {_lines(value)}" for name, value in board.items())
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _dump(value)
    return "[\n" + ",\n".join(_dump(each) for each in value) + "\n]"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _provenance(records: Sequence[Record], grid: Mapping[str, Any]) -> Board:
    jobs = [record.job for record in records]
    return {
        "harness": grid.get("harness", {}),
        "environment": grid.get("environment", {}),
        "environments": _distinct(record.environment for record in records),
        "device": sorted({job["device"] for job in jobs if job["device"]}),
        "precision": sorted({job["precision"] for job in jobs if job["precision"]}),
        "seeds": sorted({job["seed"] for job in jobs if job["seed"] is not None}),
        "plugins": grid.get("plugins", {}),
        "data": grid.get("data", []),
        "overlap": grid.get("overlap", {}),
    }


def _distinct(mappings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({canonical(mapping): mapping for mapping in mappings}.values())


def _score(record: Record) -> Board:
    """Return one job with everything that came of it."""
    outcome = record.outcome
    return {
        **record.job,
        "status": outcome.status,
        "metrics": outcome.metrics,
        "undefined": outcome.undefined,
        "notes": outcome.notes,
        "split_digest": outcome.split_digest,
        "costs": outcome.costs,
        "plugins": record.plugins,
        "finished": record.finished,
    }


def _failure(record: Record) -> Board:
    """Return a failed job without its traceback, which stays in the store with the paths it names."""
    failure = record.outcome.failure
    assert failure is not None
    told = {name: value for name, value in asdict(failure).items() if name != "traceback"}
    return {**_address(record), **told}


def _refusal(record: Record) -> Board:
    return {**_address(record), "reason": record.outcome.reason}


def _address(record: Record) -> Board:
    names = ("arm", "model", "baseline", "corpus", "sampler", "size", "seed", "task", "dataset")
    return {"address": record.address, **{name: record.job[name] for name in names}}
