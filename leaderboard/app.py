"""``harness leaderboard``: show the newest board of a store, or publish it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.store import Store

from .board import to_json
from .publish import publish as publish_board
from .render_terminal import render_terminal
from .report import stored_board

app = typer.Typer(
    help="Show the newest board of a store, or publish it as a version.",
    invoke_without_command=True,
    no_args_is_help=False,
)

Suite = Annotated[str | None, typer.Argument(help="Suite name; not needed where the store has one board.")]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of results.", envvar="HARNESS_STORE")]
SameStore = Annotated[Path, typer.Option("--store", help="Folder of results; HARNESS_STORE, if not given.")]
Target = Annotated[Path, typer.Option("--to", help="Folder of all published boards.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the board's data instead of its tables.")]
DEFAULT_STORE = Path(".harness")


@app.callback()
def default(context: typer.Context, store: StoreFolder = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Show the newest board of a store, or publish it as a version."""
    if context.invoked_subcommand is None:
        show(None, store, as_json)
    # Options may stand before or after the command's name; there they win.
    context.default_map = {"show": {"store": store, "as_json": as_json}, "publish": {"store": store}}


@app.command()
def show(suite: Suite = None, store: SameStore = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Show the newest board of a suite."""
    board = stored_board(Store(store), suite)
    typer.echo(to_json(board).decode() if as_json else "\n".join(render_terminal(board)), nl=not as_json)


@app.command()
def publish(to: Target, suite: Suite = None, store: SameStore = DEFAULT_STORE) -> None:
    """Publish the newest board as the next version, unless nothing on it is new. Never overwrites."""
    typer.echo(publish_board(Store(store), suite, to)[1])
