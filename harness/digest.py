"""Canonical JSON and its sha256: the one way anything in the harness gets an address."""

from __future__ import annotations

import hashlib
import json
from typing import Any

SCHEME = 1
"""Raised when the meaning of an address changes; part of every address."""


def canonical(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def address(kind: str, **content: Any) -> str:
    """Return the full sha256 (64 hex digits) of a kind of thing and its content."""
    return text_digest(canonical([SCHEME, kind, content]))


def text_digest(text: str) -> str:
    """Return the sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
