"""A finished suite of a few cells, its bundle, and what a forger can do to it."""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from harness.conformance import Finding
from harness.corpus import read_catalogue
from harness.digest import canonical, content_digest
from harness.environment import of_harness
from harness.executors.session import execute, take_stock
from harness.plan import describe, make_plan
from harness.records import Record
from harness.registry import discover
from harness.stages import Bench
from harness.store import UNITS, Store, pack, unpack
from harness.submission import packing
from harness.submission.content import (
    GRID,
    MANIFEST,
    RECORDS,
    claims_of,
    entry,
    make_manifest,
)
from harness.submission.here import Here
from harness.suite import Suite
from harness.survey import survey

CATALOGUE = """
name: mine
corpora:
  corpus: {file: cells.h5ad, roles: {cell_type: cell_type, donor: donor}}
datasets:
  cells: {file: cells.h5ad, roles: {cell_type: cell_type, donor: donor, batch: donor}}
"""
SUITE = {
    "name": "mine",
    "corpora": ["corpus"],
    "datasets": ["cells"],
    "models": ["pca"],
    "samplers": ["random"],
    "tasks": [{"name": "cell_type_classification", "parameters": {"split_in_distribution": True}}],
    "sizes": [30],
    "seeds": [0, 1],
    "budget": {"steps": 5},
}
ENVIRONMENT = {"device": "a processor", "device_kind": "cpu"}


class InThisProcess:
    """Runs orders on the spot."""

    def __init__(self, store):
        store.prepare()
        self.bench = Bench(store)

    def run(self, orders):
        for order in orders:
            yield order, self.bench.run(order)

    def activities(self):
        return []


def write_cells(folder):
    """Write 60 cells of two types from three donors; ten of thirty genes tell the types apart, not always."""
    generator = np.random.default_rng(0)
    kind = np.arange(60) % 2
    rates = np.where(np.arange(30) < 10, np.where(kind[:, None], 1.6, 1.0), 1.0)
    obs = {"cell_type": np.where(kind, "A", "B"), "donor": [f"d{i // 2 % 3}" for i in range(60)]}
    adata = anndata.AnnData(
        csr_matrix(generator.poisson(rates).astype(np.float32)),
        obs=pd.DataFrame(obs, index=[f"cell{i}" for i in range(60)]),
    )
    adata.var_names = [f"gene{i}" for i in range(30)]
    adata.write_h5ad(folder / "cells.h5ad")
    (folder / "catalogue.yaml").write_text(CATALOGUE)


@dataclass(frozen=True)
class World:
    """A finished suite: what the submitter has, and the verifier too."""

    here: Here
    store: Store
    grid: dict
    bundle: Path

    executor = InThisProcess
    suite = SUITE

    def forgery(self):
        """Return the bundle's files, to be changed."""
        with zipfile.ZipFile(self.bundle) as archive:
            return Forgery(files={name: archive.read(name) for name in archive.namelist()})


@dataclass
class Forgery:
    """Files of a bundle in a forger's hands."""

    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def records(self):
        return [Record.from_json(json.loads(line)) for line in self.files[RECORDS].splitlines()]

    @records.setter
    def records(self, records):
        self.files[RECORDS] = "".join(f"{canonical(r.to_json())}\n" for r in records).encode()

    def json(self, name):
        return json.loads(self.files[name])

    def put(self, name, document):
        self.files[name] = json.dumps(document).encode()

    def change(self, address, **outcome):
        """Give a record other fields of its outcome."""
        self.records = [
            replace(r, outcome=replace(r.outcome, **outcome)) if r.address == address else r
            for r in self.records
        ]

    def hide(self, address, outcome):
        """Give a job an outcome without scores, and take its stored scores out."""
        self.records = [replace(r, outcome=outcome) if r.address == address else r for r in self.records]
        self.files = {name: content for name, content in self.files.items() if address not in name}

    def change_scores(self, address, **fields):
        """Give the stored scores, and the record, other fields."""
        name = f"scores/{address}/scores.json"
        self.put(name, {**self.json(name), **fields})
        self.change(address, **fields)

    def change_units(self, address, metric, values):
        """Give the stored scores by unit other values of a metric."""
        units = self.units(address)
        changed = {**units.values, metric: np.full(len(units.names), values)}
        self.files[f"scores/{address}/{UNITS}"] = pack(replace(units, values=changed))

    def units(self, address):
        return unpack(self.files[f"scores/{address}/{UNITS}"])

    def seal(self):
        """Make all digests right again, as a careful forger would."""
        for name in [n for n in self.files if n.startswith("scores/") and n.endswith("/manifest.json")]:
            folder = name.removesuffix("manifest.json")
            inside = {n.removeprefix(folder): c for n, c in self.files.items() if n.startswith(folder)}
            digests = {n: content_digest(c) for n, c in inside.items() if n != "manifest.json"}
            self.put(name, {**self.json(name), "files": digests})
        return self.label()

    def label(self):
        """Make the bundle's manifest right again, and its claims follow."""
        return self.claim(claims_of(self.json(GRID), self.records))

    def claim(self, claims):
        """Make the digests of the bundle's manifest right again, under any claims."""
        rest = {name: entry(content) for name, content in self.files.items() if name != MANIFEST}
        self.put(MANIFEST, make_manifest(rest, claims))
        return self

    def write(self, path):
        """Write the files as a zip archive."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
        return path


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A suite of one baseline and PCA, untrained and trained, with two seeds."""
    folder = tmp_path_factory.mktemp("submission")
    write_cells(folder)
    entries = {(e.kind, e.name): e for e in read_catalogue(folder / "catalogue.yaml")}
    store, registry, suite = Store(folder / "store"), discover(), Suite.model_validate(SUITE)
    known = survey(suite.all_corpora, suite.datasets, entries, store)
    plan = make_plan(suite, registry, known, "cpu")
    executor = InThisProcess(store)
    found = list(
        execute(take_stock(plan, store), plan, registry, known, store, executor, environment=ENVIRONMENT)
    )
    assert [record.outcome.status for record in found] == ["ok"] * 5
    grid = {
        **describe(plan, registry, known),
        "trial": False,
        "harness": of_harness(),
        "environment": ENVIRONMENT,
    }
    grid = json.loads(canonical(grid))
    here = Here(plan=plan, registry=registry, known=known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "conform", lambda card, kind: [Finding(check="check_it", passed=True)])
        packing.pack(folder / "bundle.zip", grid, plan, registry, store)
    return World(here=here, store=store, grid=grid, bundle=folder / "bundle.zip")


@pytest.fixture
def forgery(world):
    """The bundle's files in a forger's hands."""
    return world.forgery()
