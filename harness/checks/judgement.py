"""Verdicts of a table as plain data: what ``harness judge --json`` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.checks.saturation import SaturationPoint
from harness.checks.table import Named
from harness.checks.verdict import Verdict, judge
from harness.statistics import REPLICATES, FittedSaturation, fitted_saturation

SCHEMA = "1"
R5_SHARE = 0.9
"""Share of the gain that R5 answers for, as R3 does."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A curve with its verdict.

    Attributes
    ----------
    named
        The curve and its names.
    verdict
        Level, trend, flags, evidence and saturation by R0 to R4.
    fitted
        Saturation by R5 and the families behind it; None without an untrained control.
    """

    named: Named
    verdict: Verdict
    fitted: FittedSaturation | None

    def describe(self) -> dict[str, Any]:
        """Return everything as plain data."""
        names, verdict = self.named.names, self.verdict
        return {
            **{name: names[name] for name in ("task", "model", "dataset", "sampler", "metric")},
            **{name: names[name] or None for name in ("corpus", "budget")},
            "direction": self.named.curve.direction,
            "level": verdict.level,
            "trend": verdict.trend,
            "reading": verdict.reading,
            "quotable": verdict.quotable,
            "flags": list(verdict.flags),
            "saturation": self._saturation(),
            "evidence": asdict(verdict.evidence),
        }

    def _saturation(self) -> dict[str, Any]:
        found = {rule: self._point(point) for rule, point in sorted(self.verdict.saturation.items())}
        return found | {"R5": self._fitted_point()}

    def _fraction(self, size: float | None) -> float | None:
        return None if size is None or not self.named.whole else size / self.named.whole

    def _point(self, point: SaturationPoint) -> dict[str, Any]:
        return {
            "size": point.size,
            "fraction": self._fraction(point.size),
            "censored": point.censored,
            "distribution": {str(size): share for size, share in point.distribution.items()},
        }

    def _fitted_point(self) -> dict[str, Any]:
        nothing: dict[str, Any] = {
            "size": None,
            "fraction": None,
            "censored": "none",
            "distribution": {},
            "family": None,
        }
        if self.fitted is None:
            return nothing
        (reached,) = (each for each in self.fitted.reached if each.share == R5_SHARE)
        size = None if reached.size is None else round(reached.size)
        shares = zip(self.named.curve.sizes, reached.distribution, strict=False)
        return nothing | {
            "size": size,
            "fraction": self._fraction(size),
            "censored": reached.censored or "none",
            "distribution": {str(at): share for at, share in shares},
            "family": self.fitted.selection.best,
        }


def judged(
    curves: Sequence[Named],
    *,
    replicates: int = REPLICATES,
    fits: bool = True,
    progress: Callable[[int], object] | None = None,
) -> list[Judged]:
    """Judge the curves of a table as one grid, and fit each where that is asked for."""
    verdicts = judge([named.curve for named in curves], replicates=replicates, progress=progress)
    return [
        Judged(named=named, verdict=verdict, fitted=_fitted(named) if fits else None)
        for named, verdict in zip(curves, verdicts, strict=True)
    ]


def _fitted(named: Named) -> FittedSaturation | None:
    curve = named.curve
    if 0 not in curve.runs:
        return None
    pairs = [(size, value) for size in curve.sizes for value in curve.runs[size]]
    sizes, values = zip(*pairs, strict=True)
    return fitted_saturation(sizes, values, curve.runs[0], direction=curve.direction, shares=(R5_SHARE,))


def describe(found: Sequence[Judged], unjudged: Sequence[str]) -> Mapping[str, Any]:
    """Return the one object that is printed as JSON."""
    return {
        "schema": SCHEMA,
        "curves": [each.describe() for each in found],
        "unjudged": list(unjudged),
    }
