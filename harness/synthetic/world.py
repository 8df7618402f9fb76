"""A world is its knobs: everything else follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.errors import Misuse

if TYPE_CHECKING:
    from harness.synthetic.population import Population


def _knob(default: Any, low: float, high: float = math.inf) -> Any:
    """Return a dataclass field whose value lies between two bounds."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class World:
    """A simulated atlas: its knobs, and the cells that follow from them.

    The log-rate of a gene in a cell is ``b + W z + lab + study + batch + donor`` and its count is negative
    binomial with mean ``depth x exp(log-rate)``. A cell's latent ``z`` is the centre of its type plus
    variation within the type. Pretraining can learn the span of ``W``, which corpus and evaluation cells
    share: the error of a span estimated from n cells falls as noise x genes / (n x signal), so weak
    programmes appear only in large samples.

    The same knobs give the same cells. The first cells of a larger part are those of a smaller one.

    Attributes
    ----------
    seed
        Of everything in this world.
    genes, programmes, types
        Number of genes, of columns of ``W``, and of cell types.
    zipf
        Exponent of abundances: the k-th type has a share proportional to ``k ** -zipf``.
    strongest
        Root mean square over genes of the log-rate change per standard deviation of the first programme.
    weakest
        The same of the last programme, as a share of ``strongest``; between them the fall is geometric.
    within
        Standard deviation of a programme within a type, as a share of that between types.
    gene_spread
        Standard deviation of the genes' base log-rates ``b``.
    depth, depth_spread
        Mean counts of a cell whose log-rates are ``b``; standard deviation of its logarithm over cells.
    dispersion
        Of the negative binomial: variance = mean + dispersion x mean^2; 0 is Poisson.
    studies, batches, donors
        Studies of the corpus, batches in each study, donors in each batch.
    evaluation_batches
        Batches of the evaluation part; each has ``donors`` donors. None of them is in the corpus.
    study_effect, batch_effect, donor_effect
        Standard deviation over genes of the log-rate change of a study, batch or donor.
    label_flip
        Share r of labels replaced by one of the K types at random: no classifier exceeds 1 - r + r/K.
    label_outside
        Share of the squared differences between types that lie outside the span of ``W``, in directions
        that no corpus cell shows: pretraining cannot teach them. The whole differences keep their size.
    revealed
        Chance that a study shows a programme (its ``z`` is 0 where not). A corpus of s studies is expected
        to cover a share 1 - (1 - revealed)^s of the programmes, however many cells it has.
    lab_effect
        Root mean square over genes of one further programme that tells labs apart, not types. Where it is
        not 0, each corpus study holds only one half of the types and the programme gives the half away (a
        shortcut); evaluation batches hold all types, so that there it tells nothing about them.
    perturbations, contexts
        Number of perturbations besides the control, and of contexts (the first types, as cell lines).
    control_copies
        Control cells per treated cell of one perturbation, in every context.
    effect
        Size of a perturbation's own effect ``W a``: standard deviation of ``a``, as a share of that of
        programmes between types.
    null_share
        Share of perturbations (rounded to a whole number) without an effect of their own.
    gating
        Share of contexts (rounded to a whole number) in which a perturbation's own effect is silent.
    private_genes, private_effect
        Genes that one perturbation alone changes, and by how much (log-rate, either sign): a rare tail.
    shift
        Standard deviation over genes of a log-rate change that all perturbations share, null ones too: it
        makes the mean of other perturbations a strong prediction.
    doses, hill
        Doses in units of the half-maximal dose; an effect is multiplied by d^h / (1 + d^h). None: in full.
    combinations, interaction_genes, interaction
        Pairs of perturbations given together. Their own effects add up, and ``interaction_genes`` genes
        change by ``interaction`` more (log-rate, either sign).
    """

    seed: int = _knob(0, 0)
    genes: int = _knob(700, 2)
    programmes: int = _knob(16, 1)
    types: int = _knob(15, 2)
    zipf: float = _knob(0.8, 0)
    strongest: float = _knob(0.1, 0)
    weakest: float = _knob(0.6, 0, 1)
    within: float = _knob(0.4, 0)
    gene_spread: float = _knob(0.8, 0)
    depth: float = _knob(500.0, 1)
    depth_spread: float = _knob(0.3, 0)
    dispersion: float = _knob(0.2, 0)
    studies: int = _knob(8, 1)
    batches: int = _knob(2, 1)
    donors: int = _knob(2, 1)
    evaluation_batches: int = _knob(4, 1)
    study_effect: float = _knob(0.05, 0)
    batch_effect: float = _knob(0.04, 0)
    donor_effect: float = _knob(0.03, 0)
    label_flip: float = _knob(0.05, 0, 1)
    label_outside: float = _knob(0.0, 0, 1)
    revealed: float = _knob(1.0, 0, 1)
    lab_effect: float = _knob(0.0, 0)
    perturbations: int = _knob(10, 1)
    contexts: int = _knob(4, 1)
    control_copies: int = _knob(5, 1)
    effect: float = _knob(1.5, 0)
    null_share: float = _knob(0.6, 0, 1)
    gating: float = _knob(0.25, 0, 1)
    private_genes: int = _knob(5, 0)
    private_effect: float = _knob(1.5, 0)
    shift: float = _knob(0.25, 0)
    doses: tuple[float, ...] = _knob((), 0)
    hill: float = _knob(1.0, 0)
    combinations: int = _knob(0, 0)
    interaction_genes: int = _knob(5, 0)
    interaction: float = _knob(1.0, 0)

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated, in a sentence."""
        for knob in fields(self):
            value = _checked(knob.name, getattr(self, knob.name), knob.default, **knob.metadata)
            object.__setattr__(self, knob.name, value)
        pairs = math.comb(self.perturbations, 2)
        halved = self.lab_effect > 0 and self.studies % 2 == 1
        for wrong, sentence in (
            (self.programmes + 1 >= self.genes, f"programmes is {self.programmes}; at most genes - 2 fit"),
            (self.contexts > self.types, f"contexts is {self.contexts}; each is one of {self.types} types"),
            (self.combinations > pairs, f"combinations is {self.combinations}; there are {pairs} pairs"),
            (self.private_genes > self.genes, f"private_genes is {self.private_genes}; more than all genes"),
            (self.interaction_genes > self.genes, "interaction_genes is more than all genes"),
            (
                halved,
                f"studies is {self.studies}; lab_effect needs an even number, a half for each kind of lab",
            ),
        ):
            if wrong:
                raise Misuse(f"a simulated world cannot have these knobs: {sentence}")

    @property
    def label_ceiling(self) -> float:
        """Expected accuracy of whoever knows every cell's true type: 1 - r + r/K."""
        return 1 - self.label_flip + self.label_flip / self.types

    @property
    def expected_coverage(self) -> float:
        """Expected share of programmes that some study of the corpus shows: 1 - (1 - f)^studies."""
        return 1 - (1 - self.revealed) ** self.studies

    def corpus(self, cells: int) -> Population:
        """Return cells to pretrain on: labels ``cell_type``, ``study``, ``batch``, ``donor``."""
        from harness.synthetic.observed import corpus

        return corpus(self, cells)

    def evaluation(self, cells: int) -> Population:
        """Return cells of donors and batches that the corpus lacks: ``cell_type``, ``batch``, ``donor``."""
        from harness.synthetic.observed import evaluation

        return evaluation(self, cells)

    def perturbed(self, cells: int) -> Population:
        """Return treated and control cells: ``perturbation``, ``context``, ``donor``, perhaps ``dose``."""
        from harness.synthetic.perturbed import perturbed

        return perturbed(self, cells)


def _checked(name: str, value: Any, default: Any, low: float, high: float) -> Any:
    """Return a knob in the type of its default (1 as 1.0), or refuse one of the wrong kind or size."""
    kind = {int: "a whole number", float: "a number", tuple: "a list of numbers"}[type(default)]
    numbers = value if isinstance(default, tuple) else (value,)
    accepted = int if isinstance(default, int) else (int, float)
    whole = isinstance(numbers, list | tuple) and all(
        isinstance(number, accepted) and not isinstance(number, bool) for number in numbers
    )
    if not whole or not all(low <= number <= high and math.isfinite(number) for number in numbers):
        bounds = f"from {low:g}" + (f" to {high:g}" if high < math.inf else "")
        raise Misuse(f'the knob {name} of a simulated world is {kind} {bounds}, and "{value}" was given')
    return tuple(map(float, value)) if isinstance(default, tuple) else type(default)(value)


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        "atlas": World(),
        "flat": World(label_flip=1.0),
        "easy": World(strongest=0.2, weakest=0.8),
        "beyond": World(label_outside=1.0),
        "diverse": World(revealed=0.15, studies=16, strongest=0.16),
        "confounded": World(lab_effect=0.3),
        "deep": World(depth=2000.0),
    }
)
"""Named worlds.

``atlas``: accuracy rises with the corpus over hundreds and thousands of cells. ``flat``: labels are drawn at
random, so that nothing can teach them. ``easy``: a few hundred cells teach everything. ``beyond``: types
differ only where no corpus cell varies. ``diverse``: a study shows few programmes, so that studies help and
cells of one study do not. ``confounded``: labs are easily learnt in place of types. ``deep``: the atlas at
four times the counts per cell.
"""
