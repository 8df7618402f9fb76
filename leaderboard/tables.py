"""One table per task, split and data set: every curve with its checks, and the constants beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.checks import Subject, UnitScores, join_seeds, no_change, published_saturation
from harness.digest import canonical
from harness.errors import Damaged
from harness.records import Record
from harness.statistics import best_size, seed_summary
from harness.store import Store, Units

Json = dict[str, Any]
TABLE = ("task", "split", "dataset")
CURVE = ("model", "budget", "corpus", "excluded", "sampler", "genes")
"""What makes a curve, besides the table it stands in and the metric."""
MEASURED = "model_genes_measured"
"""The note of a job: share of the model's genes that the data set measured."""
NOT_RANKED = "not_ranked"
"""The note of an oracle: metrics by which models are not to be ranked on this data set."""
OF_ONE_JOB = ("training", "sample")
"""Notes that say how one fit was trained and how diverse its sample was."""


def make_tables(records: Iterable[Record], store: Store) -> list[Json]:
    """Return all tables in the order of task and data set, as plain data.

    Parameters
    ----------
    records
        All jobs of one grid: scored, failed, not applicable and missing ones.
    store
        Where the scores per unit are.
    """
    groups = [group for group in _grouped(records, TABLE).values() if any(record.task for record in group)]
    tables = [_Table(group, store).describe() for group in groups]
    return sorted(
        tables, key=lambda table: (table["task"]["name"], table["dataset"]["name"], canonical(table["task"]))
    )


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

    def __init__(self, records: Sequence[Record], store: Store) -> None:
        self.records = records
        self.task = next(record.task for record in records if record.task)
        self.units = _UnitReader(store)
        self.constants = [
            *_grouped(_arm(records, "reference"), ("model",)).values(),
            *_grouped(_arm(records, "pretrained"), ("model", "weights")).values(),
            *_grouped(_arm(records, "baseline"), ("baseline",)).values(),
        ]
        self.rivals = {metric: self._rivals(metric) for metric in self.task["metrics"]}
        self.absent_rivals = self._absent_rivals()

    def describe(self) -> Json:
        job = self.records[0].job
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
            "curves": [curve for group in self._curves() for curve in self._per_metric(self._curve, group)],
            "constants": [row for group in self.constants for row in self._per_metric(self._constant, group)],
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

    def _per_metric(self, make: Callable[[list[Record], str], Json], group: list[Record]) -> list[Json]:
        return [make(group, metric) for metric in self.task["metrics"]]

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

    def _curve(self, records: list[Record], metric: str) -> Json:
        job = records[0].job
        direction = self.task["metrics"][metric]["direction"]
        points = _points(records, metric)
        scores = [(point["size"], point["value"]) for point in points]
        summary = seed_summary(scores)
        best = best_size(summary, direction)
        by_size = {at.size: [r for r in records if r.job["size"] == at.size] for at in summary}
        return {
            "metric": metric,
            "label": who(job),
            **{name: job[name] for name in CURVE},
            "points": points,
            "absent": _absent(records, metric),
            "sizes": [asdict(at) for at in summary],
            "best_size": best.size if best else None,
            "saturation": asdict(published_saturation(scores, direction)),
            "no_change": [
                {"size": size, **self._no_change(group, metric)} for size, group in by_size.items()
            ],
        }

    def _constant(self, records: list[Record], metric: str) -> Json:
        job = records[0].job
        points = _points(records, metric)
        summary = seed_summary((0, point["value"]) for point in points)
        oracle = self._is_oracle(records)
        judged = bool(points) and not self._is_baseline(records) and not oracle
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
            "is_baseline": self._is_baseline(records),
            "no_change": self._no_change(records, metric) if judged else None,
        }

    def _is_baseline(self, records: list[Record]) -> bool:
        job = records[0].job
        if job["arm"] == "baseline":
            return job["baseline"] in self.task["baselines"]
        return job["arm"] == "reference" and job["model"]["name"] in self.task["references"]

    def _is_oracle(self, records: list[Record]) -> bool:
        return records[0].job["baseline"] in self.task.get("oracles", ())

    def _no_change(self, records: list[Record], metric: str) -> Json:
        model = self._subject(records, metric)
        assert model is not None
        how = self.task["metrics"][metric]
        rivals = self.rivals[metric]
        return asdict(no_change(model, rivals, how["direction"], how["tolerance"], self.absent_rivals))

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


class _UnitReader:
    """Scores per unit of one table's jobs, each file read once."""

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
