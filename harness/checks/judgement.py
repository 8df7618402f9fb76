"""Verdicts of a table as plain data: what ``harness judge --json`` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Any

from harness.checks.fitting import R5_SHARE, Fits, fit_all
from harness.checks.medians import Answered, Median, medians
from harness.checks.plain import plain
from harness.checks.returns import MarginalGain, diversity_elasticities, marginal_gain
from harness.checks.saturation import SaturationPoint
from harness.checks.standing import Entry, Standings, standings
from harness.checks.table import Named
from harness.checks.verdict import Verdict, judge
from harness.statistics import REPLICATES, FittedSaturation, Prices

SCHEMA = "1"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A curve with its verdict.

    Attributes
    ----------
    named
        The curve and its names.
    verdict
        Level, trend, flags, evidence and saturation by R0 to R4.
    marginal
        Gain per decade of cells and per cost.
    fits
        Saturation by R5 and the law; None where no fits were asked for.
    """

    named: Named
    verdict: Verdict
    marginal: MarginalGain
    fits: Fits | None

    def describe(self) -> dict[str, Any]:
        """Return everything as plain data."""
        names = self.named.names
        return {
            **{name: names[name] for name in ("task", "model", "dataset", "sampler", "metric")},
            **{name: names[name] or None for name in ("corpus", "budget")},
            "direction": self.named.curve.direction,
            **describe_verdict(self.verdict, self.fits.saturation if self.fits else None, self.named.whole),
            "marginal_gain": plain(self.marginal),
            "law": plain(self.fits.law) if self.fits else None,
        }


@dataclass(frozen=True, kw_only=True)
class Paying:
    """What the user pays: prices, and how much of which unit for a gain of 1 in a score."""

    prices: Prices = field(default_factory=Prices)
    unit: str = "money"
    worth: float | None = None


def describe_verdict(
    verdict: Verdict, fitted: FittedSaturation | None, whole: int | None = None
) -> dict[str, Any]:
    """Return a verdict as plain data.

    Parameters
    ----------
    fitted
        Saturation by R5, where the curve was fitted.
    whole
        Cells of the corpus, of which sizes are fractions.
    """
    sizes = tuple(next(iter(verdict.saturation.values())).distribution)
    names = list(map(str, sizes))
    found = {rule: _point(point, names, whole) for rule, point in sorted(verdict.saturation.items())}
    return {
        "level": verdict.level,
        "trend": verdict.trend,
        "reading": verdict.reading,
        "quotable": verdict.quotable,
        "flags": list(verdict.flags),
        "saturation": found | {"R5": _fitted_point(fitted, sizes, whole)},
        "evidence": dict(vars(verdict.evidence)),
    }


def _fraction(size: float | None, whole: int | None) -> float | None:
    return None if size is None or not whole else size / whole


def _point(point: SaturationPoint, names: Sequence[str], whole: int | None) -> dict[str, Any]:
    return {
        "size": point.size,
        "fraction": _fraction(point.size, whole),
        "censored": point.censored,
        "distribution": dict(zip(names, point.distribution.values(), strict=True)),
    }


def _fitted_point(fitted: FittedSaturation | None, sizes: Sequence[int], whole: int | None) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "size": None,
        "fraction": None,
        "censored": "none",
        "distribution": {},
        "family": None,
    }
    if fitted is None:
        return nothing
    (reached,) = (each for each in fitted.reached if each.share == R5_SHARE)
    size = None if reached.size is None else round(reached.size)
    return nothing | {
        "size": size,
        "fraction": _fraction(size, whole),
        "censored": reached.censored or "none",
        "distribution": {str(at): share for at, share in zip(sizes, reached.distribution, strict=False)},
        "family": fitted.selection.best,
    }


def judged(
    curves: Sequence[Named],
    *,
    replicates: int = REPLICATES,
    fits: bool = True,
    paying: Paying | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Judged]:
    """Judge the curves of a table as one grid, and fit each where that is asked for."""
    bare = [named.curve for named in curves]
    fitted = fit_all(bare) if fits else repeat(None, len(curves))
    verdicts = judge(bare, replicates=replicates, progress=progress)
    return [
        Judged(named=named, verdict=verdict, marginal=_marginal(named, paying or Paying()), fits=each)
        for named, verdict, each in zip(curves, verdicts, fitted, strict=True)
    ]


def _marginal(named: Named, paying: Paying) -> MarginalGain:
    return marginal_gain(
        named.curve,
        gpu_hours=named.measured.get("gpu_hours"),
        kwh=named.measured.get("kwh"),
        prices=paying.prices,
        unit=paying.unit,
        worth=paying.worth,
    )


SETTING = ("sampler", "corpus", "budget")
"""What two models must have in common to be ranked beside each other."""


def by_first_metric(curves: Iterable[Named]) -> list[bool]:
    """Return of each curve whether its metric is the table's first of its task and data set.

    Others are left out where tasks are put together, since they would count the task twice.
    """
    first: dict[tuple[str, str], str] = {}
    names = [named.names for named in curves]
    return [first.setdefault((n["task"], n["dataset"]), n["metric"]) == n["metric"] for n in names]


def rankings(curves: Sequence[Named]) -> dict[tuple[str, ...], Standings]:
    """Return sampler, corpus and budget -> the ranking of the models that were trained so.

    Each model stands for its largest size, a choice that looks at no score, by the first metric of a task.
    """
    entries: dict[tuple[str, ...], list[Entry]] = {}
    for named in compress(curves, by_first_metric(curves)):
        setting = tuple(named.names[name] for name in SETTING)
        task = " / ".join(named.names[name] for name in ("task", "dataset", "metric"))
        entries.setdefault(setting, []).append(_entry(named, task))
    return {setting: standings(rows) for setting, rows in entries.items()}


def medians_over_tasks(found: Sequence[Judged]) -> list[Median]:
    """Return the median saturation points of every model, by the first metric of each task."""
    counting = compress(found, by_first_metric(each.named for each in found))
    return medians(
        Answered(names=each.named.names, level=each.verdict.level, saturation=each.verdict.saturation)
        for each in counting
    )


def _entry(named: Named, task: str) -> Entry:
    curve = named.curve
    best_possible = curve.ceiling if curve.ceiling is not None else curve.bound
    return Entry(
        model=named.names["model"],
        task=task,
        values=[float(each) for each in curve.runs[curve.sizes[-1]]],
        direction=curve.direction,
        family=named.names["dataset"],
        floor=curve.trivial,
        ceiling=best_possible,
    )


def describe(found: Sequence[Judged], unjudged: Sequence[str]) -> Mapping[str, Any]:
    """Return the one object that is printed as JSON."""
    curves = [each.named for each in found]
    return {
        "schema": SCHEMA,
        "curves": [each.describe() for each in found],
        "ranking": [
            {**{name: value or None for name, value in zip(SETTING, setting, strict=True)}, **plain(ranking)}
            for setting, ranking in rankings(curves).items()
        ],
        "medians": plain(medians_over_tasks(found)),
        "elasticities": plain(diversity_elasticities(curves)),
        "unjudged": list(unjudged),
    }
