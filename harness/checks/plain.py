"""Findings as plain data for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def plain(finding: Any) -> Any:
    """Return frozen data as dictionaries, lists, text and numbers; None for NaN and infinity."""
    if is_dataclass(finding):
        return {each.name: plain(getattr(finding, each.name)) for each in fields(finding)}
    if isinstance(finding, Mapping):
        return {_key(key): plain(value) for key, value in finding.items()}
    if isinstance(finding, (list, tuple)):
        return [plain(value) for value in finding]
    if isinstance(finding, float):
        return finding if math.isfinite(finding) else None
    return finding


def _key(key: Any) -> str:
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)
