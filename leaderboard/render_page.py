"""Board -> one HTML file that needs no server and asks for nothing: data, program and style lie inside it.

The program may only be the one that is written here: a policy names its digest, and forbids every request.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files as resources
from typing import Any

from .page_data import page_data
from .rows import printable

MOST_BYTES = 1_500_000
"""Above this, metrics other than the primary one keep means and deviations only."""
STYLES = ("vendor/uPlot.min.css", "page.css")
CHARTS = ("picture", "curve", "interval", "cost")
VIEWS = (
    "tables", "controls", "ranking", "task_ranking", "overall_ranking", "glance", "saturation", "curves",
    "curve", "law", "scaling", "cost", "compare", "missing", "provenance", "help",
)  # fmt: skip
PROGRAMS = (
    "vendor/uPlot.iife.min.js",
    "words.js",
    "board.js",
    *(f"charts/{name}.js" for name in CHARTS),
    *(f"views/{name}.js" for name in VIEWS),
    "page.js",
)
"""In their order: plain scripts, put one behind the other."""


def render_page(board: Mapping[str, Any]) -> str:
    """Return the content of ``page.html``.

    It holds every run of every metric where that fits :data:`MOST_BYTES`.
    """
    page = _page(board, every_run=True)
    return page if len(page) <= MOST_BYTES else _page(board, every_run=False)


def _page(board: Mapping[str, Any], every_run: bool) -> str:
    style, program = _assets(STYLES), _assets(PROGRAMS)
    version = f" {board['version']}" if board["version"] else ""
    parts = {
        "title": html.escape(printable(f"{board['suite']['name']}{version}")),
        "policy": f"default-src 'none'; script-src {_source(program)}; style-src {_source(style)}",
        "style": style,
        "program": program,
        "data": _packed(page_data(board, every_run)),
    }
    # In one pass, so that what stands in a part is never taken for a place.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _asset("template.html")) + "\n"


def _packed(data: Mapping[str, Any]) -> str:
    """Return data as base64 of gzip of JSON: an alphabet that can end no element, no clock inside."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, compresslevel=6, mtime=0)).decode()


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _assets(names: tuple[str, ...]) -> str:
    return "\n".join(map(_asset, names))


@cache
def _asset(name: str) -> str:
    return resources(__package__).joinpath("page", name).read_text(encoding="utf-8").strip()
