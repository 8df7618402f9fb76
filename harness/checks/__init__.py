"""Findings about finished results: frozen data, made into words only where they are printed."""

from harness.checks.curve import Curve
from harness.checks.evidence import Evidence
from harness.checks.fitting import Fits, fit_all
from harness.checks.judgement import describe_verdict
from harness.checks.medians import Answered, Median, medians
from harness.checks.no_change import Against, NoChange, Subject, UnitScores, join_seeds, no_change
from harness.checks.plain import plain
from harness.checks.returns import diversity_elasticities, marginal_gain
from harness.checks.saturation import SaturationPoint
from harness.checks.standing import Entry, Standing, Standings, standings
from harness.checks.table import Named
from harness.checks.verdict import Verdict, judge

__all__ = [
    "Against",
    "Answered",
    "Curve",
    "Entry",
    "Evidence",
    "Fits",
    "Median",
    "Named",
    "NoChange",
    "SaturationPoint",
    "Standing",
    "Standings",
    "Subject",
    "UnitScores",
    "Verdict",
    "describe_verdict",
    "diversity_elasticities",
    "fit_all",
    "join_seeds",
    "judge",
    "marginal_gain",
    "medians",
    "no_change",
    "plain",
    "standings",
]
