"""From a catalogue's mapping to a file."""

import json
import re
from pathlib import Path

import anndata
import numpy as np
import pytest

import harness
from harness.corpus.catalogue import read_catalogue
from harness.digest import canonical
from harness.errors import Misuse
from harness.synthetic import WORLD_VERSION, World, identity, materialise, write

SPEC = {"name": "atlas", "part": "evaluation", "cells": 30, "seed": 3, "genes": 40, "programmes": 4}


def test_a_file_holds_what_the_world_gives(tmp_path):
    """Counts, labels and genes come back; uns says which world it was."""
    materialise(SPEC, tmp_path / "cells.h5ad")
    found = anndata.read_h5ad(tmp_path / "cells.h5ad")
    expected = World(seed=3, genes=40, programmes=4).evaluation(30)
    assert (expected.counts != found.X).nnz == 0
    assert found.X.dtype == np.float32
    assert tuple(found.var_names) == expected.genes
    assert found.obs_names.is_unique
    for column, labels in expected.obs.items():
        assert found.obs[column].astype(str).tolist() == labels.tolist()
    assert json.loads(found.uns["world"])["seed"] == 3
    assert (found.uns["part"], found.uns["version"]) == ("evaluation", WORLD_VERSION)


def test_the_same_spec_gives_the_same_bytes(tmp_path):
    """So that two stores agree on the digest of a simulated data set."""
    materialise(SPEC, tmp_path / "a.h5ad")
    materialise(dict(reversed(SPEC.items())), tmp_path / "b.h5ad")
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()


def test_a_failed_write_leaves_no_trace(tmp_path, monkeypatch):
    """The old file stays as it was, and no temporary one is left."""
    path = tmp_path / "cells.h5ad"
    path.write_bytes(b"old")

    def broken(self, where):
        Path(where).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(anndata.AnnData, "write_h5ad", broken)
    with pytest.raises(OSError, match="disk full"):
        write(World(genes=40, programmes=4).corpus(5), path)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.h5ad"]
    assert path.read_bytes() == b"old"


def test_an_identity_is_complete_and_plain():
    """All knobs, given or not, with the version: whatever decides the cells, as canonical JSON."""
    found = identity(SPEC)
    assert set(found) == {"version", "part", "cells", "knobs"}
    assert found["version"] == WORLD_VERSION
    assert set(found["knobs"]) == set(World.__dataclass_fields__)
    assert found["knobs"]["genes"] == 40
    canonical(found)


def test_the_identity_of_a_world_is_its_knobs():
    """A name, or a value written in another way, makes no difference; every knob does."""
    atlas = {"name": "atlas", "part": "corpus", "cells": 10}
    assert identity({**atlas, "label_flip": 1}) == identity({**atlas, "name": "flat"})
    assert identity({**atlas, "doses": [1]}) == identity({**atlas, "doses": [1.0]})
    assert identity({**atlas, "seed": 0}) == identity(atlas)
    assert identity({**atlas, "seed": 1}) != identity(atlas)
    assert identity({**atlas, "cells": 11}) != identity(atlas)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "atlass"}, 'no world "atlass". Did you mean "atlas"?'),
        ({"part": "corpse"}, 'no part "corpse". Did you mean "corpus"?'),
        ({"label_flips": 0.1}, 'no knob "label_flips". Did you mean "label_flip"?'),
        ({"cells": 0}, '"0" was asked'),
        ({"cells": "many"}, '"many" was asked'),
        ({"depth": -1}, '"-1" was given'),
        ({"name": ["atlas"]}, "no world"),
        ({"doses": "high"}, "a list of numbers"),
    ],
)
def test_a_misspelt_spec_is_refused_in_a_sentence(change, said, tmp_path):
    """By ``identity`` and by ``materialise``, before anything is simulated."""
    for ask in (identity, lambda spec: materialise(spec, tmp_path / "x.h5ad")):
        with pytest.raises(Misuse, match=re.escape(said)):
            ask({**SPEC, **change})


@pytest.mark.parametrize("key", ["name", "part", "cells"])
def test_a_spec_without_what_it_needs_is_refused(key):
    """The sentence shows what a spec looks like."""
    with pytest.raises(Misuse, match=f'needs "{key}"'):
        identity({k: v for k, v in SPEC.items() if k != key})


EMBEDDED = read_catalogue(Path(harness.__file__).parent / "catalogues" / "embedded.yaml")


@pytest.mark.filterwarnings("ignore::anndata.OldFormatWarning")
@pytest.mark.parametrize("entry", EMBEDDED, ids=lambda entry: entry.name)
def test_the_embedded_catalogue_can_be_kept(entry):
    """Every simulated entry names columns that its part has; the real one's file is there with its labels."""
    if entry.world is None:
        labels = anndata.read_h5ad(entry.path(), backed="r").obs[entry.roles["cell_type"]]
        assert (len(labels), labels.nunique()) == (700, 10)
        return
    asked = identity(entry.world)
    part = getattr(World(**asked["knobs"]), asked["part"])(60)
    assert set(entry.roles.values()) <= set(part.obs)
    assert (entry.kind == "corpus") == (asked["part"] == "corpus")
    if "perturbation" in entry.roles:
        assert entry.control in part.obs["perturbation"]


@pytest.mark.parametrize(
    ("part", "types", "totals"),
    [
        ("corpus", [3, 1, 1, 0], [411, 601, 358, 452]),
        ("evaluation", [2, 2, 0, 7], [933, 468, 621, 462]),
        ("perturbed", [0, 1, 2, 3], [360, 529, 479, 495]),
    ],
)
def test_version_1_gives_these_cells(part, types, totals):
    """Stored results are addressed by knobs and version: whoever changes the cells raises WORLD_VERSION."""
    assert WORLD_VERSION == 1
    cells = getattr(World(), part)(4)
    assert cells.truth["type"].tolist() == types
    # Another machine may round one exponential in another way, and so draw a few counts differently.
    assert np.asarray(cells.counts.sum(axis=1)).ravel() == pytest.approx(totals, abs=15)
