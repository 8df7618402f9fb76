"""Board -> ``scores.csv``: one row per job and metric, long format; what has no value says why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from harness.digest import canonical

from .tables import label, table_key, tables_by_key

COLUMNS = (
    "suite", "task", "task_version", "split", "dataset", "arm", "subject", "subject_version", "budget",
    "corpus", "sampler", "size", "seed", "metric", "primary", "direction", "status", "value", "reason",
    "address",
)  # fmt: skip


def render_csv(board: Mapping[str, Any]) -> str:
    """Return the content of ``scores.csv``; values have all their digits, absent ones are empty."""
    reasons = {each["address"]: each["reason"] for each in board["failures"] + board["not_applicable"]}
    tables = tables_by_key(board)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for score in board["scores"]:
        writer.writerows(_rows(board["suite"]["name"], score, tables[table_key(score)], reasons))
    return stream.getvalue()


def _rows(
    suite: str, score: Mapping[str, Any], table: Mapping[str, Any], reasons: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    address = score["addresses"]["score"]
    for metric, how in table["metrics"].items():
        value = score["metrics"].get(metric)
        yield {
            "suite": suite,
            **_subject(score),
            "metric": metric,
            "primary": metric == table["primary"],
            "direction": how["direction"],
            "status": "undefined" if value is None and score["status"] == "ok" else score["status"],
            "value": "" if value is None else repr(float(value)),
            "reason": "" if value is not None else score["undefined"].get(metric) or reasons.get(address, ""),
            "address": address,
        }


def _subject(score: Mapping[str, Any]) -> dict[str, Any]:
    model, budget, sampler = score["model"], score["budget"], score["sampler"]
    return {
        "task": label(score["task"]),
        "task_version": score["task"]["version"],
        "split": canonical(score["split"]),
        "dataset": score["dataset"]["name"],
        "arm": score["arm"],
        "subject": label(model) if model else score["baseline"],
        "subject_version": model["version"] if model else score["task"]["version"],
        "budget": f"{budget['amount']} {budget['unit']}" if budget else "",
        "corpus": score["corpus"]["name"] if score["corpus"] else "",
        "sampler": label(sampler) if sampler else "",
        "size": "" if score["size"] is None else score["size"],
        "seed": "" if score["seed"] is None else score["seed"],
    }
