"""From a recipe to the folds of actual cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contracts.task import Split
from harness.digest import address
from harness.errors import NotApplicable
from harness.records import SplitRecipe
from harness.splits.classes import draw_grouped, draw_random
from harness.splits.perturbations import Fold, Screen, divide
from harness.splits.tables import CONTROL, crosstab

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.splits.tables import Columns

BY_CONTEXT = ("held_out_context", "few_shot", "unseen_both")
"""What is held out together are the conditions of a context; elsewhere, those of a perturbation."""


def draw(recipe: SplitRecipe, columns: Columns, n_cells: int, seed: int) -> Split:
    """Return the split that a recipe gives on these cells.

    Parameters
    ----------
    columns
        Role -> one label per cell (n_cells,).
    seed
        Of the purpose ``split``: cells and groups are dealt out by it. Perturbations are dealt out by the
        recipe's own seed.

    Raises
    ------
    NotApplicable
        These cells do not allow the recipe; never where :func:`choose` gave it from their facts.
    """
    parameters = dict(recipe.parameters)
    if recipe.kind == "whole":
        return _whole(n_cells)
    if recipe.kind == "random":
        return draw_random(parameters, columns, seed)
    if recipe.kind in ("grouped", "leave_one_group_out"):
        return draw_grouped(parameters, columns, seed)
    return _draw_conditions(recipe, columns)


def split_digest(split: Split) -> str:
    """Return the digest of the drawn folds, and of what each teaches if that is not all other ones."""
    import numpy as np

    content: dict[str, Any] = {"fold": split.fold.tolist()}
    if split.taught is not None:
        content["taught"] = [np.packbits(cells).tobytes().hex() for cells in split.taught]
    if split.in_distribution is not None:
        content["in_distribution"] = split.in_distribution.tolist()
    return address("split", **content)


def _whole(n_cells: int) -> Split:
    import numpy as np

    return Split(
        fold=np.zeros(n_cells, dtype=np.int64),
        n_folds=0,
        units=np.full(n_cells, "all", dtype=object),
        unit_kind="data set",
    )


def _draw_conditions(recipe: SplitRecipe, columns: Columns) -> Split:
    """Return the folds of a screen's conditions, cell by cell."""
    role = dict(recipe.parameters).get("role", "dose")
    perturbations, groups = columns["perturbation"].astype(str), columns[role].astype(str)
    divided = divide(recipe, crosstab(perturbations, groups))
    if isinstance(divided, str):
        raise NotApplicable(divided)
    conditions, belongs = _conditions(perturbations, groups)
    fold, taught = _by_condition(conditions, *divided)
    units = "context" if recipe.kind in BY_CONTEXT else "perturbation"
    return Split(
        fold=fold[belongs],
        n_folds=len(divided[1]),
        units=groups.astype(object) if units == "context" else perturbations.astype(object),
        unit_kind=role if units == "context" else units,
        notes={"cells_tested": int((fold[belongs] >= 0).sum())},
        taught=taught[:, belongs],
    )


def _conditions(
    perturbations: NDArray[np.str_], groups: NDArray[np.str_]
) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Return the conditions that occur, and per cell which of them it belongs to."""
    import numpy as np

    of_perturbation, first = np.unique(perturbations, return_inverse=True)
    of_group, second = np.unique(groups, return_inverse=True)
    codes, belongs = np.unique(first * len(of_group) + second, return_inverse=True)
    pairs = zip(*np.divmod(codes, len(of_group)), strict=True)
    return [(str(of_perturbation[p]), str(of_group[g])) for p, g in pairs], belongs


def _by_condition(
    conditions: list[tuple[str, str]], screen: Screen, folds: list[Fold]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return per condition its fold or -1, and per fold and condition whether it is taught."""
    import numpy as np

    number = {condition: number for number, fold in enumerate(folds) for condition in fold.tested}
    taught = [[c[0] == CONTROL or fold.teaches(c, screen.parts[c[0]]) for c in conditions] for fold in folds]
    return np.array([number.get(c, -1) for c in conditions], dtype=np.int64), np.array(taught, dtype=bool)
