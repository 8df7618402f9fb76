"""One job: sample -> fit -> embed -> score. The only file that calls guests, and it trusts none of them.

Each stage is looked up by its address, computed where it is not finished, and written when it is. A guest
sees read-only batches, no label it did not declare, and no path of the evaluation data; what it returns is
checked before it is kept.
"""

from __future__ import annotations

import importlib
import json
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from harness import splits
from harness.audit import audit
from harness.contracts.cards import Card, ModelCard, SamplerCard, TaskCard
from harness.contracts.cells import Cells, View
from harness.contracts.guards import (
    check_embedding,
    check_history,
    check_rows,
    check_scores,
    refuse_contradictions,
)
from harness.contracts.model import Model
from harness.contracts.run import PlainRun
from harness.contracts.task import Scores, Split
from harness.corpus import Overlap, aligned, open_spool, spool
from harness.digest import address
from harness.doors import Doors
from harness.environment import process_name
from harness.errors import ContractBroken, Damaged, NotApplicable, NotFinite, writable
from harness.records import (
    SAMPLING_VERSION,
    Baseline,
    Budget,
    Draw,
    Embed,
    Failure,
    FailureClass,
    Fit,
    Job,
    Outcome,
    Purpose,
    Weights,
    seed_for,
)
from harness.store import Store, Units, write_units
from harness.survey import Located

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WAITING = "waiting"
"""What a job reports while another one computes a stage that it needs."""

Report = Callable[[str, str, int, int, str], None]
Costs = dict[str, float]
"""What a stage took: seconds, and peak memory in MB."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job with everything a worker needs to run it."""

    job: Job
    task: TaskCard
    model: ModelCard | None
    sampler: SamplerCard | None
    corpus: Located | None
    dataset: Located
    origin: str = ""
    """The distribution of the task."""

    @property
    def stages(self) -> tuple[tuple[str, str], ...]:
        """Name and address of every stage, in order."""
        addresses = self.job.describe()["addresses"]
        return tuple((stage, found) for stage, found in addresses.items() if found)

    @property
    def guests(self) -> tuple[str, ...]:
        """The classes of guests whose code this order runs."""
        return tuple(card.entry for card in (self.task, self.model, self.sampler) if card)


def load_class(card: Card) -> Any:
    """Import the class that a card names."""
    module, _, name = card.entry.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError as error:
        raise ContractBroken(
            f'the card "{card.name}" names the entry "{card.entry}", and "{module}" has no "{name}"'
        ) from error


def _no_report(stage: str, stage_address: str, done: int, total: int, note: str) -> None:
    """Report progress to nobody."""


class Bench:
    """Where one worker runs its jobs; it keeps the last data set and the last embedding open.

    Parameters
    ----------
    store
        Where finished stages are and go.
    threads
        CPU threads that a job may use.
    report
        Called with stage, address, done, total and a note.
    """

    def __init__(self, store: Store, threads: int = 1, report: Report = _no_report) -> None:
        self.store = store
        self.threads = threads
        self.report = report
        self.stage = ("", "")
        self.damages: list[str] = []
        self.counts = lru_cache(maxsize=2)(self._counts)
        self.labels = lru_cache(maxsize=2)(self._labels)
        self.corpus = lru_cache(maxsize=1)(self._corpus)

    def run(self, order: Order) -> Outcome:
        """Run one job; whatever a guest raises becomes a failed outcome."""
        outcome = self._run(order)
        if not self.damages:
            return outcome
        noticed, self.damages = self.damages, []
        return replace(outcome, notes={**outcome.notes, "recomputed": noticed})

    def enter(self, stage: str, stage_address: str) -> None:
        """Say what is computed from now on, on account of the running job."""
        self.stage = (stage, stage_address)
        self.report(stage, stage_address, 0, 0, "")

    def _run(self, order: Order) -> Outcome:
        work = _Work(self, order)
        self.enter("score", order.job.address)
        try:
            return work.score()
        except NotApplicable as reason:
            return Outcome(status="not-applicable", reason=writable(str(reason)), costs=work.costs())
        except BaseException as error:  # a guest may raise anything; workers get no interrupts of their own
            failure = Failure(
                kind=failure_class(error),
                reason=writable(f"{type(error).__name__}: {error}"),
                stage=self.stage[0],
                stage_address=self.stage[1],
                traceback=writable("".join(traceback.format_exception(error))),
            )
            return Outcome(status="failed", failure=failure, costs=work.costs())

    def _counts(self, dataset: Located, digest: str) -> Cells:
        """Open a data set's counts alone: a copy without labels, apart from the original file."""
        blob = self.keep(
            "counts",
            address("counts", dataset=digest),
            lambda folder: spool(dataset.open(), folder),
        )
        return open_spool(blob)

    def _labels(self, dataset: Located) -> Mapping[str, NDArray[np.object_]]:
        columns: Mapping[str, NDArray[np.object_]] = dataset.open(with_labels=True).columns
        return columns

    def _corpus(self, corpus: Located) -> Any:
        return corpus.open(with_labels=True)

    def keep(self, stage: str, stage_address: str, make: Callable[[Path], None]) -> Path:
        """Return the folder of a finished stage, computing it where it is absent or damaged."""
        blobs = self.store.blobs
        with blobs.claim(stage, stage_address, lambda: self.report(WAITING, stage_address, 0, 0, "")):
            self.report(*self.stage, 0, 0, "")
            if (found := self.look_up(stage, stage_address)) is not None:
                return found
            with blobs.write(stage, stage_address) as folder:
                make(folder)
        return blobs.read(stage, stage_address)

    def look_up(self, stage: str, stage_address: str) -> Path | None:
        """Return the folder of a finished stage; a damaged one is named, removed and counts as unfinished."""
        blobs = self.store.blobs
        if not blobs.has(stage, stage_address):
            return None
        try:
            return blobs.read(stage, stage_address)
        except Damaged as damage:
            self.damages.append(str(damage))
            blobs.discard(stage, stage_address)
            return None


class _Work:
    """The four stages of one job."""

    def __init__(self, bench: Bench, order: Order) -> None:
        self.bench = bench
        self.order = order
        self.job = order.job

    def costs(self) -> dict[str, dict[str, float]]:
        """Return what each finished stage took when it was computed, be it in this run or in another one."""
        found = {}
        for stage, stage_address in self.order.stages:
            file = self.bench.store.blobs.path(stage, stage_address) / "costs.json"
            with suppress(OSError, ValueError):
                found[stage] = json.loads(file.read_bytes())
        return found

    # -- the stages ------------------------------------------------------------------------------------

    def score(self) -> Outcome:
        """Return the job's outcome, its scores computed or looked up."""
        folder = self._keep("score", self.job.address, self._make_score, before=self._before_score)
        found = json.loads((folder / "scores.json").read_bytes())
        self._audit(found)
        return Outcome(status="ok", **found, costs=self.costs())

    def _audit(self, found: Mapping[str, Any]) -> None:
        """Refuse scores, kept before the card said otherwise, that contradict it now."""
        card = self.order.task
        wrong = audit(
            found["metrics"], card.declared(), undefined=found["undefined"], baseline=self._baseline
        )
        refuse_contradictions(wrong, f"what is stored of the task {card.name} of {self.order.origin}")

    @property
    def _baseline(self) -> str | None:
        subject = self.job.subject
        return subject.name if isinstance(subject, Baseline) else None

    def _before_score(self) -> None:
        if isinstance(self.job.subject, Embed):
            self._embed(self.job.subject)
        elif isinstance(self.job.subject, Fit):
            self._fit(self.job.subject)

    def _make_score(self, folder: Path) -> None:
        dataset = self._dataset()
        columns = self.bench.labels(self.order.dataset)
        split = splits.draw(self.job.split, columns, dataset.n_cells, seed_for(self.job, "split"))
        cells = View(behind=dataset, columns=columns)
        notes: dict[str, Any] = dict(split.notes)
        task = load_class(self.order.task)(**dict(self.job.task.parameters))
        with self._run("metric") as run:
            if isinstance(self.job.subject, Baseline):
                scores = task.baseline(self.job.subject.name, cells, split, run)
            elif isinstance(self.job.subject, Embed):
                embedding, meta = self._read_embedding(self.job.subject)
                notes |= meta
                scores = task.evaluate(embedding, cells, split, run)
            else:
                notes |= self._history(self.job.subject)
                scores = task.evaluate(self._doors(self.job.subject, dataset), cells, split, run)
        check_scores(scores, self.order.task, self.order.origin, self._baseline)
        write_scores(folder, scores, split, notes)

    def _history(self, fit: Fit) -> dict[str, Any]:
        """Return what the training consisted of, and how diverse its sample was, where there was any."""
        if not fit.draw:
            return {}
        folder = self.bench.store.blobs.read("fit", fit.address)
        found: dict[str, Any] = json.loads((folder / "history.json").read_bytes())
        return found

    def _embed(self, embed: Embed) -> None:
        self._keep(
            "embed",
            embed.address,
            lambda folder: self._make_embedding(embed, folder),
            before=lambda: self._fit(embed.fit),
        )

    def _make_embedding(self, embed: Embed, folder: Path) -> Costs:
        import numpy as np

        model = self._model(embed.fit, self._dataset().genes)
        counts = self._on_genes_of(model, embed.fit)
        with self._run("model") as run:
            cells = View(behind=counts, columns={})
            with _timed("embedding_seconds") as costs:
                embedding = check_embedding(model.embed(cells, run), cells.n_cells, self.job.label)
        np.save(folder / "embedding.npy", embedding)
        measured = float(np.mean(counts.measured))
        # Copied, so that scores need nothing but the embedding.
        notes = {"model_genes_measured": round(measured, 4), **self._history(embed.fit)}
        (folder / "notes.json").write_text(json.dumps(notes))
        return costs

    def _on_genes_of(self, model: Model, fit: Fit) -> Cells:
        """Return the data set's counts on the genes of a model; a reference model knows all of them."""
        counts = self._dataset()
        if fit.arm == "reference":
            return counts
        found = aligned(counts, model.genes, self._genes(fit)["ensembl"])
        if fit.weights:
            self._refuse_strangers(found.shared, fit.weights)
        return found

    def _doors(self, fit: Fit, dataset: Cells) -> Doors:
        """Return a fitted model as a task may ask it."""
        card = self.order.model
        assert card is not None

        @contextmanager
        def circumstances(budget: Budget | None, held: Cells | None) -> Iterator[PlainRun]:
            with self._run("model") as run:
                yield replace(run, budget=budget, validation=held)

        model = self._model(fit, dataset.genes)
        return Doors(
            name=self.job.label,
            model=model,
            load=lambda: self._model(fit, dataset.genes),
            cells=View(behind=self._on_genes_of(model, fit), columns={}),
            run=circumstances,
            held_out=lambda n: _validation(n, card.validation, seed_for(self.job, "validation")),
        )

    def _refuse_strangers(self, shared: Overlap, weights: Weights) -> None:
        """Say where published weights, whose genes no plan knows, know too few genes of a data set."""
        entry, share = self.order.dataset.entry, shared.share_of_dataset
        if share < entry.min_overlap:
            raise NotApplicable(
                f"the weights {weights.name} know {share:.0%} of the genes of {entry.name}, and at least "
                f"{entry.min_overlap:.0%} are needed"
            )

    def _read_embedding(self, embed: Embed) -> tuple[NDArray[np.float32], dict[str, Any]]:
        import numpy as np

        folder = self.bench.store.blobs.read("embed", embed.address)
        embedding = np.load(folder / "embedding.npy", allow_pickle=False)
        embedding.setflags(write=False)
        return embedding, json.loads((folder / "notes.json").read_bytes())

    def _fit(self, fit: Fit) -> None:
        if fit.arm == "reference":
            return
        self._keep(
            "fit",
            fit.address,
            lambda folder: self._make_fit(fit, folder),
            before=lambda: self._sample(fit.draw),
        )

    def _make_fit(self, fit: Fit, folder: Path) -> Costs:
        model = self._new_model()
        costs: Costs = {}
        if fit.weights:
            genes = self._take_over(model, fit, fit.weights.folder)
        else:
            genes = self._initialise(model, fit)
        if fit.draw:
            training, costs = self._train(model, fit, fit.draw)
            sample = self.bench.store.blobs.read("sample", fit.draw.address) / "diversity.json"
            history = {"training": training, "sample": json.loads(sample.read_bytes())}
            (folder / "history.json").write_text(json.dumps(history))
        (folder / "model").mkdir()
        model.save(folder / "model")
        (folder / "genes.json").write_text(json.dumps(genes))
        return costs

    def _initialise(self, model: Model, fit: Fit) -> dict[str, Any]:
        """Give the model random weights; return the corpus's genes, which it now knows."""
        corpus = self._corpus()
        with self._run("model", fit) as run:
            model.initialise(tuple(corpus.symbols), run)
        return {"symbols": list(corpus.symbols), "ensembl": list(corpus.ensembl) if corpus.ensembl else None}

    def _take_over(self, model: Model, fit: Fit, folder: Path) -> dict[str, Any]:
        """Give the model its published weights; return the genes that they are for."""
        try:
            with self._run("model", fit) as run:
                model.load_published(folder, run)
        except Exception as error:  # what it says goes on the board, and paths of this machine do not
            said = str(error).replace(str(folder), folder.name)
            raise ValueError(f"the weights {folder.name} were not taken over: {said}") from error
        genes = [str(gene) for gene in model.genes]
        if not genes:
            raise ContractBroken(f"{fit.model.name} took over published weights and names no genes")
        return {"symbols": genes, "ensembl": genes}

    def _train(self, model: Model, fit: Fit, draw: Draw) -> tuple[dict[str, Any], Costs]:
        """Give the model its sample: a copy on disk of these cells, with the columns its card declares.

        Returns what the training consisted of, as far as the model says it, and how long it took.
        """
        import numpy as np

        card = self.order.model
        assert card is not None
        rows = np.load(self.bench.store.blobs.read("sample", draw.address) / "rows.npy", allow_pickle=False)
        corpus = self._corpus()
        seen = card.sees(dict(fit.model.parameters))
        columns = {role: corpus.columns[role][rows] for role in sorted(seen)}
        with self._run("model", fit) as run:
            place = run.scratch / "sample"
            spool(View(behind=corpus, columns={}, chosen=rows), place)
            cells = open_spool(place)
            train, held = _validation(len(rows), card.validation, seed_for(self.job, "validation"))
            views = [
                View(behind=cells, columns={r: c[part] for r, c in columns.items()}, chosen=part)
                for part in (train, held)
            ]
            held_out = views[1] if len(held) else None
            with _timed("training_seconds") as costs, self._checkpoints(fit) as checkpoints:
                history = model.fit(views[0], replace(run, validation=held_out, checkpoints=checkpoints))
            return check_history(history, card.name), costs

    @contextmanager
    def _checkpoints(self, fit: Fit) -> Iterator[Path]:
        """Give a folder that only a kill leaves behind, for the next attempt at this fit."""
        folder = self.bench.store.unfinished / fit.address
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sample(self, draw: Draw | None) -> None:
        if draw:
            self._keep("sample", draw.address, lambda folder: self._make_sample(draw, folder))

    def _make_sample(self, draw: Draw, folder: Path) -> None:
        import numpy as np

        from harness.measures import diversity

        card = self.order.sampler
        assert card is not None
        corpus = self._corpus()
        allowed = _allowed(corpus, draw)
        seen = card.sees(dict(draw.sampler.parameters))
        components = self._components(draw, allowed)
        view = View(
            behind=corpus,
            columns={role: corpus.columns[role][allowed] for role in sorted(seen - {"components"})},
            chosen=allowed,
            components=components if "components" in seen else None,
        )
        sampler = load_class(card)(**dict(draw.sampler.parameters))
        with self._run("sampler") as run:
            drawn = check_rows(sampler.draw(view, draw.size, run), draw.size, len(allowed), card.name)
        rows = allowed[drawn]
        np.save(folder / "rows.npy", np.sort(rows))
        found = diversity({r: column[rows] for r, column in corpus.columns.items()}, components[drawn])
        (folder / "diversity.json").write_text(json.dumps(found))

    def _components(self, draw: Draw, allowed: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the corpus's principal components, computed once for all samplers, sizes and seeds."""
        import numpy as np

        from harness.measures import corpus_components

        where = address(
            "components", corpus=draw.corpus.digest, excluded=draw.excluded, version=SAMPLING_VERSION
        )

        def make(folder: Path) -> None:
            cells = View(behind=self._corpus(), columns={}, chosen=allowed)
            np.save(folder / "components.npy", corpus_components(cells))

        components = np.load(
            self.bench.keep("components", where, make) / "components.npy", allow_pickle=False
        )
        components.setflags(write=False)
        return np.asarray(components)

    # -- what the stages share -------------------------------------------------------------------------

    def _keep(
        self,
        stage: str,
        stage_address: str,
        make: Callable[[Path], Costs | None],
        before: Callable[[], None] = lambda: None,
    ) -> Path:
        """Return a finished stage; the stages before it are asked for only where it is not."""
        if (found := self.bench.look_up(stage, stage_address)) is not None:
            return found
        before()
        self.bench.enter(stage, stage_address)

        def measured(folder: Path) -> None:
            cpu = time.process_time()
            with _timed("wall_seconds") as costs:
                further = make(folder) or {}
            costs |= {
                "threads": self.bench.threads,
                "cpu_seconds": round(time.process_time() - cpu, 4),
                **_peak_memory(self.job),
                **further,
            }
            (folder / "costs.json").write_text(json.dumps(costs))

        return self.bench.keep(stage, stage_address, measured)

    @contextmanager
    def _run(self, purpose: Purpose, fit: Fit | None = None) -> Iterator[PlainRun]:
        """Give a guest its circumstances, and clear its scratch folder when it is done."""
        self.bench.store.scratch.mkdir(parents=True, exist_ok=True)
        scratch = Path(mkdtemp(prefix=f"{process_name()}-", dir=self.bench.store.scratch))
        of_job = self.job.fit
        if of_job and purpose != "metric":
            check_device(of_job.device)
        try:
            yield PlainRun(
                seed=seed_for(self.job, purpose),
                device=of_job.device if of_job else "cpu",
                precision=of_job.precision if of_job else "float32",
                threads=self.bench.threads,
                scratch=scratch,
                budget=fit.budget if fit else None,
                # Holds on to the report alone: a guest that digs must not find this job's data behind it.
                on_progress=partial(self.bench.report, *self.bench.stage),
            )
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _new_model(self) -> Model:
        card, fit = self.order.model, self.job.fit
        assert card is not None
        assert fit is not None
        model = load_class(card)(**dict(fit.model.parameters))
        if not isinstance(model, Model):
            raise ContractBroken(f'"{card.entry}" is not a harness.Model, as the card "{card.name}" promises')
        return model

    def _model(self, fit: Fit, genes: Sequence[str]) -> Model:
        """Return a fitted model, or a reference model for the genes of a data set."""
        if fit.arm != "reference":
            return self._load(fit)
        model = self._new_model()
        with self._run("model") as run:
            model.initialise(genes, run)
        return model

    def _load(self, fit: Fit) -> Model:
        model = self._new_model()
        folder = self.bench.store.blobs.read("fit", fit.address) / "model"
        model.load(folder, tuple(self._genes(fit)["symbols"]))
        return model

    def _genes(self, fit: Fit) -> dict[str, Any]:
        folder = self.bench.store.blobs.read("fit", fit.address)
        genes: dict[str, Any] = json.loads((folder / "genes.json").read_bytes())
        return genes

    def _dataset(self) -> Cells:
        return self.bench.counts(self.order.dataset, self.job.dataset.digest)

    def _corpus(self) -> Any:
        assert self.order.corpus is not None
        return self.bench.corpus(self.order.corpus)


@contextmanager
def _timed(name: str) -> Iterator[Costs]:
    """Note under a name how many seconds of wall time the block took."""
    costs: Costs = {}
    started = time.perf_counter()
    yield costs
    costs[name] = round(time.perf_counter() - started, 4)


def _allowed(corpus: Any, draw: Draw) -> NDArray[np.int64]:
    """Return the rows of a corpus that belong to no data set of the suite."""
    import numpy as np

    if not draw.excluded:
        return np.arange(corpus.n_cells)
    return np.flatnonzero(~np.isin(corpus.marked.astype(str), draw.excluded))


def _validation(n_cells: int, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide a sample into training and validation rows, both sorted; one cell is never held out."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(n_cells)
    held = min(round(share * n_cells), n_cells - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def write_scores(folder: Path, scores: Scores, split: Split, notes: Mapping[str, Any]) -> None:
    """Write scores as JSON, and the per-unit ones as arrays beside it."""
    import numpy as np

    found = {
        "metrics": {name: float(value) for name, value in scores.values.items()},
        "undefined": dict(scores.undefined),
        "notes": {"unit_kind": split.unit_kind, **notes, **scores.notes},
        "split_digest": splits.split_digest(split),
    }
    (folder / "scores.json").write_text(json.dumps(writable(found), allow_nan=False))
    units = Units(
        names=_texts(scores.unit_names),
        weights=None if scores.weights is None else np.asarray(scores.weights, dtype=float),
        clusters=None if scores.clusters is None else _texts(scores.clusters),
        values={name: np.asarray(values, dtype=float) for name, values in scores.units.items()},
    )
    write_units(folder, units)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def check_device(device: str) -> None:
    """Refuse to run silently on the CPU what was asked of a GPU."""
    if device != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise OSError("this job was planned for a CUDA device and the worker sees none")


def failure_class(error: BaseException) -> FailureClass:
    """Return the class of what a guest raised."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "oom"
    if isinstance(error, NotFinite):
        return "nan"
    if isinstance(error, ContractBroken) or "read-only" in str(error):
        return "contract"
    if isinstance(error, ImportError | OSError):
        return "environment"
    return "crash"


def _peak_memory(job: Job) -> dict[str, float]:
    """Return peak memory in MB: of the worker so far (resident), and of the device where there is one."""
    peak = {"peak_resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    if job.fit and job.fit.device == "cuda" and "torch" in sys.modules:
        torch = sys.modules["torch"]
        peak["peak_device_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
        torch.cuda.reset_peak_memory_stats()
    return peak
