"""Cards: what a plugin says about itself before anything heavy is imported.

``needs`` and ``offers`` are matched as sets of facts. The words in use:

=========================  =============================================================================
``counts``                 raw counts (every corpus and data set has them)
``<role>``                 the data set names a column for this role: cell_type, batch, donor,
                           perturbation, context, dose, study, tissue, assay; for a joined corpus also
                           source, the part that a cell comes from
``<role>>=k``              the role has at least k levels (k from 1 to 1000)
``corpus:<role>``          the corpus names a column for this role; the guest then gets that column
``corpus:<role>>=k``       the same, with at least k levels
``corpus:{by}``            the role that the parameter ``by`` names; other needs are filled in likewise
``corpus:components``      principal components of the corpus, computed by the host (samplers)
``gpu``                    a CUDA device
``embed``                  a model can embed cells; a task wants an embedding
``reconstruct``            a model restores hidden expression
``fine_tune``              a model learns classes: a linear head and the whole network, or what its card
                           says instead
=========================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

Units = Literal["each", "mean", "weighted", "parts"]
INVARIANCES = {
    "scale": "all coordinates of the embedding times one number",
    "shift": "one vector added to all cells",
    "rotation": "the embedding turned",
    "names": "other names, in another order, for the levels of every role",
}
"""What may leave the score of an embedding as it is; conformance tries each that is declared."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What models, tasks and samplers all say about themselves.

    Attributes
    ----------
    name
        Unique among the plugins of its kind.
    version
        Part of every address: raise it when results change.
    entry
        ``"package.module:Class"``, imported only by the worker that runs it.
    summary
        One line for ``harness list``.
    needs
        Facts that must hold (see the module's table).
    parameters
        Parameters and their defaults; a suite may override them, never add others.
    choices
        Parameter -> the values that it may take, where these can be listed; others are refused.
    small
        Parameters that keep the checks of conformance quick, in place of the defaults.
    requires
        Modules of optional dependencies and what to install for each, for example
        ``{"scvi": "scfm-harness[scvi]"}``. Where one is absent the plugin is pruned with that reason.
    licence, citation
        Shown beside the results.
    """

    name: str
    version: str
    entry: str
    summary: str = ""
    needs: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)
    requires: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""

    def needs_with(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """Return the needs, those that a parameter names filled in."""
        return frozenset(need.format_map(parameters) for need in self.needs)

    def sees(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """Return what it gets to see of a corpus beside counts: roles, perhaps ``components``."""
        needs = self.needs_with(parameters)
        words = (need.removeprefix("corpus:") for need in needs if need.startswith("corpus:"))
        return frozenset(word.partition(">=")[0] for word in words)

    def not_installed(self) -> str | None:
        """Return what is absent and how to install it; None where everything required is there."""
        absent = {what for module, what in self.requires.items() if not _is_there(module)}
        return f"not installed: pip install {' '.join(map(repr, sorted(absent)))}" if absent else None


def _is_there(module: str) -> bool:
    """Return whether a module could be imported; one inside an absent package could not."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@dataclass(frozen=True, kw_only=True)
class ModelCard(Card):
    """A model.

    Attributes
    ----------
    offers
        What tasks may ask of it; ``embed`` at least.
    pretrains
        False for a reference model, which knows no corpus and is constant over sizes.
    deterministic
        True where the seed changes nothing: further seeds are then not run.
    validation
        Share of the sample that the host sets apart as ``run.validation`` for early stopping.
    published
        True where the model can take over published weights from a folder that a suite names.
    fine_tunes
        What learns when it is fine-tuned: all weights, or the head alone.
    caveats
        Sentences that a reader must know to compare its scores with others: they stand on the board.
    """

    offers: frozenset[str] = frozenset({"embed"})
    pretrains: bool = True
    deterministic: bool = False
    validation: float = 0.0
    published: bool = False
    fine_tunes: Literal["network", "head"] = "network"
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How to read one number.

    Attributes
    ----------
    name
        The field's standard name.
    direction
        ``"up"`` where larger is better, ``"down"`` for losses.
    lower, upper
        The attainable range; None where unbounded.
    tolerance
        Absolute difference up to which two values of the same score count as equal.
    floor
        Score of an answer that knows nothing; None where that depends on the data.
    margin
        Gain up to which a model counts as no better than a baseline; the tolerance where None.
    judged
        False for a diagnostic without a better end, such as a ratio that should be 1, and for a metric that
        can be gamed: it is shown with its single runs and gets no verdict.
    units
        How unit scores belong to the value (``each``, ``mean``, ``weighted``, ``parts``), see
        :mod:`harness.audit`.
    invariant
        What leaves the score of an embedding as it is, see :data:`INVARIANCES`; the order of cells always.
    """

    name: str
    direction: Literal["up", "down"] = "up"
    lower: float | None = 0.0
    upper: float | None = 1.0
    tolerance: float = 1e-6
    floor: float | None = None
    margin: float | None = None
    judged: bool = True
    units: Units = "each"
    invariant: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What scores say about each other.

    Attributes
    ----------
    says
        A comparison such as ``"gap == familiar - unfamiliar"``, see :mod:`harness.audit`. It is asked where
        all its metrics have a value, up to the largest of their tolerances.
    of
        Whether it holds of values, of the scores of every unit, or of both.
    baseline
        The baseline or oracle of which alone it holds; None for everybody.
    """

    says: str
    of: Literal["values", "units", "both"] = "both"
    baseline: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskCard(Card):
    """A task.

    Attributes
    ----------
    wants
        What it asks of a model; matched with ``ModelCard.offers``.
    metrics
        All its metrics; the first is the primary one.
    split
        The kind of split the host draws: ``"grouped"`` (by the coarsest of tissue, assay, study, batch and
        donor, else random by cell), ``"whole"`` (no split), ``"held_out_context"`` and others, see
        :mod:`harness.splits`. A parameter may decide it, ``"{split}"``, filled in like needs; parameters
        called ``split_role``, ``split_folds`` and so on set the options of the kind.
    identities
        What its metrics say about each other. The host audits every result against them and against the
        ranges before it keeps it.
    baselines
        Its own trivial answers, computed by :meth:`Task.baseline`. One that is not defined for what is asked
        raises :class:`harness.NotApplicable` with the reason.
    oracles
        Answers that know the truth, computed by :meth:`Task.baseline` too: ceilings, shown and never ranked.
    references
        Names of reference models that count as baselines too, where they were run.
    makes_cells
        True where it embeds cells that it makes or alters: it then gets the model behind doors
        (:meth:`harness.Fitted.embed`) in place of the embedding of the data set.
    control
        ``"positive"`` where a model that learns is known to gain with size; ``"negative"`` where nobody can
        be better than the baselines, so that a model which is shows a leak.
    """

    wants: frozenset[str] = frozenset({"embed"})
    metrics: tuple[Metric, ...] = ()
    identities: tuple[Identity, ...] = ()
    split: str = "whole"
    baselines: tuple[str, ...] = ()
    oracles: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    makes_cells: bool = False
    control: Literal["positive", "negative"] | None = None

    @property
    def asks_model(self) -> bool:
        """Whether it gets the model behind doors, not an embedding of the data set alone."""
        return self.makes_cells or not self.wants <= {"embed"}

    def split_with(self, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the kind of split and its options, as parameters say."""
        prefix = "split_"
        options = {n.removeprefix(prefix): value for n, value in parameters.items() if n.startswith(prefix)}
        return self.split.format_map(parameters), options

    def declared(self) -> dict[str, Any]:
        """Return what it declares of its scores as plain data: what :func:`harness.audit.audit` asks."""
        return {
            "metrics": {
                metric.name: {
                    "direction": metric.direction,
                    "lower": metric.lower,
                    "upper": metric.upper,
                    "tolerance": metric.tolerance,
                    "floor": metric.floor,
                    "margin": metric.tolerance if metric.margin is None else metric.margin,
                    "judged": metric.judged,
                    "units": metric.units,
                    "invariant": sorted(metric.invariant),
                }
                for metric in self.metrics
            },
            "identities": [asdict(identity) for identity in self.identities],
        }

    @property
    def primary(self) -> Metric:
        """The metric that the board's headline shows."""
        return self.metrics[0]


@dataclass(frozen=True, kw_only=True)
class SamplerCard(Card):
    """A sampler.

    Attributes
    ----------
    nested
        True where a smaller sample is part of a larger one with the same seed.
    """

    nested: bool = False


@dataclass(frozen=True, kw_only=True)
class CatalogueCard:
    """A catalogue file that a package ships: ``path`` is absolute, ``name`` is how people ask for it."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class CommandCard:
    """A command for ``harness``: ``entry`` names a typer app, imported when the command is called."""

    name: str
    entry: str
    summary: str
