"""An archive from a stranger: what an honest one never has is refused before it is unpacked."""

import io
import stat
import zipfile

import pytest

from harness.submission import archive as archives
from harness.submission.archive import Archive, Refused

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
