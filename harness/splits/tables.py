"""Cross-tabs: how many cells two labels share. All that is decided about a split is decided on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.object_]]

Crosstab = Mapping[str, Mapping[str, int]]

CONTROL = "control"
MIN_CELLS = 10
"""A class, or the controls or treated cells of a context, with fewer cells is not tested on."""


def crosstab(rows: NDArray[Any], columns: NDArray[Any]) -> dict[str, dict[str, int]]:
    """Count cells by two labels: row label -> column label -> cells."""
    table: dict[str, dict[str, int]] = {}
    for (row, column), cells in Counter(zip(rows.tolist(), columns.tolist(), strict=True)).items():
        table.setdefault(str(row), {})[str(column)] = cells
    return table


def crosstabs_of(columns: Columns) -> dict[str, dict[str, dict[str, int]]]:
    """Count cells by what is asked of them (cell types, perturbations) and every other role."""
    return {
        f"{asked}|{role}": crosstab(columns[asked], columns[role])
        for asked in ("cell_type", "perturbation")
        for role in columns
        if asked in columns and role != asked
    }
