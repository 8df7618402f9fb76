"""Batches: rows in a new order each epoch, read from disk, taken apart where the device is too small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

Found = TypeVar("Found")


def shuffled_rows(
    n_cells: int, size: int, generator: np.random.Generator, drop: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Yield all rows once in a new random order, ``size`` at a time; the last ``drop`` ones are left out.

    Only row numbers are in memory (8 bytes per cell).
    """
    order = generator.permutation(n_cells)[: n_cells - drop]
    for start in range(0, len(order), size):
        yield np.sort(order[start : start + size])


def endless_rows(n_cells: int, size: int, seed: int, drop: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of one batch after the other, epoch after epoch."""
    generator = np.random.default_rng(seed)
    while True:
        yield from shuffled_rows(n_cells, size, generator, drop)


@dataclass
class Parts:
    """In how many parts a batch is taken: one, and more from when the device's memory did not suffice."""

    number: int = 1
    divisible: bool = True

    def of(self, rows: NDArray[np.int64], do: Callable[[list[NDArray[np.int64]]], Found]) -> Found:
        """Return what ``do`` makes of the parts of a batch, called again with smaller ones where it must.

        Raises
        ------
        torch.OutOfMemoryError
            A single cell is too much, or batches cannot be divided.
        """
        while True:
            try:
                return do(np.array_split(rows, min(self.number, len(rows))))
            except torch.OutOfMemoryError:
                if not self.divisible or self.number >= len(rows):
                    raise
            self.number *= 2
            torch.cuda.empty_cache()  # outside the handler, where the failed step is no longer held


def on_device(values: Any, device: str) -> Any:
    """Return a batch as tensors on the device; what is sparse is moved sparse and becomes dense there."""
    if isinstance(values, tuple):
        return tuple(on_device(part, device) for part in values)
    if isinstance(values, Mapping):
        return {name: on_device(part, device) for name, part in values.items()}
    if issparse(values):
        return _dense(values, device)
    array = np.ascontiguousarray(values)
    found = torch.from_numpy(array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array)
    return found.pin_memory().to(device, non_blocking=True) if device == "cuda" else found


def _dense(matrix: Any, device: str) -> Tensor:
    if device == "cpu":
        return torch.from_numpy(matrix.toarray().astype(np.float32, copy=False))
    entries = matrix.tocoo()
    places = entries.row.astype(np.int64) * matrix.shape[1] + entries.col
    dense = torch.zeros(matrix.shape, device=device)
    dense.view(-1).index_add_(0, on_device(places, device), on_device(entries.data, device).float())
    return dense
