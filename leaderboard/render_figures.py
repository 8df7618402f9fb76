"""Board -> figures for papers: gains over doing nothing, the map of saturation points, learning curves."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import Misuse, did_you_mean

from .rows import at_size, largest, printable
from .tables import label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Board = Mapping[str, Any]
Json = Mapping[str, Any]
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
"""Of the palette of Okabe and Ito, which colour-blind people can tell apart."""
SIGNS = {"left": "≤ ", "right": "≥ ", "beyond": "> "}
RULE = "R4"
"""The rule of the sizes that verdicts name; a board without verdicts has the published rule alone."""
COLUMNS = 4
"""Learning curves in a row of panels."""


def render_figures(board: Board, form: str = "svg", only: str | None = None) -> dict[str, bytes]:
    """Return file names and contents: ``gains``, ``saturation``, and ``curves_01`` of the first table.

    Parameters
    ----------
    board
        Any board.
    form
        ``svg`` or ``png``. The same board makes the same file: no date and no random name is in it.
    only
        The one that is wanted, such as ``gains``; all where None.
    """
    drawings: dict[str, Callable[[], Figure | None]] = {
        "gains": partial(gain_panels, board),
        "saturation": partial(heat_map, board),
        **{f"curves_{n:02}": partial(curve_panels, table) for n, table in enumerate(board["tables"], 1)},
    }
    if only is not None and only not in drawings:
        raise Misuse(
            f'there is no figure "{only}"; there are {", ".join(drawings)}.'
            + did_you_mean(only, list(drawings))
        )
    drawn = {name: draw() for name, draw in drawings.items() if only in (None, name)}
    return {f"{name}.{form}": _saved(figure, form) for name, figure in drawn.items() if figure}


def _saved(figure: Figure, form: str) -> bytes:
    from matplotlib import rc_context

    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": "harness", "svg.fonttype": "none", "hatch.linewidth": 0.4}):
        figure.savefig(stream, format=form, dpi=200, metadata={"Date": None} if form == "svg" else None)
    return stream.getvalue()


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _primary_curves(table: Json) -> list[Json]:
    return [curve for curve in table["curves"] if curve["metric"] == table["primary"] and curve["sampler"]]


def saturation_point(curve: Json) -> Json | None:
    """Return size and censoring of a curve's saturation point, or None where it has none."""
    verdict = curve.get("verdict")
    point = verdict["saturation"][RULE] if verdict else curve.get("saturation")
    return point if point and point["size"] is not None else None


def says_nothing(curve: Json) -> bool:
    """Return whether a saturation point is no finding about learning.

    It is one where the verdict may be quoted, or the curve still improves; on a board without verdicts, where
    the model beats the best baseline.
    """
    verdict = curve.get("verdict")
    if verdict:
        return not verdict["quotable"] and verdict["trend"] != "still-improving"
    finding = at_size(curve["no_change"], largest(curve))
    return finding is not None and finding["verdict"] != "beats"


MARKS = {"beats": ("^", GREEN), "no_better": ("o", GREY), "worse": ("v", ORANGE)}
"""Shape and colour of a verdict, so that neither has to be seen."""


def gain_panels(board: Board) -> Figure | None:
    """Return a panel per table: the gain of every model's best curve over the best baseline, with 95 %.

    Beside it stands where the curve saturates. None where nothing was judged.
    """
    panels = [(table, found) for table in board["tables"] if (found := _best_judged(table))]
    if not panels:
        return None
    models = sorted({model for _, found in panels for model in found}, reverse=True)
    figure = _figure(2.0 + 2.7 * len(panels), 1.1 + 0.27 * len(models))
    for axes, (table, found) in zip(
        figure.subplots(1, len(panels), squeeze=False, sharey=True).flat, panels, strict=True
    ):
        _draw_gains(axes, found, models)
        axes.set_title(_title(table).replace(" on ", "\non "), fontsize=8)
        axes.set_xlabel(f"gain in {printable(table['primary'])}", fontsize=7)
    words = "▲ beats the best baseline, ● no better, ▼ worse (95 %). Right: saturation point in cells."
    figure.supxlabel(words, fontsize=7, color=GREY)
    return figure


def _best_judged(table: Json) -> dict[str, tuple[Json, Json]]:
    """Return model -> its curve of largest gain, and that finding at the curve's largest size."""
    found: dict[str, tuple[Json, Json]] = {}
    for curve in _primary_curves(table):
        finding = at_size(curve["no_change"], largest(curve))
        if finding and finding["verdict"] in MARKS:
            name = printable(curve["label"])
            known = found.get(name)
            if not known or finding["gain"]["estimate"] > known[1]["gain"]["estimate"]:
                found[name] = (curve, finding)
    return found


def _draw_gains(axes: Any, found: Mapping[str, tuple[Json, Json]], models: Sequence[str]) -> None:
    axes.axvline(0, color=GREY, linewidth=0.8)
    for row, model in enumerate(models):
        if model not in found:
            continue
        curve, finding = found[model]
        shape, colour = MARKS[finding["verdict"]]
        gain = finding["gain"]
        axes.plot([gain["low"], gain["high"]], [row, row], color=colour, linewidth=1.4)
        axes.plot([gain["estimate"]], [row], shape, color=colour, markersize=5)
        point = saturation_point(curve)
        words = SIGNS.get(point["censored"], "") + cells_words(point["size"]) if point else "–"
        axes.text(1.02, row, words, transform=axes.get_yaxis_transform(), fontsize=7, va="center")
    axes.set_yticks(range(len(models)), models, fontsize=8)
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def heat_map(board: Board) -> Figure | None:
    """Return the map of saturation points: a row per model, a column per table and sampler.

    Cells are those of the corpus, darker for more; ``≤`` and ``≥`` mark bounds, hatching points that say
    nothing about learning. None where there is no curve.
    """
    from matplotlib.patches import Rectangle

    cells = {
        (printable(curve["label"]), (_title(table), printable(label(curve["sampler"])))): curve
        for table in board["tables"]
        for curve in _primary_curves(table)
    }
    if not cells:
        return None
    models = sorted({model for model, _ in cells})
    columns = list(dict.fromkeys(column for _, column in cells))
    columns.sort()
    shades = _Shades(point["size"] for curve in cells.values() if (point := saturation_point(curve)))
    figure = _figure(2.2 + 0.8 * len(columns), 1.9 + 0.32 * len(models))
    axes = figure.add_subplot(xlim=(0, len(columns)), ylim=(len(models), 0))
    for (model, column), curve in cells.items():
        left, top = columns.index(column), models.index(model)
        point = saturation_point(curve)
        if point:
            hatch = "////" if says_nothing(curve) else None
            colour = shades.of(point["size"], pale=bool(hatch))
            look: dict[str, Any] = {
                "facecolor": colour,
                "edgecolor": (0, 0, 0, 0.25),
                "linewidth": 0,
                "hatch": hatch,
            }
            axes.add_patch(Rectangle((left + 0.02, top + 0.03), 0.96, 0.94, **look))
        words = SIGNS.get(point["censored"], "") + cells_words(point["size"]) if point else "–"
        ink = "white" if point and not says_nothing(curve) and shades.is_dark(point["size"]) else "black"
        axes.text(left + 0.5, top + 0.5, words, ha="center", va="center", fontsize=8, color=ink)
    _name_axes(axes, models, columns)
    rule = f"by {RULE}" if any(curve.get("verdict") for curve in cells.values()) else "by the published rule"
    words = f"Saturation points {rule}, in cells. ≤ ≥: bounds. Hatched: says nothing about learning."
    figure.supxlabel(words, fontsize=7, color=GREY)
    return figure


def _name_axes(axes: Any, models: Sequence[str], columns: Sequence[tuple[str, str]]) -> None:
    axes.set_yticks([row + 0.5 for row in range(len(models))], models, fontsize=8)
    axes.set_xticks(
        [column + 0.5 for column in range(len(columns))],
        [sampler for _, sampler in columns],
        fontsize=7,
        rotation=30,
        ha="right",
    )
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    for title in dict.fromkeys(title for title, _ in columns):
        places = [place for place, (each, _) in enumerate(columns) if each == title]
        middle = (places[0] + places[-1] + 1) / 2
        axes.text(middle, -0.15, title.replace(" on ", "\non "), ha="center", va="bottom", fontsize=8)
        axes.axvline(places[0], color="white", linewidth=4)


def cells_words(size: float) -> str:
    """Return a number of cells in at most four signs and a unit."""
    for unit, sign in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if size >= unit:
            return f"{size / unit:.3g}{sign}"
    return f"{size:.0f}"


class _Shades:
    """Colours for sizes, from light for the smallest to dark for the largest."""

    def __init__(self, sizes: Iterable[float]) -> None:
        logs = [math.log10(size) for size in sizes] or [0.0]
        self.low, self.high = min(logs), max(logs)

    def place(self, size: float) -> float:
        return (math.log10(size) - self.low) / (self.high - self.low) if self.high > self.low else 0.0

    def of(self, size: float, pale: bool) -> tuple[float, float, float, float]:
        from matplotlib import colormaps

        red, green, blue, _ = colormaps["YlGnBu"](0.95 * self.place(size))
        return red, green, blue, 0.35 if pale else 1.0

    def is_dark(self, size: float) -> bool:
        return self.place(size) > 0.5


def curve_panels(table: Json) -> Figure | None:
    """Return a panel per curve of a table's primary metric: runs, means and what they are held against."""
    curves = _primary_curves(table)
    if not curves:
        return None
    rows = math.ceil(len(curves) / COLUMNS)
    figure = _figure(2.6 * min(COLUMNS, len(curves)), 0.5 + 2.1 * rows)
    panels = figure.subplots(rows, min(COLUMNS, len(curves)), squeeze=False, sharex=True, sharey=True).flat
    for axes, curve in zip(panels, curves, strict=False):
        _draw_curve(axes, table, curve)
    for axes in list(panels)[len(curves) :]:
        axes.set_visible(False)
    figure.suptitle(f"{_title(table)}: {printable(table['primary'])}", fontsize=9)
    words = "cells. Dotted: untrained. Dashed: baselines. Dash-dotted: ceiling. Upright: saturation point."
    figure.supxlabel(words, fontsize=7, color=GREY)
    return figure


def _draw_curve(axes: Any, table: Json, curve: Json) -> None:
    trained = [at for at in curve["sizes"] if at["size"]]
    points = [point for point in curve["points"] if point["size"]]
    axes.plot([p["size"] for p in points], [p["value"] for p in points], "o", color=BLUE, alpha=0.35, ms=3)
    axes.plot([at["size"] for at in trained], [at["mean"] for at in trained], color=BLUE, linewidth=1.4)
    lows, highs = ([at["mean"] + sign * (at["sd"] or 0) for at in trained] for sign in (-1, 1))
    axes.fill_between([at["size"] for at in trained], lows, highs, color=BLUE, alpha=0.15, linewidth=0)
    for value, colour, style in _levels(table, curve):
        axes.axhline(value, color=colour, linestyle=style, linewidth=0.9)
    point = saturation_point(curve)
    if point:
        axes.axvline(point["size"], color=ORANGE, linewidth=0.9)
    axes.set_xscale("log")
    axes.tick_params(labelsize=6)
    axes.set_title(f"{printable(curve['label'])}\n{printable(label(curve['sampler']))}", fontsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _levels(table: Json, curve: Json) -> Iterator[tuple[float, str, str]]:
    """Yield the untrained level, that of every baseline, and the measured ceiling."""
    untrained = at_size(curve["sizes"], 0)
    if untrained:
        yield untrained["mean"], GREY, ":"
    for constant in table["constants"]:
        if (
            constant["metric"] == table["primary"]
            and constant["is_baseline"]
            and constant["mean"] is not None
        ):
            yield constant["mean"], ORANGE, "--"
    scale = table.get("scales", {}).get(table["primary"])
    if scale and scale["measured"]:
        yield scale["ceiling"], GREEN, "-."


def _title(table: Json) -> str:
    return f"{printable(label(table['task']))} on {printable(table['dataset']['name'])}"
