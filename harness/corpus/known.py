"""What is known already is taken from the shelf; a file is opened only where something about it is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from harness.corpus.catalogue import Entry
from harness.corpus.facts import FACTS_VERSION, Facts
from harness.digest import address
from harness.errors import BadData


class Shelf(Protocol):
    """Where facts are kept: small JSON documents by key."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a document, or None."""

    def put(self, key: str, document: dict[str, Any]) -> None:
        """Keep a document."""


def facts_of(entry: Entry, path: Path, shelf: Shelf, limit: int | None = None) -> Facts:
    """Return the facts of a file; it is opened only where its content, entry or limit is new.

    Raises
    ------
    BadData
        With everything that is wrong with the file.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise BadData(f'{entry.name}: the file "{path}" cannot be read: {error.strerror}') from error
    key = address(
        "facts",
        version=FACTS_VERSION,
        entry=entry.model_dump(mode="json", exclude={"source", "folder"}),
        file=[str(path.absolute()), stat.st_size, stat.st_mtime_ns],
        limit=limit,
    )
    if (known := shelf.get(key)) is not None:
        return Facts.from_json(known)
    from harness.corpus.measure import measure

    found = measure(entry, path, limit)
    shelf.put(key, found.to_json())
    return found


def check(entry: Entry, locate: Callable[[], Path] | None = None) -> list[str]:
    """Return everything that is wrong with an entry's file, as sentences.

    Parameters
    ----------
    locate
        Gives the path of an entry that has no file of its own, such as a simulated world.
    """
    from harness.corpus.measure import measure

    try:
        measure(entry, (locate or entry.path)())
    except BadData as error:
        return str(error).splitlines()
    return []
