"""Grids that grow where the verdict is open: plan -> execute -> check -> plan."""

from harness.adaptive.forecast import Forecast, answer_of, forecasts
from harness.adaptive.question import Question, price_asked, price_made
from harness.adaptive.replay import CONFIDENCES, Replay, Row, replay, synthetic_curves
from harness.adaptive.rounds import CurveEnd, Ending, run_in_rounds
from harness.adaptive.rule import CONFIDENCE, Limits, Reason, Step, next_step

__all__ = [
    "CONFIDENCE",
    "CONFIDENCES",
    "CurveEnd",
    "Ending",
    "Forecast",
    "Limits",
    "Question",
    "Reason",
    "Replay",
    "Row",
    "Step",
    "answer_of",
    "forecasts",
    "next_step",
    "price_asked",
    "price_made",
    "replay",
    "run_in_rounds",
    "synthetic_curves",
]
