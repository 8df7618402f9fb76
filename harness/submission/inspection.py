"""What is wrong with a bundle, as far as it shows without running a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from harness import splits
from harness.audit import audit
from harness.digest import canonical, content_digest
from harness.records import Job, Record, seed_for
from harness.submission.archive import Refused, plain
from harness.submission.content import RECORDS, SCORE_FILES, Content, claims_of, used_plugins
from harness.submission.here import Here

SHOWN = 5
"""Complaints of one kind that are told; the others are counted."""
PARTS = ("task", "dataset", "split", "model", "corpus", "sampler", "device")
"""What a job is looked for by, the first that no planned job has is told."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: how much of it, and what is wrong, in sentences."""

    about: str
    looked_at: int
    wrong: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


def inspect(content: Content, here: Here) -> list[Finding]:
    """Hold a bundle against the plan, the plugins and the data that are here."""
    jobs = here.jobs
    records = [record for record in content.records if record.address in jobs]
    scored = [record for record in content.scored if record.address in jobs]
    return [
        _found("claims of the manifest", 1, _claims(content)),
        _found("jobs of the suite", len(jobs), _jobs(content, jobs)),
        _found("records", len(records), _each(records, lambda r: _record(r, content, here))),
        _found("stored scores", len(scored), _each(scored, lambda r: _stored(r, content))),
        _found("aggregates and identities", len(scored), _each(scored, lambda r: _audit(r, content, here))),
        _found("splits", len(scored), _splits(scored, here)),
        _found("conformance", len(content.conformance), _conformance(content)),
    ]


def _found(about: str, looked_at: int, wrong: Iterator[str]) -> Finding:
    told = list(dict.fromkeys(map(plain, wrong)))
    more = [f"and {len(told) - SHOWN:,} more of this kind"] if len(told) > SHOWN else []
    return Finding(about=about, looked_at=looked_at, wrong=tuple(told[:SHOWN] + more))


def _each(records: list[Record], look: Callable[[Record], Iterable[str]]) -> Iterator[str]:
    for record in records:
        try:
            yield from (f"the job {record.address[:12]}: {sentence}" for sentence in look(record))
        except Refused as error:
            yield f"the job {record.address[:12]}: {error}"
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            yield f"the job {record.address[:12]} cannot be read: {type(error).__name__}: {error}"


def _claims(content: Content) -> Iterator[str]:
    """Say which claims of the manifest do not follow from the rest."""
    follow = claims_of(content.grid, content.records)
    for name, value in follow.items():
        if content.claims.get(name) != value:
            said = canonical(content.claims.get(name))[:120]
            yield f"the manifest claims other {name} than the bundle holds: {said}"
    for name in sorted(content.claims.keys() - follow.keys()):
        yield f'the manifest claims "{name}", which nothing in the bundle bears out'


def _jobs(content: Content, jobs: Mapping[str, Job]) -> Iterator[str]:
    """Say which records belong to no job of the suite, and which jobs have no record."""
    if content.grid.get("trial"):
        yield "it is a trial on limited cells, which is never submitted"
    strange = _Strange(jobs)
    for record in content.records:
        job = jobs.get(record.address)
        if job is None:
            yield f"{_who(record)}: the suite has no such job here; {strange(record)}"
        elif canonical(dict(record.job)) != canonical(job.describe()):
            yield f"{_who(record)}: the record describes another job than its address stands for"
    known = {record.address for record in content.records}
    for address, job in jobs.items():
        if address not in known:
            yield f"{job.label}: a job of the suite that has no record, neither score nor failure"


@dataclass(frozen=True)
class _Strange:
    """Tells what about a record is like no planned job."""

    jobs: Mapping[str, Job]

    def __call__(self, record: Record) -> str:
        for name, known in self._known.items():
            mine = canonical(record.job[name])
            if mine not in known:
                return f"its {name} is {mine[:160]}, and no job here has that"
        return "its parts are known and do not go together"

    @cached_property
    def _known(self) -> dict[str, set[str]]:
        """Part of a job -> all that planned jobs have for it, described once for all records."""
        planned = [job.describe() for job in self.jobs.values()]
        return {name: {canonical(job[name]) for job in planned} for name in PARTS}


def _who(record: Record) -> str:
    job = record.job
    who = job["baseline"] or job["model"]["name"]
    return (
        f"{who} at size {job['size']}, seed {job['seed']}, {job['task']['name']} on {job['dataset']['name']}"
    )


def _record(record: Record, content: Content, here: Here) -> Iterator[str]:
    """Say what a record tells otherwise than the plugins that are here."""
    if record.trial:
        yield "it is of a trial"
    card = here.registry.tasks[record.job["task"]["name"]].card
    facts = {name: getattr(card, name) for name in ("name", "version", "baselines", "oracles", "references")}
    for name, value in {**card.declared(), **facts, "primary": card.primary.name}.items():
        if canonical(json.loads(canonical(record.task.get(name)))) != canonical(value):
            yield f"it says that its task declares other {name} than the task declares here"
    if record.outcome.status == "ok":
        made_with = content.document(record.address, "manifest.json")["made_with"]
        for library, version in made_with.items():
            if version not in record.environment.get(library, "").split(" and "):
                yield (
                    f"its scores were made with {library} {version}, and its record says "
                    f'"{record.environment.get(library)}"'
                )


def _stored(record: Record, content: Content) -> Iterator[str]:
    """Say where the stored scores are not sealed, or not those of the record."""
    sealed = content.document(record.address, "manifest.json")["files"]
    for name in SCORE_FILES[1:]:
        if sealed.get(name) != content_digest(content.score_file(record.address, name)):
            yield f'"{name}" does not have the digest under which it was sealed'
    stored = content.document(record.address, "scores.json")
    for name in ("metrics", "undefined", "notes", "split_digest"):
        if canonical(stored.get(name)) != canonical(getattr(record.outcome, name)):
            yield f"its record tells other {name} than its stored scores: {RECORDS} was edited"


def _audit(record: Record, content: Content, here: Here) -> list[str]:
    """Recompute every value that is a mean over units, and hold all against range and identities."""
    units = content.units(record.address)
    card = here.registry.tasks[record.job["task"]["name"]].card
    return audit(
        record.outcome.metrics,
        card.declared(),
        undefined=record.outcome.undefined,
        units=units.values,
        weights=units.weights,
        baseline=record.job["baseline"],
    )


def _splits(records: list[Record], here: Here) -> Iterator[str]:
    """Draw every split again from the data that are here."""
    drawn: dict[str, str] = {}
    for record in records:
        job = here.jobs[record.address]
        key = canonical([job.task.name, record.job["split"], job.dataset.digest])
        if key not in drawn:
            drawn[key] = _split_digest(job, here)
        if record.outcome.split_digest != drawn[key]:
            yield (
                f"the job {record.address[:12]}: its split is not the one that {job.split.label} draws from "
                f"{job.dataset.name}"
            )


def _split_digest(job: Job, here: Here) -> str:
    cells = here.known.located[job.dataset.digest].open(with_labels=True)
    return splits.split_digest(splits.draw(job.split, cells.columns, cells.n_cells, seed_for(job, "split")))


def _conformance(content: Content) -> Iterator[str]:
    """Say which plugin was not checked, or broke a check that is not known to fail."""
    for kind, name, version in used_plugins(content.records):
        report = content.conformance.get(f"{kind} {name}")
        if not report or report["version"] != version or not report["findings"]:
            yield f"the {kind} {name} {version} has no conformance report"
            continue
        for finding in report["findings"]:
            if not finding["passed"] and not finding["known"]:
                yield f"the {kind} {name} breaks {finding['check']}: {finding['message']}"
