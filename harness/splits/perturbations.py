"""Splits of perturbation screens: which conditions each fold is tested on, and what it may not have met.

All of it is decided on conditions, not on cells: a condition is a perturbation in a group (a context or a
dose). Planning and drawing run the same functions, on facts and on labels; they therefore agree, and the
order of the cells changes nothing. What is drawn follows from the recipe's own seed and from names, so that
all tasks meet the same split, and few shots are among the many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations as subsets
from itertools import product
from typing import Any

from harness.digest import address
from harness.records import SplitRecipe
from harness.splits.tables import CONTROL, MIN_CELLS, Crosstab

Condition = tuple[str, str]
Parts = frozenset[str]

MIN_PERTURBATIONS = 3
"""Single perturbations that must be measured for some of them to be held out."""
MIN_DOSES = 3
MOST_SHOTS = 20
"""So many perturbations of a new context are kept for shots, or half of those that there are."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One fold.

    Attributes
    ----------
    tested
        Conditions that are tested.
    hidden
        Conditions that are not taught.
    parts
        No perturbation with one of these parts is taught.
    group
        Nothing is taught of this group but ``shots``.
    """

    tested: frozenset[Condition]
    hidden: frozenset[Condition] = frozenset()
    parts: Parts = frozenset()
    group: str | None = None
    shots: frozenset[Condition] = frozenset()

    def teaches(self, condition: Condition, parts: Parts) -> bool:
        """Return whether treated cells of a condition, whose perturbation has these parts, may be learnt."""
        if condition in self.shots:
            return True
        return condition not in self.hidden and condition[1] != self.group and not parts & self.parts


Folds = list[Fold] | str
"""Folds, or why there are none."""


class Screen:
    """What a screen measured.

    Parameters
    ----------
    cells
        Perturbation -> group -> cells, controls included.
    role
        What the groups are levels of.
    separator
        What stands between the parts of a combined perturbation.
    seed
        Of the recipe.

    Attributes
    ----------
    treated
        Conditions with cells that are not controls, sorted.
    controlled
        Groups with enough controls beside them.
    measured
        Conditions with enough cells and enough controls, sorted.
    parts
        Perturbation -> its parts; a control is none.
    """

    def __init__(self, cells: Crosstab, role: str, separator: str = "+", seed: int = 0) -> None:
        self.role = role
        self.separator = separator
        self.seed = seed
        self.parts = {perturbation: self._parts(perturbation) for perturbation in cells}
        self.treated = sorted((p, g) for p in cells if p != CONTROL for g, n in cells[p].items() if n)
        self.controlled = self._controlled(cells)
        self.measured = [(p, g) for p, g in self.treated if g in self.controlled and cells[p][g] >= MIN_CELLS]

    def _parts(self, perturbation: str) -> Parts:
        names = perturbation.split(self.separator) if self.separator else [perturbation]
        return frozenset(name.strip() for name in names) - {"", CONTROL}

    def _controlled(self, cells: Crosstab) -> set[str]:
        """Return groups with enough controls; those of a dose are all controls, which have none."""
        controls = cells.get(CONTROL, {})
        if self.role != "dose":
            return {group for group, n in controls.items() if n >= MIN_CELLS}
        return {dose for _, dose in self.treated} if sum(controls.values()) >= MIN_CELLS else set()

    def single(self, condition: Condition) -> str | None:
        """Return the one part of a condition's perturbation; None for a combination."""
        parts = self.parts[condition[0]]
        return next(iter(parts)) if len(parts) == 1 else None

    def ordered(self, names: Iterable[str], purpose: str = "") -> list[str]:
        """Return names in a drawn order, in which two of them stand alike whatever the others are."""
        return sorted(set(names), key=lambda name: address("order", seed=self.seed, of=purpose, name=name))


# -- contexts ------------------------------------------------------------------------------------------


def held_out_context(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out every context in which a perturbation was measured that was measured elsewhere too."""
    carried = _carried_over(screen)
    if isinstance(carried, str):
        return carried
    return [Fold(tested=frozenset((p, g) for p in names), group=g) for g, names in carried.items()]


def few_shot(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out every context but for some perturbations; those tested are the same however few are taught."""
    carried, shots = _carried_over(screen), parameters["shots"]
    if isinstance(carried, str):
        return carried
    folds = []
    for group, found in carried.items():
        names, kept = screen.ordered(found, group), _kept_for_shots(found)
        if shots <= kept:
            shown, tested = (frozenset((p, group) for p in part) for part in (names[:shots], names[kept:]))
            folds.append(Fold(tested=tested, group=group, shots=shown))
    most = max(carried.values(), key=len)
    return folds or (
        f"{shots} perturbations of a new {screen.role} are to be taught and others tested; no {screen.role} "
        f"has more than {len(most)} that were measured elsewhere too, of which {_kept_for_shots(most)} are "
        "free to be taught"
    )


def _kept_for_shots(found: list[str]) -> int:
    return min(MOST_SHOTS, len(found) // 2)


def _carried_over(screen: Screen) -> dict[str, list[str]] | str:
    """Return group -> perturbations that were measured there and in another group."""
    if len(screen.controlled) < 2:
        return (
            f"fewer than 2 levels of {screen.role} have at least {MIN_CELLS} control cells, "
            "so none can be held out"
        )
    places = Counter(perturbation for perturbation, _ in screen.measured)
    found: dict[str, list[str]] = {}
    for perturbation, group in screen.measured:
        if places[perturbation] >= 2:
            found.setdefault(group, []).append(perturbation)
    return dict(sorted(found.items())) or (
        f"no perturbation has at least {MIN_CELLS} cells beside as many controls in two levels of "
        f"{screen.role}, so no effect can be carried over"
    )


# -- perturbations -------------------------------------------------------------------------------------


def unseen_perturbation(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out single perturbations in all contexts, and every combination with them."""
    held = _held_parts(screen, parameters["folds"])
    if isinstance(held, str):
        return held
    tested = [frozenset(c for c in screen.measured if screen.single(c) in parts) for parts in held]
    return [Fold(tested=found, parts=parts) for found, parts in zip(tested, held, strict=True)]


def unseen_both(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out single perturbations and a context together, and learn from what shares neither."""
    held = _held_parts(screen, parameters["folds"])
    if isinstance(held, str):
        return held
    asked: dict[tuple[str, Parts], set[Condition]] = {}
    for condition in screen.measured:
        for parts in held:
            if screen.single(condition) in parts:
                asked.setdefault((condition[1], parts), set()).add(condition)
    folds = [
        Fold(tested=frozenset(found), parts=parts, group=group) for (group, parts), found in asked.items()
    ]
    return [fold for fold in folds if _teaches_anything(fold, screen)] or (
        f"no perturbation with at least {MIN_CELLS} cells and controls is left to learn from where a "
        f"perturbation and its {screen.role} are held out together"
    )


def _teaches_anything(fold: Fold, screen: Screen) -> bool:
    return any(fold.teaches(c, screen.parts[c[0]]) for c in screen.measured)


def _held_parts(screen: Screen, folds: int) -> list[Parts] | str:
    """Deal the single perturbations out to folds."""
    names = screen.ordered(part for c in screen.measured if (part := screen.single(c)))
    if len(names) < MIN_PERTURBATIONS:
        return (
            f"single perturbations with at least {MIN_CELLS} cells beside as many controls: {len(names)}; "
            f"{MIN_PERTURBATIONS} are needed for some to be held out"
        )
    return [frozenset(names[start::folds]) for start in range(min(folds, len(names)))]


# -- combinations --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Packing:
    """Combinations that are tested together, their parts that are taught alone, and those that are not."""

    tested: frozenset[Parts] = frozenset()
    met: Parts = frozenset()
    unmet: Parts = frozenset()

    def plus(self, combination: Parts, met: Parts) -> _Packing:
        return _Packing(self.tested | {combination}, self.met | met, self.unmet | (combination - met))

    def hides(self, parts: Parts) -> bool:
        return bool(parts & self.unmet) or any(combination <= parts for combination in self.tested)

    def holds(self, screen: Screen) -> bool:
        """Return whether every combination meets the parts that it is to meet, and anything is taught."""
        taught = any(not self.hides(screen.parts[perturbation]) for perturbation, _ in screen.measured)
        return taught and not self.met & self.unmet

    def fold(self, screen: Screen) -> Fold:
        tested = (c for c in screen.measured if screen.parts[c[0]] in self.tested)
        hidden = (c for c in screen.treated if self.hides(screen.parts[c[0]]))
        return Fold(tested=frozenset(tested), hidden=frozenset(hidden), parts=self.unmet)


def combinations(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out combinations of whose parts exactly ``seen`` are taught alone, and the others in no way.

    A part was measured alone where it was so in every group in which the combination was. Combinations that
    need the opposite of each other are tested in different folds, of which there may be more than asked for.
    """
    seen, folds = parameters["seen"], parameters["folds"]
    where: dict[Parts, set[str]] = {}
    for perturbation, group in screen.measured:
        where.setdefault(screen.parts[perturbation], set()).add(group)
    combined = {screen.separator.join(sorted(parts)): parts for parts in where if len(parts) >= 2}
    packings: list[_Packing] = []
    for name in screen.ordered(combined):
        parts = combined[name]
        alone = [part for part in parts if where[parts] <= where.get(frozenset({part}), set())]
        met = [frozenset(some) for some in subsets(screen.ordered(alone, name), seen)]
        packings = _packed(packings, screen, parts, met, folds)
    return [packing.fold(screen) for packing in packings] or (
        f"combinations with at least {MIN_CELLS} cells beside as many controls: {len(combined)}; none of "
        f"these has {seen} parts that can be learnt alone in the same {screen.role} while others are not met"
    )


def _packed(
    packings: list[_Packing], screen: Screen, combination: Parts, met: list[Parts], folds: int
) -> list[_Packing]:
    """Put a combination into a new fold or the emptiest one that can hold it; leave it out if none can."""
    new, old = _Packing(), sorted(packings, key=lambda packing: len(packing.tested))
    rooms = [new, *old] if len(packings) < folds else [*old, new]
    for room, some in product(rooms, met):
        larger = room.plus(combination, some)
        if larger.holds(screen):
            return [*(packing for packing in packings if packing is not room), larger]
    return packings


# -- doses ---------------------------------------------------------------------------------------------


def held_out_dose(screen: Screen, parameters: Mapping[str, Any]) -> Folds:
    """Hold out one dose of a perturbation at a time, while others teach what is known of that dose."""
    try:
        value = {dose: float(dose) for _, dose in screen.treated}
    except ValueError as error:
        return f"doses are numbers, and not all of them are here: {error}"
    doses: dict[str, set[float]] = {}
    for perturbation, dose in screen.measured:
        if value[dose] > 0:
            doses.setdefault(perturbation, set()).add(value[dose])
    enough = {name: sorted(found) for name, found in doses.items() if len(found) >= MIN_DOSES}
    if not enough:
        return (
            f"no perturbation has at least {MIN_CELLS} cells, beside as many controls, at {MIN_DOSES} doses "
            f"above 0; the most is {max(map(len, doses.values()), default=0)}"
        )
    inner = parameters["dose"] == "inner"
    held = {name: enough[name][1:-1] if inner else enough[name][-1:] for name in screen.ordered(enough)}
    fold_of = _latin_square(held, parameters["folds"])
    folds: dict[int, set[Condition]] = {}
    for name, dose in screen.treated:
        # Doses above the extreme one, of which there are too few cells, would give it away.
        asked = value[dose] if inner else min([value[dose], *held.get(name, [])])
        if (name, asked) in fold_of:
            folds.setdefault(fold_of[name, asked], set()).add((name, dose))
    of_dose = {(p, d) for p, d in screen.measured if value[d] in held.get(p, [])}
    return [Fold(tested=frozenset(of_dose & folds[n]), hidden=frozenset(folds[n])) for n in sorted(folds)]


def _latin_square(held: Mapping[str, list[float]], folds: int) -> dict[tuple[str, float], int]:
    """Return folds for perturbations and doses, each with one dose of a perturbation at most."""
    n = max(min(folds, len(held)), *(len(found) for found in held.values()))
    return {
        (name, dose): (place + rank) % n
        for place, (name, found) in enumerate(held.items())
        for rank, dose in enumerate(found)
    }


# -- from a recipe to folds ----------------------------------------------------------------------------

DIVISIONS: Mapping[str, Callable[[Screen, Mapping[str, Any]], Folds]] = {
    "held_out_context": held_out_context,
    "few_shot": few_shot,
    "unseen_perturbation": unseen_perturbation,
    "unseen_both": unseen_both,
    "combinations": combinations,
    "held_out_dose": held_out_dose,
}


def divide(recipe: SplitRecipe, cells: Crosstab) -> tuple[Screen, list[Fold]] | str:
    """Return what a screen measured and its folds, or why there are none.

    Parameters
    ----------
    cells
        Perturbation -> level of the role that the recipe names -> cells.
    """
    parameters = dict(recipe.parameters)
    screen = Screen(cells, parameters.get("role", "dose"), parameters.get("separator", ""), recipe.seed)
    folds = DIVISIONS[recipe.kind](screen, parameters)
    return folds if isinstance(folds, str) else (screen, folds)
