"""Findings about finished results: frozen data, made into words only where they are printed."""

from harness.checks.no_change import NoChange, Subject, UnitScores, join_seeds, no_change
from harness.checks.saturation import Saturation, published_saturation

__all__ = [
    "NoChange",
    "Saturation",
    "Subject",
    "UnitScores",
    "join_seeds",
    "no_change",
    "published_saturation",
]
