"""``harness leaderboard``: show the newest board of a store, publish it, and compare what is published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.errors import Misuse
from harness.store import Store, write_atomically

from .board import SCHEMA_VERSION, to_json
from .publish import publish as publish_board
from .publish import refresh_readme
from .render_terminal import render_terminal
from .report import stored_board
from .rows import printable
from .versions import read_version
from .versions import withdraw as bury

app = typer.Typer(
    help="Show the newest board of a store, publish it as a version, compare versions.",
    invoke_without_command=True,
    no_args_is_help=False,
)

Suite = Annotated[str | None, typer.Argument(help="Suite name; not needed where the store has one board.")]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of results.", envvar="HARNESS_STORE")]
SameStore = Annotated[Path, typer.Option("--store", help="Folder of results; HARNESS_STORE, if not given.")]
Target = Annotated[Path, typer.Option("--to", help="Folder of all published boards.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the board's data instead of its tables.")]
DEFAULT_STORE = Path(".harness")
PUBLISHED = Path("leaderboard/published")
HOW_NAMED = "a folder with board.json, or suite@v0001, or suite@newest"
Before = Annotated[str, typer.Argument(help=f"The earlier version: {HOW_NAMED}.")]
After = Annotated[str, typer.Argument(help="The later version, named the same way.")]
Published = Annotated[Path, typer.Option("--published", help="Folder of all published boards.")]
Margin = Annotated[
    list[str],
    typer.Option(help="Largest mean drop that is tolerated, such as 0.01, or mse=0.1 for one metric."),
]
SummaryFile = Annotated[Path | None, typer.Option("--summary", help="Write the Markdown here too.")]
JUnitFile = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")]


@app.callback()
def default(context: typer.Context, store: StoreFolder = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Show the newest board of a store, or publish it as a version."""
    if context.invoked_subcommand is None:
        show(None, store, as_json)
    # Options may stand before or after the command's name; there they win.
    context.default_map = {"show": {"store": store, "as_json": as_json}, "publish": {"store": store}}


@app.command()
def show(
    suite: Suite = None,
    store: SameStore = DEFAULT_STORE,
    as_json: AsJson = False,
    published: Published = PUBLISHED,
) -> None:
    """Show the newest board of a suite in a store, or a published version: suite@v0001, suite@newest."""
    if suite and "@" in suite:
        version = read_version(suite, published)
        board = version.board
        if version.tombstone:
            typer.echo(
                f"WITHDRAWN on {version.tombstone.withdrawn}: {printable(version.tombstone.reason)}", err=True
            )
    else:
        board = stored_board(Store(store), suite)
    if board["schema_version"] != SCHEMA_VERSION and not as_json:
        raise Misuse(
            f'the board of "{printable(board["suite"]["name"])}" {board["version"] or ""} has schema version '
            f"{board['schema_version']} and this program shows {SCHEMA_VERSION}; read the BOARD.md beside "
            "it, or ask for --json"
        )
    typer.echo(to_json(board).decode() if as_json else "\n".join(render_terminal(board)), nl=not as_json)


@app.command()
def publish(to: Target, suite: Suite = None, store: SameStore = DEFAULT_STORE) -> None:
    """Publish the newest board as the next version, unless nothing on it is new. Never overwrites."""
    typer.echo(publish_board(Store(store), suite, to)[1])


@app.command()
def diff(
    before: Before,
    after: After,
    published: Published = PUBLISHED,
    as_json: AsJson = False,
) -> None:
    """Say what changed between two versions, and why: plugin, task, data, environment, seeds or noise."""
    from .diff import diff as difference_of
    from .render_diff import render_diff

    found = difference_of(read_version(before, published), read_version(after, published))
    typer.echo(_dumped(found.describe()) if as_json else render_diff(found), nl=as_json)


@app.command()
def gate(
    before: Before,
    after: After,
    margin: Margin,
    published: Published = PUBLISHED,
    summary: SummaryFile = None,
    junit: JUnitFile = None,
    as_json: AsJson = False,
) -> None:
    """Exit with 1 where the later version is worse by more than a margin, lost results, or is impossible."""
    from . import gate as gates
    from .render_diff import junit as render_junit
    from .render_diff import render_gate

    margins = gates.read_margins(margin)
    found = gates.gate(read_version(before, published), read_version(after, published), margins)
    words = render_gate(found)
    for path, content in ((summary, words), (junit, render_junit(found))):
        if path:
            write_atomically(path.absolute(), content.encode())
    typer.echo(_dumped(found.describe()) if as_json else words, nl=as_json)
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def withdraw(
    suite: Annotated[str, typer.Argument(help="Suite name.")],
    version: Annotated[str, typer.Argument(help="The version, such as v0003.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence for readers.")],
    published: Published = PUBLISHED,
) -> None:
    """Mark a published version as withdrawn; its own files stay as they are."""
    day = datetime.now(UTC).date().isoformat()
    path = bury(published, suite, version, reason, day)
    refresh_readme(published)
    typer.echo(f"Withdrawn: {path} says why.")


@app.command()
def figures(
    to: Annotated[Path, typer.Option("--to", help="Folder for the figures.")],
    suite: Annotated[str | None, typer.Argument(help="Suite name in the store, or suite@v0001.")] = None,
    store: SameStore = DEFAULT_STORE,
    published: Published = PUBLISHED,
    form: Annotated[Literal["svg", "png"], typer.Option("--format", help="File format.")] = "svg",
    only: Annotated[str | None, typer.Option(help="One of gains, saturation, curves_01, ...")] = None,
) -> None:
    """Draw a board for a paper: gains over doing nothing, saturation points, learning curves."""
    from .render_figures import render_figures

    named = suite and "@" in suite
    board = read_version(str(suite), published).board if named else stored_board(Store(store), suite)
    for name, content in render_figures(board, form, only).items():
        write_atomically((to / name).absolute(), content)
        typer.echo(f"Written to {to / name}")


def _dumped(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
