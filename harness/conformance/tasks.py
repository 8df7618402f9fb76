"""What every task must do, whatever it asks. Each check takes the card and complains in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness import splits
from harness.conformance.inputs import (
    SEED,
    Answering,
    ToyCells,
    Watched,
    circumstances,
    digest,
    levels_of,
    shuffled,
    taken,
    toy_cells,
)
from harness.conformance.loading import device_of, new, parameters_of
from harness.contracts.cards import INVARIANCES, TaskCard
from harness.contracts.cells import Cells
from harness.contracts.guards import check_scores
from harness.contracts.task import Scores, Split, Task
from harness.errors import ContractBroken, NotApplicable

Embedding = NDArray[np.float32]

EXACT = 1e-9
"""Difference up to which the same computation done twice counts as equal."""


# -- what the checks share -----------------------------------------------------------------------------


def split_of(card: TaskCard, cells: ToyCells) -> Split:
    """Return the split that the host would draw for this task."""
    kind, options = card.split_with(parameters_of(card))
    crosstabs = splits.crosstabs_of(cells.columns)
    recipe = splits.choose(kind, levels_of(cells.columns), crosstabs, options)
    if isinstance(recipe, str):
        raise NotApplicable(recipe)
    return splits.draw(recipe, cells.columns, cells.n_cells, SEED)


def evaluated(card: TaskCard, embedding: Embedding, cells: Cells, split: Split) -> Scores:
    """Return the scores of an embedding, or of a model that answers by it; a broken contract is refused."""
    embedding = embedding.copy()
    embedding.setflags(write=False)
    behind = Answering(embedding=embedding, cells=cells)
    task: Task = new(card)
    with circumstances(device=device_of(card)) as run:
        scores = task.evaluate(behind if card.asks_model else embedding, cells, split, run)
    check_scores(scores, card)
    return scores


def ordinary(card: TaskCard) -> Scores:
    """Return the scores of the toy cells' principal components."""
    cells = toy_cells()
    return evaluated(card, cells.components, cells, split_of(card, cells))


def same_values(found: Scores, expected: Scores, metrics: Mapping[str, float], claim: str) -> None:
    """Complain where a metric differs by more than its tolerance, or is defined only once."""
    for name, tolerance in metrics.items():
        one, other = found.values.get(name), expected.values.get(name)
        if one is None or other is None:
            if one is not other:
                raise ContractBroken(f'{claim}: "{name}" is {one}, not {other}')
        elif abs(one - other) > tolerance:
            raise ContractBroken(f'{claim}: "{name}" is {one:.6g}, not {other:.6g} (tolerance {tolerance:g})')


# -- the checks ----------------------------------------------------------------------------------------


def check_every_metric(card: TaskCard) -> None:
    """Every metric of the card has a value within its bounds, or a reason why it has none."""
    scores = ordinary(card)
    _sane(card, scores, card.name)
    extra = sorted(set(scores.undefined) - {metric.name for metric in card.metrics})
    if extra:
        raise ContractBroken(f'{card.name} returned "{extra[0]}", which its card does not name as a metric')


def check_units(card: TaskCard) -> None:
    """Per-unit scores belong to metrics and to units with names of their own, and weights are weights."""
    _sane_units(card, ordinary(card), card.name)


def check_baselines(card: TaskCard) -> None:
    """Every baseline and oracle that the card names answers like a model or says why it is not defined for
    what is asked, one at least answers, and another name is refused.
    """
    cells = toy_cells()
    split = split_of(card, cells)
    task: Task = new(card)
    undefined: dict[str, str] = {}
    for name in (*card.baselines, *card.oracles):
        who = f'the {"oracle" if name in card.oracles else "baseline"} "{name}" of {card.name}'
        try:
            with circumstances(device=device_of(card)) as run:
                scores = task.baseline(name, cells, split, run)
        except NotApplicable as reason:
            undefined[name] = str(reason)
            continue
        check_scores(scores, card, baseline=name)
        _sane(card, scores, who)
        _sane_units(card, scores, who)
    if card.baselines and undefined.keys() >= set(card.baselines):
        name, why = next(iter(undefined.items()))
        raise ContractBroken(f'no baseline of {card.name} is defined for the toy cells ("{name}": {why})')
    with circumstances(device=device_of(card)) as run:
        try:
            task.baseline("no such baseline", cells, split, run)
        except Exception:
            return
    raise ContractBroken(f'{card.name} answers for the baseline "no such baseline", which it does not have')


def check_same_seed_same_scores(card: TaskCard) -> None:
    """Asked twice with one seed, a task gives the same values."""
    first, second = ordinary(card), ordinary(card)
    metrics = {metric.name: EXACT for metric in card.metrics}
    same_values(second, first, metrics, f"{card.name}, asked twice with one seed")


def check_cell_order(card: TaskCard) -> None:
    """Cells in another order, with their embedding and split, have the same scores within tolerance."""
    cells = toy_cells()
    split, order = split_of(card, cells), shuffled(cells.n_cells)
    other = split.taken(order)
    expected = evaluated(card, cells.components, cells, split)
    found = evaluated(card, cells.components[order], taken(cells, order), other)
    metrics = {metric.name: metric.tolerance for metric in card.metrics}
    same_values(found, expected, metrics, f"{card.name}, its cells in another order")


def check_invariances(card: TaskCard) -> None:
    """What a metric declares to leave it as it is does: scale, shift or rotation of the embedding, names."""
    if not any(metric.invariant for metric in card.metrics):
        raise NotApplicable("none of its metrics declares what leaves the score of an embedding as it is")
    cells = toy_cells()
    split = split_of(card, cells)
    expected = evaluated(card, cells.components, cells, split)
    for change, changed in CHANGES.items():
        metrics = {m.name: m.tolerance for m in card.metrics if change in m.invariant}
        if metrics:
            found = evaluated(card, *changed(cells), split)
            same_values(found, expected, metrics, f"{card.name}, {INVARIANCES[change]}")


def _turned(cells: ToyCells) -> tuple[Embedding, ToyCells]:
    width = cells.components.shape[1]
    turn, _ = np.linalg.qr(np.random.default_rng(SEED).normal(size=(width, width)))
    return (cells.components @ turn).astype(np.float32), cells


def _renamed(cells: ToyCells) -> tuple[Embedding, ToyCells]:
    """Number the levels of every role backwards."""

    def backwards(labels: NDArray[np.object_]) -> NDArray[np.object_]:
        names, codes = np.unique(labels.astype(str), return_inverse=True)
        return np.array([f"{number:03d}" for number in range(len(names))], dtype=object)[::-1][codes]

    columns = {role: backwards(labels) for role, labels in cells.columns.items()}
    return cells.components, replace(cells, columns=columns)


CHANGES: Mapping[str, Callable[[ToyCells], tuple[Embedding, ToyCells]]] = {
    "scale": lambda cells: (4 * cells.components, cells),
    "shift": lambda cells: (cells.components + np.float32(0.5), cells),
    "rotation": _turned,
    "names": _renamed,
}
"""How each of :data:`harness.contracts.cards.INVARIANCES` is tried: the embedding and the cells."""


def check_input_not_altered(card: TaskCard) -> None:
    """Scoring writes into nothing that the host handed out."""
    cells = toy_cells()
    watched, split = Watched(cells), split_of(card, cells)
    before = [digest(split.fold), digest(split.units)]
    evaluated(card, cells.components, watched, split)
    watched.verify(card.name)
    if before != [digest(split.fold), digest(split.units)]:
        raise ContractBroken(f"{card.name} altered the split that it was given; inputs are read-only")


def check_truth_beats_noise(card: TaskCard) -> None:
    """An embedding that knows the cell types scores better than noise in the primary metric."""
    if card.control == "negative":
        raise NotApplicable("it is a negative control, at which no embedding does well")
    if "cell_type" not in {need.partition(">=")[0] for need in card.needs}:
        raise NotApplicable("it does not ask for cell types, so no embedding is known to be right")
    cells = toy_cells()
    split = split_of(card, cells)
    rng = np.random.default_rng(SEED)
    noise = rng.normal(size=(cells.n_cells, 3)).astype(np.float32)
    levels = np.unique(cells.columns["cell_type"].astype(str))
    truth = (cells.columns["cell_type"][:, None] == levels) + 0.05 * noise
    good, bad = (_primary(card, evaluated(card, e.astype(np.float32), cells, split)) for e in (truth, noise))
    better = "more" if card.primary.direction == "up" else "less"
    if (good <= bad) if better == "more" else (good >= bad):
        raise ContractBroken(
            f'{card.name} gives the cell types themselves "{card.primary.name}" = {good:.4g} '
            f"and noise {bad:.4g}; its card says that {better} is better"
        )


def _primary(card: TaskCard, scores: Scores) -> float:
    name = card.primary.name
    if name not in scores.values:
        raise ContractBroken(f'{card.name} has no value for "{name}" ({scores.undefined.get(name)})')
    return scores.values[name]


def _sane(card: TaskCard, scores: Scores, who: str) -> None:
    for metric in card.metrics:
        if metric.name not in scores.values and not scores.undefined[metric.name].strip():
            raise ContractBroken(f'{who} gives no reason why "{metric.name}" has no value')
    try:
        json.dumps(scores.notes, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractBroken(f"{who} returned notes that are not JSON: {error}") from error


def _sane_units(card: TaskCard, scores: Scores, who: str) -> None:
    names = [str(name) for name in scores.unit_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractBroken(f'{who} has two units called "{twice[0]}"')
    for name, values in scores.units.items():
        if np.isinf(np.asarray(values, dtype=float)).any():
            raise ContractBroken(f'{who} has infinite unit scores of "{name}"; NaN where a unit has none')


CHECKS = (
    check_every_metric,
    check_units,
    check_baselines,
    check_same_seed_same_scores,
    check_cell_order,
    check_invariances,
    check_input_not_altered,
    check_truth_beats_noise,
)
