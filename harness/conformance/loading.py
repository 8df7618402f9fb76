"""Getting at a guest: its class, and fresh processes that know nothing of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.contracts.cards import Card
from harness.errors import ContractBroken, NotApplicable
from harness.registry import GROUP
from harness.stages import check_device, load_class

HEAVY = ("anndata", "jax", "pandas", "scanpy", "scib_metrics", "sklearn", "torch")
"""Libraries that take from half a second to seconds to import, so that no card's module may."""

PATIENCE = 120
"""Seconds after which a fresh process is given up."""

LOOK = """
import importlib, sys
import harness.hookspecs
importlib.import_module(sys.argv[1])
print(*sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


def loaded(card: Card) -> Any:
    """Return the class behind a card.

    Raises
    ------
    NotApplicable
        This machine lacks an optional package or a device that the card says it needs.
    """
    if absent := card.not_installed():
        raise NotApplicable(absent)
    if "gpu" in card.needs:
        _need_cuda()
    return load_class(card)


def parameters_of(card: Card) -> dict[str, Any]:
    """Return the parameters that a guest is checked with: its defaults, small where the card says how."""
    return {**card.parameters, **card.small}


def new(card: Card) -> Any:
    """Return a new instance of a guest, see :func:`loaded` for what may be raised."""
    return loaded(card)(**parameters_of(card))


def device_of(card: Card) -> str:
    """Return where a guest is checked: on the CPU, unless it cannot run there."""
    return "cuda" if "gpu" in card.needs else "cpu"


def _need_cuda() -> None:
    try:
        check_device("cuda")
    except OSError as error:
        raise NotApplicable("this machine has no CUDA device") from error


def fresh(program: str, *arguments: str, feed: bytes = b"") -> str:
    """Run a Python program in a process of its own and return what it printed.

    Raises
    ------
    ContractBroken
        With the last line of its complaint.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=feed,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": path},
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise ContractBroken(f"a fresh process ended with code {done.returncode} and said: {said[-1]}")
    return done.stdout.decode()


def check_light_import(card: Card) -> None:
    """The module that offers the card imports nothing heavy, so that listing stays quick."""
    entry = entry_point_of(card)
    heavy = fresh(LOOK, entry.module, *HEAVY).split()
    if heavy:
        raise ContractBroken(
            f'importing "{entry.module}", which offers the card {card.name}, also imports '
            f"{', '.join(heavy)}; import them in the module of its entry instead"
        )


def entry_point_of(card: Card) -> EntryPoint:
    """Return the installed entry point that offers this very card."""
    for entry in entry_points(group=GROUP):
        if any(offered == card for offered in _offered(entry)):
            return entry
    raise NotApplicable("no installed entry point offers this card")


def _offered(entry: EntryPoint) -> list[Card]:
    """Return the cards of an entry point; one that cannot be asked offers none."""
    try:
        plugin = entry.load()
        hooks = [getattr(plugin, f"harness_{kind}s", list) for kind in ("model", "task", "sampler")]
        return [card for hook in hooks for card in hook()]
    except Exception:
        return []
