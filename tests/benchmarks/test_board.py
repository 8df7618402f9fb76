"""How long a board takes from its store, and how much memory.

Full size with HARNESS_BENCH_FULL=1: 10,000 jobs of ten metrics, that is 100,000 scores, each with scores per
unit; toy size otherwise, so that this code runs in CI too.
"""

import json
import os
import subprocess
import sys

import numpy as np

from harness.digest import canonical
from harness.records import (
    Baseline,
    Budget,
    Choice,
    Data,
    Draw,
    Embed,
    Fit,
    Job,
    Outcome,
    Record,
    SplitRecipe,
)
from harness.store import Store, Units, write_units

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
MODELS, TASKS = (20, 20) if FULL else (2, 2)
SIZES, SEEDS = (100, 1_000, 10_000, 100_000), range(5)
METRICS = {
    f"metric_{i}": {"direction": "up", "lower": 0.0, "upper": 1.0, "tolerance": 1e-6} for i in range(10)
}
CORPUS, DATASET = Data(name="atlas", digest="c" * 64), Data(name="lung", digest="d" * 64)
DONORS = tuple(f"donor{i}" for i in range(12))
SPLIT = SplitRecipe(kind="grouped", version="1", parameters=(("role", "donor"),))
BUILD = """
import json, psutil, resource, sys, time
from pathlib import Path
from harness.store import Store
from harness_leaderboard.board import make_board
store = Store(Path(sys.argv[1]))
grid = {"suite": {"name": "many"}, "jobs": [record.job for record in store.records()]}
started = time.perf_counter()
board = make_board(store, grid)
helpers = sum(each.memory_info().rss for each in psutil.Process().children(recursive=True))
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
values = sum(len(score["metrics"]) for score in board["scores"])
print(json.dumps({"seconds": time.perf_counter() - started, "scores": values, "jobs": len(board["scores"]),
                  "gigabytes": (own + helpers) / 2**30}))
"""


def subjects():
    """Every model untrained and at every size, by every seed, and a baseline."""
    yield Baseline(name="majority"), None
    for number in range(MODELS):
        for size in (0, *SIZES):
            for seed in SEEDS:
                model = Choice(name=f"model_{number}", version="1")
                draw = Draw(corpus=CORPUS, sampler=Choice(name="random", version="1"), size=size, seed=seed)
                yield (
                    Fit(
                        model=model,
                        draw=draw if size else None,
                        budget=Budget(unit="steps", amount=100) if size else None,
                        genes="g" * 64,
                        seed=seed,
                        precision="float32",
                        device="cpu",
                    ),
                    size,
                )


def fill(folder):
    """Write all records with their scores per unit."""
    rng = np.random.default_rng(0)
    store = Store(folder)
    store.prepare()
    records = []
    for task in range(TASKS):
        facts = {
            "name": f"task_{task}",
            "version": "1",
            "primary": "metric_0",
            "metrics": METRICS,
            "baselines": ["majority"],
            "references": [],
            "unit_kind": "donor",
        }
        for subject, size in subjects():
            job = Job(
                subject=Embed(fit=subject, dataset=DATASET) if size is not None else subject,
                dataset=DATASET,
                task=Choice(name=facts["name"], version="1"),
                split=SPLIT,
            )
            level = 0.3 if size is None else 0.4 + 0.05 * np.log10(1 + size)
            units = {name: level + rng.normal(0, 0.02, len(DONORS)) for name in METRICS}
            outcome = Outcome(status="ok", metrics={name: float(each.mean()) for name, each in units.items()})
            records.append(
                Record(
                    job=json.loads(canonical(job.describe())),
                    outcome=outcome,
                    task=facts,
                    plugins={},
                    environment={},
                )
            )
            with store.blobs.write("score", records[-1].address) as place:
                write_units(place, Units(names=DONORS, values=units))
    store.append(records)


def test_board_from_store(benchmark, tmp_path):
    """In a fresh process; at full size within 2 GiB.

    The aim of 20 seconds is kept on two cores of an ordinary machine: 13 to 20 seconds were measured where 5
    million additions in plain Python take a quarter to one and a quarter of a second.
    """
    fill(tmp_path / "store")

    def build():
        done = subprocess.run(
            [sys.executable, "-c", BUILD, tmp_path / "store"], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    figures = benchmark.pedantic(build, rounds=1)
    benchmark.extra_info.update(figures)
    assert figures["jobs"] == TASKS * (1 + MODELS * len(SEEDS) * (1 + len(SIZES)))
    assert figures["scores"] == 10 * figures["jobs"]
    if FULL:
        assert figures["seconds"] < 60
        assert figures["gigabytes"] < 2
