"""Splits for telling classes apart: every class that is tested is taught, by cells of other groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.contracts.task import Split
from harness.splits.tables import MIN_CELLS, Crosstab, crosstab

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.splits.tables import Columns

GROUP_ROLES = ("tissue", "assay", "study", "batch", "donor")
"""By what cells are grouped; of roles with equally many groups the first."""
MIN_GROUPS = 3
"""Groups that a role needs for cells to be grouped by it unasked."""
ATTEMPTS = 20
"""Draws of folds before every group gets a fold of its own."""
LEAST_PARTS = 5
"""No fold has more than one cell in so many set apart."""
BY_CELL = "cells of the same donors and batches teach and test: for comparison with published scores only"


def kept_classes(table: Crosstab) -> list[str]:
    """Return the classes with at least :data:`MIN_CELLS` cells that occur in at least two groups."""
    return [
        name
        for name, groups in table.items()
        if sum(groups.values()) >= MIN_CELLS and sum(1 for cells in groups.values() if cells) >= 2
    ]


def groups_of(table: Crosstab) -> list[str]:
    """Return the groups that have cells of a class that is kept."""
    return sorted({group for name in kept_classes(table) for group, cells in table[name].items() if cells})


def coarsest(crosstabs: Mapping[str, Crosstab], at_least: int) -> str | None:
    """Return the role that divides the cells into the fewest groups, but so many at least.

    Where one role refines another one (donors within batches, say), the refined one has no more groups.
    """
    tables = {role: crosstabs.get(f"cell_type|{role}", {}) for role in GROUP_ROLES}
    groups = {role: len(groups_of(table)) for role, table in tables.items() if len(kept_classes(table)) >= 2}
    return min((role for role in groups if groups[role] >= at_least), key=groups.__getitem__, default=None)


def why_not_by(role: str, crosstabs: Mapping[str, Crosstab]) -> str | None:
    """Return why cells cannot be held out by the groups of a role that the data set has, if so."""
    table = crosstabs[f"cell_type|{role}"]
    levels = {group for groups in table.values() for group, cells in groups.items() if cells}
    if len(levels) < 2:
        return f"all cells are of one {role}, so none can be held out"
    if len(kept_classes(table)) < 2:
        return (
            f"fewer than 2 cell types have at least {MIN_CELLS} cells and occur in at least 2 of the "
            f"{len(levels)} levels of {role}, so what is held out could not be learnt from the rest"
        )
    return None


def draw_random(parameters: Mapping[str, Any], columns: Columns, seed: int) -> Split:
    """Return folds of cells in which every class has its share."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    labels = columns["cell_type"].astype(str)
    classes, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, classes[counts >= MIN_CELLS])
    drawn = StratifiedKFold(parameters["folds"], shuffle=True, random_state=seed)
    fold = np.zeros(int(kept.sum()), dtype=np.int64)
    for number, (_, tested) in enumerate(drawn.split(np.zeros((len(fold), 1)), labels[kept])):
        fold[tested] = number
    units = np.array([str(row) for row in range(len(labels))], dtype=object)
    return _split(labels, kept, fold, units, "cell", {"by_cell": BY_CELL})


def draw_grouped(parameters: Mapping[str, Any], columns: Columns, seed: int) -> Split:
    """Return folds of whole groups; without a number of folds every group is one."""
    import numpy as np

    role = parameters["role"]
    labels, groups = columns["cell_type"].astype(str), columns[role].astype(str)
    kept = np.isin(labels, kept_classes(crosstab(labels, groups)))
    fold = _folds_of_groups(labels[kept], groups[kept], parameters.get("folds"), seed)
    split = _split(labels, kept, fold, columns[role], role, {})
    if not parameters.get("in_distribution"):
        return split
    return replace(split, in_distribution=_set_apart(labels, split.fold, split.n_folds, seed))


def _folds_of_groups(
    labels: NDArray[np.str_], groups: NDArray[np.str_], folds: int | None, seed: int
) -> NDArray[np.int64]:
    """Return a fold per cell, such that no class is in one fold alone, whatever the order of the cells."""
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    names, alone = np.unique(groups, return_inverse=True)
    if folds is None or folds >= len(names):
        return alone
    order = np.lexsort((groups, labels))  # ties are broken by rounding, which follows the order
    for attempt in range(ATTEMPTS):
        fold = np.zeros(len(labels), dtype=np.int64)
        drawn = StratifiedGroupKFold(folds, shuffle=True, random_state=(seed + attempt) % 2**32)
        for number, (_, tested) in enumerate(drawn.split(order[:, None], labels[order], groups[order])):
            fold[order[tested]] = number
        if all(len(np.unique(fold[labels == name])) > 1 for name in np.unique(labels)):
            return np.unique(fold, return_inverse=True)[1]
    return alone


def _set_apart(
    labels: NDArray[np.str_], fold: NDArray[np.int64], n_folds: int, seed: int
) -> NDArray[np.int64]:
    """Return for each cell a fold that it is set apart from, or -1: of every class an equal share.

    A fold keeps at least one cell to learn a class from.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    apart = np.full(len(labels), -1, dtype=np.int64)
    for name in np.unique(labels[fold >= 0]):
        cells = rng.permutation(np.flatnonzero((labels == name) & (fold >= 0)))
        dealt = np.arange(len(cells)) % max(n_folds, LEAST_PARTS)
        dealt[(dealt >= n_folds) | (dealt == fold[cells])] = -1
        for number in range(n_folds):
            if not ((fold[cells] != number) & (dealt != number)).any():
                dealt[dealt == number] = -1
        apart[cells] = dealt
    return apart


def _split(
    labels: NDArray[np.str_],
    kept: NDArray[np.bool_],
    fold_of_kept: NDArray[np.int64],
    units: NDArray[np.object_],
    unit_kind: str,
    notes: Mapping[str, Any],
) -> Split:
    import numpy as np

    fold = np.full(len(labels), -1, dtype=np.int64)
    fold[kept] = fold_of_kept
    left_out = {"cells_left_out": int((~kept).sum()), "classes_left_out": sorted(set(labels[~kept].tolist()))}
    return Split(
        fold=fold,
        n_folds=int(fold.max()) + 1,
        units=units,
        unit_kind=unit_kind,
        notes={**left_out, **notes},
    )
