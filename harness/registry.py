"""Who is there: entry points -> Registry. It never dies of a guest; what is wrong with one is a finding."""

from __future__ import annotations

import importlib.metadata
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args

import pluggy

from harness import hookspecs
from harness.audit import read_identity
from harness.contracts.cards import (
    INVARIANCES,
    Card,
    CatalogueCard,
    CommandCard,
    ModelCard,
    SamplerCard,
    TaskCard,
    Units,
)
from harness.errors import writable
from harness.records import as_parameters

GROUP = "harness"
HOUSE = "scfm-harness"
"""Our own distribution; its plugins keep their names where a guest's clash with them."""

C = TypeVar("C", bound=Card)


@dataclass(frozen=True, kw_only=True)
class Found(Generic[C]):
    """A plugin that is there, and the distribution it comes from."""

    card: C
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """Distribution and version, as people write them."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An entry point that could not be used."""

    name: str
    distribution: str
    reason: str
    traceback: str = ""


@dataclass(frozen=True, kw_only=True)
class Clashing:
    """A plugin whose name was taken; ``kept`` is the distribution that has it."""

    kind: str
    name: str
    distribution: str
    kept: str


@dataclass(kw_only=True)
class Registry:
    """All plugins found, by kind and name, and all that is wrong with the others."""

    models: dict[str, Found[ModelCard]] = field(default_factory=dict)
    tasks: dict[str, Found[TaskCard]] = field(default_factory=dict)
    samplers: dict[str, Found[SamplerCard]] = field(default_factory=dict)
    catalogues: dict[str, CatalogueCard] = field(default_factory=dict)
    commands: dict[str, CommandCard] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    clashing: list[Clashing] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)

    def describe(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was found as plain data, for ``list --json`` and the board."""
        kinds = {"model": self.models, "task": self.tasks, "sampler": self.samplers}
        return {
            "found": [
                {
                    "kind": kind,
                    "name": name,
                    "version": found.card.version,
                    "distribution": found.origin,
                    "summary": found.card.summary,
                    "needs": sorted(found.card.needs),
                    "offers": sorted(getattr(found.card, "offers", ())),
                    "parameters": dict(found.card.parameters),
                    "not_installed": found.card.not_installed(),
                    "supervised": kind == "model" and any(n.startswith("corpus:") for n in found.card.needs),
                    "nested": bool(getattr(found.card, "nested", False)),
                    "caveats": list(getattr(found.card, "caveats", ())),
                    "licence": found.card.licence,
                    "citation": found.card.citation,
                }
                for kind, cards in kinds.items()
                for name, found in sorted(cards.items())  # type: ignore[attr-defined]
            ],
            "broken": [
                {"name": b.name, "distribution": b.distribution, "reason": b.reason} for b in self.broken
            ],
            "clashing": [vars(c) for c in self.clashing],
        }


KINDS = {
    "harness_models": ("model", ModelCard, "models"),
    "harness_tasks": ("task", TaskCard, "tasks"),
    "harness_samplers": ("sampler", SamplerCard, "samplers"),
    "harness_catalogues": ("catalogue", CatalogueCard, "catalogues"),
    "harness_commands": ("command", CommandCard, "commands"),
}


def discover() -> Registry:
    """Load every entry point of the group ``harness`` and collect what its hooks return."""
    registry = Registry()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for entry, distribution in _entry_points():
        # Two packages may call their entry points alike; only names of cards can clash.
        key = f"{distribution.name}:{entry.name}"
        try:
            plugin = entry.load()
            if manager.is_registered(plugin):
                continue  # a second entry point of the same module: its cards are collected already
            manager.register(plugin, name=key)
        except (Exception, SystemExit) as error:
            registry.broken.append(_broken(entry.name, distribution, error))
            continue
        _collect(registry, manager, key, entry.name, distribution)
    return registry


def _entry_points() -> Iterator[tuple[importlib.metadata.EntryPoint, importlib.metadata.Distribution]]:
    """Yield entry points, ours first, then by distribution name: who keeps a clashing name is settled."""
    found = [
        (entry, distribution)
        for distribution in importlib.metadata.distributions()
        for entry in distribution.entry_points
        if entry.group == GROUP
    ]
    seen = set()
    for entry, distribution in sorted(
        found, key=lambda pair: (pair[1].name != HOUSE, pair[1].name, pair[0].name)
    ):
        # An editable install can be listed twice, once for its folder and once for its metadata.
        if (entry.name, entry.value, distribution.name) not in seen:
            seen.add((entry.name, entry.value, distribution.name))
            yield entry, distribution


def _broken(name: str, distribution: importlib.metadata.Distribution, error: BaseException) -> Broken:
    return Broken(
        name=name,
        distribution=f"{distribution.name} {distribution.version}",
        reason=writable(f"{type(error).__name__}: {error}"),
        traceback=writable("".join(traceback.format_exception(error))),
    )


def _collect(
    registry: Registry,
    manager: pluggy.PluginManager,
    key: str,
    plugin: str,
    distribution: importlib.metadata.Distribution,
) -> None:
    """Call this plugin's hooks one by one, so that what fails is known by name."""
    for hook in manager.get_hookcallers(manager.get_plugin(key)) or ():
        for implementation in hook.get_hookimpls():
            if implementation.plugin_name != key:
                continue
            try:
                _take(registry, hook.name, implementation.function, plugin, distribution)
            except (Exception, SystemExit) as error:
                registry.broken.append(_broken(plugin, distribution, error))


def _take(
    registry: Registry,
    hook: str,
    function: Any,
    plugin: str,
    distribution: importlib.metadata.Distribution,
) -> None:
    if hook == "harness_reports":
        registry.reports.append(function)
        return
    if hook not in KINDS:
        raise TypeError(f'"{hook}" is not a hook of the harness; its hooks are {", ".join(sorted(KINDS))}')
    kind, card_type, shelf_name = KINDS[hook]
    shelf = getattr(registry, shelf_name)
    cards = function()
    if not isinstance(cards, list):
        raise TypeError(
            f"{hook}() of {plugin} returned {type(cards).__name__}, not a list of {card_type.__name__}"
        )
    for card in cards:
        _check(card, card_type, hook)
        if card.name in shelf:
            kept = shelf[card.name]
            registry.clashing.append(
                Clashing(
                    kind=kind,
                    name=card.name,
                    distribution=f"{distribution.name} {distribution.version}",
                    kept=kept.origin if isinstance(kept, Found) else HOUSE,
                )
            )
        elif isinstance(card, Card):
            shelf[card.name] = Found(card=card, distribution=distribution.name, version=distribution.version)
        else:
            shelf[card.name] = card


def _check(card: Any, card_type: type[Any], hook: str) -> None:
    if not isinstance(card, card_type):
        raise TypeError(
            f"{hook}() returned a {type(card).__name__} among its cards; each must be a {card_type.__name__}"
        )
    if not isinstance(card.name, str) or not card.name.strip():
        raise TypeError(
            f"{hook}() returned a card with the name {card.name!r}; a name is a text that is not empty"
        )
    if isinstance(card, Card):
        module, _, attribute = str(card.entry).partition(":")
        if not (module and attribute and isinstance(card.version, str)):
            raise TypeError(
                f'the card "{card.name}" has version {card.version!r} and entry {card.entry!r}; '
                'a version is a text and an entry reads "package.module:Class"'
            )
        as_parameters(card.parameters)
        if not isinstance(card.requires, Mapping):
            raise TypeError(
                f'the card "{card.name}" requires {card.requires!r}; a mapping of modules to what to '
                'install is accepted, such as {"scvi": "scvi-tools"}'
            )
        try:
            card.needs_with(card.parameters)
        except KeyError as missing:
            raise TypeError(
                f'a need of the card "{card.name}" is filled in with the parameter {missing}, which it does '
                "not have"
            ) from None
    if isinstance(card, TaskCard) and not card.metrics:
        raise TypeError(f'the task "{card.name}" names no metric; the first one is its primary metric')
    if isinstance(card, TaskCard):
        _check_declarations(card)


def _check_declarations(card: TaskCard) -> None:
    """Refuse declarations that no score could be audited against."""
    names = {metric.name for metric in card.metrics}
    for metric in card.metrics:
        low, high = metric.lower, metric.upper
        ordered = [bound for bound in (low, metric.floor, high) if bound is not None]
        if ordered != sorted(ordered):
            raise TypeError(
                f'the metric "{metric.name}" of "{card.name}" has the range {low} to {high} and the floor '
                f"{metric.floor}; a floor within the range is needed"
            )
        if metric.units not in get_args(Units) or not metric.invariant <= INVARIANCES.keys():
            raise TypeError(
                f'the metric "{metric.name}" of "{card.name}" has units={metric.units!r} and '
                f"invariant={sorted(metric.invariant)}; accepted are {', '.join(get_args(Units))}, and "
                f"{', '.join(INVARIANCES)}"
            )
    for identity in card.identities:
        if unknown := sorted(read_identity(identity.says).names - names):
            raise TypeError(
                f'the identity "{identity.says}" of "{card.name}" names "{unknown[0]}", which is none of its '
                f"metrics: {', '.join(sorted(names))}"
            )
        if identity.baseline not in (None, *card.baselines, *card.oracles):
            raise TypeError(
                f'the identity "{identity.says}" of "{card.name}" is for "{identity.baseline}", which is '
                "none of its baselines and oracles"
            )
