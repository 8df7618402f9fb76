"""Board -> what the page embeds: the board without what no reader sees, small enough to travel in one file.

Numbers keep five digits and addresses as many as tell them apart; ``board.json`` has them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from .efforts import FIT_COLUMNS, fit_rows, sample_rows
from .render_markdown import HOW_TO_READ
from .rows import note_words, printable, split_words
from .tables import label, setting, who

Json = dict[str, Any]
Board = Mapping[str, Any]
SHORTEST = 8
"""Hexadecimal digits that an address keeps at least."""
IDENTITY = ("label", "model", "weights", "budget", "corpus", "excluded", "sampler", "genes", "arm")
"""What tells the curves and constants of one table apart, besides the metric."""
RULES = ("R0", "R1", "R2", "R3", "R4", "R5")
EVIDENCE = (
    "gate_f_p", "gate_jonckheere_p", "margin", "resolution", "seeds_needed", "gain", "baseline_name",
    "baseline_low", "baseline_high", "ceiling", "ceiling_measured", "headroom", "saturates_at",
    "saturates_within", "untrained", "pooled_sd", "largest_contrast",
)  # fmt: skip


def page_data(board: Board, every_run: bool = True) -> Json:
    """Return what the page shows of a board.

    Parameters
    ----------
    board
        A board of any schema version; what an older one does not have is absent.
    every_run
        Whether metrics other than the primary one keep their single runs, besides mean and deviation.
    """
    addresses = _Addresses(board)
    tables = [_Table(board, table, addresses, every_run).describe() for table in board["tables"]]
    for table, name in zip(tables, _distinct(_table_name(table) for table in board["tables"]), strict=True):
        table["id"] = name
    return {
        "suite": board["suite"]["name"],
        "about": board["suite"].get("about", ""),
        "version": board["version"],
        "schema_version": board["schema_version"],
        "trial": board["trial"],
        "every_run": every_run,
        "digits": addresses.digits,
        "addresses": "".join(address[: addresses.digits] for address in addresses.places),
        "scored": sum(score["status"] == "ok" for score in board["scores"]),
        "finished": max((score["finished"] or "" for score in board["scores"]), default=""),
        "ranking": _ranking(board.get("ranking")),
        "elasticities": _elasticities(board.get("elasticities")),
        "medians": [_median(median) for median in board.get("medians", ()) if median["size"]],
        "tables": tables,
        "absent": _absent_jobs(board, addresses),
        "pruned": _pruned(board["pruned"]),
        "unusable": _unusable(board["plugins"]),
        "provenance": _provenance(board),
        "how_to_read": HOW_TO_READ,
    }


class _Addresses:
    """The addresses of all jobs in a row; a place in it stands for an address."""

    def __init__(self, board: Board) -> None:
        known = [score["addresses"]["score"] for score in board["scores"]]
        missing = [each["address"] for each in board["missing"]]
        self.places = {address: at for at, address in enumerate(dict.fromkeys(known + missing))}
        self.digits = distinguishing_digits(list(self.places))
        self.scores = {score["addresses"]["score"]: score for score in board["scores"]}


def distinguishing_digits(addresses: Sequence[str]) -> int:
    """Return how many leading digits tell all addresses apart, at least :data:`SHORTEST`."""
    ordered = sorted(addresses)
    common = [_common(one, other) for one, other in pairwise(ordered)]
    return max([SHORTEST, *(n + 1 for n in common)])


def _common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _distinct(names: Iterable[str]) -> list[str]:
    """Return names, a second one of a kind with its number behind it."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def _table_name(table: Mapping[str, Any]) -> str:
    return f"{_text(label(table['task']))} on {_text(table['dataset']['name'])}"


def rounded(value: Any) -> Any:
    """Return a JSON value with all its numbers at five significant digits."""
    kind = type(value)
    if kind is float:
        return float(f"{value:.5g}")
    if kind is dict:
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if kind is list else value


@lru_cache(maxsize=10_000)
def _text(value: Any) -> str:
    """Return a name or a reason as one harmless line; the same few are met thousands of times."""
    return printable(value)


class _Table:
    """One task on one split of one data set, for the page."""

    def __init__(
        self, board: Board, table: Mapping[str, Any], addresses: _Addresses, every_run: bool
    ) -> None:
        self.table = table
        self.addresses = addresses
        self.every_run = every_run
        self.supervised = {p["name"] for p in board["plugins"].get("found", []) if p.get("supervised")}
        self.cells = {data["digest"]: data["n_available"] for data in board["data"]}

    def describe(self) -> Json:
        table = self.table
        return {
            "task": _text(label(table["task"])),
            "dataset": _text(table["dataset"]["name"]),
            "version": table["task"]["version"],
            "split": split_words(table, printable),
            "notes": note_words(table, printable),
            "by_cell": table["random_by_cell"],
            "unit": table["unit_kind"],
            "primary": table["primary"],
            "metrics": {name: rounded(how) for name, how in table["metrics"].items()},
            "ranking": _ranking(table.get("ranking")),
            "scales": {name: rounded(scale) for name, scale in table.get("scales", {}).items()},
            "curves": self._entries(table["curves"]),
            "constants": self._entries(table["constants"]),
        }

    def _entries(self, entries: Iterable[Mapping[str, Any]]) -> list[Json]:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for entry in entries:
            key = json.dumps([entry.get(name) for name in IDENTITY], sort_keys=True)
            groups.setdefault(key, []).append(entry)
        made = [self._entry(group) for group in groups.values()]
        for entry, name in zip(made, _distinct(_entry_name(entry) for entry in made), strict=True):
            entry["id"] = name
        return made

    def _entry(self, group: list[Mapping[str, Any]]) -> Json:
        first = group[0]
        places = {each["address"]: each for entry in group for each in entry["points"] + entry["absent"]}
        corpus, budget = first.get("corpus"), first.get("budget")
        return {
            "model": _text(first["label"]),
            "ranked_as": _text(first["label"] + (setting(first) if corpus else "")),
            "arm": first.get("arm", "trained"),
            "is_baseline": first.get("is_baseline", False),
            "supervised": bool(first["model"]) and first["model"]["name"] in self.supervised,
            "sampler": _text(label(first["sampler"])) if first.get("sampler") else None,
            "corpus": _text(corpus["name"]) if corpus else None,
            "corpus_cells": self.cells.get(corpus["digest"]) if corpus else None,
            "budget": f"{budget['amount']:,} {_text(budget['unit'])}" if budget else None,
            "size": [place["size"] for place in places.values()],
            "seed": [place["seed"] for place in places.values()],
            "at": [self.addresses.places.get(address) for address in places],
            "cost": self._costs(places),
            "metrics": {entry["metric"]: self._metric(entry, list(places)) for entry in group},
        }

    def _costs(self, places: Mapping[str, Mapping[str, Any]]) -> Json:
        """Return, by size, the mean seconds that a fit and an embedding took, and the peak memory in MB."""
        by_size: dict[str, list[Json]] = {}
        for address, place in places.items():
            costs = self.addresses.scores.get(address, {}).get("costs") or {}
            if "fit" in costs or "embed" in costs:
                by_size.setdefault(str(place["size"]), []).append(costs)
        return {
            size: {
                "seconds": rounded(sum(map(_seconds, costs)) / len(costs)),
                "memory": rounded(max(map(_peak, costs))),
            }
            for size, costs in by_size.items()
        }

    def _metric(self, entry: Mapping[str, Any], places: Sequence[str]) -> Json:
        primary = entry["metric"] == self.table["primary"]
        found: Json = {"best": entry.get("best_size"), "r0": self._published(entry)}
        if primary or self.every_run:
            values = {point["address"]: rounded(point["value"]) for point in entry["points"]}
            found["values"] = [values.get(address) for address in places]
        else:
            found["sizes"] = [rounded([at["size"], at["n"], at["mean"], at["sd"]]) for at in _sizes(entry)]
        at = {address: number for number, address in enumerate(places)}
        found["absent"] = [[at[a["address"]], a["status"], _said(a["reason"])] for a in entry["absent"]]
        found["no_change"] = self._no_change(entry, primary)
        if entry.get("unjudged") is not None:
            found["unjudged"] = _text(entry["unjudged"])
        if entry.get("verdict"):
            found["verdict"] = _verdict(entry["verdict"], primary)
            if primary:
                found.update(_returns(entry["verdict"], entry["points"]))
        return found

    def _published(self, entry: Mapping[str, Any]) -> Json | None:
        found = entry.get("saturation")
        return found and {name: rounded(found[name]) for name in ("size", "threshold", "censored", "reason")}

    def _no_change(self, entry: Mapping[str, Any], primary: bool) -> list[Json]:
        findings = entry["no_change"]
        if isinstance(findings, Mapping):
            findings = [{"size": None, **findings}]
        return [
            _finding(each) for each in findings or [] if primary or each["size"] == entry.get("best_size")
        ]


def _entry_name(entry: Mapping[str, Any]) -> str:
    parts = (entry["model"], entry["sampler"], entry["corpus"], entry["budget"])
    return " / ".join(part for part in parts if part)


def _seconds(costs: Mapping[str, Any]) -> float:
    return sum(float(costs.get(stage, {}).get("wall_seconds", 0)) for stage in ("fit", "embed"))


def _peak(costs: Mapping[str, Any]) -> float:
    return max(float(costs.get(stage, {}).get("peak_resident_mb", 0)) for stage in ("fit", "embed"))


def _sizes(entry: Mapping[str, Any]) -> list[Json]:
    constant = {"size": None, "n": entry.get("n"), "mean": entry.get("mean"), "sd": entry.get("sd")}
    return list(entry.get("sizes", [constant] if entry.get("n") else []))


def _said(reason: Any) -> str | None:
    return None if reason is None else _text(reason)


def _finding(found: Mapping[str, Any]) -> Json:
    gain, against = found["gain"] or {}, found.get("against") or [{}]
    kept = {
        "size": found["size"],
        "verdict": found["verdict"],
        "baseline": _said(found["baseline"]),
        "estimate": gain.get("estimate"),
        "low": gain.get("low"),
        "high": gain.get("high"),
        "p": None if against[0].get("reason") else against[0].get("p_holm"),
        "reason": _said(found["reason"] or gain.get("reason")),
    }
    return {name: rounded(value) for name, value in kept.items() if value is not None}


def _verdict(verdict: Mapping[str, Any], primary: bool) -> Json:
    evidence = verdict.get("evidence") or {}
    kept: Json = rounded(
        {
            **{name: verdict.get(name) for name in ("level", "trend", "reading", "quotable", "flags")},
            "saturation": {
                rule: {
                    name: value
                    for name, value in point.items()
                    if name in ("size", "censored", "family") or (name == "distribution" and primary)
                }
                for rule, point in verdict["saturation"].items()
                if rule in RULES
            },
            "evidence": {
                name: evidence[name] for name in EVIDENCE if primary and evidence.get(name) is not None
            },
        }
    )
    return kept


def _returns(verdict: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Json:
    """Return the law of a curve and what more cells bring; nothing of a board that knows neither."""
    law, gain = verdict.get("law"), verdict.get("marginal_gain")
    kept = {"law": law and _law(law, points), "marginal_gain": gain and _marginal_gain(gain)}
    return {name: value for name, value in kept.items() if value}


def _law(law: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Json:
    return {
        "answer": law["answer"],
        "weights": rounded(law["weights"]),
        "limit": _estimate(law["limit"]),
        "exponent": _estimate(law["exponent"]),
        "amplitude": rounded(_amplitude(law, points)),
        "held_out": law["held_out"] and _held_out(law["held_out"]),
        "reason": _said(law["reason"]),
    }


def _amplitude(law: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> float | None:
    """Return A of E + A n^-a where that law is the answer and E and a are told, else None.

    A curve fitted by least squares with a free E passes through the mean of all runs: this gives the A that
    was fitted.
    """
    limit, exponent = law["limit"]["value"], law["exponent"]["value"]
    runs = [(point["size"], point["value"]) for point in points if point["size"]]
    if law["answer"] != "offset" or limit is None or exponent is None or not runs:
        return None
    return float(sum(value - limit for _, value in runs) / sum(size**-exponent for size, _ in runs))


def _held_out(found: Mapping[str, Any]) -> Json:
    kept = {name: rounded(found[name]) for name in ("size", "family", "observed", "predicted")}
    return {**kept, "error": _estimate(found["error"])}


def _marginal_gain(gain: Mapping[str, Any]) -> Json:
    """Return gains without what a gain of 1 costs, which is the inverse of the gain per cost."""
    stop, kept = gain["stop"], ("unit", "worth", "size", "at_end", "reason")
    return {
        "per_decade": _estimate(gain["per_decade"]),
        "steps": [_step(step) for step in gain["steps"]],
        "stop": stop and {name: rounded(stop[name]) for name in kept},
    }


def _step(step: Mapping[str, Any]) -> Json:
    return {
        "start": step["start"],
        "end": step["end"],
        "gain": _estimate(step["gain"]),
        "per_decade": _estimate(step["per_decade"]),
        "per_cost": {unit: _estimate(each) for unit, each in step["per_cost"].items()},
    }


def _estimate(found: Mapping[str, Any]) -> Json:
    kept = {name: rounded(found[name]) for name in ("value", "low", "high")}
    kept["reason"] = _said(found["reason"])
    return {name: value for name, value in kept.items() if value is not None}


def _elasticities(found: Mapping[str, Any] | None) -> Json | None:
    """Return what a decade of cells and of diversity changes, over all tables; nothing without a score."""
    if not found or not found["n"]:
        return None
    return {
        "size": _estimate(found["size"]),
        "diversity": _estimate(found["diversity"]),
        **{name: found[name] for name in ("n", "n_clusters", "n_excluded")},
    }


def _median(found: Mapping[str, Any]) -> Json:
    """Return where the curves of a model saturate by a rule, over all tables."""
    size = found["size"]
    return {
        "model": _text(found["model"]),
        **{name: _said(found[name]) for name in ("sampler", "corpus", "budget")},
        "rule": found["rule"],
        "low": size["low"],
        "high": size["high"],
        "within": None if size["interval_low"] is None else [size["interval_low"], size["interval_high"]],
        "n": size["n"],
        "without": found["n_without"],
    }


def _ranking(found: Mapping[str, Any] | None) -> Json | None:
    """Return rank, interval and tier of every model of one table or of all, and what limits them."""
    if not found:
        return None
    return {
        "rows": [rounded(_place(row)) for row in found["rows"]],
        "of_tasks_like_these": found["of_tasks_like_these"],
        "reason": _said(found["reason"]),
        "unranked": [[_text(name), _text(why)] for name, why in found["unranked"].items()],
        "left_out": [[_text(name), _text(why)] for name, why in found["left_out"].items()],
    }


def _place(row: Mapping[str, Any]) -> Json:
    rank = row["average_rank"]
    return {
        "model": _text(row["model"]),
        **{"rank": rank["value"], "low": rank["low"], "high": rank["high"]},
        "tier": row["tier"],
        "best": row["best"],
    }


def _absent_jobs(board: Board, addresses: _Addresses) -> list[Json]:
    """Return, for each reason, which jobs have no score or no value for it."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for kind, entry, reason in _without_value(board):
        question = f"{_text(label(entry['task']))} on {_text(entry['dataset']['name'])}"
        key = (kind, _text(who(entry)), question, _text(reason or ""))
        address = entry.get("address") or entry["addresses"]["score"]
        groups.setdefault(key, []).append(addresses.places[address])
    names = ("kind", "subject", "task", "reason")
    return [{**dict(zip(names, key, strict=True)), "at": at} for key, at in groups.items()]


def _without_value(board: Board) -> Iterable[tuple[str, Mapping[str, Any], Any]]:
    for each in board["failures"]:
        yield "failed", each, f"{each['kind']} in {each['stage']}: {each['reason']}"
    for each in board["missing"]:
        yield "missing", each, each.get("reason") or "it was not computed; run the suite again"
    for each in board["not_applicable"]:
        yield "not applicable", each, each["reason"]
    for score in board["scores"]:
        for metric, reason in score["undefined"].items():
            yield "undefined", score, f"{metric}: {reason}"


def _pruned(pruned: Iterable[Mapping[str, Any]]) -> list[Json]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in pruned:
        groups.setdefault(entry["reason"], []).append(entry)
    names = ("model", "sampler", "corpus", "task", "dataset")
    return [
        {
            "n": len(entries),
            "reason": _text(reason),
            **{name: _several(entry[name] for entry in entries) for name in names},
        }
        for reason, entries in groups.items()
    ]


def _several(names: Iterable[Any]) -> str:
    return ", ".join(_text(name) for name in dict.fromkeys(names) if name is not None)


def _unusable(plugins: Mapping[str, Any]) -> list[list[str]]:
    said: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
        "broken": lambda p: (p["name"], p["reason"]),
        "clashing": lambda p: (f"{p['kind']} {p['name']}", f"the name belongs to {p['kept']}"),
        "pruned_everywhere": lambda p: (f"{p['kind']} {p['name']}", f"pruned everywhere: {p['reason']}"),
    }
    rows = [
        (name, each["distribution"], reason)
        for kind, words in said.items()
        for each in plugins.get(kind, [])
        for name, reason in [words(each)]
    ]
    return [[_text(cell) for cell in row] for row in rows]


def _provenance(board: Board) -> Json:
    columns, samples = sample_rows(board)
    return {
        "harness": _pairs(board["harness"]),
        "device": ", ".join(board["device"]),
        "precision": ", ".join(board["precision"]),
        "seeds": ", ".join(str(seed) for seed in board["seeds"]),
        "environments": [_pairs(each) for each in board["environments"] or [board["environment"]]],
        "plugins": [_plugin(plugin) for plugin in board["plugins"].get("found", [])],
        "data": [_datum(data) for data in board["data"]],
        "overlap": [
            [*map(_text, pair.split("|", 1)), _shares(shared)] for pair, shared in board["overlap"].items()
        ],
        "samples": {"columns": list(columns), "rows": samples},
        "fits": {"columns": list(FIT_COLUMNS), "rows": fit_rows(board)},
    }


def _plugin(plugin: Mapping[str, Any]) -> list[str]:
    names = ("kind", "name", "version", "distribution", "licence", "citation")
    cells = [_text(plugin.get(name) or "") for name in names]
    return [*cells, " · ".join(_text(caveat) for caveat in plugin.get("caveats", []))]


def _datum(data: Mapping[str, Any]) -> list[str]:
    notes = "; ".join(map(_text, data.get("notes", [])))
    return [_text(data["kind"]), _text(data["name"]), f"{data['n_cells']:,}", data["digest"], notes]


def _pairs(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{_text(name)} {_text(value)}" for name, value in sorted(mapping.items()))


def _shares(shared: Mapping[str, Any]) -> str:
    shares = {name.replace("_", " "): share for name, share in shared.items() if isinstance(share, float)}
    return ", ".join(f"{_text(name)} {share:.0%}" for name, share in shares.items())
