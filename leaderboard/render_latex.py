"""Board -> ``board.tex``: the headline tables for a paper (booktabs), a fragment to be input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from .rows import COLUMNS, heading, headline_rows, printable

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "×": r"$\times$", "±": r"$\pm$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "–": "--",
}  # fmt: skip


def render_latex(board: Mapping[str, Any]) -> str:
    """Return the content of ``board.tex``, whose first line names the packages that it needs."""
    suite = latex(f"{board['suite']['name']} {board['version'] or ''}".strip())
    head = f"% Board of the suite {suite}; \\usepackage{{booktabs}} \\usepackage[T1]{{fontenc}}"
    return "\n\n".join([head, *(_table(board, table) for table in board["tables"])]) + "\n"


def _table(board: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    rows = [[latex(cell) for cell in row] for row in headline_rows(board, table, printable)]
    columns = [latex(column) for column in COLUMNS]
    body = tabulate(rows, columns, tablefmt="latex_raw", disable_numparse=True)
    for rule in ("\\toprule", "\\midrule", "\\bottomrule"):
        body = body.replace("\\hline", rule, 1)
    caption = f"\\caption{{{latex(heading(table, printable))}}}"
    return "\n".join(["\\begin{table}", "\\centering\\small", caption, body, "\\end{table}"])


def latex(text: str) -> str:
    """Return a text that LaTeX prints as it is."""
    return "".join(SPECIAL.get(letter, letter) for letter in printable(text))
