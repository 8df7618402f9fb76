"""Perturbed cells: effects along the programmes, gated by context, with a rare tail and a shared shift."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.synthetic.counts import BLOCK, Block, counted
from harness.synthetic.observed import gene_effect, latents
from harness.synthetic.population import Population
from harness.synthetic.structure import Floats, Structure, generator, structure

if TYPE_CHECKING:
    from harness.synthetic.world import World

CONTROL = "control"
Condition = tuple[str, int, float | None]
"""Perturbation, number of the context, dose (None where the world has no doses)."""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What each perturbation does.

    Attributes
    ----------
    own
        Perturbation -> its log-rate changes (contexts x genes) at full dose, without the shift.
    shift
        What all of them share (genes,).
    null
        Perturbations without an effect of their own.
    private
        Perturbation -> genes that it alone changes.
    gates
        1 where a perturbation acts in a context, else 0 (perturbations x contexts).
    """

    own: dict[str, Floats]
    shift: Floats
    null: tuple[str, ...]
    private: dict[str, NDArray[np.int64]]
    gates: NDArray[np.int64]


def perturbed(world: World, cells: int) -> Population:
    """Return treated and control cells; see :meth:`World.perturbed`.

    Every run of consecutive cells as long as the design holds each treated condition once.
    """
    shared, effects = structure(world), effects_of(world, structure(world))
    design = _design(world, list(effects.own))
    delta = {condition: _delta(world, effects, condition) for condition in design}
    donors = np.array(
        [gene_effect(world, world.donor_effect, "perturbed donor", d) for d in range(world.donors)]
    )

    def layout(rng: np.random.Generator, number: int) -> Block:
        chosen = [design[place % len(design)] for place in range(number * BLOCK, (number + 1) * BLOCK)]
        context = np.array([condition[1] for condition in chosen])
        donor = rng.integers(world.donors, size=BLOCK)
        offset = np.array([delta[condition] for condition in chosen]) + donors[donor]
        latent = latents(world, shared, context, rng)
        return Block(type=context, latent=latent, offset=offset, obs=_labels(chosen, donor))

    log_rate = shared.base + shared.centres @ shared.W.T
    return counted(
        world,
        shared,
        "perturbed",
        cells,
        layout,
        log_rate={_key(c): log_rate[c[1]] + change for c, change in delta.items()},
        delta={_key(c): change for c, change in delta.items()},
        null=effects.null,
        private=effects.private,
        gates=effects.gates,
        shift=effects.shift,
    )


def effects_of(world: World, shared: Structure) -> Effects:
    """Return what each perturbation does in each context."""
    names = [f"drug-{number:02d}" for number in range(1, world.perturbations + 1)]
    order = generator(world, "null").permutation(world.perturbations)
    null = tuple(names[place] for place in sorted(order[: round(world.null_share * len(names))]))
    gates = np.array([_gates(world, number) for number in range(len(names))])
    own, private = {}, {}
    for number, name in enumerate(names):
        along, private[name] = _own(world, shared, number)
        if name in null:
            along, private[name] = np.zeros(world.genes), np.zeros(0, dtype=np.int64)
        own[name] = gates[number][:, None] * along
    return Effects(
        own=own | _combined(world, own),
        shift=gene_effect(world, world.shift, "shift"),
        null=null,
        private=private,
        gates=gates,
    )


def _own(world: World, shared: Structure, number: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return one perturbation's ``W a`` plus private genes, and which genes those are."""
    rng = generator(world, "perturbation", number)
    change = shared.W @ (world.effect * shared.strengths * rng.normal(size=world.programmes))
    genes = np.sort(rng.choice(world.genes, size=world.private_genes, replace=False))
    change[genes] += world.private_effect * rng.choice([-1.0, 1.0], size=len(genes))
    return change, genes


def _gates(world: World, number: int) -> NDArray[np.int64]:
    """Return 0 for the contexts in which a perturbation is silent, else 1."""
    silent = round(world.gating * world.contexts)
    return (generator(world, "gates", number).permutation(world.contexts) >= silent).astype(np.int64)


def _combined(world: World, own: dict[str, Floats]) -> dict[str, Floats]:
    """Return pairs of perturbations: the sum of both effects, and a sparse interaction."""
    pairs = list(combinations(own, 2))
    order = generator(world, "combinations").permutation(len(pairs))[: world.combinations]
    found = {}
    for number, (first, second) in enumerate(pairs[place] for place in order):
        rng = generator(world, "interaction", number)
        extra = np.zeros(world.genes)
        genes = rng.choice(world.genes, size=world.interaction_genes, replace=False)
        extra[genes] = world.interaction * rng.choice([-1.0, 1.0], size=len(genes))
        found[f"{first}+{second}"] = own[first] + own[second] + extra
    return found


def _design(world: World, names: list[str]) -> list[Condition]:
    """Return the conditions of consecutive cells: contexts in turn, controls between treated cells."""
    doses: list[float | None] = list(world.doses) or [None]
    treated = [(name, dose) for name in names for dose in doses]
    untreated = (CONTROL, 0.0 if world.doses else None)
    arms = [*treated, *([untreated] * world.control_copies)]
    order = generator(world, "design").permutation(len(arms))
    return [(arms[place][0], context, arms[place][1]) for place in order for context in range(world.contexts)]


def _delta(world: World, effects: Effects, condition: Condition) -> Floats:
    name, context, dose = condition
    if name == CONTROL:
        return np.zeros(world.genes)
    return np.asarray(hill(dose, world.hill) * (effects.own[name][context] + effects.shift))


def hill(dose: float | None, exponent: float) -> float:
    """Return the share of the full effect at a dose in units of the half-maximal one: d^h / (1 + d^h)."""
    return 1.0 if dose is None else float(dose**exponent / (1 + dose**exponent))


def _context_name(number: int) -> str:
    return f"line-{number + 1}"


def _key(condition: Condition) -> tuple[str, ...]:
    name, context, dose = condition
    return (name, _context_name(context), *(() if dose is None else (f"{dose:g}",)))


def _labels(chosen: list[Condition], donor: NDArray[np.int64]) -> dict[str, NDArray[np.object_]]:
    keys = np.array([_key(condition) for condition in chosen], dtype=object)
    donors = np.array([f"donor-{number + 1}" for number in donor], dtype=object)
    columns = ("perturbation", "context", "dose")[: keys.shape[1]]
    return {**dict(zip(columns, keys.T, strict=True)), "donor": donors}
