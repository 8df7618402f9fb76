"""Boards made by hand, with no more in them than comparing two of them needs."""

import json

from harness.digest import canonical, text_digest
from harness_leaderboard.versions import Version

UP = {"direction": "up", "lower": 0.0, "upper": 1.0, "tolerance": 1e-6, "units": "each"}
DOWN = {**UP, "direction": "down", "upper": None}
ENVIRONMENT = {"numpy": "2.1", "device": "a processor", "device_kind": "cpu"}


def score(value=0.5, **more):
    """Return one scored run of ``pca`` trained on 100 cells; keywords replace its parts by name.

    ``model_version``, ``task_version``, ``dataset_digest`` and so on reach inside.
    """
    job = {
        "arm": "trained",
        "baseline": None,
        "model": {"name": "pca", "version": "1", "parameters": [["n", 10]], "label": "pca"},
        "budget": {"unit": "steps", "amount": 100},
        "precision": "float32",
        "device": "cpu",
        "genes": "g1",
        "weights": None,
        "corpus": {"name": "atlas", "digest": "c1"},
        "excluded": [],
        "sampler": {"name": "random", "version": "1", "parameters": [], "label": "random"},
        "size": 100,
        "seed": 0,
        "task": {"name": "typing", "version": "1", "parameters": [], "label": "typing"},
        "dataset": {"name": "kang", "digest": "d1"},
        "split": {"kind": "grouped", "version": "1", "parameters": [], "seed": 0},
    }
    result = {
        "status": "ok",
        "metrics": {"f1": value},
        "undefined": {"loss": "it has none"},
        "plugins": {"model": "ours 1", "task": "ours 1"},
        "finished": "2026-01-01",
    }
    for name, given in more.items():
        part, _, inner = name.partition("_")
        if inner and part in job:
            job[part] = {**job[part], inner: given}
        elif name in job:
            job[name] = given
        else:
            result[name] = given
    addresses = {"sample": None, "fit": None, "embed": None, "score": text_digest(canonical(job))}
    return {**job, "addresses": addresses, **result}


def seeds(*values, **more):
    """Return one run per seed."""
    return [score(value, seed=seed, **more) for seed, value in enumerate(values)]


def baseline(value=0.3, name="majority", **more):
    nothing = dict.fromkeys(("model", "budget", "corpus", "sampler", "size", "seed", "genes", "device"))
    return score(value, arm="baseline", baseline=name, **{**nothing, "precision": None}, **more)


def table(like, curves=(), constants=(), **more):
    return {
        **{name: like[name] for name in ("task", "dataset", "split")},
        "primary": "f1",
        "metrics": {"f1": UP, "loss": DOWN},
        "identities": [],
        "curves": list(curves),
        "constants": list(constants),
        **more,
    }


def board(scores, version="v0001", environment=ENVIRONMENT, commit="abc", **more):
    """Return a board with one table for every task, split and data set among the scores."""
    tables = {canonical([s["task"], s["split"], s["dataset"]]): table(s) for s in scores}
    return {
        "schema_version": 2,
        "suite": {"name": "quick"},
        "version": version,
        "trial": False,
        "harness": {"version": "1", "commit": commit},
        "environments": [environment],
        "scores": list(scores),
        "tables": list(tables.values()),
        "failures": [],
        "not_applicable": [],
        "missing": [],
        "pruned": [],
        **more,
    }


def version(scores, folder="nowhere", tombstone=None, **more):
    from pathlib import Path

    return Version(folder=Path(folder), board=board(scores, **more), tombstone=tombstone)


def written(folder, content):
    """Write a board where a version lies."""
    folder.mkdir(parents=True)
    (folder / "board.json").write_text(json.dumps(content))
    return folder
