"""How anything in the harness gets an address: canonical JSON and its sha256, contents and their blake3."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

SCHEME = 1
"""Raised when the meaning of an address changes; part of every address."""


def canonical(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def address(kind: str, **content: Any) -> str:
    """Return the full sha256 (64 hex digits) of a kind of thing and its content."""
    return text_digest(canonical([SCHEME, kind, content]))


def file_digest(path: Path) -> str:
    """Return the blake3 of a file's content."""
    from blake3 import blake3

    if path.stat().st_size < 1 << 20:
        return content_digest(path.read_bytes())
    return blake3(max_threads=1).update_mmap(path).hexdigest()


def content_digest(content: bytes) -> str:
    """Return the blake3 that a file of this content has."""
    from blake3 import blake3

    return blake3(content).hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the digest of a folder: relative names and contents of all its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = {str(path.relative_to(folder)): file_digest(path) for path in files}
    return text_digest(canonical(contents))


def text_digest(text: str) -> str:
    """Return the sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
