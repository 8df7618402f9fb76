"""What one fold of a screen teaches, and what baselines and heads on embeddings predict from it.

Every prediction is a profile (genes,) of one condition; nothing here holds a profile that is asked about. Of
an asked context the controls are always known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from harness.errors import NotApplicable
from harness.measures.perturbation import CONTROL, context_weights
from harness.measures.response import baselines
from harness.measures.response.doses import log_dose_line as dose_line
from harness.measures.response.doses import nearest_dose as dose_nearby
from harness.measures.screen import Condition, Screen

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a fold teaches.

    Attributes
    ----------
    conditions
        Treated conditions that may be learnt from.
    profiles
        Their mean expression (conditions x genes).
    cells
        Treated cells behind each (conditions,).
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
    controls: Mapping[str, Floats]
    genes: Mapping[str, int]
    separator: str = "+"

    @cached_property
    def effects(self) -> Floats:
        """Profiles minus the control of the same context (conditions x genes)."""
        return self.profiles - np.stack([self.controls[c.context] for c in self.conditions])

    def where(self, holds: Callable[[Condition], bool]) -> Rows:
        """Return the taught conditions of which something holds."""
        return np.flatnonzero([holds(condition) for condition in self.conditions])

    def beside(self, asked: Condition) -> Rows:
        """Return the taught conditions of the asked context or, where there are none, all of them."""
        here = self.where(lambda c: c.context == asked.context)
        return here if len(here) else np.arange(len(self.conditions))

    def same(self, asked: Condition) -> Rows:
        """Return the conditions that teach the asked treatment."""
        return self.where(lambda c: c.treatment == asked.treatment)

    def alone(self, part: str) -> Rows:
        """Return the conditions that teach a single perturbation."""
        return self.where(lambda c: self.parts(c) == (part,))

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

    def at_other_doses(self, asked: Condition, here: bool = True) -> dict[str, Rows]:
        """Return dose -> the conditions that teach the perturbation at it; none where doses do not count.

        Of the asked context alone if ``here``, and there are any.
        """
        same = self.where(lambda c: c.perturbation == asked.perturbation and bool(asked.dose and c.dose))
        own = [row for row in same if here and self.conditions[row].context == asked.context]
        found: dict[str, list[int]] = {}
        for row in own or same:
            found.setdefault(self.conditions[row].dose, []).append(int(row))
        return {dose: np.array(rows) for dose, rows in found.items() if float(dose) > 0}

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
    return baselines.perturbed_mean(known.profiles[known.beside(asked)])


def mean_effect(known: Lesson, asked: Condition) -> Floats:
    """Predict the asked control plus the mean of all taught effects: the centroid of a new context."""
    return no_change(known, asked) + baselines.perturbed_mean(known.effects[known.beside(asked)])


def context_transfer(known: Lesson, asked: Condition) -> Floats:
    """Predict the asked control plus the treatment's effect in taught contexts, weighted by treated cells.

    The effect of a treatment that was taught nowhere is the mean of all that were.
    """
    same = known.same(asked)
    rows = same if len(same) else np.arange(len(known.conditions))
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
    here = known.where(lambda c: c.context == asked.context and c.dose == asked.dose)
    alone = {
        known.parts(known.conditions[row])[0]: row
        for row in here
        if len(known.parts(known.conditions[row])) == 1
    }
    if not alone:
        raise NotApplicable(
            f'no single perturbation is taught in "{asked.context}", where combinations are asked'
        )
    return parts, {name: known.profiles[row] for name, row in alone.items()}


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
    targets = known.targets(known.conditions[row] for row in rows)
    if not targets.any():
        raise NotApplicable("no taught perturbation is named after a measured gene, so none can be embedded")
    control = no_change(known, asked)[None]
    loadings = baselines.gene_loadings(np.vstack([known.profiles[rows], control]))
    embedding = baselines.target_embedding(loadings, np.vstack([targets, np.zeros_like(targets[:1])]))
    effects = np.vstack([known.effects[rows], np.zeros_like(control)])
    return loadings, baselines.fit_linear_response(effects, embedding, loadings)


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
        "linear": linear,
        "nearest_dose": nearest_dose,
        "log_dose_line": log_dose_line,
    }
)
"""Each raises :class:`harness.NotApplicable` where it is not defined for what is asked."""


# -- a head on embeddings ------------------------------------------------------------------------------


class RidgeHead:
    """Predict from frozen embeddings of control cells: see :func:`harness.measures.ridge_head`.

    A treatment is learnt from its taught contexts; one taught at other doses lies on the line of what is
    predicted at them; the effects of a combination's parts add up; and a treatment or part that was never
    taught, of which embeddings of cells say nothing, has the mean of all.

    Parameters
    ----------
    embedding
        Frozen embedding (cells x width).
    screen
        Of the same cells.
    """

    def __init__(self, embedding: NDArray[np.float32], screen: Screen) -> None:
        self.features = {
            c.context: embedding[screen.of_cell == number].astype(np.float64)
            for number, c in enumerate(screen.conditions)
            if c.perturbation == CONTROL
        }
        self.known: dict[tuple[tuple[str, ...], str], Floats] = {}

    def predict(self, known: Lesson, asked: Condition) -> Floats:
        """Return the profile (genes,) of a condition."""
        if len(same := known.same(asked)):
            return self._learnt(known, same, asked)
        control = no_change(known, asked)
        if at := known.at_other_doses(asked, here=False):
            effects = np.stack([self._learnt(known, rows, asked) - control for rows in at.values()])
            return control + dose_line(float(asked.dose), [float(dose) for dose in at], effects)
        parts = known.parts(asked)
        if len(parts) > 1:
            effects = np.stack([self._learnt(known, known.alone(part), asked) - control for part in parts])
            return np.asarray(control + effects.sum(axis=0))
        return self._learnt(known, np.arange(0), asked)

    def _learnt(self, known: Lesson, rows: Rows, asked: Condition) -> Floats:
        """Return what these conditions, or all if there are none, teach of the asked context."""
        rows = rows if len(rows) else np.arange(len(known.conditions))
        of_row = np.array([known.conditions[row].context for row in rows])
        contexts = tuple(np.unique(of_row).tolist())
        targets = np.stack([known.profiles[rows[of_row == c]].mean(axis=0) for c in contexts])
        key = contexts, asked.context
        if key not in self.known:
            learnt = [self.features[c] for c in contexts]
            self.known[key] = context_weights(learnt, self.features[asked.context])
        return np.asarray(self.known[key] @ targets)
