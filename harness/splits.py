"""How a data set's cells are divided. The host owns it: no task or model draws a split of its own.

A split has two lives. :func:`choose` decides from facts alone (while planning) which recipe is possible and
otherwise says why none is; :func:`draw` turns a recipe into folds for the actual cells.

=====================  ============================================================================
``grouped``            all cells of a donor (else batch) are tested together; where no grouping is
                       possible the recipe becomes ``random``, and the board marks it
``random``             by cell, two folds: half of the cells teach the other half, as published
``held_out_context``   every context (cell line, cell type) is predicted from the other ones
``whole``              nothing is divided
=====================  ============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.contracts.task import Split
from harness.digest import address
from harness.records import SplitRecipe, as_parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.object_]]

Crosstab = Mapping[str, Mapping[str, int]]

VERSION = "1"
GROUP_ROLES = ("donor", "batch")
MIN_CELLS = 10
"""A class, or the controls or treated cells of a context, with fewer cells is left out and counted."""
MIN_GROUPS = 3
MAX_FOLDS = 5
CONTROL = "control"


def choose(
    kind: str, levels: Mapping[str, Mapping[str, int]], crosstabs: Mapping[str, Crosstab]
) -> SplitRecipe | str:
    """Return the recipe that these facts allow, or a sentence why there is none.

    Parameters
    ----------
    kind
        What the task's card asks for.
    levels
        Role -> level -> number of cells.
    crosstabs
        ``"cell_type|donor"`` and the like -> class -> group -> number of cells.
    """
    if kind == "whole":
        return _recipe("whole")
    if kind == "grouped":
        return _grouped(levels, crosstabs)
    if kind == "held_out_context":
        return _held_out_context(crosstabs.get("perturbation|context", {}))
    return f'the split "{kind}" is unknown; the host draws "grouped", "held_out_context" and "whole"'


def _recipe(kind: str, **parameters: Any) -> SplitRecipe:
    return SplitRecipe(kind=kind, version=VERSION, parameters=as_parameters(parameters))


def _grouped(levels: Mapping[str, Mapping[str, int]], crosstabs: Mapping[str, Crosstab]) -> SplitRecipe | str:
    for role in GROUP_ROLES:
        groups = levels.get(role, {})
        kept = kept_classes(crosstabs.get(f"cell_type|{role}", {}))
        if len(groups) >= MIN_GROUPS and len(kept) >= 2:
            return _recipe("grouped", role=role, folds=min(MAX_FOLDS, len(groups)))
    classes = [name for name, cells in levels.get("cell_type", {}).items() if cells >= MIN_CELLS]
    if len(classes) < 2:
        return f"fewer than 2 cell types have at least {MIN_CELLS} cells, so there is nothing to tell apart"
    return _recipe("random", folds=2)


def kept_classes(crosstab: Crosstab) -> list[str]:
    """Return the classes with at least :data:`MIN_CELLS` cells that occur in at least two groups."""
    return [
        name
        for name, groups in crosstab.items()
        if sum(groups.values()) >= MIN_CELLS and sum(1 for cells in groups.values() if cells) >= 2
    ]


def _held_out_context(crosstab: Crosstab) -> SplitRecipe | str:
    controls = {c for c, cells in crosstab.get(CONTROL, {}).items() if cells >= MIN_CELLS}
    if len(controls) < 2:
        return f"fewer than 2 contexts have at least {MIN_CELLS} control cells, so none can be held out"
    for name, contexts in crosstab.items():
        measured = [c for c, cells in contexts.items() if cells >= MIN_CELLS and c in controls]
        if name != CONTROL and len(measured) >= 2:
            return _recipe("held_out_context")
    return f"no perturbation has at least {MIN_CELLS} cells in two contexts, so no effect can be carried over"


def draw(recipe: SplitRecipe, columns: Columns, n_cells: int, seed: int) -> Split:
    """Return the split that a recipe gives on these cells.

    Parameters
    ----------
    columns
        Role -> one label per cell (n_cells,).
    seed
        Of the purpose ``split``.
    """
    draws = {
        "whole": _draw_whole,
        "random": _draw_random,
        "grouped": _draw_grouped,
        "held_out_context": _draw_held_out_context,
    }
    return draws[recipe.kind](dict(recipe.parameters), columns, n_cells, seed)


def split_digest(split: Split) -> str:
    """Return the digest of the drawn folds, stored beside the score."""
    return address("split", fold=[int(fold) for fold in split.fold])


def _draw_whole(parameters: Mapping[str, Any], columns: Columns, n_cells: int, seed: int) -> Split:
    import numpy as np

    return Split(
        fold=np.zeros(n_cells, dtype=np.int64),
        n_folds=0,
        units=np.full(n_cells, "all", dtype=object),
        unit_kind="data set",
    )


def _draw_random(parameters: Mapping[str, Any], columns: Columns, n_cells: int, seed: int) -> Split:
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    labels = columns["cell_type"]
    classes, counts = np.unique(labels.astype(str), return_counts=True)
    kept = np.isin(labels.astype(str), classes[counts >= MIN_CELLS])
    folds = StratifiedKFold(parameters["folds"], shuffle=True, random_state=seed)
    units = np.array([str(row) for row in range(n_cells)], dtype=object)
    return _split(labels, kept, folds, None, units, "cell")


def _draw_grouped(parameters: Mapping[str, Any], columns: Columns, n_cells: int, seed: int) -> Split:
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    role = parameters["role"]
    labels, groups = columns["cell_type"], columns[role]
    kept = np.isin(labels.astype(str), kept_classes(crosstab(labels, groups)))
    folds = StratifiedGroupKFold(parameters["folds"], shuffle=True, random_state=seed)
    return _split(labels, kept, folds, groups, groups, role)


def crosstab(rows: NDArray[np.object_], columns: NDArray[np.object_]) -> dict[str, dict[str, int]]:
    """Count cells by two labels: row label -> column label -> cells."""
    from collections import Counter

    table: dict[str, dict[str, int]] = {}
    for (row, column), cells in Counter(zip(rows.tolist(), columns.tolist(), strict=True)).items():
        table.setdefault(str(row), {})[str(column)] = cells
    return table


def _split(labels: Any, kept: Any, folds: Any, groups: Any, units: Any, unit_kind: str) -> Split:
    import numpy as np

    where = np.flatnonzero(kept)
    fold = np.full(len(labels), -1, dtype=np.int64)
    classes = labels[where].astype(str)
    of_groups = None if groups is None else groups[where].astype(str)
    for number, (_, tested) in enumerate(folds.split(np.zeros((len(where), 1)), classes, of_groups)):
        fold[where[tested]] = number
    left_out = sorted(set(labels[~kept].astype(str)))
    notes = {"cells_left_out": int((~kept).sum()), "classes_left_out": left_out}
    return Split(fold=fold, n_folds=folds.n_splits, units=units, unit_kind=unit_kind, notes=notes)


def _draw_held_out_context(parameters: Mapping[str, Any], columns: Columns, n_cells: int, seed: int) -> Split:
    import numpy as np

    contexts, fold = np.unique(columns["context"].astype(str), return_inverse=True)
    return Split(
        fold=fold.astype(np.int64),
        n_folds=len(contexts),
        units=columns["context"],
        unit_kind="perturbation and context",
    )
