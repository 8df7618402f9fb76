"""Suite x Registry x facts -> Plan: every job that will be run, and a sentence for every one that will not.

Planning reads cards and facts only; it imports no science and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol

from harness import splits
from harness.contracts.cards import Card, ModelCard, TaskCard
from harness.corpus import Facts, Overlap, overlap
from harness.digest import folder_digest
from harness.errors import Misuse, did_you_mean
from harness.records import (
    Baseline,
    Budget,
    Choice,
    Data,
    Draw,
    Embed,
    Fit,
    Job,
    Pruned,
    SplitRecipe,
    Weights,
    as_parameters,
)
from harness.registry import Found, Registry
from harness.suite import Suite, Wish


class Surveyed(Protocol):
    """What planning knows of the data (see :class:`harness.survey.Survey`)."""

    @property
    def corpora(self) -> Mapping[str, Facts]:
        """Facts of each corpus by name."""

    @property
    def datasets(self) -> Mapping[str, Facts]:
        """Facts of each data set by name."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A task on a data set with the split that the facts allow."""

    card: TaskCard
    choice: Choice
    data: Data
    facts: Facts
    split: SplitRecipe


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The expanded grid.

    Attributes
    ----------
    jobs
        In the order in which they are best run: by data set, then by fit.
    pruned
        Combinations that cannot be run, each with its reason.
    """

    suite: Suite
    device: str
    jobs: tuple[Job, ...]
    pruned: tuple[Pruned, ...]
    overlaps: Mapping[str, Overlap] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """Score addresses in job order."""
        return tuple(job.address for job in self.jobs)

    def pruned_everywhere(self, registry: Registry) -> list[dict[str, str]]:
        """Return wanted plugins that no job uses, with the reasons, by name and distribution."""
        lost = []
        for kind, wishes, shelf, used in self._uses(registry):
            for name in dict.fromkeys(wish.name for wish in wishes):
                if name not in used:
                    reasons = dict.fromkeys(p.reason for p in self.pruned if getattr(p, kind) == name)
                    lost.append(
                        {
                            "kind": kind,
                            "name": name,
                            "distribution": shelf[name].origin,
                            "reason": "; ".join(reasons) or "no combination asks for it",
                        }
                    )
        return lost

    def _uses(
        self, registry: Registry
    ) -> Iterator[tuple[str, tuple[Wish, ...], Mapping[str, Any], set[str]]]:
        yield (
            "model",
            self.suite.models,
            registry.models,
            {job.fit.model.name for job in self.jobs if job.fit},
        )
        yield (
            "sampler",
            self.suite.samplers,
            registry.samplers,
            {job.draw.sampler.name for job in self.jobs if job.draw},
        )
        yield "task", self.suite.tasks, registry.tasks, {job.task.name for job in self.jobs}


def make_plan(suite: Suite, registry: Registry, known: Surveyed, device: str = "cpu") -> Plan:
    """Expand a suite into jobs and pruned combinations.

    Parameters
    ----------
    device
        ``"cpu"`` or ``"cuda"``: part of the address of every fit.

    Raises
    ------
    Misuse
        The suite names a plugin that is not installed, or a parameter its card does not have.
    """
    return _Planner(suite, registry, known, device).plan()


class _Planner:
    """One expansion; the pieces that many jobs share are made once, so that their addresses are too."""

    def __init__(self, suite: Suite, registry: Registry, known: Surveyed, device: str) -> None:
        self.suite = suite
        self.known = known
        self.device = device
        trained = [wish for wish in suite.models if not wish.weights]
        self.models = _wanted("model", trained, registry.models)
        self.published = list(_published(suite.models, registry.models))
        self.samplers = [
            (card, choice, wish)
            for wish in suite.samplers
            for card, choice in _wanted("sampler", [wish], registry.samplers)
        ]
        self.tasks = _wanted("task", suite.tasks, registry.tasks)
        self.pruned: list[Pruned] = []
        self.overlaps: dict[str, Overlap] = {}
        training = suite.budget
        self.budget = Budget(
            unit="steps" if training.steps else "epochs", amount=training.steps or training.epochs or 0
        )

    def plan(self) -> Plan:
        asked = list(self._asked())
        fits = [*self._reference_fits(), *self._published_fits(), *self._corpus_fits()]
        jobs = dict.fromkeys(job for question in asked for job in self._jobs(question, fits))
        return Plan(
            suite=self.suite,
            device=self.device,
            jobs=tuple(self._in_order(jobs, fits)),
            pruned=tuple(dict.fromkeys(self.pruned)),
            overlaps=self.overlaps,
        )

    def _in_order(self, jobs: Iterable[Job], fits: Iterable[tuple[ModelCard, Fit, str | None]]) -> list[Job]:
        """Sort by data set, then by fit, so that a worker keeps what it has open."""
        place = {fit.address: number for number, (_, fit, _) in enumerate(fits)}
        datasets = {name: number for number, name in enumerate(self.suite.datasets)}
        return sorted(
            jobs, key=lambda job: (datasets[job.dataset.name], place[job.fit.address] if job.fit else -1)
        )

    def _prune(self, reason: str, **where: Any) -> None:
        empty: dict[str, Any] = dict.fromkeys(("model", "task", "dataset", "sampler", "corpus"))
        self.pruned.append(Pruned(**{**empty, **where}, reason=reason))

    def _asked(self) -> Iterator[Asked]:
        """Pair data sets with the tasks that their facts admit, data set by data set."""
        for name in self.suite.datasets:
            facts = self.known.datasets[name]
            for card, choice in self.tasks:
                where = {"task": choice.name, "dataset": name}
                obstacle = _obstacle(card, choice, facts.offers | self._machine, f"the data set {name}")
                if obstacle:
                    self._prune(obstacle, **where)
                    continue
                kind, options = card.split_with(dict(choice.parameters))
                split = splits.choose(kind, facts.levels, facts.crosstabs, options)
                if isinstance(split, str):
                    self._prune(split, **where)
                    continue
                data = Data(name=name, digest=facts.digest)
                yield Asked(card=card, choice=choice, data=data, facts=facts, split=split)

    def _jobs(self, question: Asked, fits: Iterable[tuple[ModelCard, Fit, str | None]]) -> Iterator[Job]:
        for name in (*question.card.baselines, *question.card.oracles):
            yield self._job(question, Baseline(name=name))
        for card, fit, corpus in fits:
            reason = self._mismatch(question, card, corpus)
            if reason:
                sampler = fit.draw.sampler.name if fit.draw else None
                self._prune(
                    reason,
                    model=card.name,
                    task=question.choice.name,
                    dataset=question.data.name,
                    sampler=sampler,
                    corpus=corpus,
                )
                continue
            if question.card.asks_model:
                yield self._job(question, fit)
            else:
                yield self._job(question, Embed(fit=fit, dataset=question.data))

    def _job(self, question: Asked, subject: Embed | Fit | Baseline) -> Job:
        return Job(subject=subject, dataset=question.data, task=question.choice, split=question.split)

    def _mismatch(self, question: Asked, card: ModelCard, corpus: str | None) -> str | None:
        """Return why this task cannot be asked of this model on this data set, if so."""
        unoffered = question.card.wants - card.offers
        if unoffered:
            offered = _list(card.offers)
            return (
                f"{question.choice.name} wants {_list(unoffered)} of a model and {card.name} offers {offered}"
            )
        if corpus is None:
            return None
        shared = self._overlap(question.data.name, corpus)
        if shared.share_of_dataset < question.facts.min_overlap:
            return (
                f"a model pretrained on {corpus} knows {shared.share_of_dataset:.0%} of the genes of "
                f"{question.data.name}, and at least {question.facts.min_overlap:.0%} are needed"
            )
        return None

    def _overlap(self, dataset: str, corpus: str) -> Overlap:
        key = f"{dataset}|{corpus}"
        if key not in self.overlaps:
            self.overlaps[key] = overlap(self.known.datasets[dataset], self.known.corpora[corpus])
        return self.overlaps[key]

    def _reference_fits(self) -> Iterator[tuple[ModelCard, Fit, None]]:
        for card, choice in self.models:
            if card.pretrains:
                continue
            place = "a reference model gets counts alone and"
            obstacle = _obstacle(card, choice, self._machine | {"counts"}, place)
            if obstacle:
                self._prune(obstacle, model=card.name)
                continue
            for seed in self._seeds(card):
                yield card, self._fit(choice, None, None, seed), None

    def _published_fits(self) -> Iterator[tuple[ModelCard, Fit, None]]:
        """Yield models with published weights: they know no corpus of ours, and training has no seed."""
        for card, choice, weights in self.published:
            known = {need for need in card.needs if need.startswith("corpus:")}  # whoever trained it had that
            if obstacle := _obstacle(card, choice, self._machine | {"counts", *known}, "a folder of weights"):
                self._prune(obstacle, model=card.name)
                continue
            yield card, self._fit(choice, None, None, 0, weights), None

    def _corpus_fits(self) -> Iterator[tuple[ModelCard, Fit, str]]:
        """Yield untrained controls and trained models, corpus by corpus."""
        draws = {name: list(self._draws(name)) for name in self.suite.all_corpora}
        for card, choice in self.models:
            if not card.pretrains:
                continue
            for corpus in self.suite.all_corpora:
                facts = self.known.corpora[corpus]
                obstacle = _obstacle(card, choice, facts.offers | self._machine, f"the corpus {corpus}")
                if obstacle:
                    self._prune(obstacle, model=card.name, corpus=corpus)
                    continue
                for seed in self._seeds(card):
                    yield card, self._fit(choice, None, facts.gene_digest, seed), corpus
                for draw in draws[corpus]:
                    yield card, self._fit(choice, draw, facts.gene_digest, draw.seed), corpus

    def _seeds(self, card: ModelCard) -> tuple[int, ...]:
        """Return the seeds worth running: one where the seed changes nothing."""
        return (0,) if card.deterministic else self.suite.seeds

    def _fit(
        self, model: Choice, draw: Draw | None, genes: str | None, seed: int, weights: Weights | None = None
    ) -> Fit:
        return Fit(
            model=model,
            draw=draw,
            budget=self.budget if draw else None,
            genes=genes,
            seed=seed,
            precision=self.suite.precision,
            device=self.device,
            weights=weights,
        )

    def _draws(self, corpus: str) -> Iterator[Draw]:
        facts = self.known.corpora[corpus]
        excluded = excluded_marks(facts, self.known)
        available = available_cells(facts, self.known)
        for card, choice, wish in self.samplers:
            if corpus not in (wish.corpora or self.suite.corpora):
                continue
            asked = wish.sizes or self.suite.sizes
            sizes = dict.fromkeys(available if size == "all" else size for size in asked)
            obstacle = _obstacle(card, choice, facts.offers | self._machine, f"the corpus {corpus}")
            if obstacle:
                self._prune(obstacle, sampler=card.name, corpus=corpus)
                continue
            for size in sizes:
                if size > available:
                    self._prune(
                        f"the corpus {corpus} has {available:,} cells to draw from, fewer than {size:,}",
                        sampler=card.name,
                        corpus=corpus,
                        size=size,
                    )
                    continue
                for seed in self.suite.seeds:
                    yield Draw(
                        corpus=Data(name=corpus, digest=facts.digest),
                        excluded=excluded,
                        sampler=choice,
                        size=size,
                        seed=seed,
                    )

    @cached_property
    def _machine(self) -> frozenset[str]:
        return frozenset({"gpu"}) if self.device == "cuda" else frozenset()


def excluded_marks(corpus: Facts, known: Surveyed) -> tuple[str, ...]:
    """Return the marks of corpus cells that belong to a data set of the suite: no fit sees them."""
    names = {mark for facts in known.datasets.values() for mark in facts.marked_as}
    return tuple(sorted(names & set(corpus.marked)))


def available_cells(corpus: Facts, known: Surveyed) -> int:
    """Return how many cells of a corpus a fit may see."""
    return corpus.n_cells - sum(corpus.marked[mark] for mark in excluded_marks(corpus, known))


def _wanted(kind: str, wishes: Iterable[Wish], shelf: Mapping[str, Found[Any]]) -> list[tuple[Any, Choice]]:
    """Return card and choice of every wish, all parameters spelled out."""
    wanted = []
    for wish in wishes:
        if wish.name not in shelf:
            raise Misuse(f'the {kind} "{wish.name}" is not installed.' + did_you_mean(wish.name, list(shelf)))
        card: Card = shelf[wish.name].card
        unknown = set(wish.parameters) - set(card.parameters)
        if unknown:
            name = sorted(unknown)[0]
            raise Misuse(
                f'the {kind} "{wish.name}" has no parameter "{name}".'
                + did_you_mean(name, list(card.parameters))
            )
        _refuse_values(kind, wish, card)
        choice = Choice(
            name=card.name,
            version=card.version,
            parameters=as_parameters({**card.parameters, **wish.parameters}),
            defaults=as_parameters(card.parameters),
            called=wish.called,
        )
        wanted.append((card, choice))
    return wanted


def _refuse_values(kind: str, wish: Wish, card: Card) -> None:
    """Refuse a value that the card does not list, where it lists some."""
    for name, value in wish.parameters.items():
        known = card.choices.get(name)
        if known is not None and value not in known:
            raise Misuse(
                f'the {kind} "{wish.name}" takes no "{value}" as its parameter "{name}"; it takes '
                + ", ".join(f'"{each}"' for each in known)
                + did_you_mean(str(value), [str(each) for each in known])
            )


def _published(
    wishes: Iterable[Wish], shelf: Mapping[str, Found[ModelCard]]
) -> Iterator[tuple[ModelCard, Choice, Weights]]:
    """Yield card, choice and weights of every model that a suite wants with published weights."""
    for wish in wishes:
        if wish.weights is None:
            continue
        [(card, choice)] = _wanted("model", [wish], shelf)
        if not card.published:
            takers = sorted(name for name, found in shelf.items() if found.card.published)
            raise Misuse(
                f'the model "{wish.name}" takes over no published weights, and the suite gives it '
                f'"{wish.weights}". Models that do: {", ".join(takers) or "none of those installed"}.'
            )
        folder = wish.weights
        if not folder.is_dir() or not any(folder.iterdir()):
            raise Misuse(
                f'the weights of the model "{wish.name}" are asked for from "{folder}", which is not a '
                "folder with files in it; a path in a suite is relative to the suite's file"
            )
        yield card, choice, Weights(name=folder.name, digest=folder_digest(folder), folder=folder)


def _obstacle(card: Card, choice: Choice, offers: frozenset[str], place: str) -> str | None:
    """Return why a plugin cannot be used in a place that offers these facts, if so."""
    if absent := card.not_installed():
        return absent
    missing = card.needs_with(dict(choice.parameters)) - offers
    if "gpu" in missing:
        return f"{card.name} needs a CUDA device and this run has none"
    return f"{place} lacks {_list(missing)}, which {card.name} needs" if missing else None


def _list(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in sorted(words)) or "nothing"


def describe(plan: Plan, registry: Registry, known: Surveyed) -> dict[str, Any]:
    """Return what was asked as plain data: what a report gets, and what ``harness plan --json`` prints."""
    plugins = registry.describe()
    return {
        "suite": plan.suite.model_dump(mode="json"),
        "jobs": [job.describe() for job in plan.jobs],
        "pruned": [asdict(pruned) for pruned in plan.pruned],
        "plugins": {**plugins, "pruned_everywhere": plan.pruned_everywhere(registry)},
        "data": [
            *(_describe_data(facts, known) for facts in known.corpora.values()),
            *(_describe_data(facts, known) for facts in known.datasets.values()),
        ],
        "overlap": {pair: asdict(shared) for pair, shared in plan.overlaps.items()},
    }


def _describe_data(facts: Facts, known: Surveyed) -> dict[str, Any]:
    return {
        "name": facts.name,
        "kind": facts.kind,
        "digest": facts.digest,
        "n_cells": facts.n_cells,
        "n_available": available_cells(facts, known),
        "n_genes": len(facts.symbols),
        "notes": [*facts.warnings, *_leakage_notes(facts, known)],
    }


def _leakage_notes(facts: Facts, known: Surveyed) -> list[str]:
    """Say which overlap between pretraining and evaluation is removed, and which remains or is unknown."""
    if facts.kind != "corpus" or facts.species == "simulated":
        return []
    notes = [f"related to {name}: {how}" for name, how in facts.related.items() if name in known.datasets]
    if not facts.marked:
        return [*notes, "marks no cells of data sets, so an overlap with them cannot be removed"]
    for name, dataset in known.datasets.items():
        cells = sum(facts.marked.get(mark, 0) for mark in dataset.marked_as)
        if cells:
            notes.append(f"{cells:,} cells of {name} are left out of every fit")
    return notes
