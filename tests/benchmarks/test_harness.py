"""What the harness itself costs: listing, planning, resuming, and the overhead of a job.

Full size with HARNESS_BENCH_FULL=1, toy size otherwise, so that this code runs in CI too.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from harness.corpus import Facts
from harness.digest import file_digest
from harness.environment import library_versions
from harness.executors.session import take_stock
from harness.plan import make_plan
from harness.records import Outcome, Record
from harness.registry import discover
from harness.store import Store, Units, write_units
from harness.suite import Suite
from harness.survey import Survey

HARNESS = Path(sys.executable).with_name("harness")
FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"


def facts(name, kind, n_cells=1_000_000):
    """A data set of 2,000 genes that admits classification."""
    types = {f"type{i}": n_cells // 10 for i in range(10)}
    donors = {f"donor{i}": n_cells // 10 for i in range(10)}
    return Facts(
        name=name,
        kind=kind,
        digest=f"{name:0>64}",
        n_cells=n_cells,
        symbols=tuple(f"gene{i}" for i in range(2000)),
        ensembl=None,
        gene_digest="g" * 64,
        levels={"cell_type": types, "donor": donors, "batch": donors},
        crosstabs={
            "cell_type|donor": {t: dict.fromkeys(donors, 10) for t in types},
            "cell_type|batch": {t: dict.fromkeys(donors, 10) for t in types},
        },
        marked={},
        related={},
        warnings=(),
        species="simulated",
        min_overlap=0.5,
        marked_as=(name,),
    )


def grid():
    """A suite of about 6,400 jobs: sizes x seeds x samplers x models x tasks x data sets."""
    suite = Suite(
        name="bench",
        corpora=("corpus",),
        datasets=tuple(f"cells{i}" for i in range(16 if FULL else 2)),
        models=("pca", "masked_autoencoder", "hvg"),
        samplers=("random", "geometric_sketching"),
        tasks=("cell_type_classification", "batch_integration"),
        sizes=tuple(100 * 2**i for i in range(10 if FULL else 2)),
        seeds=(0, 1, 2, 3, 4),
    )
    corpora = {name: facts(name, "corpus") for name in suite.corpora}
    return suite, Survey(corpora=corpora, datasets={name: facts(name, "dataset") for name in suite.datasets})


def test_list(benchmark):
    """``harness list`` as a process of its own: at most 0.5 s."""
    benchmark.pedantic(
        lambda: subprocess.run([HARNESS, "list"], capture_output=True, check=True), rounds=5, warmup_rounds=1
    )


def test_plan(benchmark):
    """Expanding about 6,400 jobs with all their addresses: at most 2 s."""
    registry = discover()
    plan = benchmark.pedantic(lambda: _planned(registry), rounds=3)
    benchmark.extra_info["jobs"] = len(plan.jobs)
    assert len(plan.jobs) >= (6400 if FULL else 60)


def _planned(registry):
    plan = make_plan(*_suite_registry_known(registry))
    assert len(set(plan.addresses)) == len(plan.jobs)
    return plan


def _suite_registry_known(registry):
    suite, known = grid()
    return suite, registry, known


def test_resume(benchmark, tmp_path):
    """Finding out that every one of about 6,400 jobs has an undamaged result: at most 3 s."""
    plan = _planned(discover())
    store = Store(tmp_path / "store")
    store.prepare()
    _pretend_finished(plan, store)
    progress = benchmark.pedantic(take_stock, setup=lambda: ((plan, Store(tmp_path / "store")), {}), rounds=3)
    assert progress.todo == ()


def _pretend_finished(plan, store):
    records = []
    for job in plan.jobs:
        folder = store.blobs.path("score", job.address)
        folder.mkdir(parents=True)
        _seal_quickly(folder)
        records.append(
            Record(
                job=job.describe(),
                outcome=Outcome(status="ok", metrics={"micro_f1": 0.5}),
                task={},
                plugins={},
                environment={},
            )
        )
    store.append(records)


def _seal_quickly(folder):
    """Write a blob without syncing every file to disk, which is not what is measured."""
    write_units(folder, Units(names=("a", "b"), values={"micro_f1": np.array([0.5, 0.5])}))
    (folder / "scores.json").write_text("{}")
    names = ("units.safetensors", "scores.json")
    digests = {name: file_digest(folder / name) for name in names}
    (folder / "manifest.json").write_text(json.dumps({"files": digests, "made_with": library_versions()}))


def test_overhead_of_a_job(benchmark, installed, tmp_path):
    """A model and a task that do nothing, in one warm worker: at most 30 ms for each further job.

    The start of the command and of its worker, which all jobs share, falls out as the difference of two runs.
    """
    few, many = (2, 202) if FULL else (2, 12)
    _write_cells(tmp_path)
    start = _seconds(installed("hostile"), tmp_path, few)
    whole = benchmark.pedantic(_seconds, (installed("hostile"), tmp_path, many), rounds=1)
    benchmark.extra_info["ms_per_job"] = 1000 * (whole - start) / (many - few)


def _write_cells(folder):
    """Two thousand cells of a hundred genes, and a catalogue of them."""
    counts = np.random.default_rng(0).poisson(1.0, (2000, 100)).astype(np.float32)
    cells = anndata.AnnData(counts, obs=pd.DataFrame(index=[f"cell{i}" for i in range(2000)]))
    cells.var_names = [f"gene{i}" for i in range(100)]
    cells.write_h5ad(folder / "cells.h5ad")
    (folder / "catalogue.yaml").write_text(
        json.dumps({"name": "mine", "datasets": {"cells": {"file": "cells.h5ad"}}})
    )


def _seconds(site, folder, n_jobs):
    """Run as many jobs that do nothing, in a store of their number, and return the seconds of the command."""
    suite = {
        "name": f"nothing{n_jobs}",
        "datasets": ["cells"],
        "models": [{"name": "do_nothing", "parameters": {"copy": i}} for i in range(n_jobs)],
        "tasks": ["do_nothing"],
    }
    (folder / "suite.yaml").write_text(json.dumps(suite))
    words = ("run", "suite.yaml", "--catalogue", "catalogue.yaml", "--jobs", "1", "--store", f"store{n_jobs}")
    started = time.perf_counter()
    subprocess.run(
        [HARNESS, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - started
