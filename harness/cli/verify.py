"""``harness verify``: believe nothing in a bundle that can be looked up, and run part of it again."""

from __future__ import annotations

import json
import math
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.errors import HarnessError, Misuse

if TYPE_CHECKING:
    from harness.records import Outcome, Record
    from harness.submission import Content, Finding, Here, Repetition

BundleFile = Annotated[Path, typer.Argument(help="What harness submit wrote.")]
HowMany = Annotated[
    int, typer.Option("--jobs", min=0, help="How many jobs, chosen at random, are run again here.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Chooses them; drawn and printed where not given.")
]
Tolerance = Annotated[
    list[str] | None,
    typer.Option(help="Difference allowed to jobs run again, such as 0.02 or mse=0.1; else as declared."),
]
Keep = Annotated[
    Path | None, typer.Option("--keep", help="Put verified results into this store, with their board.")
]
WeightsFolder = Annotated[
    Path | None, typer.Option("--weights", help="Folder of the folders of published weights.")
]
LONGEST_LINE = 1_000
"""Of a line that may hold a stranger's words."""


def verify(
    bundle: BundleFile,
    jobs: HowMany = 3,
    seed: Seed = None,
    tolerance: Tolerance = None,
    keep: Keep = None,
    store: options.StoreFolder = None,
    catalogue: options.Catalogues = None,
    data: options.DataRoot = None,
    weights: WeightsFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Check a bundle's files, records, aggregates, splits and identities, and run k of its jobs again.

    Exit codes: 0 nothing is wrong; 1 it is refused, with the reason; 2 it cannot be verified here.
    """
    from harness.store import Store
    from harness.submission import inspect, look_here, open_bundle

    tolerances = read_tolerances(tolerance or [])
    with _plainly(), open_bundle(bundle) as content:
        here = look_here(
            content,
            Store(options.store_folder(store)),
            catalogues=catalogue or [],
            data=data,
            weights=weights,
            announce=_warn,
        )
        findings = inspect(content, here)
        seed = secrets.randbits(32) if seed is None else seed
        sound = all(finding.passed for finding in findings)
        repeated = _again(content, here, jobs, seed, tolerances) if sound and jobs else []
        passed = sound and not any(one.wrong for one in repeated)
        if as_json:
            print(json.dumps(_described(content, passed, findings, repeated, seed), indent=1))
        else:
            _tell(content, passed, findings, repeated, seed)
        if passed and keep:
            _kept(content, here, keep)
    if not passed:
        raise typer.Exit(1)


@contextmanager
def _plainly() -> Iterator[None]:
    """Let complaints hold nothing that steers a terminal: they may quote a stranger."""
    from harness.submission import plain

    try:
        yield
    except HarnessError as error:
        raise type(error)(plain(str(error))[:LONGEST_LINE]) from error


def read_tolerances(texts: Sequence[str]) -> dict[str, float]:
    """Read ``["0.02", "mse=0.1"]``."""
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not (math.isfinite(found[name]) and found[name] >= 0):
            raise Misuse(f'--tolerance got "{text}"; a number from 0 up is accepted, or METRIC=NUMBER')
    return found


def _again(
    content: Content, here: Here, jobs: int, seed: int, tolerances: dict[str, float]
) -> list[Repetition]:
    """Run jobs one after the other in a store of their own, with as many threads as they had if possible."""
    from harness.executors.devices import detect
    from harness.executors.local import Limits, LocalExecutor
    from harness.store import Store
    from harness.submission import choose, repeat

    device, suite = detect(here.plan.device), here.plan.suite
    chosen = choose(content, jobs, seed)
    with TemporaryDirectory(prefix="harness-verify-") as folder:
        store = Store(Path(folder))
        executor = LocalExecutor(
            store,
            threads=_threads(chosen),
            accelerators=min(device.count, 1),
            limits=Limits(seconds=suite.timeout, memory_bytes=int(min(suite.memory * 2**30, sys.maxsize))),
        )
        return repeat(chosen, content, here, executor, store, tolerances)


def _threads(chosen: Sequence[Record]) -> int:
    """Return as many threads as these jobs had, or as there can be; that is then said."""
    from harness.submission import possible_threads, threads_of

    said = threads_of(chosen)
    threads = possible_threads(said, os.cpu_count() or 1)
    if threads != said:
        _warn(
            f"the bundle says that these jobs had {said:g} threads; here they get {threads}, and the last "
            "digits of a fit may differ"
        )
    return threads


def _kept(content: Content, here: Here, folder: Path) -> None:
    """Store what was verified, and let the reports make their boards of it; a broken one stops nothing."""
    from harness.store import Store
    from harness.submission import keep

    keep(content, Store(folder))
    for report in here.registry.reports:
        try:
            report(store=folder, grid=here.grid(content))
        except (HarnessError, Exception) as error:
            _warn(f"the report {report.__module__} failed: {type(error).__name__}: {error}")


def _described(
    content: Content, passed: bool, findings: list[Finding], repeated: list[Repetition], seed: int
) -> dict[str, Any]:
    return {
        "digest": content.digest,
        "claims": content.claims,
        "passed": passed,
        "findings": [asdict(finding) for finding in findings],
        "seed": seed,
        "repeated": [asdict(one) for one in repeated],
    }


def _tell(
    content: Content, passed: bool, findings: list[Finding], repeated: list[Repetition], seed: int
) -> None:
    _say(f"suite {content.claims['suite']}, {len(content.records):,} records, digest {content.digest}")
    _say(f"it says {_outcomes([record.outcome for record in content.records])}")
    for finding in findings:
        _say(f"{'ok' if finding.passed else 'WRONG':6} {finding.about}: {finding.looked_at:,}")
        for sentence in finding.wrong:
            _say(f"       {sentence}")
    if repeated:
        _say(f"run again: {len(repeated)} of {len(content.records):,} jobs, chosen with --seed {seed}")
    for one in repeated:
        largest = max(one.largest.values(), default=None)
        found = "no score to compare" if largest is None else f"largest difference {largest:.3g}"
        _say(f"{'WRONG' if one.wrong else 'ok':6} {one.label}: {found}")
        for sentence in one.wrong:
            _say(f"       {sentence}")
    _say("verified" if passed else "refused")


def _outcomes(outcomes: Sequence[Outcome]) -> str:
    """Return ``"2 failed (oom), 40 ok"``."""
    named = (f"{o.status} ({o.failure.kind})" if o.failure else o.status for o in outcomes)
    return ", ".join(f"{count:,} {name}" for name, count in sorted(Counter(named).items())) or "nothing"


def _say(text: str) -> None:
    """Print one line without anything that steers a terminal."""
    from harness.submission import plain

    print(plain(text)[:LONGEST_LINE])


def _warn(text: str) -> None:
    """Say something beside the verdict."""
    from harness.submission import plain

    print(plain(text)[:LONGEST_LINE], file=sys.stderr)
