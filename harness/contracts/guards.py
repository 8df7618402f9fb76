"""What guests return is checked before it is kept; each complaint is a sentence."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.audit import audit
from harness.contracts.cards import TaskCard
from harness.contracts.task import Scores
from harness.errors import ContractBroken, NotFinite, writable
from harness.records import History

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


COUNTED = ("steps", "cells_seen", "best_step", "batch_parts", "resumed_at")
"""What a history counts in whole numbers."""


def check_rows(rows: Any, size: int, available: int, who: str) -> NDArray[np.int64]:
    """Return a sampler's rows as integers, or say what is wrong with them."""
    import numpy as np

    drawn = np.asarray(rows)
    if drawn.ndim != 1 or not np.issubdtype(drawn.dtype, np.integer):
        raise ContractBroken(
            f"{who} returned {drawn.dtype} of shape {drawn.shape}; row indices are a list of whole numbers"
        )
    if len(drawn) != size or len(np.unique(drawn)) != size:
        raise ContractBroken(
            f"{who} returned {len(drawn):,} rows, {len(np.unique(drawn)):,} of them distinct; "
            f"asked were {size:,}"
        )
    if drawn.min() < 0 or drawn.max() >= available:
        raise ContractBroken(
            f"{who} returned rows from {drawn.min()} to {drawn.max()}; "
            f"the corpus has rows 0 to {available - 1}"
        )
    return drawn.astype(np.int64)


def check_embedding(embedding: Any, n_cells: int, who: str) -> NDArray[np.float32]:
    """Return an embedding as float32 (cells x width), or say what is wrong with it."""
    import numpy as np

    found = np.asarray(embedding)
    if found.ndim != 2 or found.shape[0] != n_cells or found.shape[1] < 1:
        raise ContractBroken(
            f"the embedding has shape {found.shape}; one row for each of {n_cells:,} cells is needed ({who})"
        )
    if not np.issubdtype(found.dtype, np.number) or np.issubdtype(found.dtype, np.complexfloating):
        raise ContractBroken(f"the embedding holds {found.dtype}; real numbers are needed ({who})")
    bad = int((~np.isfinite(found.astype(np.float64)).all(axis=1)).sum())
    if bad:
        raise NotFinite(f"the embedding of {bad:,} of {n_cells:,} cells is NaN or infinite ({who})")
    return np.ascontiguousarray(found, dtype=np.float32)


def check_restored(restored: Any, shape: tuple[int, int], who: str) -> NDArray[np.float32]:
    """Return restored expression as float32, each gene's column finite or all NaN, or say what is wrong."""
    import numpy as np

    found = np.asarray(restored)
    if found.shape != shape or not np.issubdtype(found.dtype, np.floating):
        raise ContractBroken(
            f"what was restored is {found.dtype} of shape {found.shape}; fractions of shape {shape} are "
            f"needed ({who})"
        )
    absent = np.isnan(found).all(axis=0)
    bad = int((~np.isfinite(found[:, ~absent]).all(axis=0)).sum())
    if bad:
        raise NotFinite(f"what was restored of {bad:,} genes is NaN or infinite in some cells ({who})")
    return found.astype(np.float32, copy=False)


def check_chances(chances: Any, shape: tuple[int, int], who: str) -> NDArray[np.float32]:
    """Return chances of classes as float32, each row summing to 1, or say what is wrong with them."""
    import numpy as np

    found = np.asarray(chances)
    if found.shape != shape or not np.issubdtype(found.dtype, np.floating):
        raise ContractBroken(
            f"the chances are {found.dtype} of shape {found.shape}; fractions of shape {shape} are needed: "
            f"one row per cell, one column per class ({who})"
        )
    if not np.isfinite(found).all():
        raise NotFinite(f"some chances of classes are NaN or infinite ({who})")
    if (found < 0).any() or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise ContractBroken(f"the chances of a cell's classes must be at least 0 and sum to 1 ({who})")
    return found.astype(np.float32, copy=False)


def check_history(history: Any, who: str) -> dict[str, Any]:
    """Return what a fit said of its training as plain numbers, or say what is wrong with it."""
    if history is None:
        return {}
    if not isinstance(history, History):
        raise ContractBroken(
            f"{who} returned {type(history).__name__} from fit; harness.History or nothing is accepted"
        )
    found = {}
    for name, value in asdict(history).items():
        several = isinstance(value, list | tuple)
        try:
            numbers = [float(one) for one in (value if several else [value])]
        except (TypeError, ValueError):
            raise ContractBroken(
                f'"{name}" in the history that {who} returned is {value!r}; numbers are needed'
            ) from None
        if not all(math.isfinite(number) for number in numbers):
            raise NotFinite(f'"{name}" in the history that {who} returned is {value!r}, which is not finite')
        plain = [int(number) if name in COUNTED else number for number in numbers]
        found[name] = plain if several else plain[0]
    return found


def check_scores(scores: Any, card: TaskCard, origin: str = "", baseline: str | None = None) -> None:
    """Say what is wrong with a task's scores, if anything is.

    ``origin`` is the distribution that the task comes from, ``baseline`` which of its baselines was scored.
    """
    who = f"the task {card.name}{origin and f' of {origin}'}"
    if not isinstance(scores, Scores):
        raise ContractBroken(f"{who} returned {type(scores).__name__}, not harness.Scores")
    for name, value in scores.values.items():
        if not math.isfinite(value):
            raise NotFinite(f'{who} found {value} for "{name}"')
    for name, values in scores.units.items():
        if len(values) != len(scores.unit_names):
            raise ContractBroken(
                f'{who} returned {len(values)} unit scores of "{name}" for {len(scores.unit_names)} units'
            )
    if scores.weights is not None and not _are_weights(scores.weights, len(scores.unit_names)):
        raise ContractBroken(
            f"{who} returned {len(scores.weights)} weights "
            f"for {len(scores.unit_names)} units; one number from 0 up is needed for each, not all of them 0"
        )
    if scores.clusters is not None and len(scores.clusters) != len(scores.unit_names):
        raise ContractBroken(
            f"{who} returned {len(scores.clusters)} clusters for {len(scores.unit_names)} units"
        )
    for names in (scores.unit_names, () if scores.clusters is None else scores.clusters):
        if strange := [name for name in map(str, names) if not _is_text(name)]:
            raise ContractBroken(
                f"{who} calls a unit {strange[0]!a}; a name is text without a zero byte or half a character"
            )
    refuse_contradictions(
        audit(
            scores.values,
            card.declared(),
            undefined=scores.undefined,
            units=scores.units,
            weights=scores.weights,
            baseline=baseline,
        ),
        who,
    )


def refuse_contradictions(found: list[str], who: str) -> None:
    """Raise what an audit found."""
    if found:
        raise ContractBroken(f"{who} contradicts what its card declares: {'; '.join(found)}")


def _is_text(name: str) -> bool:
    """Return whether a name can be kept in a file."""
    return "\0" not in name and writable(name) == name


def _are_weights(values: Any, n_units: int) -> bool:
    import numpy as np

    found = np.asarray(values, dtype=float)
    return found.shape == (n_units,) and bool(np.isfinite(found).all() and (found >= 0).all() and found.any())
