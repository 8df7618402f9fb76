"""Findings about finished results: frozen data, made into words only where they are printed."""

from harness.checks.curve import Curve
from harness.checks.evidence import Evidence
from harness.checks.judgement import describe_verdict, fit_curve
from harness.checks.no_change import Against, NoChange, Subject, UnitScores, join_seeds, no_change
from harness.checks.saturation import SaturationPoint
from harness.checks.standing import Entry, Standing, Standings, standings
from harness.checks.verdict import Verdict, judge

__all__ = [
    "Against",
    "Curve",
    "Entry",
    "Evidence",
    "NoChange",
    "SaturationPoint",
    "Standing",
    "Standings",
    "Subject",
    "UnitScores",
    "Verdict",
    "describe_verdict",
    "fit_curve",
    "join_seeds",
    "judge",
    "no_change",
    "standings",
]
