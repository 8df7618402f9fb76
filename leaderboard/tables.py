"""One table per task, split and data set: every curve with its checks, and the constants beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from pydantic_core import to_jsonable_python as as_json
from threadpoolctl import threadpool_limits

from harness.checks import Curve, Entry, Subject, UnitScores, join_seeds, no_change
from harness.digest import canonical
from harness.errors import Damaged
from harness.parallel import over, uncollected
from harness.records import Record
from harness.statistics import best_size, seed_summary
from harness.store import Store, Units

from .ranking import MODELS, ranking
from .verdicts import Case, elasticities, fits_of, runs_by_unit, verdicts

Json = dict[str, Any]
TABLE = ("task", "split", "dataset")
CURVE = ("model", "budget", "corpus", "excluded", "sampler", "genes")
"""What makes a curve, besides the table it stands in and the metric."""
MEASURED = "model_genes_measured"
"""The note of a job: share of the model's genes that the data set measured."""
NOT_RANKED = "not_ranked"
"""The note of an oracle: metrics by which models are not to be ranked on this data set."""
NO_SCORE = "no trained run has a score"
FEW_JOBS = 2_000
"""Jobs that one process puts into tables within the seconds that others would take to start."""
OF_ONE_JOB = ("training", "sample")
"""Notes that say how one fit was trained and how diverse its sample was."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the grid says of its plugins and data, beyond its jobs.

    Attributes
    ----------
    nested
        Samplers whose seed i draws, at a larger size, what it drew at a smaller one and more.
    available
        Digest of a corpus -> cells that a fit may see.
    several_settings
        Whether models were trained on several corpora or budgets, which then are part of their names.
    """

    nested: frozenset[str] = frozenset()
    available: Mapping[str, int] = field(default_factory=dict)
    several_settings: bool = False


def make_tables(records: Iterable[Record], store: Store, facts: Facts = Facts()) -> Json:
    """Return all tables in the order of task and data set, and what is said over all of them, as plain data.

    Parameters
    ----------
    records
        All jobs of one grid: scored, failed, not applicable and missing ones.
    store
        Where the scores per unit are.
    """
    groups = [group for group in _grouped(records, TABLE).values() if any(record.task for record in group)]
    settings = {setting(record.job) for group in groups for record in _arm(group, "trained")}
    facts = replace(facts, several_settings=len(settings) > 1)
    few = sum(map(len, groups)) <= FEW_JOBS
    with threadpool_limits(1):  # the other cores have other processes
        built = list(
            over(
                zip(groups, _names(groups), strict=True),
                partial(_build, store, facts),
                alone=len(groups) if few else 0,
            )
        )
        cases = [case for table in built for case in table.cases]
        contestants = (each for table in built if not table.unranked for each in table.contestants)
        with closing(fits_of(cases)) as fitted:
            whole = ranking(contestants, arms=MODELS)
            judged, medians = verdicts(cases, fitted)
    curves = (curve for table in built for curve in table.described["curves"])
    for curve, verdict in zip(curves, judged, strict=True):
        curve.update(verdict)
    return {
        "ranking": whole,
        "medians": medians,
        "elasticities": elasticities(cases),
        "tables": sorted((table.described for table in built), key=_in_order),
    }


@dataclass(frozen=True, kw_only=True)
class _Built:
    """A table but for the verdicts on its curves, which wait for those of the other tables."""

    described: Json
    cases: list[Case]
    contestants: list[tuple[str, Entry]]
    unranked: str | None


@uncollected()
def _build(store: Store, facts: Facts, named: tuple[list[Record], str]) -> _Built:
    table = _Table(*named, store, facts)
    return _Built(
        described=table.describe(),
        cases=[case for _, case in table.curves],
        contestants=table.contestants,
        unranked=table.unranked,
    )


def _names(groups: Sequence[Sequence[Record]]) -> list[str]:
    """Return the name of every table, with its parameters and split where others are called so too."""
    jobs = [group[0].job for group in groups]
    plain = [
        f"{label(job['task'])} on {job['dataset']['name']}: {_task(group)['primary']}"
        for job, group in zip(jobs, groups, strict=True)
    ]
    counts = Counter(plain)
    return [
        name + (" " + canonical([job["task"]["parameters"], job["split"]]) if counts[name] > 1 else "")
        for name, job in zip(plain, jobs, strict=True)
    ]


def _task(records: Iterable[Record]) -> Mapping[str, Any]:
    """Return what a task says of itself, which a missing job does not know."""
    return next(record.task for record in records if record.task)


def _in_order(table: Json) -> tuple[str, str, str]:
    return table["task"]["name"], table["dataset"]["name"], canonical(table["task"])


def label(choice: Mapping[str, Any]) -> str:
    """Return the name that people read: the plugin's own label, else ``name(parameter=value)``."""
    if "label" in choice:
        return str(choice["label"])
    inside = ", ".join(f"{name}={value}" for name, value in choice["parameters"])
    return f"{choice['name']}({inside})" if inside else str(choice["name"])


def who(job: Mapping[str, Any]) -> str:
    """Return the name of a job's subject: a model, or a baseline."""
    if not job["model"]:
        return str(job["baseline"])
    weights = job.get("weights")
    return label(job["model"]) + (f" with {weights['name']}" if weights else "")


def setting(job: Mapping[str, Any]) -> str:
    """Return what a model was trained on and for how long; nothing for what is not pretrained."""
    corpus, budget = job["corpus"], job["budget"]
    return (f" on {corpus['name']}" if corpus else "") + (
        f", {budget['amount']:,} {budget['unit']}" if budget else ""
    )


def tables_by_key(board: Mapping[str, Any]) -> dict[str, Json]:
    """Return the tables of a board by :func:`table_key`, to look up how a score is to be read."""
    return {table_key(table): table for table in board["tables"]}


def table_key(holder: Mapping[str, Any]) -> str:
    """Return what names a table: the task, the split and the data set of a table or of a score."""
    return canonical([holder[name] for name in TABLE])


def _grouped(records: Iterable[Record], names: Sequence[str]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(canonical([record.job.get(name) for name in names]), []).append(record)
    return dict(sorted(groups.items()))


def _arm(records: Iterable[Record], arm: str) -> list[Record]:
    return [record for record in records if record.job["arm"] == arm]


class _Table:
    """The records of one task on one split of one data set."""

    def __init__(self, records: Sequence[Record], name: str, store: Store, facts: Facts) -> None:
        self.records = records
        self.name = name
        self.facts = facts
        self.job = records[0].job
        self.task = _task(records)
        self.units = _UnitReader(store)
        self.constants = [
            *_grouped(_arm(records, "reference"), ("model",)).values(),
            *_grouped(_arm(records, "pretrained"), ("model", "weights")).values(),
            *_grouped(_arm(records, "baseline"), ("baseline",)).values(),
        ]
        self.rivals = {metric: self._rivals(metric) for metric in self.task["metrics"]}
        self.absent_rivals = self._absent_rivals()
        self.runs_of = self._runs_of_rivals()
        self.scales = {metric: self._scale(metric) for metric in self.task["metrics"]}
        self.curves = [
            self._curve(group, metric) for group in self._curves() for metric in self.task["metrics"]
        ]
        """Every curve by every metric, with what is to be judged of it."""

    def describe(self) -> Json:
        """Return the table."""
        job = self.job
        kinds = [record.task["unit_kind"] for record in self.records if record.task.get("unit_kind")]
        return {
            "task": job["task"],
            "dataset": job["dataset"],
            "split": job["split"],
            "unit_kind": kinds[0] if kinds else None,
            "notes": self._notes(),
            "random_by_cell": job["split"]["kind"] == "random",
            "primary": self.task["primary"],
            "metrics": self.task["metrics"],
            "identities": self.task.get("identities", []),
            "scales": self.scales,
            "ranking": ranking([] if self.unranked else self.contestants, reason=self.unranked),
            "curves": [curve for curve, _ in self.curves],
            "constants": [
                self._constant(group, metric) for group in self.constants for metric in self.task["metrics"]
            ],
        }

    def _notes(self) -> Json:
        """Return what all scored jobs note alike, facts of the split and the data set; by which metrics an
        oracle says that nothing can be told; and of pretrained models how many of their genes were measured,
        which decides what they can see.
        """
        noted = [record.outcome.notes for record in self.records if record.outcome.status == "ok"]
        first, *others = noted or [{}]
        alike = {name: v for name, v in first.items() if all(name in o and o[name] == v for o in others)}
        for name in ("unit_kind", MEASURED, *OF_ONE_JOB):
            alike.pop(name, None)
        oracles = [r.outcome.notes for r in self.records if self._is_oracle([r])]
        for notes in oracles:
            if NOT_RANKED in notes:
                alike[NOT_RANKED] = notes[NOT_RANKED]
        pretrained = [r.outcome.notes for arm in ("trained", "pretrained") for r in _arm(self.records, arm)]
        shares = sorted({notes[MEASURED] for notes in pretrained if MEASURED in notes})
        return {**alike, MEASURED: shares} if shares else alike

    def _scale(self, metric: str) -> Json:
        """Return floor and ceiling, between which scores are normalised.

        The floor is the one that the metric declares, else the score of the first of the task's own baselines
        that is defined for it; the ceiling is the best oracle's, else, not measured, the best value that the
        metric can take.
        """
        how = self.task["metrics"][metric]
        known = {group[0].job["baseline"]: self._subject(group, metric) for group in self.constants}
        oracles = [o for name in self.task.get("oracles", ()) if (o := known.get(name))]
        sign = 1 if how["direction"] == "up" else -1
        ceiling = max(oracles, key=lambda oracle: sign * oracle.value, default=None)
        floor = self._floor(metric, known)
        return scale(floor, ceiling, how["upper"] if sign > 0 else how["lower"], sign)

    def _floor(self, metric: str, known: Mapping[str, Subject | None]) -> Subject | None:
        """Return the score of the trivial answer; none in place of one that has no result."""
        declared = self.task["metrics"][metric].get("floor")
        if declared is not None:
            return Subject(name="declared", value=float(declared))
        for name in self.task["baselines"]:
            if name in self.absent_rivals or known.get(name):
                return known.get(name)
        return None

    def _curves(self) -> list[list[Record]]:
        """Return trained runs by curve, each joined by the untrained control of its model and gene list."""
        untrained = _grouped(_arm(self.records, "untrained"), ("model", "genes"))
        alone = dict(untrained)
        curves = []
        for group in _grouped(_arm(self.records, "trained"), CURVE).values():
            key = canonical([group[0].job["model"], group[0].job["genes"]])
            curves.append([*group, *untrained.get(key, [])])
            alone.pop(key, None)
        return curves + list(alone.values())

    def _runs_of_rivals(self) -> dict[tuple[str, str], list[float]]:
        """Return metric and name of a baseline -> its runs."""
        return {
            (metric, who(group[0].job)): [point["value"] for point in _points(group, metric)]
            for metric in self.task["metrics"]
            for group in self.constants
            if self._is_baseline(group)
        }

    def _rivals(self, metric: str) -> list[Subject]:
        """Return the baselines that have a value for this metric."""
        found = [self._subject(group, metric) for group in self.constants if self._is_baseline(group)]
        return [subject for subject in found if subject]

    def _absent_rivals(self) -> dict[str, str]:
        """Return the declared baselines that have no result, and what became of them.

        One that was scored and has no value for a metric (no change has no delta) is not among them, nor is
        one that is not defined for what the split asks.
        """
        declared = [*self.task["baselines"], *self.task["references"]]
        states = dict.fromkeys(declared, "not run")
        for group in filter(self._is_baseline, self.constants):
            job = group[0].job
            found = {record.outcome.status for record in group}
            state = "ok" if found & {"ok", "not-applicable"} else ", ".join(sorted(found))
            states[job["baseline"] or job["model"]["name"]] = state
        return {name: state for name, state in states.items() if state != "ok"}

    def _curve(self, records: list[Record], metric: str) -> tuple[Json, Case]:
        job = records[0].job
        direction = self.task["metrics"][metric]["direction"]
        points = _points(records, metric)
        summary = seed_summary((point["size"], point["value"]) for point in points)
        best = best_size(summary, direction)
        by_size = {at.size: [r for r in records if r.job["size"] == at.size] for at in summary}
        compared = self._compared(metric, best, by_size)
        entry = {
            "metric": metric,
            "label": who(job),
            **{name: job[name] for name in CURVE},
            "points": points,
            "absent": _absent(records, metric),
            "sizes": [{**as_json(at), "z": normalised(at.mean, self.scales[metric])} for at in summary],
            "best_size": best.size if best else None,
            "no_change": [
                {"size": size, **self._no_change(by_size[size], metric)} for size in sorted(compared)
            ],
        }
        return entry, self._case(entry, by_size)

    def _compared(self, metric: str, best: Any, by_size: Mapping[int, Any]) -> Collection[int]:
        """Return the sizes that are held against the baselines."""
        if not by_size or self._is_diagnostic(metric):
            return ()
        if metric == self.task["primary"]:
            return by_size
        # There is no best size where only the control has a score.
        return {max(by_size), *([best.size] if best else [])}

    def _case(self, entry: Json, by_size: Mapping[int, list[Record]]) -> Case:
        """Return what is to be judged of a curve."""
        metric = entry["metric"]
        values: dict[int, list[float]] = {}
        for point in entry["points"]:
            values.setdefault(point["size"], []).append(point["value"])
        trained = [size for size in values if size > 0]
        diagnostic = self._is_diagnostic(metric)
        case = Case(
            model=entry["model"],
            metric=metric,
            primary=metric == self.task["primary"],
            curve=None,
            unjudged="shown and not judged: it has no better end, or can be gamed"
            if diagnostic
            else None
            if trained
            else NO_SCORE,
            whole=self.facts.available.get(entry["corpus"]["digest"]) if entry["corpus"] else None,
            names={
                "task": label(self.job["task"]),
                "dataset": self.job["dataset"]["name"],
                "model": entry["label"],
                "metric": metric,
                "sampler": label(entry["sampler"]) if entry["sampler"] else "",
                "corpus": entry["corpus"]["name"] if entry["corpus"] else "",
                "budget": f"{budget['amount']:,} {budget['unit']}" if (budget := entry["budget"]) else "",
            },
            measured=_measured([r for of_size in by_size.values() for r in of_size], metric),
        )
        if not trained or diagnostic:
            return case
        by_unit = self._by_unit(values, by_size, metric) if case.primary else None
        scale = self.scales[metric]
        curve = Curve(
            runs=by_unit or values,
            direction=self.task["metrics"][metric]["direction"],
            baselines={rival.name: self.runs_of[metric, rival.name] for rival in self.rivals[metric]},
            trivial=scale["floor"],
            ceiling=scale["ceiling"] if scale["measured"] else None,
            bound=scale["bound"],
            paired=self._paired(entry),
        )
        return replace(case, curve=curve, by_unit=by_unit is not None)

    def _paired(self, entry: Json) -> bool:
        """Return whether seed i of all trained sizes belongs together."""
        seeds: dict[int, list[int]] = {}
        for point in entry["points"]:
            if point["size"]:
                seeds.setdefault(point["size"], []).append(point["seed"])
        first, *others = seeds.values()
        return entry["sampler"]["name"] in self.facts.nested and all(each == first for each in others)

    def _by_unit(
        self, values: Mapping[int, list[float]], by_size: Mapping[int, list[Record]], metric: str
    ) -> dict[int, Any] | None:
        """Return size -> (seeds, units), where the runs are means over independent units, all the same."""
        try:
            read = {
                size: [
                    self.units.read(record.address, metric)
                    for record in sorted(records, key=lambda record: record.job["seed"] or 0)
                    if metric in record.outcome.metrics
                ]
                for size, records in by_size.items()
            }
        except Damaged:
            return None
        every = [units for of_size in read.values() for units in of_size]
        if any(u is None or u.weights is not None or u.clusters is not None for u in every):
            return None
        names = {units.names for units in every if units}
        return (
            runs_by_unit(values, {s: [u.values[0] for u in of_size if u] for s, of_size in read.items()})
            if len(names) == 1
            else None
        )

    def _constant(self, records: list[Record], metric: str) -> Json:
        job = records[0].job
        points = _points(records, metric)
        summary = seed_summary((0, point["value"]) for point in points)
        oracle = self._is_oracle(records)
        judged = bool(points) and not (self._is_baseline(records) or oracle or self._is_diagnostic(metric))
        return {
            "metric": metric,
            "label": who(job),
            "arm": "oracle" if oracle else job["arm"],
            "model": job["model"],
            "points": points,
            "absent": _absent(records, metric),
            "n": len(points),
            "mean": summary[0].mean if summary else None,
            "sd": summary[0].sd if summary else None,
            "z": normalised(summary[0].mean, self.scales[metric]) if summary else None,
            "is_baseline": self._is_baseline(records),
            "no_change": self._no_change(records, metric) if judged else None,
        }

    @cached_property
    def contestants(self) -> list[tuple[str, Entry]]:
        """Arm and entry of every trained model at the largest size it was asked for, and of every constant.

        The best size would be biased towards luck; one that has no score at the largest takes no part, and
        neither do oracles. All samplers count, which are compared by curves.
        """
        metric = self.task["primary"]
        groups = [group for group in self.constants if not self._is_oracle(group)]
        for group in _grouped(_arm(self.records, "trained"), ("model", "budget", "corpus")).values():
            largest = max(record.job["size"] for record in group)
            groups.append([record for record in group if record.job["size"] == largest])
        found = [(group[0].job["arm"], self._entry(group, metric)) for group in groups]
        return list({entry.model: (arm, entry) for arm, entry in found if entry}.values())

    @property
    def unranked(self) -> str | None:
        """Why nobody is ranked on this table, if nobody is."""
        told = [r.outcome.notes.get(NOT_RANKED, ()) for r in self.records if self._is_oracle([r])]
        if any(self.task["primary"] in metrics for metrics in told):
            return "on this data set the primary metric does not tell a good answer from a bad one"
        return None

    def _entry(self, records: list[Record], metric: str) -> Entry | None:
        subject = self._subject(records, metric)
        if subject is None:
            return None
        job, scale = records[0].job, self.scales[metric]
        return Entry(
            model=subject.name + (setting(job) if self.facts.several_settings else ""),
            task=self.name,
            values=[record.outcome.metrics[metric] for record in records if metric in record.outcome.metrics],
            units=subject.units,
            direction=self.task["metrics"][metric]["direction"],
            family=job["dataset"]["name"],
            floor=None if scale["reason"] else scale["floor"],
            ceiling=None if scale["reason"] else scale["ceiling"],
        )

    def _is_diagnostic(self, metric: str) -> bool:
        """Return whether a metric is shown and not judged; old records judge all."""
        return not self.task["metrics"][metric].get("judged", True)

    def _is_baseline(self, records: list[Record]) -> bool:
        job = records[0].job
        if job["arm"] == "baseline":
            return job["baseline"] in self.task["baselines"]
        return job["arm"] == "reference" and job["model"]["name"] in self.task["references"]

    def _is_oracle(self, records: list[Record]) -> bool:
        return records[0].job["baseline"] in self.task.get("oracles", ())

    def _no_change(self, records: list[Record], metric: str) -> Json:
        """Compare with every baseline by the primary metric, by the others with the best baseline alone."""
        model = self._subject(records, metric)
        assert model is not None
        how = self.task["metrics"][metric]
        rivals = self.rivals[metric]
        if metric == self.task["primary"] or not rivals:
            return dict(as_json(no_change(model, rivals, how["direction"], _margin(how), self.absent_rivals)))
        sign = 1 if how["direction"] == "up" else -1
        best = max(rivals, key=lambda rival: sign * rival.value)
        found = no_change(model, [best], how["direction"], _margin(how), self.absent_rivals)
        return dict(as_json(replace(found, against=())))

    def _subject(self, records: list[Record], metric: str) -> Subject | None:
        """Return the headline value, averaged over seeds, and the scores per unit; None without a value."""
        scored = [record for record in records if metric in record.outcome.metrics]
        if not scored:
            return None
        name = who(scored[0].job)
        value = sum(record.outcome.metrics[metric] for record in scored) / len(scored)
        try:
            units = [self.units.read(record.address, metric) for record in scored]
        except Damaged as damage:
            return Subject(name=name, value=value, reason=str(damage))
        present = [each for each in units if each is not None]
        return Subject(
            name=name, value=value, units=join_seeds(present) if len(present) == len(units) else None
        )


def scale(floor: Subject | None, ceiling: Subject | None, bound: float | None, sign: int) -> Json:
    """Return floor, ceiling and where they come from; ``reason`` where scores cannot be normalised.

    Parameters
    ----------
    bound
        Best value that the metric can take; stands in for a ceiling that nobody measured.
    sign
        1 where larger is better, else -1.
    """
    low, high = floor.value if floor else None, ceiling.value if ceiling else bound
    reason = None
    if low is None or high is None:
        reason = "no baseline of the task has a score" if low is None else "no ceiling is known"
    elif sign * (high - low) <= 0:
        reason = "the ceiling is not better than the floor"
    return {
        "floor": low,
        "floor_name": floor.name if floor else None,
        "ceiling": high,
        "ceiling_name": ceiling.name if ceiling else None,
        "measured": ceiling is not None,
        "bound": bound,
        "reason": reason,
    }


def normalised(value: float, scale: Mapping[str, Any]) -> float | None:
    """Return z = (value - floor) / (ceiling - floor), never clipped: above 1 the ceiling is wrong."""
    if scale["reason"]:
        return None
    return float((value - scale["floor"]) / (scale["ceiling"] - scale["floor"]))


def _margin(how: Mapping[str, Any]) -> float:
    """Return the gain up to which a model counts as no better; old records do not declare it."""
    return float(how.get("margin", how["tolerance"]))


class _UnitReader:
    """Scores per unit of one table's jobs, each read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._read: dict[str, Units] = {}

    def read(self, address: str, metric: str) -> UnitScores | None:
        if address not in self._read:
            self._read[address] = self.store.units(address)
        units = self._read[address]
        if metric not in units.values:
            return None
        return UnitScores(
            names=units.names,
            values=units.values[metric][None],
            weights=units.weights,
            clusters=units.clusters,
        )


def _measured(records: Iterable[Record], metric: str) -> dict[str, dict[int, list[float]]]:
    """Return what fits and samples of the scored runs measured, of the sizes where all of them did.

    Hours of a fit are GPU-hours on a GPU only.
    """
    found: dict[str, dict[int, list[float | None]]] = {"gpu_hours": {}, "diversity": {}}
    for record in sorted(records, key=lambda r: (r.job["size"] or 0, r.job["seed"] or 0, r.address)):
        size = record.job["size"]
        if metric in record.outcome.metrics and size:
            seconds = record.outcome.costs.get("fit", {}).get("wall_seconds") or math.nan
            known = record.job["device"] == "cuda" and math.isfinite(seconds)
            found["gpu_hours"].setdefault(size, []).append(seconds / 3600 if known else None)
            sample = record.outcome.notes.get("sample", {})
            found["diversity"].setdefault(size, []).append(sample.get("vendi"))
    return {
        what: {size: numbers for size, numbers in sizes.items() if None not in numbers}  # type: ignore[misc]
        for what, sizes in found.items()
    }


def _points(records: Iterable[Record], metric: str) -> list[Json]:
    """Return the single runs with a value, by size and seed."""
    points = [
        {**_place(record), "value": float(record.outcome.metrics[metric])}
        for record in records
        if metric in record.outcome.metrics
    ]
    return sorted(points, key=_by_size_and_seed)


def _absent(records: Iterable[Record], metric: str) -> list[Json]:
    """Return the finished runs without a value, each with its reason: never a number."""
    absent = [
        {**_place(record), "status": record.outcome.status, "reason": why_absent(record, metric)}
        for record in records
        if metric not in record.outcome.metrics
    ]
    return sorted(absent, key=_by_size_and_seed)


def _place(record: Record) -> Json:
    return {"size": record.job["size"], "seed": record.job["seed"], "address": record.address}


def _by_size_and_seed(point: Json) -> tuple[int, int, str]:
    return point["size"] or 0, point["seed"] or 0, point["address"]


def why_absent(record: Record, metric: str) -> str | None:
    """Return why a finished job has no value for a metric."""
    outcome = record.outcome
    if outcome.failure:
        return outcome.failure.reason
    return outcome.undefined.get(metric) or outcome.reason
