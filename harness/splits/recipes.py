"""Which recipe the facts allow, or a sentence why none does. It imports no science: this is planning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import did_you_mean
from harness.records import SplitRecipe, as_parameters
from harness.splits.classes import MIN_GROUPS, coarsest, groups_of, why_not_by
from harness.splits.perturbations import divide
from harness.splits.tables import MIN_CELLS, Crosstab

Options = dict[str, Any]
Levels = Mapping[str, Mapping[str, int]]
Crosstabs = Mapping[str, Crosstab]

KINDS: Mapping[str, tuple[str, Options]] = {
    "whole": ("1", {}),
    "random": ("1", {"folds": 2}),
    "grouped": ("2", {"role": None, "folds": 5, "in_distribution": False}),
    "leave_one_group_out": ("1", {"role": None, "in_distribution": False}),
    "held_out_context": ("2", {"role": "context"}),
    "few_shot": ("1", {"role": "context", "shots": 5}),
    "unseen_perturbation": ("1", {"role": "context", "folds": 5, "separator": "+"}),
    "unseen_both": ("1", {"role": "context", "folds": 5, "separator": "+"}),
    "combinations": ("1", {"role": "context", "seen": 2, "folds": 5, "separator": "+"}),
    "held_out_dose": ("1", {"dose": "inner", "folds": 5}),
}
"""Kind -> version and options with their defaults. Both are part of every address: raise the version when
what is drawn changes, or which recipe is chosen by default."""

MOST_FOLDS = MIN_CELLS
"""A class of :data:`MIN_CELLS` cells can be in no more folds."""


def _whole(low: int, high: int | None = None) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value and (high is None or value <= high)


ACCEPTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "role": (lambda value: isinstance(value, str), "the name of a role"),
    "folds": (_whole(2, MOST_FOLDS), f"a whole number from 2 to {MOST_FOLDS}"),
    "shots": (_whole(0), "a whole number from 0"),
    "seen": (_whole(0), "a whole number from 0: how many parts are known"),
    "dose": (lambda value: value in ("inner", "extreme"), '"inner" or "extreme"'),
    "in_distribution": (lambda value: isinstance(value, bool), "true or false"),
    "separator": (lambda value: isinstance(value, str), 'a text; "" where no name is a combination'),
    "seed": (_whole(0), "a whole number from 0"),
}


def choose(
    kind: str, levels: Levels, crosstabs: Crosstabs, options: Mapping[str, Any] | None = None
) -> SplitRecipe | str:
    """Return the recipe that these facts allow, or a sentence why there is none.

    Parameters
    ----------
    kind
        What the task's card asks for.
    levels
        Role -> level -> number of cells.
    crosstabs
        ``"cell_type|donor"``, ``"perturbation|context"`` and the like -> class -> group -> number of cells.
    options
        Options that the task sets; None leaves the default, and what the kind has no use for is ignored.
    """
    if kind not in KINDS:
        return f'the split "{kind}" is unknown.{did_you_mean(kind, list(KINDS))}'
    given = {name: value for name, value in (options or {}).items() if value is not None}
    if wrong := _complaint(given):
        return wrong
    filled = {name: given.get(name, default) for name, default in KINDS[kind][1].items()}
    seed = given.get("seed", 0)
    if kind == "grouped":
        return _grouped(filled, seed, levels, crosstabs)
    if kind == "leave_one_group_out":
        return _left_out(filled, seed, levels, crosstabs)
    if kind == "random":
        return _random(filled, seed, levels)
    if kind == "whole":
        return _recipe(kind, filled, seed)
    return _divided(_recipe(kind, filled, seed), levels, crosstabs)


def _complaint(given: Mapping[str, Any]) -> str | None:
    for name, value in given.items():
        if name not in ACCEPTED:
            return f'a split has no option "{name}".{did_you_mean(name, list(ACCEPTED))}'
        accepts, words = ACCEPTED[name]
        if not accepts(value):
            return f'the option "{name}" of a split is {words}, and "{value}" was given'
    return None


def _recipe(kind: str, parameters: Options, seed: int) -> SplitRecipe:
    return SplitRecipe(kind=kind, version=KINDS[kind][0], parameters=as_parameters(parameters), seed=seed)


def _random(filled: Options, seed: int, levels: Levels) -> SplitRecipe | str:
    classes = [name for name, cells in levels.get("cell_type", {}).items() if cells >= MIN_CELLS]
    if len(classes) < 2:
        return f"fewer than 2 cell types have at least {MIN_CELLS} cells, so there is nothing to tell apart"
    return _recipe("random", filled, seed)


def _grouped(filled: Options, seed: int, levels: Levels, crosstabs: Crosstabs) -> SplitRecipe | str:
    role = filled["role"] or coarsest(crosstabs, MIN_GROUPS)
    if not role:
        return _random(KINDS["random"][1], seed, levels)
    if reason := _absent("cell_type", role, levels, crosstabs) or why_not_by(role, crosstabs):
        return reason
    folds = min(filled["folds"], len(groups_of(crosstabs[f"cell_type|{role}"])))
    return _recipe("grouped", {"role": role, "folds": folds, **_familiar(filled)}, seed)


def _left_out(filled: Options, seed: int, levels: Levels, crosstabs: Crosstabs) -> SplitRecipe | str:
    role = filled["role"] or coarsest(crosstabs, 2)
    if not role:
        return (
            f"no role groups the cells such that 2 cell types of at least {MIN_CELLS} cells occur in 2 "
            "groups each, so no group can be left out"
        )
    if reason := _absent("cell_type", role, levels, crosstabs) or why_not_by(role, crosstabs):
        return reason
    return _recipe("leave_one_group_out", {"role": role, **_familiar(filled)}, seed)


def _familiar(filled: Options) -> Options:
    """Return the option that sets cells apart; a recipe without it does not mention it."""
    return {"in_distribution": True} if filled["in_distribution"] else {}


def _divided(recipe: SplitRecipe, levels: Levels, crosstabs: Crosstabs) -> SplitRecipe | str:
    """Return a recipe for perturbations if dividing the conditions by it succeeds."""
    role = dict(recipe.parameters).get("role", "dose")
    if reason := _absent("perturbation", role, levels, crosstabs):
        return reason
    folds = divide(recipe, crosstabs[f"perturbation|{role}"])
    return folds if isinstance(folds, str) else recipe


def _absent(asked: str, role: str, levels: Levels, crosstabs: Crosstabs) -> str | None:
    """Return a sentence where a data set lacks the role that is asked about, or the one that divides it."""
    if f"{asked}|{role}" in crosstabs:
        return None
    by = sorted(name.partition("|")[2] for name in crosstabs if name.startswith(f"{asked}|"))
    if asked in levels:
        return f'the data set cannot be divided by "{role}"; roles that divide it: {", ".join(by) or "none"}'
    known = ", ".join(sorted(levels))
    return f'the data set has no role "{asked}", by which this split divides it; it has {known}'
