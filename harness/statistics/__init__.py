"""Numbers about numbers: pure functions on arrays, numpy and scipy only."""

from harness.statistics.curves import AtSize, Direction, best_size, seed_summary
from harness.statistics.resample import Interval, paired_difference

__all__ = ["AtSize", "Direction", "Interval", "best_size", "paired_difference", "seed_summary"]
