"""The form that the documents of a bundle must have; what stands in them is judged elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, TypeAdapter

from harness.records import Record


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


class Manifest(_Strict):
    """``manifest.json``."""

    format: int
    files: dict[str, Listed]
    claims: dict[str, Any]
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
    RECORD.validate_python(asdict(record))
    Job.model_validate(record.job)
    return record
