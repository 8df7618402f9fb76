"""What can be wrong, as sentences. Each kind of error has the exit code that the command line ends with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")
"""A lone surrogate: Python's texts can hold one, files, pages and terminals cannot."""


def writable(said: Any) -> Any:
    """Return what a guest said, texts in lists and mappings too, with half characters spelled out."""
    if isinstance(said, str):
        return HALF_A_CHARACTER.sub(lambda half: f"\\u{ord(half[0]):x}", said)
    if isinstance(said, Mapping):
        return {writable(name): writable(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [writable(each) for each in said]
    return said


class HarnessError(Exception):
    """A complaint that a person can act on: what happened, the value, what would have been accepted."""

    exit_code = 1


class Misuse(HarnessError):
    """The question was badly asked: a command line, suite, catalogue or parameter that cannot be read."""

    exit_code = 2


class BadData(HarnessError):
    """A data file is not what its catalogue entry says."""

    exit_code = 2


class ContractBroken(HarnessError):
    """A guest (model, task, sampler) returned or did something its contract forbids."""


class NotFinite(ContractBroken):
    """A guest returned NaN or infinite numbers."""


class NotApplicable(HarnessError):
    """A task cannot be asked of this data set: an outcome of its own, neither failure nor score."""

    exit_code = 0


class Damaged(HarnessError):
    """A stored file does not have the content that was written."""


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ' Did you mean "x"?' where a known name is close, else the list of what is known."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    if close:
        return f' Did you mean "{close[0]}"?'
    return f" Known: {', '.join(sorted(known)) or 'none'}."
