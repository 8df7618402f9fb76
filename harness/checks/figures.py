"""One picture of one judged curve: seeds, means, what it is measured against, and where it saturates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checks.judgement import Judged

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6B6B6B"
"""Of the palette of Okabe and Ito, which colour-blind people can tell apart."""


def draw_curve(judged: Judged, path: Path) -> None:
    """Write the picture of one curve to a file; its suffix says the format (svg, png, pdf)."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_runs(axes, judged)
    for value, words, style in _references(judged):
        axes.axhline(value, color=GREY, linestyle=style, linewidth=1, label=words)
    point = judged.verdict.saturation["R3"]
    if point.size is not None:
        axes.axvline(point.size, color=ORANGE, linewidth=1, label=f"R3 90 %: {_at(point)}")
    names, verdict = judged.named.names, judged.verdict
    axes.set_xscale("log")
    axes.set_xlabel("cells")
    axes.set_ylabel(names["metric"])
    words = " / ".join(filter(None, (names[name] for name in ("task", "model", "dataset", "sampler"))))
    axes.set_title(f"{words}\n{' · '.join([verdict.level, verdict.trend, *verdict.flags[:3]])}", fontsize=8)
    axes.legend(fontsize=7, frameon=False)
    # No date and no random names in the file: the same results make the same picture.
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with rc_context({"svg.hashsalt": "harness"}):
        figure.savefig(path, metadata=metadata)


def _draw_runs(axes: Any, judged: Judged) -> None:
    curve = judged.named.curve
    for size in curve.sizes:
        runs = np.asarray(curve.runs[size])
        axes.plot([size] * len(runs), runs, "o", color=BLUE, alpha=0.35, markersize=3)
    axes.plot(curve.sizes, [np.mean(curve.runs[size]) for size in curve.sizes], color=BLUE, label="mean")


def _references(judged: Judged) -> Iterator[tuple[float, str, str]]:
    curve, evidence = judged.named.curve, judged.verdict.evidence
    if evidence.untrained is not None:
        yield evidence.untrained, "untrained", ":"
    if evidence.baseline is not None:
        yield evidence.baseline, "baseline", "--"
    if curve.ceiling is not None:
        yield curve.ceiling, "ceiling", "-."


def _at(point: Any) -> str:
    sign = {"left": "≤ ", "right": "≥ "}.get(point.censored, "")
    return f"{sign}{point.size:,}"
