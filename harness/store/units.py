"""Scores per unit of one job, and the file of arrays that they are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNITS = "units.npz"
TEXTS = ("names", "metrics", "clusters")
"""Arrays of text: a name per unit, a name per metric, a name per unit."""
NUMBERS = ("values", "weights")
"""Arrays of numbers: metrics x units, a weight per unit."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """Per-unit scores of one job.

    Attributes
    ----------
    names
        One name per unit.
    weights
        One weight per unit (n_units,), or None for equal weights.
    clusters
        One name per unit, equal for units that are not independent; None where all are.
    values
        Metric -> one number per unit (n_units,); NaN where the unit does not define it.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    clusters: tuple[str, ...] | None = None
    values: Mapping[str, NDArray[np.float64]]


def write_units(folder: Path, units: Units) -> None:
    """Write scores per unit into a folder."""
    import numpy as np

    shape = (len(units.values), len(units.names))
    arrays: dict[str, Any] = {
        "names": np.array(units.names, dtype=np.str_),
        "metrics": np.array(list(units.values), dtype=np.str_),
        "values": np.array(list(units.values.values()), dtype=float).reshape(shape),
    }
    if units.weights is not None:
        arrays["weights"] = np.asarray(units.weights, dtype=float)
    if units.clusters is not None:
        arrays["clusters"] = np.array(units.clusters, dtype=np.str_)
    np.savez(folder / UNITS, **arrays)


def read_units(folder: Path) -> Units:
    """Read scores per unit from a folder."""
    import numpy as np

    with np.load(folder / UNITS, allow_pickle=False) as stored:
        return as_units({name: stored[name] for name in stored.files})


def as_units(arrays: Mapping[str, NDArray[Any]]) -> Units:
    """Return scores per unit from the arrays of a file.

    Raises
    ------
    ValueError
        An array is absent, or does not have the shape that the names of units and metrics ask for; or a
        metric is named twice.
    """
    absent = [name for name in ("names", "metrics", "values") if name not in arrays]
    if absent:
        raise ValueError(f'has no "{absent[0]}"')
    n_units, n_metrics = len(arrays["names"]), len(arrays["metrics"])
    if len(set(arrays["metrics"].tolist())) < n_metrics:
        raise ValueError("names a metric twice")
    shapes = {"values": (n_metrics, n_units), "weights": (n_units,), "clusters": (n_units,)}
    for name, shape in shapes.items():
        if name in arrays and arrays[name].shape != shape:
            raise ValueError(
                f'has "{name}" of shape {arrays[name].shape} for {n_metrics} metrics, {n_units} units'
            )
    return Units(
        names=tuple(arrays["names"].tolist()),
        weights=arrays.get("weights"),
        clusters=tuple(arrays["clusters"].tolist()) if "clusters" in arrays else None,
        values=dict(zip(arrays["metrics"].tolist(), arrays["values"], strict=True)),
    )
