"""The command line as a user runs it, on a data set of a few cells."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

HARNESS = str(Path(sys.executable).with_name("harness"))


@dataclass
class Place:
    """A working folder with a catalogue and suites, and the packages that are installed for it."""

    folder: Path
    packages: tuple[Path, ...] = ()

    def start(self, *words, **environment):
        """Start ``harness`` with these words."""
        paths = os.pathsep.join(str(path) for path in self.packages)
        return subprocess.Popen(
            [HARNESS, *map(str, words)],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that run in the background of a shell are deaf to interrupts, and so would this be.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def __call__(self, *words, code=0, **environment):
        """Run ``harness`` to its end, expect an exit code, and return what it printed."""
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=280)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out + err

    def suite(self, name="mine", **fields):
        """Write a suite file; keywords replace its fields."""
        values = {
            "name": name,
            "corpora": ["corpus"],
            "datasets": ["cells"],
            "models": ["pca"],
            "samplers": ["random"],
            "tasks": ["cell_type_classification"],
            "sizes": [20, 60],
            "seeds": [0, 1],
            "budget": {"steps": 5},
            "timeout": 60,
            "memory": 4,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps({**values, **fields}))  # JSON is YAML
        return path

    def board(self, name="mine"):
        """Return the board that the last run wrote."""
        return json.loads((self.folder / ".harness" / "boards" / name / "board.json").read_text())


CATALOGUE = """
name: mine
corpora:
  corpus: {file: corpus.h5ad, roles: {cell_type: cell_type, donor: donor}, marks: also_in}
datasets:
  cells: {file: cells.h5ad, roles: {cell_type: cell_type, donor: donor, batch: donor}}
"""


def tissue(n, seed):
    """Two types, three donors, thirty genes; the first ten genes tell the types apart."""
    generator = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    rates = np.where(np.arange(30) < 10, np.where(kind[:, None], 6.0, 1.0), 2.0)
    obs = {
        "cell_type": np.where(kind, "A", "B"),
        "donor": [f"d{i // 2 % 3}" for i in range(n)],
        "also_in": "",
    }
    adata = anndata.AnnData(
        csr_matrix(generator.poisson(rates).astype(np.float32)),
        obs=pd.DataFrame(obs, index=[f"cell{i}" for i in range(n)]),
    )
    adata.var_names = [f"gene{i}" for i in range(30)]
    return adata


def make_place(folder):
    """Make a folder with a corpus of 120 cells, a data set of 60, and a catalogue of both."""
    corpus = tissue(120, seed=1)
    corpus.obs["also_in"] = ["cells"] * 10 + [""] * 110
    corpus.write_h5ad(folder / "corpus.h5ad")
    tissue(60, seed=2).write_h5ad(folder / "cells.h5ad")
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    return Place(folder)


@pytest.fixture
def place(tmp_path):
    """A place for one test."""
    return make_place(tmp_path)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory):
    """A place for all tests of a module."""
    return make_place(tmp_path_factory.mktemp("place"))
