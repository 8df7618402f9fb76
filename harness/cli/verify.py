"""``harness verify``: believe nothing in a bundle that can be looked up, and run part of it again."""

from __future__ import annotations

import json
import math
import secrets
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.errors import Misuse

if TYPE_CHECKING:
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
    with open_bundle(bundle) as content:
        here = look_here(
            content,
            Store(options.store_folder(store)),
            catalogues=catalogue or [],
            data=data,
            weights=weights,
            announce=lambda text: print(text, file=sys.stderr),
        )
        findings = inspect(content, here)
        seed = secrets.randbits(32) if seed is None else seed
        sound = all(finding.passed for finding in findings)
        repeated = _again(content, here, jobs, seed, tolerances) if sound and jobs else []
        passed = sound and not any(one.wrong for one in repeated)
        if passed and keep:
            _kept(content, here, keep)
    if as_json:
        print(json.dumps(_described(content, passed, findings, repeated, seed), indent=1))
    else:
        _tell(content, passed, findings, repeated, seed)
    if not passed:
        raise typer.Exit(1)


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
    """Run jobs one after the other in a store of their own, with as many threads as they had."""
    from harness.executors.devices import detect
    from harness.executors.local import Limits, LocalExecutor
    from harness.store import Store
    from harness.submission import choose, repeat, threads_of

    device, suite = detect(here.plan.device), here.plan.suite
    chosen = choose(content, jobs, seed)
    with TemporaryDirectory(prefix="harness-verify-") as folder:
        store = Store(Path(folder))
        executor = LocalExecutor(
            store,
            threads=threads_of(chosen),
            accelerators=min(device.count, 1),
            limits=Limits(seconds=suite.timeout, memory_bytes=int(suite.memory * 2**30)),
        )
        return repeat(chosen, content, here, executor, store, tolerances)


def _kept(content: Content, here: Here, folder: Path) -> None:
    """Store what was verified, and let the reports make their boards of it."""
    from harness.store import Store
    from harness.submission import keep

    keep(content, Store(folder))
    for report in here.registry.reports:
        report(store=folder, grid=here.grid(content))


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
    claims = content.claims
    print(f"suite {claims['suite']}, {len(content.records):,} records, digest {content.digest}")
    for finding in findings:
        print(f"{'ok' if finding.passed else 'WRONG':6} {finding.about}: {finding.looked_at:,}")
        for sentence in finding.wrong:
            print(f"       {sentence}")
    if repeated:
        print(f"run again: {len(repeated)} of {len(content.scored):,} scored jobs, chosen with --seed {seed}")
    for one in repeated:
        largest = max(one.largest.values(), default=0.0)
        print(f"{'WRONG' if one.wrong else 'ok':6} {one.label}: largest difference {largest:.3g}")
        for sentence in one.wrong:
            print(f"       {sentence}")
    print("verified" if passed else "refused")
