"""What one fold of a screen teaches, and what baselines predict from it.

Every prediction is a profile (genes,) of one condition; nothing here holds a profile that is asked about. Of
an asked context the controls are always known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import NotApplicable
from harness.measures.response import baselines
from harness.measures.response.doses import log_dose_line as dose_line
from harness.measures.response.doses import nearest_dose as dose_nearby
from harness.measures.screen import CONTROL, Condition, Screen

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
Key = TypeVar("Key")

NOWHERE: Rows = np.arange(0)
NO_TARGET = "no taught perturbation is named after a measured gene, so none can be embedded"


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """What a fold teaches; two of them are never equal, and each can be the key of what was made of it.

    Attributes
    ----------
    conditions
        Treated conditions that may be learnt from.
    profiles
        Their mean expression (conditions x genes).
    cells
        Treated cells behind each (conditions,).
    significant
        Their differentially expressed genes (conditions x genes).
    controls
        Context -> mean expression of its controls (genes,).
    genes
        Gene -> its number, to find what a perturbation targets.
    separator
        What stands between the parts of a combined perturbation; empty where no name is a combination.
    """

    conditions: tuple[Condition, ...]
    profiles: Floats
    cells: NDArray[np.int64]
    significant: Bools
    controls: Mapping[str, Floats]
    genes: Mapping[str, int]
    separator: str = "+"

    @cached_property
    def effects(self) -> Floats:
        """Profiles minus the control of the same context (conditions x genes)."""
        return self.profiles - np.stack([self.controls[c.context] for c in self.conditions])

    def beside(self, asked: Condition) -> Rows:
        """Return the taught conditions of the asked context or, where there are none, all of them."""
        return self._by_context.get(asked.context, np.arange(len(self.conditions)))

    def same(self, asked: Condition) -> Rows:
        """Return the conditions that teach the asked treatment."""
        return self._by_treatment.get(asked.treatment, NOWHERE)

    def meets(self, asked: Condition) -> bool:
        """Return whether the asked perturbation is taught, in any context and at any dose."""
        return asked.perturbation in self._by_perturbation

    def alone(self, part: str) -> Rows:
        """Return the conditions that teach a single perturbation."""
        return self._by_parts.get((part,), NOWHERE)

    @cached_property
    def _by_context(self) -> dict[str, Rows]:
        return self._rows_by(lambda condition: condition.context)

    @cached_property
    def _by_treatment(self) -> dict[tuple[str, str], Rows]:
        return self._rows_by(lambda condition: condition.treatment)

    @cached_property
    def _by_perturbation(self) -> dict[str, Rows]:
        return self._rows_by(lambda condition: condition.perturbation)

    @cached_property
    def _by_parts(self) -> dict[tuple[str, ...], Rows]:
        return self._rows_by(self.parts)

    def _rows_by(self, of: Callable[[Condition], Key]) -> dict[Key, Rows]:
        found: dict[Key, list[int]] = {}
        for row, condition in enumerate(self.conditions):
            found.setdefault(of(condition), []).append(row)
        return {key: np.array(rows) for key, rows in found.items()}

    @cached_property
    def means(self) -> dict[str, tuple[Floats, Floats]]:
        """Context -> mean profile and mean effect of what is taught beside it, once they were asked for."""
        return {}

    def mean_beside(self, asked: Condition) -> tuple[Floats, Floats]:
        """Return the mean profile and the mean effect (genes,) of what is taught beside a condition."""
        if asked.context not in self.means:
            rows = self.beside(asked)
            of_both = (
                baselines.perturbed_mean(self.profiles[rows]),
                baselines.perturbed_mean(self.effects[rows]),
            )
            self.means[asked.context] = of_both
        return self.means[asked.context]

    @cached_property
    def mean_transferred(self) -> Floats:
        """Mean effect of all that is taught, weighted by treated cells (genes,)."""
        return baselines.transferred_effect(self.effects, self.cells.tolist())

    def parts(self, condition: Condition) -> tuple[str, ...]:
        """Return the parts of a perturbation, sorted; a control is none."""
        whole = condition.perturbation
        names = whole.split(self.separator) if self.separator else [whole]
        return tuple(sorted({name.strip() for name in names} - {"", CONTROL}))

    def targets(self, conditions: Iterable[Condition]) -> Bools:
        """Return the genes after which perturbations are named (conditions x genes)."""
        conditions = list(conditions)
        found = np.zeros((len(conditions), self.profiles.shape[1]), dtype=bool)
        for row, condition in enumerate(conditions):
            found[row, [self.genes[part] for part in self.parts(condition) if part in self.genes]] = True
        return found

    def by_target(self, asked: Condition) -> tuple[Bools, Floats]:
        """Return targets and effects (perturbations x genes) of what is taught beside a condition.

        Of perturbations that target a measured gene, each once, with its mean effect over contexts.
        """
        rows = self.beside(asked)
        targets = self.targets(self.conditions[row] for row in rows)
        rows, targets = rows[targets.any(axis=1)], targets[targets.any(axis=1)]
        names = [self.conditions[row].perturbation for row in rows]
        found, first, group = np.unique(names, return_index=True, return_inverse=True)
        effects = np.zeros((len(found), self.profiles.shape[1]))
        np.add.at(effects, group, self.effects[rows])
        return targets[first], effects / np.bincount(group, minlength=len(found))[:, None]

    def at_other_doses(self, asked: Condition, here: bool = True) -> dict[str, Rows]:
        """Return dose -> the conditions that teach the perturbation at it; none where doses do not count.

        Of the asked context alone if ``here``, and there are any.
        """
        named = self._by_perturbation.get(asked.perturbation, NOWHERE)
        same = [row for row in named if asked.dose and self.conditions[row].dose]
        own = [row for row in same if here and self.conditions[row].context == asked.context]
        found: dict[str, list[int]] = {}
        for row in own or same:
            found.setdefault(self.conditions[row].dose, []).append(int(row))
        return {dose: np.array(rows) for dose, rows in found.items() if float(dose) > 0}

    @property
    def several(self) -> bool:
        """Whether more than one treatment is taught."""
        return len(self._by_treatment) > 1

    @cached_property
    def responses(self) -> dict[str, tuple[Floats, baselines.LinearResponse]]:
        """Loadings and fitted linear responses, by context (see :func:`linear`)."""
        return {}


def lesson(screen: Screen, taught: Bools, genes: Sequence[str], separator: str = "+") -> Lesson:
    """Return what the cells that a fold teaches (n_cells,) say.

    Raises
    ------
    NotApplicable
        They are no condition with enough cells and controls.
    """
    rows = screen.all_of(taught)
    if not len(rows):
        raise NotApplicable("no perturbation with enough treated and control cells is left to learn from")
    whole = screen.whole
    mean = whole.mean
    return Lesson(
        conditions=tuple(screen.conditions[row] for row in rows),
        profiles=mean[rows],
        cells=whole.n[rows],
        significant=screen.significant[rows],
        controls={
            c.context: mean[row] for row, c in enumerate(screen.conditions) if c.perturbation == CONTROL
        },
        genes={gene: number for number, gene in enumerate(genes)},
        separator=separator,
    )


# -- baselines -----------------------------------------------------------------------------------------


def no_change(known: Lesson, asked: Condition) -> Floats:
    """Predict the control of the asked context."""
    return known.controls[asked.context]


def perturbed_mean(known: Lesson, asked: Condition) -> Floats:
    """Predict the mean of all taught profiles: of the asked context or, where none is, of the others."""
    return known.mean_beside(asked)[0]


def mean_effect(known: Lesson, asked: Condition) -> Floats:
    """Predict the asked control plus the mean of all taught effects: the centroid of a new context."""
    return np.asarray(no_change(known, asked) + known.mean_beside(asked)[1])


def context_transfer(known: Lesson, asked: Condition) -> Floats:
    """Predict the asked control plus the treatment's effect in taught contexts, weighted by treated cells.

    The effect of a treatment that was taught nowhere is the mean of all that were.
    """
    rows = known.same(asked)
    if not len(rows):
        return no_change(known, asked) + known.mean_transferred
    return no_change(known, asked) + baselines.transferred_effect(
        known.effects[rows], known.cells[rows].tolist()
    )


def matching(known: Lesson, asked: Condition) -> Floats:
    """Predict a combination as the mean of the profiles of its parts in the same context."""
    return baselines.matching_mean(*_parts_alone(known, asked))


def additive(known: Lesson, asked: Condition) -> Floats:
    """Predict a combination as the control plus the effects of its parts in the same context."""
    return baselines.additive(*_parts_alone(known, asked), no_change(known, asked))


def _parts_alone(known: Lesson, asked: Condition) -> tuple[tuple[str, ...], dict[str, Floats]]:
    parts = known.parts(asked)
    if len(parts) < 2:
        raise NotApplicable(
            f'"{asked.perturbation}" is no combination, so there are no parts to put together'
        )
    taught = ((row, known.conditions[row]) for row in known.beside(asked))
    alone = {
        known.parts(c)[0]: row
        for row, c in taught
        if (c.context, c.dose) == (asked.context, asked.dose) and len(known.parts(c)) == 1
    }
    if not alone:
        raise NotApplicable(
            f'no single perturbation is taught in "{asked.context}", where combinations are asked'
        )
    return parts, {name: known.profiles[row] for name, row in alone.items()}


def majority_vote(known: Lesson, asked: Condition) -> Floats:
    """Predict the control plus, for each gene, how often taught perturbations change it, in the direction
    they mostly do: an answer for scores of the order and direction of genes.
    """
    rows = known.beside(asked)
    return no_change(known, asked) + baselines.majority_effect(known.significant[rows], known.effects[rows])


def linear(known: Lesson, asked: Condition) -> Floats:
    """Predict by the closed-form linear model, perturbations embedded as loadings of the genes they target.

    It is fitted on the taught effects of the asked context or, where there are none, of all.
    """
    if asked.context not in known.responses:
        known.responses[asked.context] = _fitted(known, asked)
    loadings, response = known.responses[asked.context]
    embedded = baselines.target_embedding(loadings, known.targets([asked]))
    return np.asarray(no_change(known, asked) + response.predict(embedded)[0])


def _fitted(known: Lesson, asked: Condition) -> tuple[Floats, baselines.LinearResponse]:
    rows = known.beside(asked)
    targets = _taught_targets(known, rows)
    control = no_change(known, asked)[None]
    loadings = baselines.gene_loadings(np.vstack([known.profiles[rows], control]))
    embedding = baselines.target_embedding(loadings, np.vstack([targets, np.zeros_like(targets[:1])]))
    effects = np.vstack([known.effects[rows], np.zeros_like(control)])
    return loadings, baselines.fit_linear_response(effects, embedding, loadings)


def _taught_targets(known: Lesson, rows: Rows) -> Bools:
    targets = known.targets(known.conditions[row] for row in rows)
    if not targets.any():
        raise NotApplicable(NO_TARGET)
    return targets


def nearest_targets(known: Lesson, asked: Condition) -> Floats:
    """Predict the control plus the mean effect of the taught perturbations of nearest targets.

    Genes are near each other that taught perturbations change alike: by the angle between their loadings on
    the taught effects, whatever their expression. A perturbation counts once, with its mean effect over
    contexts; one without a measured target is no neighbour, and has the mean effect of all that are.
    """
    targets, effects = known.by_target(asked)
    if not len(targets):
        raise NotApplicable(NO_TARGET)
    asked_targets = known.targets([asked])
    if not asked_targets.any():
        return np.asarray(no_change(known, asked) + effects.mean(axis=0))
    embedding = baselines.gene_loadings(known.effects[known.beside(asked)])
    places = baselines.target_embedding(embedding, np.vstack([asked_targets, targets]))
    length = np.linalg.norm(places, axis=1, keepdims=True)
    places = places / np.where(length > 0, length, 1.0)
    return no_change(known, asked) + baselines.nearest_effect(places[0], places[1:], effects)


def target_scaling(known: Lesson, asked: Condition) -> Floats:
    """Predict the asked control plus the mean taught effect, but for the genes that are targeted.

    Of these the same share of expression is left as, on average, of the targets of taught perturbations: the
    own-gene knock-down of Vollenweider and Buehlmann 2026 (doi:10.64898/2026.04.20.719650).
    """
    rows = known.beside(asked)
    targets = _taught_targets(known, rows)
    before = np.stack([known.controls[known.conditions[row].context] for row in rows])[targets]
    after = known.profiles[rows][targets]
    if not (before > 0).any():
        raise NotApplicable("no gene that a taught perturbation targets is expressed in untreated cells")
    left = float((after[before > 0] / before[before > 0]).mean())
    aimed = known.targets([asked])[0]
    return np.asarray(np.where(aimed, left * no_change(known, asked), mean_effect(known, asked)))


def nearest_dose(known: Lesson, asked: Condition) -> Floats:
    """Predict the control plus the effect at the nearest taught dose."""
    return no_change(known, asked) + dose_nearby(*_by_dose(known, asked))


def log_dose_line(known: Lesson, asked: Condition) -> Floats:
    """Predict the control plus the effect on the line through the taught doses beside the asked one."""
    return no_change(known, asked) + dose_line(*_by_dose(known, asked))


def _by_dose(known: Lesson, asked: Condition) -> tuple[float, list[float], Floats]:
    at = known.at_other_doses(asked)
    if not at:
        raise NotApplicable(
            f'no other dose of "{asked.perturbation}" is taught; split: held_out_dose has them'
        )
    effects = np.stack([known.effects[rows].mean(axis=0) for rows in at.values()])
    return float(asked.dose), [float(dose) for dose in at], effects


BASELINES: Mapping[str, Callable[[Lesson, Condition], Floats]] = MappingProxyType(
    {
        "no_change": no_change,
        "perturbed_mean": perturbed_mean,
        "context_transfer": context_transfer,
        "matching": matching,
        "additive": additive,
        "majority_vote": majority_vote,
        "linear": linear,
        "nearest_targets": nearest_targets,
        "target_scaling": target_scaling,
        "nearest_dose": nearest_dose,
        "log_dose_line": log_dose_line,
    }
)
"""Each raises :class:`harness.NotApplicable` where it is not defined for what is asked."""

TRIVIAL = (
    "no_change",
    "perturbed_mean",
    "context_transfer",
    "matching",
    "additive",
    "nearest_dose",
    "log_dose_line",
)
"""Baselines that fit nothing and look up no gene: what they solve needs no model."""
