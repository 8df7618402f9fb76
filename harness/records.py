"""The frozen words of the harness: what is asked (Job), what came of it (Outcome), what is kept (Record).

A job is four addresses, each a digest of what its result may depend on and of nothing else::

    sample <- corpus, excluded cells, sampler, size, seed
    fit    <- sample, model, budget, seed, precision, device kind
    embed  <- fit, data set, gene-alignment version
    score  <- embed (or fit, or baseline), data set, task, split recipe
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness.digest import address, canonical
from harness.errors import Misuse

Parameters = tuple[tuple[str, Any], ...]
Purpose = Literal["sampler", "model", "validation", "split", "metric"]
Status = Literal["ok", "failed", "not-applicable", "missing"]
"""``missing`` is what a planned job without a record is called on a board; it is never stored."""
FailureClass = Literal["oom", "timeout", "contract", "nan", "crash", "environment"]
Arm = Literal["trained", "untrained", "pretrained", "reference", "baseline"]

ALIGNMENT_VERSION = 1
"""Raised when the mapping of a data set's genes to a model's genes changes."""


SAMPLING_VERSION = 2
"""Raised when the principal components that samplers get change, or what is written with a sample."""


def as_parameters(mapping: Mapping[str, Any]) -> Parameters:
    """Return a mapping as sorted pairs, lists as tuples, so that it can be hashed and compared.

    Raises
    ------
    Misuse
        A value is neither a plain one nor a list of plain ones.
    """
    return tuple(sorted((str(name), _frozen(str(name), value)) for name, value in mapping.items()))


def _frozen(name: str, value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    for one in values:
        if not isinstance(one, str | int | float | bool | None):
            raise Misuse(
                f'the parameter "{name}" is {value!r}; accepted are a number, a text, true, false, nothing, '
                "and a list of these"
            )
    return tuple(values) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A plugin with its version and one set of parameters, all of them spelled out.

    ``defaults`` are the card's, ``called`` is what a suite calls it; they are no part of the identity and
    only keep the label short.
    """

    name: str
    version: str
    parameters: Parameters = ()
    defaults: Parameters = field(default=(), compare=False, repr=False)
    called: str = field(default="", compare=False, repr=False)

    @property
    def label(self) -> str:
        """The name people read: ``pca``, or ``pca(n_components=20)`` where that is not the default."""
        if self.called:
            return self.called
        inside = ", ".join(
            f"{name}={value}" for name, value in self.parameters if (name, value) not in self.defaults
        )
        return f"{self.name}({inside})" if inside else self.name

    def identity(self) -> dict[str, Any]:
        """Return what an address depends on."""
        return {"name": self.name, "version": self.version, "parameters": self.parameters}

    def describe(self) -> dict[str, Any]:
        """Return the choice as plain data, with its label."""
        return {**self.identity(), "label": self.label}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a model may train: the same number of optimiser steps, or of passes, at every size."""

    unit: Literal["steps", "epochs"]
    amount: int

    @property
    def label(self) -> str:
        """The name people read: ``300 steps``."""
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class History:
    """What a fit consisted of.

    Attributes
    ----------
    steps, epochs, cells_seen
        Optimiser steps, passes over the sample (a fraction too), cells in all batches together.
    best_step
        The step whose weights were kept: the last one where there are no validation cells.
    train_loss, validation_loss
        One value per look: the mean since the last one, and that of the validation cells, if any.
    batch_parts
        In how many parts each batch was taken at the end, where the device's memory did not suffice for all.
    resumed_at
        Steps that were taken over from an attempt that was killed.
    """

    steps: int
    epochs: float
    cells_seen: int
    best_step: int
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    batch_parts: int = 1
    resumed_at: int = 0


@dataclass(frozen=True, kw_only=True)
class Data:
    """A corpus or a data set as an address sees it: only the digest counts, the name is for people."""

    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A folder of published weights: an address sees its content, and no path leaves this machine."""

    name: str
    digest: str
    folder: Path = field(compare=False, repr=False)

    def describe(self) -> dict[str, str]:
        """Return name and digest."""
        return {"name": self.name, "digest": self.digest}


@dataclass(frozen=True, kw_only=True)
class SplitRecipe:
    """How a task's cells are divided: enough to draw the same split again from the same data set."""

    kind: str
    version: str
    parameters: Parameters = ()
    seed: int = 0

    @property
    def label(self) -> str:
        """The name people read: ``grouped(folds=5, role=donor)``."""
        return Choice(name=self.kind, version=self.version, parameters=self.parameters).label


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Stage 1: the sample that a sampler draws from a corpus."""

    corpus: Data
    excluded: tuple[str, ...] = ()
    sampler: Choice
    size: int
    seed: int

    @cached_property
    def address(self) -> str:
        """Digest of everything the drawn indices may depend on."""
        return address(
            "sample",
            corpus=self.corpus.digest,
            excluded=sorted(self.excluded),
            sampler=self.sampler.identity(),
            version=SAMPLING_VERSION,
            size=self.size,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Stage 2: a model on a sample.

    Without a draw it is the untrained control (initialised on ``genes``, the digest of a corpus's gene
    list, never fitted), a model with published weights, or a reference model, which works on each data set's
    own genes.
    """

    model: Choice
    draw: Draw | None
    budget: Budget | None
    genes: str | None
    seed: int
    precision: str
    device: str
    weights: Weights | None = None

    @property
    def arm(self) -> Arm:
        """Which of the four kinds of fit this is."""
        if self.draw is not None:
            return "trained"
        if self.weights is not None:
            return "pretrained"
        return "reference" if self.genes is None else "untrained"

    @cached_property
    def address(self) -> str:
        """Digest of everything the fitted model may depend on."""
        return address(
            "fit",
            **({"weights": self.weights.digest} if self.weights else {}),
            sample=self.draw.address if self.draw else None,
            genes=self.genes,
            model=self.model.identity(),
            budget=asdict(self.budget) if self.budget else None,
            seed=self.seed,
            precision=self.precision,
            device=self.device,
        )


@dataclass(frozen=True, kw_only=True)
class Embed:
    """Stage 3: the data set's cells seen by a fitted model."""

    fit: Fit
    dataset: Data

    @cached_property
    def address(self) -> str:
        """Digest of everything the embedding may depend on (precision and device stand in the fit)."""
        return address(
            "embed", fit=self.fit.address, dataset=self.dataset.digest, alignment=ALIGNMENT_VERSION
        )


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A task's own trivial answer, scored like a model."""

    name: str

    @cached_property
    def address(self) -> str:
        """Digest of the name; the task's version stands in the score."""
        return address("baseline", name=self.name)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One cell of the grid: a task asked of one subject on one data set and split."""

    subject: Embed | Fit | Baseline
    dataset: Data
    task: Choice
    split: SplitRecipe

    @cached_property
    def address(self) -> str:
        """Digest of everything the score may depend on."""
        return address(
            "score",
            subject=self.subject.address,
            dataset=self.dataset.digest,
            task=self.task.identity(),
            split=asdict(self.split),
        )

    @property
    def fit(self) -> Fit | None:
        """The fit behind the subject; None for a baseline."""
        if isinstance(self.subject, Embed):
            return self.subject.fit
        return self.subject if isinstance(self.subject, Fit) else None

    @property
    def draw(self) -> Draw | None:
        """The sample behind the fit; None unless the model was trained."""
        return self.fit.draw if self.fit else None

    @property
    def arm(self) -> Arm:
        """Which kind of subject is scored."""
        return self.fit.arm if self.fit else "baseline"

    @property
    def label(self) -> str:
        """One line for people: who, trained on what, asked what."""
        if isinstance(self.subject, Baseline):
            who = f"baseline {self.subject.name}"
        else:
            fit = self.fit
            assert fit is not None
            who = fit.model.label
            if fit.draw:
                who += f" on {fit.draw.size:,} {fit.draw.sampler.label} cells of {fit.draw.corpus.name}"
            elif fit.arm == "untrained":
                who += " untrained"
            elif fit.weights:
                who += f" with the weights {fit.weights.name}"
            who += f", seed {fit.seed}"
        return f"{who}: {self.task.label} on {self.dataset.name}"

    def describe(self) -> dict[str, Any]:
        """Return the job as plain data, with all its addresses: what the ledger and the board keep."""
        fit, draw = self.fit, self.draw
        return {
            "arm": self.arm,
            "baseline": self.subject.name if isinstance(self.subject, Baseline) else None,
            "model": fit.model.describe() if fit else None,
            "budget": asdict(fit.budget) if fit and fit.budget else None,
            "precision": fit.precision if fit else None,
            "device": fit.device if fit else None,
            "genes": fit.genes if fit else None,
            "weights": fit.weights.describe() if fit and fit.weights else None,
            "corpus": asdict(draw.corpus) if draw else None,
            "excluded": list(draw.excluded) if draw else [],
            "sampler": draw.sampler.describe() if draw else None,
            "size": draw.size if draw else (0 if self.arm == "untrained" else None),
            "seed": fit.seed if fit else None,
            "task": self.task.describe(),
            "dataset": asdict(self.dataset),
            "split": asdict(self.split),
            "addresses": {
                "sample": draw.address if draw else None,
                "fit": fit.address if fit else None,
                "embed": self.subject.address if isinstance(self.subject, Embed) else None,
                "score": self.address,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """A combination that will not be run, and the sentence that says why."""

    model: str | None
    task: str | None
    dataset: str | None
    sampler: str | None
    corpus: str | None
    size: int | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a job has no score: the class, a sentence, and where it happened."""

    kind: FailureClass
    reason: str
    stage: str
    stage_address: str
    traceback: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one job.

    ``metrics`` holds only finite numbers; a metric that is not defined for this subject stands in
    ``undefined`` with its reason. ``costs`` maps every finished stage behind the job to what it took when it
    was computed, perhaps for another job: seconds and peak memory.
    """

    status: Status
    metrics: Mapping[str, float] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    reason: str | None = None
    split_digest: str | None = None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the ledger: a job, its outcome, and what it was computed with.

    ``metrics`` says how to read each number: direction, bounds, tolerance, which one is primary.
    ``plugins`` names the distribution of every guest involved; ``environment`` holds library versions and
    the device's name, recorded but never hashed.
    """

    job: Mapping[str, Any]
    outcome: Outcome
    task: Mapping[str, Any]
    plugins: Mapping[str, str]
    environment: Mapping[str, str]
    trial: bool = False
    finished: str = ""

    @property
    def address(self) -> str:
        """The score address of the job."""
        return str(self.job["addresses"]["score"])

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """Read a record back from :meth:`to_json`."""
        outcome = dict(data["outcome"])
        failure = outcome.pop("failure")
        return cls(
            **{
                **data,
                "outcome": Outcome(**outcome, failure=Failure(**failure) if failure else None),
            }
        )


def seed_for(job: Job, purpose: Purpose) -> int:
    """Return the seed (32 bits) of one purpose of a job: the only place seeds come from.

    It hashes the purpose and only what that result may depend on. A sampler's seed does not know the size,
    so that nested prefixes stay nested; the split's and the metric's do not know the model, the sampler,
    the size or the seed, so that all models meet the same split.
    """
    if purpose in ("split", "metric"):
        content: dict[str, Any] = {
            "dataset": job.dataset.digest,
            "task": job.task.name,
            "split": asdict(job.split),
        }
    elif purpose == "sampler":
        if job.draw is None:
            raise ValueError(f"{job.label} has no sample, so its sampler has no seed")
        sampler = job.draw.sampler
        content = {
            "corpus": job.draw.corpus.digest,
            "sampler": [sampler.name, sampler.parameters],
            "seed": job.draw.seed,
        }
    else:
        if job.fit is None:
            raise ValueError(f"{job.label} has no model, so its model has no seed")
        content = {"model": [job.fit.model.name, job.fit.model.parameters], "seed": job.fit.seed}
    text = canonical(["seed", purpose, content])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
