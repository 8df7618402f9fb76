"""Published versions -> the page that lists them: plain HTML, without a program."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .2rem; }
ul { list-style: none; padding: 0; margin: 0; }
li { padding: .3rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.withdrawn { text-decoration: line-through; }
""".strip()
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{source}'">
<title>Published boards</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Published boards</h1>
{suites}
</main>
</body>
</html>
"""


def render_index(suites: Mapping[str, Sequence[tuple[str, str, str | None]]]) -> str:
    """Return the content of ``published/index.html``.

    Parameters
    ----------
    suites
        Name of a suite -> its versions, oldest first: the name, the file in its folder to open
        (``index.html``, or ``BOARD.md`` of a version from before there were pages), and why it was withdrawn,
        if it was.
    """
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    sections = "\n".join(_suite(name, versions) for name, versions in sorted(suites.items()))
    return PAGE.format(source=f"sha256-{digest}", style=STYLE, suites=sections)


def _suite(name: str, versions: Sequence[tuple[str, str, str | None]]) -> str:
    standing = [version for version, _, withdrawn in versions if withdrawn is None]
    newest = standing[-1] if standing else None
    rows = "\n".join(_row(name, *each, newest=newest) for each in reversed(versions))
    return f"<h2>{html.escape(name)}</h2>\n<ul>\n{rows}\n</ul>"


def _row(suite: str, version: str, file: str, withdrawn: str | None, newest: str | None) -> str:
    link = html.escape(f"{suite}/{version}/{file}")
    words = f'<a href="{link}"{"" if withdrawn is None else " class=withdrawn"}>{html.escape(version)}</a>'
    if withdrawn is not None:
        words += f" withdrawn: {html.escape(withdrawn)}"
    elif version == newest:
        words += " <strong>newest</strong>"
    return f"<li>{words}</li>"
