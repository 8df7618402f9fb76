"""What the scores of a board cost: samples and how diverse they were, fits and how long they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import fmean, median
from typing import Any

from .tables import label

Board = Mapping[str, Any]
Score = Mapping[str, Any]
SAMPLE_COLUMNS = ("corpus", "sampler", "cells", "samples", "Vendi")
FIT_COLUMNS = (
    "model",
    "fits",
    "updates",
    "epochs",
    "cells seen",
    "training cells/s",
    "embedding cells/s",
    "peak memory",
)
NOTHING = "–"


def sample_rows(board: Board) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return columns and rows of a table of samples: one row per corpus, sampler and size, means over seeds.

    Each role of the corpus has a column: how many levels, their Shannon entropy in bits, and the chance that
    two cells differ in level (Gini-Simpson).
    """
    samples = _distinct(board, "sample", lambda score: "sample" in score["notes"])
    groups = _grouped(samples, lambda s: (s["corpus"]["name"], label(s["sampler"]), s["size"]))
    roles = sorted({role for score in samples for role in score["notes"]["sample"]} - {"vendi"})
    rows = [
        [
            corpus,
            sampler,
            f"{size:,}",
            str(len(scores)),
            f"{fmean(s['notes']['sample']['vendi'] for s in scores):.1f}",
            *(_role([s["notes"]["sample"].get(role) for s in scores]) for role in roles),
        ]
        for (corpus, sampler, size), scores in groups
    ]
    return (*SAMPLE_COLUMNS, *(role.replace("_", " ") for role in roles)), rows


def _role(found: list[Mapping[str, float] | None]) -> str:
    known = [figures for figures in found if figures]
    if not known:
        return NOTHING
    levels, shannon, simpson = (
        fmean(figures[name] for figures in known) for name in ("levels", "shannon", "gini_simpson")
    )
    return f"{levels:.3g} levels, {shannon:.2f} bits, {simpson:.3f}"


def fit_rows(board: Board) -> list[list[str]]:
    """Return the rows of a table of fits: one per trained model; speeds are medians over fits."""
    fits = _distinct(board, "fit", lambda score: score["arm"] == "trained" and "fit" in score["costs"])
    embeddings = _distinct(board, "embed", lambda score: "embed" in score["costs"])
    sizes = {data["name"]: data["n_cells"] for data in board["data"]}
    speed: dict[str, list[float]] = {}
    for score in embeddings:
        if score["model"] and score["dataset"]["name"] in sizes:
            cells = sizes[score["dataset"]["name"]]
            seconds = score["costs"]["embed"].get("embedding_seconds")
            speed.setdefault(label(score["model"]), []).extend([cells / seconds] if seconds else [])
    return [
        [
            model,
            str(len(scores)),
            _range(_told(scores, "steps")),
            _range(_told(scores, "epochs")),
            _range(_told(scores, "cells_seen")),
            _typical(_training_speeds(scores)),
            _typical(speed.get(model, [])),
            _peak(scores),
        ]
        for model, scores in _grouped(fits, lambda score: label(score["model"]))
    ]


def _distinct(board: Board, stage: str, wanted: Callable[[Score], bool]) -> list[Score]:
    """Return one scored job for every stage of this kind that stands behind the board."""
    scored = (score for score in board["scores"] if score["status"] == "ok" and wanted(score))
    return list({score["addresses"][stage]: score for score in scored if score["addresses"][stage]}.values())


def _grouped(scores: Iterable[Score], key: Callable[[Score], Any]) -> list[tuple[Any, list[Score]]]:
    groups: dict[Any, list[Score]] = {}
    for score in scores:
        groups.setdefault(key(score), []).append(score)
    return sorted(groups.items())


def _told(scores: Iterable[Score], name: str) -> list[float]:
    found = (score["notes"].get("training", {}).get(name) for score in scores)
    return [value for value in found if value is not None]


def _training_speeds(scores: Iterable[Score]) -> Iterator[float]:
    """Yield cells per second of each fit: those that all batches held, or the sample where none are told."""
    for score in scores:
        seconds = score["costs"]["fit"].get("training_seconds")
        if seconds:
            yield score["notes"].get("training", {}).get("cells_seen", score["size"]) / seconds


def _range(values: list[float]) -> str:
    if not values:
        return NOTHING
    low, high = (f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _typical(values: Iterable[float]) -> str:
    known = list(values)
    return f"{median(known):,.0f}" if known else NOTHING


def _peak(scores: Iterable[Score]) -> str:
    costs = [score["costs"]["fit"] for score in scores]
    resident = max(cost.get("peak_resident_mb", 0) for cost in costs)
    device = max(cost.get("peak_device_mb", 0) for cost in costs)
    return f"{resident:,.0f} MB" + (f", device {device:,.0f} MB" if device else "")
