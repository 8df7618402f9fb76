"""The form that the documents of a bundle must have; what stands in them is judged elsewhere."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, TypeAdapter, model_validator

from harness.records import Outcome, Record


class _Strict(BaseModel):
    """No text in place of a number, and nothing more than is asked for."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _Open(BaseModel):
    """No text in place of a number; more may stand there."""

    model_config = ConfigDict(strict=True, extra="allow")


class Named(_Open):
    """A plugin."""

    name: str
    version: str


class Data(_Open):
    """A corpus or a data set."""

    name: str
    digest: str


class Addresses(_Strict):
    """The four addresses of a job."""

    sample: str | None
    fit: str | None
    embed: str | None
    score: str


class Job(_Strict):
    """A job as :meth:`harness.records.Job.describe` tells it."""

    arm: str
    baseline: str | None
    model: Named | None
    budget: dict[str, Any] | None
    precision: str | None
    device: str | None
    genes: str | None
    weights: Data | None
    corpus: Data | None
    excluded: list[str]
    sampler: Named | None
    size: int | None
    seed: int | None
    task: Named
    dataset: Data
    split: dict[str, Any]
    addresses: Addresses

    @model_validator(mode="after")
    def _one_subject(self) -> Job:
        if (self.baseline is None) == (self.model is None):
            what = "neither a model nor a baseline" if self.model is None else "a model and a baseline"
            raise ValueError(f"the job names {what}; exactly one of them is asked")
        return self


class Suite(_Open):
    """What was asked, as far as a bundle is told by it."""

    name: str


class Environment(_Open):
    """What it was computed on."""

    device_kind: str


class Grid(_Open):
    """``grid.json``."""

    suite: Suite
    trial: bool
    data: list[Data]
    harness: dict[str, str]
    environment: Environment


class Checked(_Strict):
    """One finding of conformance."""

    check: str
    passed: bool
    message: str
    known: str | None


class Checks(_Strict):
    """All findings of one plugin."""

    version: str
    findings: list[Checked]


class Conformance(RootModel[dict[str, Checks]]):
    """``conformance.json``."""


class Listed(_Strict):
    """One file in a manifest."""

    bytes: int
    sha256: str


class Claims(_Open):
    """What a manifest says of the rest."""

    suite: str
    outcomes: dict[str, int]
    plugins: list[str]
    versions: list[str]
    data: dict[str, str]
    environments: list[dict[str, str]]
    metrics: str


class Manifest(_Strict):
    """``manifest.json``."""

    format: int
    files: dict[str, Listed]
    claims: Claims
    digest: str


RECORD = TypeAdapter(Record)


def read_record(data: Any) -> Record:
    """Return a record.

    Raises
    ------
    TypeError, KeyError, AttributeError, ValueError
        It is none.
    """
    record = Record.from_json(data)
    RECORD.validate_json(json.dumps(data), strict=True)
    Job.model_validate(record.job)
    _refuse_contradiction(record.outcome)
    return record


def _refuse_contradiction(outcome: Outcome) -> None:
    """Refuse scores of what has none, no reason for having none, and what is never recorded."""
    if outcome.status == "missing":
        raise ValueError('its status is "missing", which is never recorded; ok, failed, not-applicable are')
    if (outcome.status == "failed") != (outcome.failure is not None):
        raise ValueError(f'its status is "{outcome.status}" and it has {_none_or_a(outcome.failure)} failure')
    if (outcome.status == "not-applicable") != (outcome.reason is not None):
        raise ValueError(f'its status is "{outcome.status}" and it has {_none_or_a(outcome.reason)} reason')
    if outcome.status != "ok" and (outcome.metrics or outcome.undefined):
        raise ValueError(f'its status is "{outcome.status}" and it has scores')


def _none_or_a(thing: object) -> str:
    return "no" if thing is None else "a"
