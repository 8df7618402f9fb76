"""Rules of the house that no linter knows: read from the source, without importing it."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"harness": "harness", "plugins": "harness_plugins", "leaderboard": "harness_leaderboard"}
HEAVY = ("anndata", "jax", "pandas", "scanpy", "scib_metrics", "scipy", "sklearn", "torch", "numpy")


@cache
def sources(folder):
    """Return module name -> syntax tree of every file in a folder."""
    trees = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = (FOLDERS[folder], *path.relative_to(ROOT / folder).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        trees[name] = ast.parse(path.read_text(), str(path))
    return trees


def everything():
    return {name: tree for folder in FOLDERS for name, tree in sources(folder).items()}


def imports(tree):
    """Yield (module, name or None) for every import statement, wherever it stands, but those from beside it.

    A guest's modules may name each other by relative imports: a type checker that reads the folder as it lies
    can follow them, which it cannot by the name under which the folder is installed.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.module, alias.name) for alias in node.names)


def top(module):
    return module.partition(".")[0]


def code_strings(tree):
    """Yield string constants that are not docstrings."""
    documents = {
        id(body[0].value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list)
        and body
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
    }
    documents |= {  # the text under a constant or a field
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


# -- who imports whom ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sources("harness"))
def test_no_inner_module_imports_the_package_root(name):
    """Inner modules import rooms, never names from ``harness`` itself: that is where cycles come from."""
    if name == "harness":
        return
    rooms = {module.split(".")[1] for module in sources("harness") if "." in module}
    for module, imported in imports(sources("harness")[name]):
        assert (module, imported) != ("harness", None)
        assert module != "harness" or imported in rooms, f"{name} imports {imported} from the package root"


def test_folders_are_imported_by_their_installed_names():
    """The bare names exist only where somebody runs Python in the root of the repository."""
    for name, tree in everything().items():
        for module, _ in imports(tree):
            assert top(module) not in ("plugins", "leaderboard"), f"{name} imports {module}"


DOORS = {
    "plugins": {"harness", "harness.measures", "harness.synthetic", "harness.training"},
    "leaderboard": {
        "harness",
        "harness.audit",
        "harness.checks",
        "harness.digest",
        "harness.errors",
        "harness.hookspecs",
        "harness.parallel",
        "harness.records",
        "harness.statistics",
        "harness.store",
    },
}


@pytest.mark.parametrize("folder", DOORS)
def test_guests_use_only_the_front_doors(folder):
    """What guests import from is a short list of packages, never a file inside them."""
    for name, tree in sources(folder).items():
        for module, _ in imports(tree):
            assert top(module) != "harness" or module in DOORS[folder], f"{name} imports {module}"


def test_cards_import_nothing_but_the_shop_window():
    """The module of a plugin's card imports ``harness`` and the standard library."""
    allowed = set(sys.stdlib_module_names) | {"harness"}
    for name, tree in sources("plugins").items():
        if name.count(".") == 2:
            modules = {module for module, _ in imports(tree)}
            assert {top(module) for module in modules} <= allowed, f"{name} imports {modules}"
            assert {m for m in modules if top(m) == "harness"} <= {"harness"}, f"{name} imports {modules}"


# -- one fact, one place -------------------------------------------------------------------------------

PLACES = {
    "anndata": ("harness.corpus", "harness.synthetic"),
    "h5py": ("harness.corpus", "harness.synthetic"),
    "scanpy": ("harness.corpus",),
    "zarr": ("harness.corpus",),
    "yaml": ("harness.yaml_lines",),
    "ray": ("harness.executors.ray",),
    "pebble": ("harness.executors",),
    "pluggy": ("harness.hookspecs", "harness.registry"),
    "rich": ("harness.cli",),
    "typer": ("harness.cli",),
    "tabulate": ("harness.cli",),
    "torch": ("harness.training", "harness.stages"),
}
"""stages imports torch for one question: is there a device?"""


@pytest.mark.parametrize("library", PLACES)
def test_a_library_has_its_place(library):
    """Each of these libraries is known to one room, so that it can be replaced there."""
    for name, tree in sources("harness").items():
        if any(top(module) == library for module, _ in imports(tree)):
            at_home = any(name == place or name.startswith(f"{place}.") for place in PLACES[library])
            assert at_home, f"{name} imports {library}; it belongs in {', '.join(PLACES[library])}"


def test_only_the_command_line_prints():
    """Everywhere else, what is to be said is returned."""
    for name, tree in sources("harness").items():
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        printing = [call.lineno for call in calls if call.func.id == "print"]
        assert not printing or name.startswith("harness.cli"), f"{name} prints in line {printing[0]}"


GENERATORS = {"default_rng", "RandomState", "Generator", "SeedSequence", "Random", "PCG64", "Philox"}
GLOBAL_STATE = {"seed", "shuffle", "permutation", "normal", "uniform", "choice", "rand", "randn", "randint"}


def test_no_generator_without_a_seed():
    """Seeds come from records and are handed on: nothing is drawn from a clock or a shared state."""
    for name, tree in everything().items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            where = f"{name}, line {node.lineno}"
            if node.func.attr in GENERATORS:
                assert node.args or node.keywords, f"{where}: {node.func.attr}() without a seed"
            shared = ast.unparse(node.func.value) in ("np.random", "numpy.random", "random")
            assert not (shared and node.func.attr in GLOBAL_STATE), f"{where}: {ast.unparse(node.func)}"


def in_tree_names():
    """Return the names of the plugins that this repository offers."""
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["harness"]
    return {key.partition(".")[2] for key in entries if "." in key}


def test_the_host_knows_no_plugin_by_name():
    """No string in the host is the name of a plugin, in any spelling of a list of them.

    ``random`` is also the name of a split by cell, which the host owns.
    """
    names = in_tree_names() - {"random"}
    assert names
    for module, tree in sources("harness").items():
        for text in code_strings(tree):
            assert text not in names, f'{module} names the plugin "{text}"'
            assert "harness_plugins" not in text, f'{module} names the guests\' package in "{text}"'


# -- words ---------------------------------------------------------------------------------------------

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "tools", "lib"}


def test_modules_have_names_that_say_what_they_hold():
    """No drawer for everything."""
    for name in everything():
        assert not VAGUE & set(name.split(".")), name


@pytest.mark.parametrize("name", everything())
def test_every_module_says_what_it_is(name):
    """A module starts with a docstring."""
    assert ast.get_docstring(everything()[name]), name


@pytest.mark.parametrize("name", sources("harness"))
def test_everything_public_in_the_host_is_documented(name):
    """Public functions, classes and methods of the host say what they do."""

    def undocumented(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if child.name.startswith("_"):
                    continue
                if not ast.get_docstring(child) and not _overloaded(child):
                    yield f"{prefix}.{child.name}"
                if isinstance(child, ast.ClassDef):
                    yield from undocumented(child, f"{prefix}.{child.name}")

    assert not list(undocumented(sources("harness")[name], name))


def _overloaded(node):
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


# -- the light path ------------------------------------------------------------------------------------


def imported_by(program):
    """Return which heavy libraries a fresh process has imported at the end of a program."""
    look = f"{program}\nimport sys\nsys.stderr.write(' '.join(sorted(set({HEAVY!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "module",
    [
        "harness",
        "harness.cli.main",
        "harness.corpus",
        "harness.hookspecs",
        "harness.plan",
        "harness.records",
        "harness.registry",
        "harness.store",
        "harness.suite",
        "harness.survey",
        "harness.synthetic",
    ],
)
def test_importing_a_light_room_imports_nothing_heavy(module):
    """What listing and planning import pulls in no numerical library, not even numpy."""
    assert imported_by(f"import {module}") == set()


def test_discovering_every_plugin_imports_nothing_heavy():
    """Asking all installed plugins for their cards imports no science."""
    assert imported_by("from harness.registry import discover; discover()") == set()


@pytest.mark.parametrize("command", [["--help"], ["list"], ["list", "--json"], ["run", "--help"]])
def test_a_light_command_imports_nothing_heavy(command):
    """Help and listing answer without waiting for libraries they do not use."""
    program = (
        "import sys\n"
        "from harness.cli.main import main\n"
        f"sys.argv = ['harness', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
    )
    assert imported_by(program) == set()
