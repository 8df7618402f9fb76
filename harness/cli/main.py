"""``harness``: puts the commands together, ours and those of plugins, and turns errors into sentences."""

from __future__ import annotations

import importlib
import io
import sys

import typer

from harness.contracts.cards import CommandCard
from harness.errors import HarnessError

HELP = """Does more, or more diverse, pretraining data help a model of single cells, and is it worth having?

Exit codes: 0 everything asked for has a result; 1 a job failed, or doctor, check or verify found something;
2 misuse (bad option, suite, catalogue or data file); 130 interrupted.
"""

OURS = (
    ("list", "listing:list_plugins", "List models, tasks and samplers."),
    ("plan", "planning:plan", "Show what would be run, and why the rest would not."),
    ("run", "running:run", "Run what has no result yet, judge the curves, write the board."),
    ("judge", "judge:judge", "Judge the learning curves of a table from anywhere."),
    ("law", "law:law", "Fit the scaling law of the losses in a table from anywhere."),
    ("submit", "submit:submit", "Write the results of a suite into one file that others can verify."),
    ("verify", "verify:verify", "Say what is wrong with such a file, and run part of it again."),
    ("data", "data:app", "Say what is wrong with a data set or catalogue."),
    ("check", "check:check", "Say whether a plugin is well behaved."),
    ("doctor", "doctor:doctor", "Say whether everything here is in order."),
)


def main() -> None:
    """Run the command line; every complaint is a sentence with the exit code of its kind."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever a guest says can be printed
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        build_app(sys.argv[1] if len(sys.argv) > 1 else "")()
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        print(f"harness: {_of_the_system(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nharness: interrupted", file=sys.stderr)
        sys.exit(130)


def _of_the_system(error: OSError) -> str:
    """Return the operating system's complaint as a sentence."""
    what = (error.strerror or str(error) or type(error).__name__).lower()
    where = f'"{error.filename}": ' if error.filename else ""
    return f"{where}{what}; give another path, or make room"


def build_app(called: str) -> typer.Typer:
    """Return the app; only the code of the called command is imported."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    ours = [CommandCard(name=n, entry=f"harness.cli.{entry}", summary=s) for n, entry, s in OURS]
    names = [card.name for card in ours]
    for card in [*ours, *(_guests(names) if called not in names else [])]:
        _add(app, card, called)
    return app


def _guests(taken: list[str]) -> list[CommandCard]:
    """Return the commands of plugins; none can take the name of one of ours."""
    from harness.registry import discover

    return [card for card in discover().commands.values() if card.name not in taken]


def _add(app: typer.Typer, card: CommandCard, called: str) -> None:
    if card.name != called:
        app.command(card.name, help=card.summary)(lambda: None)
        return
    module, _, name = card.entry.partition(":")
    command = getattr(importlib.import_module(module), name)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=card.name)
    else:
        app.command(card.name)(command)
