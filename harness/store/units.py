"""Scores per unit of one job, and the file that they are kept in: plain numbers, nothing that could run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNITS = "units.safetensors"
TEXTS = ("names", "metrics", "clusters")
"""Lists of text, each ended by a zero byte: a name per unit, a name per metric, a name per unit."""
NUMBERS = {"values": 2, "weights": 1}
"""Arrays of numbers -> dimensions: metrics x units, a weight per unit."""


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
    (folder / UNITS).write_bytes(pack(units))


def pack(units: Units) -> bytes:
    """Return the content of the file."""
    import numpy as np
    from safetensors.numpy import save

    texts = {"names": units.names, "metrics": tuple(units.values), "clusters": units.clusters}
    shape = (len(units.values), len(units.names))
    numbers = {
        "values": np.array(list(units.values.values()), dtype=float).reshape(shape),
        "weights": None if units.weights is None else np.ascontiguousarray(units.weights, dtype=float),
    }
    return bytes(
        save(
            {name: array for name, array in numbers.items() if array is not None}
            | {name: _letters(each) for name, each in texts.items() if each is not None}
        )
    )


def unpack(content: bytes) -> Units:
    """Return the scores per unit that a file holds, whoever wrote it.

    Raises
    ------
    ValueError
        It is no such file; an array is absent, strange, or does not have the shape that the names of units
        and metrics ask for; a metric is named twice.
    """
    arrays = _load(content)
    if absent := [name for name in ("names", "metrics", "values") if name not in arrays]:
        raise ValueError(f'has no "{absent[0]}"')
    texts = {name: _read_texts(name, arrays[name]) for name in TEXTS if name in arrays}
    numbers = {name: _read_numbers(name, arrays[name]) for name in NUMBERS if name in arrays}
    names, metrics = texts["names"], texts["metrics"]
    if len(set(metrics)) < len(metrics):
        raise ValueError("names a metric twice")
    found = {name: array.shape for name, array in numbers.items()}
    found |= {name: (len(each),) for name, each in texts.items()}
    asked = {"values": (len(metrics), len(names)), "weights": (len(names),), "clusters": (len(names),)}
    for name, shape in asked.items():
        if found.get(name, shape) != shape:
            raise ValueError(
                f'has "{name}" of shape {found[name]} for {len(metrics)} metrics, {len(names)} units'
            )
    return Units(
        names=names,
        weights=numbers.get("weights"),
        clusters=texts.get("clusters"),
        values=dict(zip(metrics, numbers["values"], strict=True)),
    )


def _load(content: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = dict(load(content))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"holds no arrays ({error})") from error
    if strangers := sorted(arrays.keys() - {*TEXTS, *NUMBERS}):
        raise ValueError(f'has "{strangers[0]}", which does not belong there')
    return arrays


def _letters(texts: Sequence[str]) -> NDArray[np.uint8]:
    import numpy as np

    if strange := [text for text in texts if "\0" in text]:
        raise ValueError(f"the name {strange[0]!r} has a zero byte in it")
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode(), dtype=np.uint8)


def _read_texts(name: str, array: NDArray[Any]) -> tuple[str, ...]:
    content = array.tobytes()
    try:
        *texts, rest = content.decode().split("\0")
    except UnicodeDecodeError as error:
        raise ValueError(f'has "{name}", which is no list of texts ({error})') from error
    if rest or str(array.dtype) != "uint8":
        raise ValueError(f'has "{name}", which is no list of texts')
    return tuple(texts)


def _read_numbers(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    if array.dtype != float or array.ndim != NUMBERS[name]:
        raise ValueError(f'has "{name}" of {array.dtype} and shape {array.shape}, which is no score by unit')
    return array
