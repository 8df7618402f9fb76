"""Two versions of a board: what changed, and why, as far as what was recorded can tell.

A job of one version and a job of the other belong together where people call them the same: model, sampler,
task, data, size and seed by name. What else their addresses depend on (versions, digests, parameters, device)
is then the cause of a difference. Where two addresses are equal and the values are not, it is the environment
or the machine; where these are equal too, it is noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from harness.digest import canonical

from .paired import Paired, paired
from .places import Move, moves
from .tables import label, table_key, tables_by_key, who
from .versions import Version

Json = dict[str, Any]
Score = Mapping[str, Any]
CAUSES = ("plugin", "task", "recipe", "data", "device", "environment", "noise", "seeds")
"""Which plugin's version; the task's; parameters, split, budget or precision; digests; cpu or cuda, or its
name; versions of libraries and of the harness; nothing that was recorded; other seeds in a mean."""
ASKED_OTHERWISE = {
    ("seed",): "other seeds",
    ("seed", "size"): "other sizes",
    ("seed", "size", "budget"): "another budget",
}
"""What may differ between jobs that are otherwise the same -> what is then said of the one that is gone."""
RULERS = ("task", "recipe", "data")
"""Causes after which two values are not measured alike."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One job in both versions whose value of a metric differs by more than the metric's tolerance.

    Attributes
    ----------
    job
        Who was asked what: model, arm, task, dataset, corpus, sampler, size, seed.
    gain
        After minus before, positive where after is better.
    causes
        Names among :data:`CAUSES`; of several, none can be told from the others.
    details
        What differs, such as ``"model pca 1 → 2"``.
    addresses
        Score addresses before and after.
    """

    job: Json
    metric: str
    before: float
    after: float
    gain: float
    causes: tuple[str, ...]
    details: tuple[str, ...]
    addresses: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One model on one task, by the primary metric, over all runs in both versions.

    Attributes
    ----------
    gains
        After minus before of every pair, positive where after is better.
    test
        Paired by data set, corpus, sampler, size and seed; None where no run is in both. What it says holds
        for these data sets and sizes.
    causes
        Cause -> mean gain of the pairs it concerns, and how many these are. ``seeds``: what other seeds in
        the means add to that, over curve points.
    comparable
        False where task, data or recipe changed: the values were then not measured alike.
    """

    model: str
    arm: str
    task: str
    metric: str
    direction: str
    gains: tuple[float, ...]
    test: Paired | None
    causes: Mapping[str, Json]
    comparable: bool


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A job with a primary value in one version and none in the other; ``reason`` says what became of it."""

    job: Json
    address: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All that differs between two versions.

    Attributes
    ----------
    before, after
        Names of the versions; ``withdrawn`` holds the reason for each that was.
    jobs
        How many jobs were scored before, after, and in both.
    added, lost
        Jobs with a value of the primary metric on one side alone. Where it became undefined, the job is
        scored in both: its other metrics are compared.
    beside
        What else was recorded differently for the versions as a whole.
    """

    before: str
    after: str
    withdrawn: Mapping[str, str]
    jobs: Mapping[str, int]
    beside: tuple[str, ...]
    changes: tuple[Change, ...]
    standings: tuple[Standing, ...]
    moves: tuple[Move, ...]
    added: tuple[Lost, ...]
    lost: tuple[Lost, ...]

    def describe(self) -> Json:
        """Return the difference as plain data."""
        return asdict(self)


def diff(before: Version, after: Version) -> Difference:
    """Compare two versions."""
    old, new = _Side(before.board), _Side(after.board)
    both = [key for key in old.scored if key in new.scored]
    beside = _beside(old, new)
    pairs = [_Pair(old, new, key, beside) for key in both]
    return Difference(
        before=before.name,
        after=after.name,
        withdrawn={v.name: v.tombstone.reason for v in (before, after) if v.tombstone},
        jobs={"before": len(old.scored), "after": len(new.scored), "both": len(both)},
        beside=tuple(beside.values()),
        changes=tuple(change for pair in pairs for change in pair.changes()),
        standings=tuple(_standings(old, new, pairs)),
        moves=tuple(moves(before.board, after.board)),
        added=tuple(new.only(old)),
        lost=tuple(old.only(new)),
    )


class _Side:
    """One board, its jobs by what people call them."""

    def __init__(self, board: Mapping[str, Any]) -> None:
        self.board = board
        self.tables = tables_by_key(board)
        genes = dict.fromkeys(score["genes"] for score in board["scores"] if score["arm"] == "untrained")
        self._gene_lists = {digest: number for number, digest in enumerate(genes, start=1)}
        self.jobs = {canonical(self.called(score)): score for score in board["scores"]}
        self._known: dict[tuple[str, ...], set[str]] = {}
        self.scored = {key: score for key, score in self.jobs.items() if score["status"] == "ok"}

    def called(self, score: Score) -> Json:
        """Return what people call a job: no version, no digest, no parameter that stayed at its default.

        Untrained controls of several gene lists are told apart by a number.
        """
        return {
            "model": who(score),
            "arm": score["arm"],
            "task": label(score["task"]),
            "dataset": score["dataset"]["name"],
            "corpus": score["corpus"]["name"] if score["corpus"] else None,
            "sampler": label(score["sampler"]) if score["sampler"] else None,
            "budget": score["budget"],
            "size": score["size"],
            "seed": score["seed"],
            "gene_list": self._gene_lists[score["genes"]] if score["arm"] == "untrained" else None,
        }

    def table(self, score: Score) -> Json:
        return self.tables[table_key(score)]

    def only(self, other: _Side) -> Iterator[Lost]:
        """Yield the jobs that have a primary value here and none there; or a score, and nothing there."""
        for key, score in self.scored.items():
            undefined = self.undefined(key) is None and other.undefined(key)
            if undefined or key not in other.scored:
                job, address = self.called(score), score["addresses"]["score"]
                yield Lost(job=job, address=address, reason=undefined or other.why_not(key, job, score))

    def undefined(self, key: str) -> str | None:
        """Return why a scored job has no value of the primary metric; None where it has, or no score."""
        score = self.scored.get(key)
        if score is None or (metric := self.table(score)["primary"]) in score["metrics"]:
            return None
        return f"{metric} is undefined: {score['undefined'].get(metric, 'no reason is given')}"

    def why_not(self, key: str, job: Json, score: Score) -> str:
        """Return what became of a job of the other version that has no score here."""
        if key in self.jobs:
            found = self.jobs[key]
            return self._told.get(found["addresses"]["score"]) or str(found["status"])
        for pruned in self.board["pruned"]:
            if all(pruned[name] in (None, value) for name, value in _as_pruned(score).items()):
                return f"pruned: {pruned['reason']}"
        for names, words in ASKED_OTHERWISE.items():
            if _without(job, names) in self._asked(names):
                return f"it is asked with {words}"
        return "it was not asked for, or has no result yet"

    def _asked(self, names: tuple[str, ...]) -> set[str]:
        """Return all jobs, told apart by everything but these names."""
        if names not in self._known:
            self._known[names] = {_without(self.called(score), names) for score in self.jobs.values()}
        return self._known[names]

    @cached_property
    def _told(self) -> Mapping[str, str]:
        told = [*self.board["failures"], *self.board["not_applicable"]]
        return {each["address"]: str(each["reason"]) for each in told}


def _without(job: Json, names: tuple[str, ...]) -> str:
    return canonical({name: value for name, value in job.items() if name not in names})


def _as_pruned(score: Score) -> Json:
    names = ("model", "sampler", "corpus", "task", "dataset")
    return {name: score[name]["name"] if score[name] else None for name in names} | {"size": score["size"]}


def _beside(old: _Side, new: _Side) -> dict[str, str]:
    """Return what was recorded differently of the versions as a whole: name -> ``"numpy 2.1 → 2.2"``."""
    mine, theirs = _recorded(old.board), _recorded(new.board)
    return {
        name: f"{name} {mine.get(name, 'none')} → {theirs.get(name, 'none')}"
        for name in dict.fromkeys((*mine, *theirs))
        if mine.get(name) != theirs.get(name)
    }


def _recorded(board: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for environment in [*board["environments"], {"harness commit": board["harness"].get("commit") or "?"}]:
        for name, value in environment.items():
            found.setdefault(name, set()).add(str(value))
    return {name: " and ".join(sorted(values)) for name, values in found.items()}


class _Pair:
    """One job in both versions."""

    def __init__(self, old: _Side, new: _Side, key: str, beside: Mapping[str, str]) -> None:
        self.before, self.after = old.scored[key], new.scored[key]
        self.job = new.called(self.after)
        self.table = new.table(self.after)
        self.beside = beside

    @cached_property
    def causes(self) -> dict[str, list[str]]:
        """Cause -> what differs; empty where the very same result stands in both versions."""
        found: dict[str, list[str]] = {}
        for cause, name, old, new in _parts(self.before, self.after):
            if old != new:
                found.setdefault(cause, []).append(f"{name} {old} → {new}")
        if found or self.before["finished"] == self.after["finished"]:
            return found
        for kind, package in self.after["plugins"].items():
            if (known := self.before["plugins"].get(kind)) != package:
                found.setdefault("environment", []).append(f"package of the {kind} {known} → {package}")
        for name, words in self.beside.items():
            found.setdefault("device" if name.startswith("device") else "environment", []).append(words)
        return found or {"noise": ["nothing that was recorded differs"]}

    def gain(self, metric: str) -> float | None:
        """Return after minus before, positive where it is better; None without both values."""
        if metric not in self.before["metrics"] or metric not in self.after["metrics"]:
            return None
        sign = 1 if self.table["metrics"][metric]["direction"] == "up" else -1
        return sign * float(self.after["metrics"][metric] - self.before["metrics"][metric])

    def changes(self) -> Iterator[Change]:
        for metric, how in self.table["metrics"].items():
            gain = self.gain(metric)
            if gain is None or abs(gain) <= how["tolerance"]:
                continue
            yield Change(
                job=self.job,
                metric=metric,
                before=self.before["metrics"][metric],
                after=self.after["metrics"][metric],
                gain=gain,
                causes=tuple(self.causes),
                details=tuple(words for found in self.causes.values() for words in found),
                addresses=(self.before["addresses"]["score"], self.after["addresses"]["score"]),
            )


def _parts(old: Score, new: Score) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield cause, name, and what stands before and after, of everything that an address depends on."""
    for kind in ("model", "sampler"):
        yield "plugin", f"{kind} {_name(new[kind])}", _get(old, kind, "version"), _get(new, kind, "version")
        yield "recipe", f"{kind} parameters", _get(old, kind, "parameters"), _get(new, kind, "parameters")
    yield "task", f"task {new['task']['name']}", old["task"]["version"], new["task"]["version"]
    yield "recipe", "task parameters", old["task"]["parameters"], new["task"]["parameters"]
    yield "recipe", "split", canonical(old["split"]), canonical(new["split"])
    yield "recipe", "precision", old["precision"], new["precision"]
    for kind in ("dataset", "corpus", "weights"):
        yield "data", f"{kind} {_name(new.get(kind))}", _get(old, kind, "digest"), _get(new, kind, "digest")
    yield "data", "cells left out", old["excluded"], new["excluded"]
    yield "data", "genes", old["genes"], new["genes"]
    yield "device", "device", old["device"], new["device"]


def _name(part: Mapping[str, Any] | None) -> str:
    return str(part["name"]) if part else ""


def _get(score: Score, kind: str, what: str) -> Any:
    return (score.get(kind) or {}).get(what)


def _standings(old: _Side, new: _Side, pairs: Sequence[_Pair]) -> Iterator[Standing]:
    groups: dict[tuple[str, str, str], list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.job["task"], pair.job["arm"], pair.job["model"]), []).append(pair)
    for (task, arm, model), group in sorted(groups.items()):
        metric = group[0].table["primary"]
        gains = [(pair, gain) for pair in group if (gain := pair.gain(metric)) is not None]
        seeds = _seed_effects(old, new, group, metric)
        yield Standing(
            model=model,
            arm=arm,
            task=task,
            metric=metric,
            direction=group[0].table["metrics"][metric]["direction"],
            gains=tuple(gain for _, gain in gains),
            test=paired([gain for _, gain in gains]) if gains else None,
            causes=_by_cause(gains) | ({"seeds": seeds} if seeds else {}),
            comparable=not any(set(RULERS) & set(pair.causes) for pair in group),
        )


def _by_cause(gains: Iterable[tuple[_Pair, float]]) -> dict[str, Json]:
    """Return cause, or several joined by a plus sign, -> mean gain and number of the pairs that it moved."""
    found: dict[str, list[float]] = {}
    for pair, gain in gains:
        if pair.causes and abs(gain) > pair.table["metrics"][pair.table["primary"]]["tolerance"]:
            found.setdefault(" + ".join(pair.causes), []).append(gain)
    return {cause: {"pairs": len(values), "gain": fmean(values)} for cause, values in found.items()}


def _seed_effects(old: _Side, new: _Side, group: Sequence[_Pair], metric: str) -> Json | None:
    """Return what other seeds do to the means of curve points, beyond what the common ones show."""
    sign = 1 if group[0].table["metrics"][metric]["direction"] == "up" else -1
    wanted = {_point(pair.job) for pair in group}
    before, after = (_by_point(side, wanted, metric) for side in (old, new))
    effects = []
    for point in before.keys() & after.keys():
        mine, theirs = before[point], after[point]
        if common := mine.keys() & theirs.keys():
            whole = fmean(theirs.values()) - fmean(mine.values())
            shared = fmean(theirs[seed] - mine[seed] for seed in common)
            effects += [sign * (whole - shared)] if mine.keys() != theirs.keys() else []
    return {"points": len(effects), "gain": fmean(effects)} if effects else None


def _by_point(side: _Side, wanted: set[str], metric: str) -> dict[str, dict[Any, float]]:
    found: dict[str, dict[Any, float]] = {}
    for score in side.scored.values():
        job = side.called(score)
        if (point := _point(job)) in wanted and metric in score["metrics"]:
            found.setdefault(point, {})[job["seed"]] = score["metrics"][metric]
    return found


def _point(job: Json) -> str:
    return _without(job, ("seed",))
