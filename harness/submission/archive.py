"""A zip archive from a stranger: members are looked at before any of them is unpacked."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import HarnessError

MOST_MEMBERS = 1_000_000
MOST_BYTES = 4 << 30
"""All members together, unpacked."""
MOST_IN_MEMBER = 1 << 30
MOST_TIMES = 200
"""How much larger than packed a member may be, from :data:`FREE_BYTES` on; results pack 3 to 50 times."""
FREE_BYTES = 1 << 16
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Refused(HarnessError):
    """A bundle is not what it says it is, or is dangerous to read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(plain(sentence))


def plain(sentence: str) -> str:
    """Return a sentence on one line without control characters, which a stranger's names may hold."""
    return "".join(c if c.isprintable() else "?" for c in sentence)


class Archive:
    """The members of a zip archive, by name.

    Parameters
    ----------
    source
        A file, or its content.
    belongs
        Whether a name is one of those that such an archive has.
    called
        What complaints call it.

    Raises
    ------
    Refused
        A name, kind or size of a member is none that an honest archive has.
    """

    def __init__(self, source: Path | bytes, belongs: Callable[[str], bool], called: str) -> None:
        self.called = called
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Refused(f"{called} is no zip archive that can be read: {error}") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._listed():
            self._refuse_name(member, belongs)
            self._refuse_kind(member)
            self._refuse_size(member)
            self._members[member.filename] = member

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def names(self) -> list[str]:
        """Return the names of all members."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises
        ------
        Refused
            It is not there, or does not unpack to what the archive says.
        """
        if name not in self._members:
            raise Refused(f'{self.called} has no "{name}"')
        try:
            return self._zip.read(self._members[name])
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise Refused(f'"{name}" in {self.called} is damaged: {error}') from error

    def _listed(self) -> Iterator[zipfile.ZipInfo]:
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise Refused(f"{self.called} has {len(members):,} members; {MOST_MEMBERS:,} at most are read")
        whole = sum(member.file_size for member in members)
        if whole > MOST_BYTES:
            raise Refused(f"{self.called} unpacks to {whole:,} bytes; {MOST_BYTES:,} at most are read")
        yield from members

    def _refuse_name(self, member: zipfile.ZipInfo, belongs: Callable[[str], bool]) -> None:
        name = member.orig_filename
        parts = re.split(r"[/\\]", name)
        if name.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", name):
            raise Refused(f"{self.called} has a member {name!r}, a path that climbs out of it")
        if name in self._members:
            raise Refused(f'{self.called} has two members called "{name}"; one of them would hide the other')
        if name != member.filename or not belongs(name):
            raise Refused(f"{self.called} has a member {name!r}, which does not belong there")

    def _refuse_kind(self, member: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            what = "a symbolic link" if kind == stat.S_IFLNK else "no plain file"
            raise Refused(f'"{member.filename}" in {self.called} is {what}; only plain files are read')
        if member.flag_bits & 0x1 or member.compress_type not in METHODS:
            raise Refused(f'"{member.filename}" in {self.called} is encrypted or packed by a rare method')

    def _refuse_size(self, member: zipfile.ZipInfo) -> None:
        times = member.file_size / max(member.compress_size, 1)
        if member.file_size > MOST_IN_MEMBER or (member.file_size > FREE_BYTES and times > MOST_TIMES):
            raise Refused(
                f'"{member.filename}" in {self.called} unpacks from {member.compress_size:,} to '
                f"{member.file_size:,} bytes, as a compression bomb does; {MOST_TIMES} times and "
                f"{MOST_IN_MEMBER:,} bytes at most are read"
            )
