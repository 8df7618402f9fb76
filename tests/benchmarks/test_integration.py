"""Integration and classification against scib-metrics and scikit-learn: how long, and where values differ.

Five embeddings of one data set, the same metrics on both sides, each side in a process of its own. Here: the
metrics that the Benchmarker scores by default, and F1 of neighbours and logistic regression in five folds.
There: the Benchmarker with its defaults, and scikit-learn's cross_val_predict as a user would call it. Our
compile cache is empty the first time and filled the second.

Toy size by default, ours alone but for scikit-learn, so that the code runs in CI. ``HARNESS_BENCH_FULL=1``
measures and judges 10,000 cells and compares values on real data (some 20 minutes of two idle cores);
``HARNESS_BENCH_CELLS=1000`` beside it tries the same on fewer cells.
Run as a program, this file is one side: ``python test_integration.py harness|peers|exact FOLDER``.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

STARTED = perf_counter()

import numpy as np  # noqa: E402
import pytest  # noqa: E402

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
N_CELLS, N_BATCHES, N_TYPES, WIDTH = (10_000, 8, 12, 50) if FULL else (300, 2, 3, 8)
N_CELLS = int(os.environ.get("HARNESS_BENCH_CELLS", N_CELLS))
N_EMBEDDINGS = 5 if FULL else 1

NAMES = {
    "isolated_labels": "isolated_labels",
    "nmi_ari_cluster_labels_kmeans_nmi": "nmi_kmeans",
    "nmi_ari_cluster_labels_kmeans_ari": "ari_kmeans",
    "nmi_ari_cluster_labels_leiden_nmi": "nmi",
    "nmi_ari_cluster_labels_leiden_ari": "ari",
    "silhouette_label": "asw_label",
    "clisi_knn": "clisi",
    "bras": "bras",
    "ilisi_knn": "ilisi",
    "kbet_per_label": "kbet",
    "graph_connectivity": "graph_connectivity",
    "pcr_comparison": "pcr_comparison",
}
"""What the Benchmarker calls a metric -> what it is called here."""
DEFAULTS = set(NAMES.values()) - {"nmi", "ari"}
"""What it scores unless told otherwise."""
OTHER_STARTS = {"nmi_kmeans", "ari_kmeans", "nmi", "ari"}
"""One random start there; here the best of ten (k-means), means over three (Leiden)."""
OTHER_CHOICES = {"logistic_micro_f1", "logistic_macro_f1"}
"""The penalty is chosen among seven inside the taught cells here, and 1 there."""
FOLDS = 5


# -- the two sides: integration ------------------------------------------------------------------------


def write_world(folder):
    """Types of uneven size in batches, their centres three standard deviations apart, so that some cells are
    told wrongly; embeddings in which more and more of the batch is gone, and noise.
    """
    rng = np.random.default_rng(0)
    shares = np.linspace(1, 3, N_TYPES) / np.linspace(1, 3, N_TYPES).sum()
    kind, batch = rng.choice(N_TYPES, N_CELLS, p=shares), rng.integers(0, N_BATCHES, N_CELLS)
    shift = 0.5 * rng.normal(size=(N_BATCHES, WIDTH))[batch]
    centres = rng.normal(size=(N_TYPES, WIDTH)) * 3 / np.sqrt(2 * WIDTH)
    before = centres[kind] + shift + rng.normal(size=(N_CELLS, WIDTH))
    gone = np.linspace(1, 0, N_EMBEDDINGS)
    noise = rng.normal(size=(N_EMBEDDINGS, N_CELLS, WIDTH)) * np.linspace(0, 1, N_EMBEDDINGS)[:, None, None]
    np.savez(
        folder / "world.npz",
        before=before.astype(np.float32),
        embeddings=np.stack([before - g * shift + e for g, e in zip(gone, noise, strict=True)]).astype("f4"),
        types=np.char.add("type", kind.astype(str)),
        batches=np.char.add("batch", batch.astype(str)),
    )


def our_integration(world):
    """The metrics that the Benchmarker scores unless told otherwise; the task has four more."""
    from harness.measures import integration_scores

    def scores(embedding):
        found = integration_scores(
            embedding, world["types"], world["batches"], before=world["before"], only=DEFAULTS
        )
        return dict(found.values)

    return [scores(embedding) for embedding in world["embeddings"]]


def their_integration(world):
    """The Benchmarker as a user would call it."""
    from scib_metrics.benchmark import Benchmarker

    cells = as_anndata(world["before"], world["types"], world["batches"])
    keys = [f"X_{i}" for i in range(len(world["embeddings"]))]
    for key, embedding in zip(keys, world["embeddings"], strict=True):
        cells.obsm[key] = embedding
    bench = Benchmarker(cells, "batch", "type", keys, pre_integrated_embedding_obsm_key="before")
    bench.benchmark()
    table = bench.get_results(clean_names=False)
    return [values_of(table.loc[key]) for key in keys]


def exact_integration(world):
    """The Benchmarker with exact neighbours, labels named by size, and cells in our order; not timed."""
    return [
        exactly(embedding, world["types"], world["batches"], world["before"])
        for embedding in world["embeddings"]
    ]


def exactly(embedding, types, batches, before, leiden=False):
    from unittest.mock import patch

    from scib_metrics.benchmark import Benchmarker, BioConservation

    from harness.measures.integration import admit, neighbours

    found = admit(embedding, types, batches, before)
    code, counts = np.unique(found.types, return_inverse=True, return_counts=True)[1:]
    by_size = np.char.zfill(np.argsort(np.argsort(-counts)).astype(str), 5)[code]
    cells = as_anndata(found.before.astype(np.float32), by_size, found.batches)
    cells.obsm["X"] = found.place.astype(np.float32)
    bench = Benchmarker(
        cells,
        *("batch", "type", ["X"]),
        bio_conservation_metrics=BioConservation(nmi_ari_cluster_labels_leiden=leiden),
        pre_integrated_embedding_obsm_key="before",
        progress_bar=False,
    )
    exact = lambda x, n_neighbors, **_: neighbours(np.ascontiguousarray(x), n_neighbors)  # noqa: E731
    with patch("scib_metrics.nearest_neighbors.pynndescent", exact):
        bench.prepare(neighbor_computer=lambda x, k: neighbours(x, k))
        bench.benchmark()
    return values_of(bench.get_results(clean_names=False).loc["X"])


def as_anndata(before, types, batches):
    import pandas as pd
    from anndata import AnnData

    cells = AnnData(before, obs=pd.DataFrame({"type": types, "batch": batches}, dtype="category"))
    cells.obs_names = cells.obs_names.astype(str)
    cells.obsm["before"] = before
    return cells


def values_of(row):
    return {NAMES[name]: float(value) for name, value in row.items() if name in NAMES}


# -- the two sides: classification ---------------------------------------------------------------------


def folds_of(types):
    """The folds that scikit-learn makes of classes where it is told a number."""
    from sklearn.model_selection import StratifiedKFold

    fold = np.empty(len(types), dtype=int)
    for number, (_, tested) in enumerate(StratifiedKFold(FOLDS).split(types, types)):
        fold[tested] = number
    return fold


def our_classification(world):
    """The probes of the task and its F1 scores, split by cell; what each fold chose stands beside."""
    from harness.contracts.task import Split
    from harness.measures import classification_scores, probe_predictions

    types, fold = world["types"].astype(object), folds_of(world["types"])
    cells = np.arange(len(types)).astype(str).astype(object)
    split = Split(fold=fold, n_folds=FOLDS, units=cells, unit_kind="cell")

    def scores(embedding):
        found = {}
        for probe in ("knn", "logistic"):
            told = probe_predictions(embedding, types, split, probe=probe)
            values = classification_scores(types, told, fold, cells).values
            found |= {f"{probe}_{name}": values[name] for name in ("micro_f1", "macro_f1")}
            found |= {key: told.notes[key] for key in ("penalty",) if key in told.notes}
        return found

    return [scores(embedding) for embedding in world["embeddings"]]


def their_classification(world):
    """scikit-learn's classifiers as a user would call them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifiers = {
        "knn": KNeighborsClassifier(5),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    }

    def scores(embedding):
        found = {}
        for name, classifier in classifiers.items():
            told = cross_val_predict(classifier, embedding, world["types"], cv=FOLDS)
            found |= f1_scores(name, world["types"], told)
        return found

    return [scores(embedding) for embedding in world["embeddings"]]


def f1_scores(name, types, told):
    from sklearn.metrics import f1_score

    return {f"{name}_{kind}_f1": f1_score(types, told, average=kind) for kind in ("micro", "macro")}


def at_these_penalties(world, chosen):
    """scikit-learn's logistic regression at the penalty that each fold chose here; not timed."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    types, fold = world["types"], folds_of(world["types"])

    def scores(embedding, penalties):
        told = np.empty_like(types)
        for number, penalty in enumerate(penalties):
            taught = fold != number
            logistic = LogisticRegression(C=1 / (penalty * taught.sum()), max_iter=10_000, tol=1e-6)
            peer = make_pipeline(StandardScaler(), logistic)
            told[~taught] = peer.fit(embedding[taught], types[taught]).predict(embedding[~taught])
        return f1_scores("logistic", types, told)

    pairs = zip(world["embeddings"], chosen, strict=True)
    return [scores(embedding, each["penalty"]) for embedding, each in pairs]


# -- a side in a process of its own --------------------------------------------------------------------

PARTS = {
    "harness": {"integration": our_integration, "classification": our_classification},
    "peers": {"integration": their_integration, "classification": their_classification},
    "exact": {"integration": exact_integration},
}


def one_side(side, folder):
    """Run every part of one side on the world in the folder; seconds count from the start of the process."""
    world = dict(np.load(folder / "world.npz"))
    found, seconds = {}, {"import numpy": perf_counter() - STARTED}
    for part, run in PARTS[side].items():
        start = perf_counter()
        found[part] = run(world)
        seconds[part] = perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "values": found,
        "seconds": seconds | {"all": perf_counter() - STARTED, "cpu": used.ru_utime + used.ru_stime},
    }


def in_a_fresh_process(side, folder, **environment):
    """Return what one side found, and how long it took, with as many threads as it likes."""
    command = [sys.executable, __file__, side, str(folder)]
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    subprocess.run(command, check=True, env=free | environment, capture_output=True)
    return json.loads((folder / f"{side}.json").read_text())


def differences(ours, theirs):
    """Return metric -> largest absolute difference over embeddings."""
    return {
        metric: max(abs(one[metric] - other[metric]) for one, other in zip(ours, theirs, strict=True))
        for metric in theirs[0].keys() & ours[0].keys()
    }


# -- the judgement -------------------------------------------------------------------------------------


def test_scores(benchmark, tmp_path):
    """The time of all metrics of all embeddings, compiled."""
    write_world(tmp_path)
    found = benchmark.pedantic(one_side, args=("harness", tmp_path), rounds=1, warmup_rounds=0 if FULL else 1)
    for part in ("integration", "classification"):
        for each in found["values"][part]:
            assert np.isfinite([value for name, value in each.items() if name != "penalty"]).all()


def test_classification_is_that_of_scikit_learn(tmp_path):
    """Votes in the same folds, and planes at the same penalties: F1 within 1e-3."""
    write_world(tmp_path)
    world = dict(np.load(tmp_path / "world.npz"))
    ours = our_classification(world)
    chance = 1 / N_TYPES
    assert all(1.2 * chance < each["knn_macro_f1"] < 0.98 for each in ours)
    votes = differences(ours, their_classification(world))
    assert max(apart for name, apart in votes.items() if name not in OTHER_CHOICES) <= 1e-3
    planes = differences(ours, at_these_penalties(world, ours))
    assert planes.keys() == OTHER_CHOICES
    assert max(planes.values()) <= 1e-3


def sides(folder):
    """Ours before and after the peers: with the compile cache empty and filled."""
    write_world(folder)
    cache = {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    return {
        "harness, cache empty": in_a_fresh_process("harness", folder, **cache),
        "peers": in_a_fresh_process("peers", folder),
        "harness, cache filled": in_a_fresh_process("harness", folder, **cache),
        "exact": in_a_fresh_process("exact", folder, **cache),
    }


@pytest.mark.timeout(3_600)
@pytest.mark.skipif(not FULL, reason="the Benchmarker compiles for minutes; HARNESS_BENCH_FULL=1 asks for it")
def test_faster_than_the_benchmarker_with_the_same_values(benchmark, tmp_path, capsys):
    """At least 3 times, compilation included, cache empty or filled; with exact neighbours within 1e-3."""
    found = benchmark.pedantic(sides, args=(tmp_path,))
    ours, theirs = found["harness, cache filled"], found["peers"]
    empty = found["harness, cache empty"]
    apart = {part: differences(ours["values"][part], theirs["values"][part]) for part in PARTS["peers"]}
    apart["integration, exact neighbours"] = differences(
        ours["values"]["integration"], found["exact"]["values"]["integration"]
    )
    world, chosen = dict(np.load(tmp_path / "world.npz")), ours["values"]["classification"]
    apart["classification, same penalties"] = differences(chosen, at_these_penalties(world, chosen))
    report = {
        "cells": N_CELLS,
        "seconds": {side: each["seconds"] for side, each in found.items() if side != "exact"},
        "times_faster": {
            side: {clock: theirs["seconds"][clock] / each["seconds"][clock] for clock in ("all", "cpu")}
            for side, each in (("cache empty", empty), ("cache filled", ours))
        },
        "largest_differences": apart,
        "why_they_differ": {
            **dict.fromkeys(sorted(OTHER_STARTS & DEFAULTS), "best of ten starts of k-means here, one there"),
            **dict.fromkeys(
                sorted(OTHER_CHOICES), "a penalty chosen among the taught cells here, C = 1 there"
            ),
            "all others": "approximate neighbours there, exact ones here; kBET there depends on label names",
        },
        "values": ours["values"],
    }
    benchmark.extra_info.update(report)
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(report, indent=1)}\n")
    assert ours["values"] == empty["values"]
    for metric, difference in apart["integration, exact neighbours"].items():
        assert metric in OTHER_STARTS or difference <= 1e-3, metric
    for metric, difference in apart["classification"].items():
        assert metric in OTHER_CHOICES or difference <= 1e-3, metric
    assert max(apart["classification, same penalties"].values()) <= 1e-3
    assert min(each["all"] for each in report["times_faster"].values()) >= 3


@pytest.mark.timeout(3_600)
@pytest.mark.skipif(not FULL, reason="scib-metrics compiles for every size of a type; HARNESS_BENCH_FULL=1")
@pytest.mark.parametrize("name", ["pancreas_2study", "pbmc_10batch"])
@pytest.mark.parametrize("centred", [False, True], ids=["components", "batches centred"])
def test_values_on_real_data(shared, benchmark, name, centred):
    """Principal components, and the same with every batch's mean at 0: within 1e-3 but for random starts."""
    import anndata

    from harness import ArrayCells
    from harness.measures import corpus_components, integration_scores

    data = anndata.read_h5ad(shared / "data" / f"{name}.h5ad")
    before = corpus_components(ArrayCells(counts=data.X, genes=list(data.var_names)), 50, 2000)
    types, batches = (data.obs[column].astype(object).to_numpy() for column in ("cell_type", "batch"))
    embedding = before.copy()
    for batch in set(batches) if centred else ():
        embedding[batches == batch] -= embedding[batches == batch].mean(axis=0)
    ours = benchmark.pedantic(
        integration_scores, args=(embedding, types, batches), kwargs={"before": before}
    ).values
    apart = differences([ours], [exactly(embedding, types, batches, before, leiden=True)])
    benchmark.extra_info.update({"differences": apart, "values": dict(ours)})
    for metric, difference in apart.items():
        assert metric in OTHER_STARTS or difference <= 1e-3, metric


if __name__ == "__main__":
    SIDE, FOLDER = sys.argv[1], Path(sys.argv[2])
    (FOLDER / f"{SIDE}.json").write_text(json.dumps(one_side(SIDE, FOLDER)))
