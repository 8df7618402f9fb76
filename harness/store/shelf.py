"""Small JSON documents by key, such as the facts of a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.store.blobs import write_atomically


class Shelf:
    """A folder of JSON files; an unreadable one counts as absent, so that it is made again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None."""
        try:
            document = json.loads((self.folder / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def put(self, key: str, document: dict[str, Any]) -> None:
        """Write the document."""
        write_atomically(self.folder / f"{key}.json", json.dumps(document, separators=(",", ":")).encode())
