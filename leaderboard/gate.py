"""May this version follow that one? What CI asks before it lets a change land."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.audit import audit
from harness.errors import Misuse
from harness.statistics import holm

from .diff import Difference, Lost, Standing, diff
from .paired import paired
from .tables import label, table_key, tables_by_key, who
from .versions import Version

ALPHA = 0.05
JUDGED = ("trained", "pretrained", "reference")
"""Arms whose drop fails the gate; a changed control or baseline is no drop of a model."""
DEFAULT = ""
"""The margin of every metric that has none of its own."""

Margins = Mapping[str, float]
Rule = Literal["no drop", "coverage", "metrics", "withdrawn"]
State = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing the gate looked at, and what it found, in a sentence."""

    rule: Rule
    subject: str
    state: State
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """All checks of one version against an earlier one."""

    before: str
    after: str
    checks: tuple[Check, ...]
    difference: Difference

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.state != "failed" for check in self.checks)

    def describe(self) -> dict[str, Any]:
        """Return the gate as plain data."""
        checks = [asdict(check) for check in self.checks]
        return {"before": self.before, "after": self.after, "passed": self.passed, "checks": checks}


def gate(before: Version, after: Version, margins: Margins, alpha: float = ALPHA) -> Gate:
    """Check that nothing became worse, got lost, or is impossible.

    Parameters
    ----------
    margins
        Metric -> largest mean drop that is tolerated, in the metric's own units; :data:`DEFAULT` for all
        others.
    alpha
        Chance that a gate over all models and tasks fails although no drop exceeds its margin (Holm).
    """
    difference = diff(before, after)
    checks = [
        *_withdrawn(before, after),
        *_drops(difference.standings, margins, alpha),
        *_coverage(difference),
        *_metrics(after.board),
    ]
    return Gate(before=before.name, after=after.name, checks=tuple(checks), difference=difference)


def read_margins(texts: Sequence[str]) -> dict[str, float]:
    """Read ``["0.01", "mse=0.1"]``.

    Raises
    ------
    Misuse
        A margin is no number from 0 up.
    """
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            margin = float(number)
        except ValueError:
            margin = math.nan
        if not (math.isfinite(margin) and margin >= 0):
            raise Misuse(f'--margin got "{text}"; a number from 0 up is accepted, or METRIC=NUMBER')
        found[name] = margin
    return found


def _withdrawn(before: Version, after: Version) -> Iterator[Check]:
    for version in (before, after):
        state: State = "failed" if version.tombstone else "passed"
        message = f"it was withdrawn: {version.tombstone.reason}" if version.tombstone else ""
        yield Check(rule="withdrawn", subject=version.name, state=state, message=message)


def _drops(standings: Sequence[Standing], margins: Margins, alpha: float) -> Iterator[Check]:
    """Yield one check for every model on a task; p-values are corrected over all that can be tested."""
    judged = [s for s in standings if s.arm in JUDGED]
    tested = [s for s in judged if s.test and s.comparable]
    raw = [_drop_p(standing, margins) for standing in tested]
    corrected = {id(s): float(p) for s, p in zip(tested, holm(raw), strict=True)}
    for standing in judged:
        subject = f"{standing.model} ({standing.arm}) on {standing.task}"
        if id(standing) in corrected:
            yield _drop(standing, subject, _margin(standing, margins), corrected[id(standing)], alpha)
        else:
            why = "no run has a value in both" if not standing.test else _not_alike(standing)
            yield Check(rule="no drop", subject=subject, state="skipped", message=why)


def _not_alike(standing: Standing) -> str:
    return f"the values are not measured alike: {', '.join(standing.causes)} changed"


def _margin(standing: Standing, margins: Margins) -> float:
    return margins.get(standing.metric, margins.get(DEFAULT, 0.0))


def _drop_p(standing: Standing, margins: Margins) -> float:
    """Return the p-value of a drop beyond the margin; one pair cannot be tested and counts as it is."""
    assert standing.test is not None
    margin = _margin(standing, margins)
    if standing.test.n == 1:
        return float(standing.test.mean >= -margin)
    found = paired(standing.gains, margin).drop_p
    assert found is not None
    return found


def _drop(standing: Standing, subject: str, margin: float, p: float, alpha: float) -> Check:
    assert standing.test is not None
    test, failed = standing.test, p < alpha
    words = f"mean change of {standing.metric} {test.mean:+.4g} over {test.n} paired runs"
    if test.low is not None and test.high is not None:
        words += f" [{test.low:+.4g}, {test.high:+.4g}]"
    words += f", margin {margin:g}"
    words += ", one pair, which counts as it is" if test.n == 1 else f", corrected p of a larger drop {p:.2g}"
    if failed and standing.causes:
        words += f"; cause: {', '.join(standing.causes)}"
    return Check(rule="no drop", subject=subject, state="failed" if failed else "passed", message=words)


def _coverage(difference: Difference) -> Iterator[Check]:
    """Yield one check for every model on a task and data set that had a score before."""
    lost: dict[str, list[Lost]] = {}
    for one in difference.lost:
        lost.setdefault(f"{one.job['model']} ({one.job['arm']}) on {one.job['task']}", []).append(one)
    for standing in difference.standings:
        subject = f"{standing.model} ({standing.arm}) on {standing.task}"
        if subject not in lost:
            yield Check(rule="coverage", subject=subject, state="passed")
    for subject, jobs in sorted(lost.items()):
        reasons = sorted({one.reason for one in jobs})
        words = f"{len(jobs):,} scored runs of {difference.before} have no score any more: "
        yield Check(rule="coverage", subject=subject, state="failed", message=words + "; ".join(reasons[:3]))


def _metrics(board: Mapping[str, Any]) -> Iterator[Check]:
    """Yield one check for every table: each result is what its metrics declare, see :mod:`harness.audit`."""
    tables = tables_by_key(board)
    wrong: dict[str, list[str]] = {key: [] for key in tables}
    for score in board["scores"]:
        if score["status"] != "ok":
            continue
        key = table_key(score)
        complaints = audit(
            score["metrics"], tables[key], undefined=score["undefined"], baseline=score["baseline"]
        )
        wrong[key] += [f"{who(score)}, {score['addresses']['score'][:12]}: {one}" for one in complaints]
    for key, table in tables.items():
        subject = f"{label(table['task'])} on {table['dataset']['name']}"
        more = f"; and {len(wrong[key]) - 5:,} more" if len(wrong[key]) > 5 else ""
        state: State = "failed" if wrong[key] else "passed"
        message = "; ".join(wrong[key][:5]) + more
        yield Check(rule="metrics", subject=subject, state=state, message=message)
