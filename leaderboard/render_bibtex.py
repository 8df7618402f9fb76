"""Board -> ``citations.bib``: what must be cited by who uses its numbers, as the plugins' cards say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from string import ascii_lowercase
from typing import Any

from .render_latex import latex
from .rows import printable

DOI = re.compile(r"10\.\d{4,9}/[^\s,;)}]+")
ARXIV = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5})", re.IGNORECASE)
YEAR = re.compile(r"\b(?:19|20)\d{2}\b")


def render_bibtex(board: Mapping[str, Any]) -> str:
    """Return the content of ``citations.bib``: one entry per work that a plugin on the board names.

    Cards cite in words, so the words are the ``note``; year, DOI and arXiv number are taken out of them.
    """
    on_board = _names(board)
    works: dict[str, list[str]] = {}
    for plugin in board["plugins"].get("found", []):
        if plugin["name"] in on_board and plugin.get("citation"):
            for work in plugin["citation"].split(";"):
                works.setdefault(printable(work), []).append(plugin["name"])
    keys = _keys(works)
    return "\n\n".join(_entry(key, *item) for key, item in zip(keys, works.items(), strict=True)) + "\n"


def _names(board: Mapping[str, Any]) -> set[str]:
    """Return the plugins that have a score on the board."""
    scored = [score for score in board["scores"] if score["status"] == "ok"]
    roles = ("model", "sampler", "task")
    return {score[role]["name"] for score in scored for role in roles if score[role]}


def _keys(works: Iterable[str]) -> list[str]:
    """Return first author and year of each, with a letter where that is not enough."""
    found: list[str] = []
    for work in works:
        author = re.search(r"\b[A-Z][a-z]+", work)
        year = YEAR.search(work)
        key = (author[0].lower() if author else "work") + (year[0] if year else "")
        found.append(next(k for k in _numbered(key) if k not in found))
    return found


def _numbered(key: str) -> Iterator[str]:
    """Yield a key, then with a letter, then with a number, without end."""
    yield key
    yield from (key + letter for letter in ascii_lowercase)
    yield from (f"{key}-{number}" for number in count(27))


def _entry(key: str, work: str, names: list[str]) -> str:
    fields = [f"  {name} = {{{value}}}" for name, value in _fields(work, names)]
    return f"@misc{{{key},\n" + ",\n".join(fields) + "\n}"


def _fields(work: str, names: list[str]) -> Iterator[tuple[str, str]]:
    yield "note", latex(work)
    if year := YEAR.search(work):
        yield "year", year[0]
    if doi := DOI.search(work):
        yield "doi", doi[0]
    if arxiv := ARXIV.search(work):
        yield "eprint", arxiv[1]
        yield "archiveprefix", "arXiv"
    yield "annote", latex("used by " + ", ".join(dict.fromkeys(names)))
