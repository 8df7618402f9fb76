"""What the code behind every plugin of ours comes to, so that results cannot change under one version.

A fingerprint is made of the plugin's own modules and of all of the host's that it computes with, down to the
last one that these use; the splits, which the host draws for every task, have a fingerprint of their own.
Comments, docstrings, formatting, and what a card says for people do not count. They are committed in
``fingerprints.json``; ``make fingerprints`` renews those of plugins whose version was raised, and refuses the
others by name. Where a rewriting is known to leave all results as they are::

    make fingerprints ARGS="--unchanged task.typing --unchanged model.pca"
"""

import argparse
import ast
import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from harness.registry import HOUSE, discover
from harness.splits import KINDS

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = Path(__file__).with_suffix(".json")
DOORS = ("harness", "harness.measures", "harness.synthetic", "harness.training")
"""Modules that pass on what others define."""
ROOMS = ("harness.contracts.", *(f"{door}." for door in DOORS[1:]))
"""Where what plugins compute with lives."""
DECLARATIONS = "harness.contracts.cards"
"""What the classes of cards mean is the host's affair; what a plugin declares by them is its own code."""
CARD = {"version", "summary", "citation", "licence", "caveats", "choices"}
FOR_PEOPLE = {
    **dict.fromkeys(("ModelCard", "SamplerCard", "TaskCard"), CARD),
    "Metric": {"margin", "judged"},
}
"""What a declaration says that moves no score; the version of a card is compared by itself."""


def shape(node):
    """Return a syntax tree as nested lists, the same for every Python, without what moves no result."""
    if isinstance(node, list):
        return [shape(each) for each in node if not _is_text(each)]
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Call) and (idle := FOR_PEOPLE.get(getattr(node.func, "id", ""))):
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in idle]
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    return [type(node).__name__, *([name, shape(value)] for name, value in fields if name != "kind")]


def _is_text(node):
    """Return whether a statement is a text by itself: a docstring, or one under a constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def code_digest(source):
    """Return the digest of a module's code."""
    return hashlib.sha256(json.dumps(shape(ast.parse(source))).encode()).hexdigest()[:16]


@cache
def _tree(path):
    return ast.parse(path.read_text())


@cache
def _digest(path):
    return code_digest(path.read_text())


def _file(module):
    """Return the file of a module of the host, or None."""
    place = ROOT.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


@cache
def _offered(door):
    """Return name -> module for all that the file of a door passes on."""
    froms = (node for node in ast.walk(_tree(door)) if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name: node.module for node in froms for alias in node.names}


def _used(path):
    """Yield the modules of the rooms that a file imports from."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            named = [_defines(node.module, alias.name) for alias in node.names]
        else:
            continue
        yield from (name for name in named if f"{name}.".startswith(ROOMS) and name != DECLARATIONS)


def _defines(module, name):
    """Return the module that an imported name comes from."""
    if module.startswith("harness") and _file(f"{module}.{name}"):
        return f"{module}.{name}"
    return _offered(_file(module)).get(name, module) if module in DOORS else module


def modules_of(folder):
    """Return module -> file of a plugin's folder and of everything behind the doors that it uses."""
    found = {path.relative_to(ROOT).as_posix(): path for path in sorted(folder.rglob("*.py"))}
    waiting = list(found.values())
    while waiting:
        for module in _used(waiting.pop()):
            path = _file(module)
            if path is None:
                raise LookupError(f"{module} is no module of the host")
            if module not in found:
                found[module] = path
                waiting.append(path)
    return found


def present():
    """Return plugin -> version and code of its modules, as they are now; ``host.splits`` counts as one."""
    registry = discover()
    shelves = {"model": registry.models, "sampler": registry.samplers, "task": registry.tasks}
    plugins = {
        f"{kind}.{name}": _print(ROOT / "plugins" / f"{kind}s" / name, found.card.version)
        for kind, shelf in shelves.items()
        for name, found in sorted(shelf.items())
        if found.distribution == HOUSE
    }
    recipes = ", ".join(f"{kind} {version}" for kind, (version, _) in KINDS.items())
    return {"host.splits": _print(ROOT / "harness" / "splits", recipes), **plugins}


def _print(folder, version):
    code = {module: _digest(path) for module, path in sorted(modules_of(folder).items())}
    return {"version": version, "code": code}


def changed(old, new):
    """Return plugin -> modules whose code changed although its version did not, or went back."""
    return {
        name: _unlike(old[name]["code"], now["code"])
        for name, now in new.items()
        if name in old and now["code"] != old[name]["code"] and not _raised(old[name], now)
    }


def _unlike(old, new):
    return [module for module in sorted({*old, *new}) if old.get(module) != new.get(module)]


def _raised(old, new):
    first, then = old["version"], new["version"]
    return int(then) > int(first) if first.isdigit() and then.isdigit() else then != first


def renewed(old, new, unchanged=()):
    """Return the fingerprints to commit: new ones where the version was raised or results did not change."""
    kept = changed(old, new).keys() - set(unchanged)
    return {name: old[name] if name in kept else now for name, now in new.items()}


def sentence(name, modules):
    """Return what to do about a plugin whose code changed under one version."""
    return (
        f"{name}: {', '.join(modules)} changed and the version did not. Raise the version {_place(name)}, "
        f"then: make fingerprints. If no result changed: make fingerprints ARGS='--unchanged {name}'"
    )


def _place(name):
    return "of the recipe in harness/splits/recipes.py" if name == "host.splits" else "on its card"


def main():
    """Renew what may be renewed; exit with 1 where something may not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unchanged", action="append", default=[], metavar="KIND.NAME")
    wanted = parser.parse_args().unchanged
    old = json.loads(COMMITTED.read_text()) if COMMITTED.is_file() else {}
    new = present()
    if strangers := sorted(set(wanted) - new.keys()):
        sys.exit(f'there is no plugin "{strangers[0]}"; there are {", ".join(new)}')
    written = renewed(old, new, wanted)
    COMMITTED.write_text(json.dumps(written, indent=1) + "\n")
    refused = changed(written, new)
    for name, modules in refused.items():
        sys.stderr.write(sentence(name, modules) + "\n")
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
