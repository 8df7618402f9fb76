"""An archive from a stranger: what an honest one never has is refused before it is unpacked."""

import io
import re
import stat
import zipfile

import numpy as np
import pytest

from harness.submission import archive as archives
from harness.submission.archive import Archive, Refused
from harness.submission.content import read_units

MEGABYTE = 1 << 20


def packed(*members, compression=zipfile.ZIP_DEFLATED):
    """Return an archive of (name or ZipInfo, content)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def opened(content):
    return Archive(content, lambda name: name in ("a", "b"), "it")


def test_plain_files_are_read():
    """Names and contents."""
    with opened(packed(("a", b"one"), ("b", b"two"))) as archive:
        assert archive.names() == ["a", "b"]
        assert archive.read("b") == b"two"
        assert "a" in archive
        with pytest.raises(Refused, match='it has no "c"'):
            archive.read("c")


@pytest.mark.parametrize(
    "name", ["../a", "x/../../a", "/a", "C:/a", "c:a", "..\\a", "x\\..\\a", "\\a", "/etc/passwd", ".."]
)
def test_a_path_that_climbs_out_is_refused(name):
    """In the spellings of all systems, even where everything belongs."""
    with pytest.raises(Refused, match="a path that climbs out of it"):
        Archive(packed((name, b"x")), lambda _: True, "it")


@pytest.mark.parametrize("name", ["c", "a/b", "A", "a ", "a\x00b"])
def test_a_stranger_is_refused(name):
    """A member that no such archive has, and one whose name is cut short by a zero byte."""
    content = packed((name.replace("\x00", "?"), b"x"))
    content = content.replace(b"a?b", b"a\x00b")
    with pytest.raises(Refused, match="does not belong there"):
        opened(content)


def test_what_is_said_of_a_stranger_is_plain():
    """A name with a newline or an escape sequence in it steers no terminal and ends no quotation."""
    with pytest.raises(Refused) as refusal:
        Archive(packed(("a\n```\x1b[2J", b"\0" * MEGABYTE)), lambda _: True, "it")
    assert "a?```?[2J" in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused():
    """The one that a checker reads need not be the one that a user reads."""
    with pytest.raises(Refused, match='two members called "a"'):
        opened(packed(("a", b"good"), ("a", b"bad")))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (stat.S_IFLNK, "a symbolic link"),
        (stat.S_IFDIR, "no plain file"),
        (stat.S_IFIFO, "no plain file"),
        (stat.S_IFCHR, "no plain file"),
    ],
)
def test_what_is_no_plain_file_is_refused(kind, says):
    """A link would lead to a file of the reader's."""
    member = zipfile.ZipInfo("a")
    member.external_attr = (kind | 0o777) << 16
    with pytest.raises(Refused, match=says):
        opened(packed((member, b"/etc/passwd")))


def test_a_compression_bomb_is_refused_unread():
    """Twenty megabytes of nothing in twenty kilobytes."""
    with pytest.raises(Refused, match="as a compression bomb does"):
        opened(packed(("a", b"\0" * (20 * MEGABYTE))))


def test_many_small_bombs_are_refused(monkeypatch):
    """What all members unpack to together is limited too, and how many there are."""
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    with pytest.raises(Refused, match="unpacks to 120 bytes; 100 at most"):
        opened(packed(("a", b"x" * 60), ("b", b"x" * 60)))
    monkeypatch.setattr(archives, "MOST_MEMBERS", 1)
    with pytest.raises(Refused, match="has 2 members; 1 at most"):
        opened(packed(("a", b"x"), ("b", b"x")))


def test_a_member_larger_than_it_says_is_refused():
    """A bomb that lies about its size unpacks to no more than the size it names."""
    content = packed(("a", b"\0" * (20 * MEGABYTE)))
    lie = (1000).to_bytes(4, "little")
    content = content.replace((20 * MEGABYTE).to_bytes(4, "little"), lie)
    with opened(content) as archive, pytest.raises(Refused, match="is damaged"):
        archive.read("a")


def test_honest_results_are_no_bomb():
    """Text that repeats itself as records do packs well, and is read."""
    text = b"".join(
        b'{"seed":%d,"task":"cell_type_classification","value":0.%d}\n' % (i, i) for i in range(50_000)
    )
    content = packed(("a", text))
    assert len(text) / len(content) > 5
    with opened(content) as archive:
        assert archive.read("a") == text


def test_what_is_encrypted_or_rarely_packed_is_refused():
    """No password is asked for, and the one decompressor that is needed is used."""
    with pytest.raises(Refused, match="packed by a rare method"):
        opened(packed(("a", b"x" * 100), compression=zipfile.ZIP_LZMA))
    content = bytearray(packed(("a", b"x")))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Refused, match="is encrypted"):
        opened(bytes(content))


def test_what_is_no_archive_or_damaged_is_refused():
    """Neither ends in a traceback."""
    with pytest.raises(Refused, match="no zip archive"):
        opened(b"PK nothing")
    content = packed(("a", b"one two three"), compression=zipfile.ZIP_STORED).replace(b"two", b"tow")
    with opened(content) as archive, pytest.raises(Refused, match='"a" in it is damaged'):
        archive.read("a")


def arrays(**members):
    stream = io.BytesIO()
    np.savez(stream, **members)
    return stream.getvalue()


def test_scores_by_unit_are_read():
    """As a store reads its own."""
    found = read_units(
        arrays(
            names=np.array(["u", "v"]),
            weights=np.array([1.0, 2.0]),
            metrics=np.array(["f1"]),
            values=np.array([[0.5, np.nan]]),
        ),
        "units.npz",
    )
    assert found.names == ("u", "v")
    assert found.clusters is None
    assert found.weights.tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(found.values["f1"], [0.5, np.nan])


def test_a_bomb_inside_the_arrays_is_refused():
    """The archive of arrays is an archive too."""
    bomb = io.BytesIO()
    np.savez_compressed(bomb, names=np.zeros(5 * MEGABYTE, dtype="U1"))
    with pytest.raises(Refused, match="as a compression bomb does"):
        read_units(bomb.getvalue(), "units.npz")


def test_an_array_that_asks_for_more_than_it_holds_is_refused():
    """A header of a hundred bytes must not make the reader set aside eight terabytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1, 10**12)}
    )
    content = packed(("names.npy", _texts()), ("values.npy", header.getvalue() + b"12345678"))
    with pytest.raises(Refused, match="does not hold the 1,000,000,000,000 numbers"):
        read_units(content, "units.npz")


TWICE = {"names": np.array(["u", "v"])}
NAMED = {"names": np.array(["u"]), "metrics": np.array(["f1"])}


@pytest.mark.parametrize(
    "header",
    [
        b"(((((",
        b"-" * 9_000,
        b"{'descr': '<U0', 'fortran_order': False, 'shape': (0,), }",
        b"{'descr': '<U1', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': '<U1', 'fortran_order': False, 'shape': (True,), }",
    ],
)
def test_headers_that_numpy_stumbles_over_are_refused(header):
    """Each by a sentence: tokens that do not end, a tower of signs, no width, no length."""
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"u\0\0\0"
    with pytest.raises(Refused, match=r"is no array|is no score by unit"):
        read_units(packed(("names.npy", content)), "units.npz")


def _texts():
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array(["u"]))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"names": np.array(["u"], dtype=object)}, "is no score by unit"),
        ({"names": np.array([1, 2])}, "is no score by unit"),
        ({"names": np.array([["u"]])}, "is no score by unit"),
        ({"names": np.array(["u"]), "values": np.array([0.1])}, "is no score by unit"),
        ({**NAMED, "values": np.array([[0.1, 0.2]])}, '"values" of shape (1, 2) for 1 metrics, 1 units'),
        ({**NAMED, "values": np.ones((1, 1)), "weights": np.ones(2)}, '"weights" of shape (2,)'),
        ({"metrics": np.array(["f1"]), "values": np.array([[0.1]])}, 'has no "names"'),
        ({**TWICE, "metrics": np.array(["f", "g"]), "values": np.asfortranarray(np.eye(2))}, "no score by"),
        ({**TWICE, "metrics": np.array(["f", "f"]), "values": np.eye(2)}, "names a metric twice"),
        ({**NAMED, "values": np.ones((1, 1)), "clusters": np.array(["\ud800"])}, "holds what is no text"),
        ({"names": np.array(["u"]), "more": np.array([0.1])}, "does not belong there"),
    ],
)
def test_other_arrays_are_refused(members, says):
    """Pickled objects above all: unpickling runs code."""
    with pytest.raises(Refused, match=re.escape(says)):
        read_units(arrays(**members), "units.npz")
