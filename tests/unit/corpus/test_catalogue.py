"""Catalogues: every complaint with file and line, all at once; paths from anywhere but the code."""

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
