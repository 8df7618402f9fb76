"""Published versions by name: which one is meant, what it holds, and whether it was withdrawn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import Misuse, did_you_mean
from harness.store import write_atomically

from .report import read_board, suite_folder

NUMBER = re.compile(r"v(\d{4,})")
NEWEST = "newest"


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """Why a version must not be used any more.

    Attributes
    ----------
    version
        The one that is withdrawn; its own files stay as they are.
    reason
        A sentence for readers.
    withdrawn
        Day, ``2026-01-31``.
    """

    version: str
    reason: str
    withdrawn: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """A board in a folder, with its tombstone where it has one."""

    folder: Path
    board: Mapping[str, Any]
    tombstone: Tombstone | None = None

    @property
    def name(self) -> str:
        """The name people read: ``quick v0003``."""
        return f"{self.board['suite']['name']} {self.board['version'] or 'unpublished'}"


def read_version(words: str, published: Path) -> Version:
    """Return the version that is meant.

    Parameters
    ----------
    words
        The folder of a version (or of a store's board), or ``suite@v0001``, or ``suite@newest``: the newest
        one that was not withdrawn.
    published
        Folder of all published boards.

    Raises
    ------
    Misuse
        There is no such version, or it cannot be read.
    """
    folder = Path(words) if "@" not in words or Path(words).is_dir() else _named(words, published)
    return Version(folder=folder, board=read_board(folder), tombstone=tombstone_of(folder))


def _named(words: str, published: Path) -> Path:
    suite, _, version = words.partition("@")
    folder = published / suite_folder(suite)
    known = versions_in(folder)
    if version == NEWEST and (standing := newest_standing(folder)):
        return folder / standing
    if not known:
        raise Misuse(
            f'"{folder}" has no versions: nothing of the suite "{suite}" was published.'
            + did_you_mean(suite, _suites_in(published))
        )
    if version == NEWEST:
        raise Misuse(f'every version in "{folder}" was withdrawn ({", ".join(known)}); name one of them')
    if version not in known:
        raise Misuse(f'"{folder}" has no version "{version}".' + did_you_mean(version, [*known, NEWEST]))
    return folder / version


def _suites_in(published: Path) -> list[str]:
    """Return the names of the suites that have versions."""
    return sorted({file.parents[1].name for file in published.glob("*/v*/board.json")})


def versions_in(folder: Path) -> list[str]:
    """Return the names of a suite's versions, oldest first."""
    names = [file.parent.name for file in folder.glob("v*/board.json")]
    return sorted(filter(NUMBER.fullmatch, names), key=lambda name: int(name[1:]))


def newest_standing(folder: Path) -> str | None:
    """Return the newest version of a suite that was not withdrawn, or None."""
    standing = [name for name in versions_in(folder) if not tombstone_of(folder / name)]
    return standing[-1] if standing else None


def withdraw(published: Path, suite: str, version: str, reason: str, day: str) -> Path:
    """Write the tombstone of a version beside it, and return its path.

    Raises
    ------
    Misuse
        There is no such version, no reason, or a tombstone already.
    """
    folder = published / suite_folder(suite)
    if version not in versions_in(folder):
        raise Misuse(f'"{folder}" has no version "{version}".' + did_you_mean(version, versions_in(folder)))
    if not reason.strip():
        raise Misuse(f"say why {suite} {version} is withdrawn: readers see the reason, --reason TEXT")
    if known := tombstone_of(folder / version):
        raise Misuse(f'{suite} {version} was withdrawn on {known.withdrawn} already: "{known.reason}"')
    path = _grave(folder / version)
    tombstone = Tombstone(version=version, reason=" ".join(reason.split()), withdrawn=day)
    write_atomically(path, (json.dumps(asdict(tombstone), indent=1) + "\n").encode())
    return path


def tombstone_of(folder: Path) -> Tombstone | None:
    """Return the tombstone of the version in a folder, or None.

    Raises
    ------
    Misuse
        There is one that cannot be read: a version is never taken for standing by mistake.
    """
    path = _grave(folder)
    if not path.exists():
        return None
    try:
        return Tombstone(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise Misuse(f'the tombstone "{path}" cannot be read ({error}); mend it') from error


def tombstones(folder: Path) -> list[Tombstone]:
    """Return the tombstones of a suite's versions, oldest first."""
    found = [tombstone_of(folder / name) for name in versions_in(folder)]
    return [tombstone for tombstone in found if tombstone]


def _grave(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.withdrawn.json"
