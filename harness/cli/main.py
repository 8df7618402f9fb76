"""``harness``: puts the commands together, ours and those of plugins, and turns errors into sentences."""

from __future__ import annotations

import importlib
import sys

import typer

from harness.cli import check, data, doctor, listing, planning, running
from harness.contracts.cards import CommandCard
from harness.errors import HarnessError
from harness.registry import discover

HELP = """Does more, or more diverse, pretraining data help a model of single cells, and is it worth having?

Exit codes: 0 everything asked for has a result; 1 a job failed, or doctor or check found something;
2 misuse (bad option, suite, catalogue or data file); 130 interrupted.
"""


def main() -> None:
    """Run the command line; every complaint is a sentence with the exit code of its kind."""
    try:
        build_app()()
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)


def build_app() -> typer.Typer:
    """Return the app with our commands and those that plugins bring."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command("list")(listing.list_plugins)
    app.command("plan")(planning.plan)
    app.command("run")(running.run)
    app.command("check")(check.check)
    app.command("doctor")(doctor.doctor)
    app.add_typer(data.app, name="data")
    for card in discover().commands.values():
        _add(app, card)
    return app


def _add(app: typer.Typer, card: CommandCard) -> None:
    """Add a plugin's command; its code is imported only when it is called."""
    if card.name in sys.argv[1:2]:
        module, _, name = card.entry.partition(":")
        app.add_typer(getattr(importlib.import_module(module), name), name=card.name, help=card.summary)
    else:
        app.command(card.name, help=card.summary)(lambda: None)
