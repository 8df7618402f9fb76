"""Catalogues: every complaint with file and line, all at once; paths from anywhere but the code."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.corpus import entry_of_file, read_catalogue
from harness.errors import BadData, Misuse

PACKAGED = Path(harness.__file__).parent / "catalogues"
GOOD = """
name: mine
datasets:
  cells:
    file: cells.h5ad
    roles: {cell_type: kind}
    drop: {kind: [unassigned]}
"""


@pytest.fixture
def catalogue(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_relative_files_are_relative_to_the_catalogue(catalogue, tmp_path):
    """A catalogue and its files can be moved together."""
    (entry,) = read_catalogue(catalogue(GOOD))
    (tmp_path / "cells.h5ad").write_text("")
    assert entry.path() == tmp_path / "cells.h5ad"
    assert (entry.kind, entry.drop) == ("dataset", {"kind": ("unassigned",)})


def test_a_given_root_replaces_the_catalogues_own(catalogue, tmp_path, monkeypatch):
    """--data DIR wins over the environment variable that the catalogue names."""
    path = catalogue("root: ${NO_SUCH_VARIABLE}" + GOOD)
    (entry,) = read_catalogue(path, tmp_path / "elsewhere")
    with pytest.raises(BadData, match="elsewhere"):
        entry.path()
    (entry,) = read_catalogue(path)
    with pytest.raises(BadData, match=r"NO_SUCH_VARIABLE.*not set.*--data"):
        entry.path()
    monkeypatch.setenv("NO_SUCH_VARIABLE", str(tmp_path))
    (tmp_path / "cells.h5ad").write_text("")
    assert entry.path() == tmp_path / "cells.h5ad"


def test_files_inside_installed_packages_are_found():
    """The embedded default needs no folder of data."""
    (entry,) = [e for e in read_catalogue(_packaged("embedded")) if e.name == "pbmc68k"]
    assert entry.path().is_file()


def _packaged(name):
    return PACKAGED / f"{name}.yaml"


@pytest.mark.parametrize("name", ["embedded", "real"])
def test_packaged_catalogues_are_sound(name):
    """What we ship can be read."""
    assert read_catalogue(_packaged(name))


def test_all_complaints_come_at_once_with_their_lines(catalogue):
    """The reader mends the file in one go."""
    path = catalogue(
        "datasets:\n"
        "  one:\n"
        "    fil: a.h5ad\n"
        "    roles: {celltype: kind}\n"
        "  two: {file: b.h5ad, min_overlap: 3}\n"
        "  three: {}\n"
        "dataset: {}\n"
    )
    with pytest.raises(Misuse) as caught:
        read_catalogue(path)
    text = str(caught.value)
    assert f'{path}:3: the key "datasets.one.fil" is unknown. Did you mean "file"?' in text
    assert f"{path}:4:" in text
    assert '"celltype" is not a role. Did you mean "cell_type"?' in text
    assert f"{path}:5:" in text
    assert f"{path}:6:" in text
    assert f'{path}:7: the key "dataset" is unknown. Did you mean "datasets"?' in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", ':2: the key "a" stands twice'),
        ("a: !!python/object/apply:os.system [true]\n", ":1: could not determine a constructor"),
        ("a: [1\n", ":2: "),
        ("- 1\n", "a catalogue is a mapping"),
    ],
)
def test_unsafe_or_broken_yaml_is_refused(catalogue, text, words):
    """No key is lost in silence and no code is run."""
    with pytest.raises(Misuse, match=r"mine\.yaml") as caught:
        read_catalogue(catalogue(text))
    assert words in str(caught.value)


def test_a_missing_file_proposes_a_near_name(catalogue, tmp_path):
    """A slip in a file name is found."""
    (tmp_path / "cell.h5ad").write_text("")
    (entry,) = read_catalogue(catalogue(GOOD))
    with pytest.raises(BadData, match=r'mine.yaml:4: cells: there is no file .* Did you mean "cell.h5ad"'):
        entry.path()


def test_a_file_by_itself_is_counts_in_x(tmp_path):
    """``harness data check`` takes a file without a catalogue."""
    entry = entry_of_file(tmp_path / "some.h5ad")
    assert (entry.name, entry.counts, entry.roles) == ("some", "X", {})


def test_without_a_root_the_files_lie_beside_the_catalogue(catalogue, tmp_path):
    """A package ships catalogue and data together: a folder named for other data does not part them."""
    (tmp_path / "cells.h5ad").write_text("")
    (entry,) = read_catalogue(catalogue(GOOD), tmp_path / "elsewhere")
    assert entry.path() == tmp_path / "cells.h5ad"


def test_a_root_is_relative_to_the_catalogue(catalogue, tmp_path, monkeypatch):
    """It does not matter where the harness is called from."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cells.h5ad").write_text("")
    path = catalogue("root: data" + GOOD)
    monkeypatch.chdir(tmp_path / "data")
    assert read_catalogue(path)[0].path() == tmp_path / "data" / "cells.h5ad"


def test_an_empty_variable_counts_as_not_set(catalogue, monkeypatch):
    """An empty HARNESS_DATA is not the folder we are in."""
    monkeypatch.setenv("NO_SUCH_VARIABLE", "")
    (entry,) = read_catalogue(catalogue("root: ${NO_SUCH_VARIABLE}" + GOOD))
    with pytest.raises(BadData, match="not set"):
        entry.path()


def test_an_absent_package_is_named(catalogue):
    """A file inside a package that is not installed."""
    (entry,) = read_catalogue(catalogue("datasets: {a: {file: 'package:no_such_package/x.h5ad'}}"))
    with pytest.raises(BadData, match=r'the package "no_such_package" .* is not installed'):
        entry.path()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("datasets: [a, b]", ":1: datasets is a mapping of names"),
        ("datasets:\n  a: x.h5ad", ":2: datasets.a is not a mapping"),
        ("datasets: {a: {file: x, kind: corpus}}", 'the key "datasets.a.kind" is unknown'),
        ("datasets: {a: {file: x, marks: y}}", '"marks" belongs to a corpus'),
        ("corpora: {a: {file: x, min_overlap: 0.1}}", '"min_overlap" belongs to a data set'),
        ("datasets: {a: {file: x, control: DMSO}}", "no role says which column holds the perturbation"),
        ("datasets: {a: {file: x, counts: layer/y}}", "counts are in X, in raw, or in layers/<name>"),
        ("datasets: {a: {file: x, recover: log}}", "Input should be 'expm1'"),
        ("datasets: {a: {file: x, world: {name: y}}}", "either a file, or a world, or parts to join"),
        ("datasets: {a: {join: [x, y]}}", "a corpus joins two or more different"),
        ("corpora: {a: {join: [x, x]}}", "a corpus joins two or more different"),
        ("corpora: {a: {join: [x, y], counts: raw}}", '"counts" of a joined corpus is that of its parts'),
        (
            "datasets: {a: {file: x, roles: {celltype: y, bach: z}}}",
            '"bach" is not a role. Did you mean "batch"?',
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(catalogue, text, words):
    """Before any file is looked for."""
    with pytest.raises(Misuse) as caught:
        read_catalogue(catalogue(text))
    assert words in str(caught.value)


def test_numbers_and_single_words_are_taken_as_texts(catalogue):
    """Clusters have numbers, and most data sets have one mark."""
    (entry,) = read_catalogue(
        catalogue("datasets: {a: {file: x, drop: {leiden: [3, unknown]}, marked_as: other}}")
    )
    assert entry.drop == {"leiden": ("3", "unknown")}
    assert entry.marked_as == ("other",)


def test_an_entry_can_be_sent_to_a_worker_and_used_as_a_key(catalogue):
    """Workers get entries pickled and keep what they opened by entry."""
    (entry,) = read_catalogue(catalogue(GOOD))
    again = pickle.loads(pickle.dumps(entry))
    assert again == entry
    assert {entry: 1}[again] == 1


def test_planning_imports_no_science():
    """Reading catalogues and facts, and comparing gene lists, needs none of the heavy packages."""
    code = (
        "import sys; from harness.corpus import overlap, read_catalogue, Facts\n"
        f"read_catalogue(__import__('pathlib').Path({str(_packaged('real'))!r}))\n"
        "heavy = {'numpy', 'pandas', 'anndata', 'scipy', 'h5py', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
