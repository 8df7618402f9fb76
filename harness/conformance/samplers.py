"""What every sampler must do, whatever it is. Each check takes the card and complains in a sentence."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.conformance.inputs import (
    SEED,
    ToyCells,
    Watched,
    circumstances,
    seen,
    taken,
    toy_cells,
)
from harness.conformance.loading import device_of, new, parameters_of
from harness.contracts.cards import SamplerCard
from harness.contracts.cells import Corpus
from harness.contracts.guards import check_rows
from harness.errors import ContractBroken, NotApplicable

Rows = NDArray[np.int64]


# -- what the checks share -----------------------------------------------------------------------------


def drawn(card: SamplerCard, cells: ToyCells, size: int, seed: int = SEED) -> Rows:
    """Return the rows a sampler draws, refused unless they are ``size`` distinct rows of the corpus."""
    return drawn_from(card, visible(card, cells), size, seed)


def drawn_from(card: SamplerCard, corpus: Corpus, size: int, seed: int = SEED) -> Rows:
    """Return the rows a sampler draws from a corpus that already shows only what the card declares."""
    sampler = new(card)
    with circumstances(seed, device=device_of(card)) as run:
        return check_rows(sampler.draw(corpus, size, run), size, corpus.n_cells, card.name)


def visible(card: SamplerCard, cells: ToyCells) -> ToyCells:
    """Return the cells with what the card declares that it needs."""
    roles = card.sees(parameters_of(card))
    return seen(cells, roles - {"components"}, components="components" in roles)


# -- the checks ----------------------------------------------------------------------------------------


def check_every_size(card: SamplerCard) -> None:
    """From one cell to all cells, the sample has exactly the size asked for, of distinct rows."""
    cells = toy_cells()
    for size in (1, 2, 7, cells.n_cells // 2, cells.n_cells - 1, cells.n_cells):
        drawn(card, cells, size)


def check_one_cell_corpus(card: SamplerCard) -> None:
    """A corpus of one cell gives that cell."""
    drawn(card, taken(toy_cells(), [7]), 1)


def check_same_seed_same_sample(card: SamplerCard) -> None:
    """Two draws with one seed choose the same cells."""
    first, second = (set(drawn(card, toy_cells(), 40).tolist()) for _ in range(2))
    if first != second:
        raise ContractBroken(
            f"{card.name} drew other cells with the same seed: {_some(first - second)} only the first time, "
            f"{_some(second - first)} only the second"
        )


def check_nested_as_declared(card: SamplerCard) -> None:
    """Where the card says nested, a smaller sample is part of a larger one with the same seed."""
    if not card.nested:
        raise NotApplicable("its card does not say that samples are nested")
    sizes = (1, 10, 40, 80, 120)
    samples = [set(drawn(card, toy_cells(), size).tolist()) for size in sizes]
    for index in range(len(sizes) - 1):
        if lost := samples[index] - samples[index + 1]:
            raise ContractBroken(
                f"{card.name} says nested=True, but of its {sizes[index]} cells {len(lost)} are not among "
                f"its {sizes[index + 1]} ({_some(lost)})"
            )


def check_global_random_state(card: SamplerCard) -> None:
    """Drawing neither uses up nor seeds the random numbers that everyone shares."""
    before = _random_states()
    drawn(card, toy_cells(), 40)
    changed = [name for name, state in _random_states().items() if name in before and before[name] != state]
    if changed:
        raise ContractBroken(
            f"{card.name} changed the global random state of {changed[0]}; use a generator of its own, "
            "numpy.random.default_rng(run.seed)"
        )


def _random_states() -> dict[str, Any]:
    states: dict[str, Any] = {"python": random.getstate(), "numpy": repr(np.random.get_state(legacy=False))}
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state().tolist()
    return states


def check_input_not_altered(card: SamplerCard) -> None:
    """Drawing writes into nothing that the host handed out."""
    watched = Watched(visible(card, toy_cells()))
    drawn_from(card, watched, 40)
    watched.verify(card.name)


def check_duplicate_cells(card: SamplerCard) -> None:
    """A corpus in which one cell stands many times still gives distinct rows, of every size."""
    cells = taken(toy_cells(), [*range(10), *[3] * 50])
    for size in (1, 30, cells.n_cells):
        drawn(card, cells, size)


def check_cells_all_alike(card: SamplerCard) -> None:
    """A corpus in which all cells are the same, so that no component varies, can be drawn from."""
    cells = taken(toy_cells(), [3] * 60)
    for size in (1, 30, cells.n_cells):
        drawn(card, cells, size)
        drawn(card, replace(cells, components=np.zeros_like(cells.components)), size)


def _some(rows: set[int]) -> str:
    return "rows " + ", ".join(map(str, sorted(rows)[:3])) if rows else "no row"


CHECKS = (
    check_every_size,
    check_one_cell_corpus,
    check_same_seed_same_sample,
    check_nested_as_declared,
    check_global_random_state,
    check_input_not_altered,
    check_duplicate_cells,
    check_cells_all_alike,
)
