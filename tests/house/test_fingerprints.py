"""A plugin's results change only together with its version: its code is compared with what was committed."""

import json

import fingerprints
import pytest
from fingerprints import COMMITTED, changed, code_digest, present, renewed, sentence

CODE = '''
"""A task."""
LIMIT = 3
"""How far."""

def harness_tasks():
    return [TaskCard(name="t", version="1", summary="old", metrics=(Metric(name="f1"),))]

def score(x):
    """Score."""
    return x + LIMIT  # why
'''


@pytest.fixture(scope="module")
def now():
    """The fingerprints of the code as it is."""
    return present()


def test_no_code_changed_under_one_version(now):
    """Of any plugin, down to the kernels that it computes with."""
    known = json.loads(COMMITTED.read_text())
    told = [sentence(name, modules) for name, modules in changed(known, now).items()]
    assert not told, "\n".join(told)
    assert {name: each["version"] for name, each in known.items()} == {
        name: each["version"] for name, each in now.items()
    }, "a plugin is new, gone, or in another version: make fingerprints"
    assert known == now, "a version was raised: make fingerprints"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # why", ""),
        ("x + LIMIT", "(x\n        + LIMIT)"),
        ('"""Score."""', '"""Return the score."""'),
        ('"""How far."""', '"""Up to here."""'),
        ('summary="old"', 'summary="new", citation="doi"'),
        ('summary="old"', 'summary="old", choices={"probe": ("knn", "ridge")}'),
        ('Metric(name="f1")', 'Metric(name="f1", margin=0.01, judged=False)'),
        ('version="1"', 'version="2"'),
        ('name="t", version', "name='t', version"),
    ],
)
def test_what_moves_no_result_does_not_count(old, new):
    """Comments, formatting, docstrings, what a card says for people, and what a verdict alone asks for."""
    assert old in CODE
    assert code_digest(CODE.replace(old, new)) == code_digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("x + LIMIT", "x - LIMIT"),
        ('Metric(name="f1")', 'Metric(name="f1", upper=2.0)'),
        ("def score(x)", "def score(x, y=0)"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("x + LIMIT", "x + LIMIT + drawn(judged=True)"),
    ],
)
def test_what_may_move_a_result_counts(old, new):
    """Numbers, operations, declarations, parameters."""
    assert old in CODE
    assert code_digest(CODE.replace(old, new)) != code_digest(CODE)


def test_kernels_count_as_the_task_that_uses_them(now):
    """A change of an evaluator under one version of its task is what must not happen."""
    modules = now["task.cell_type_classification"]["code"]
    assert "plugins/tasks/cell_type_classification/task.py" in modules
    assert {"harness.measures.classification", "harness.measures.probes"} <= modules.keys()
    assert "harness.measures.perturbation" not in modules
    assert now.keys() >= {"model.pca", "sampler.random"}


def test_what_the_front_door_passes_on_counts_where_it_is_defined(now):
    """Names of metrics that several tasks share; the classes of cards are the host's affair."""
    assert "harness.contracts.metrics" in now["task.cell_type_classification"]["code"]
    assert "harness.contracts.metrics" not in now["task.batch_integration"]["code"]
    assert "harness.contracts.model" in now["model.pca"]["code"]
    assert not any("harness.contracts.cards" in each["code"] for each in now.values())


def test_splits_are_counted_with_the_versions_of_their_recipes(now):
    """All of them in one entry, beside the plugins."""
    splits = now["host.splits"]
    names = {path.name for path in (fingerprints.ROOT / "harness" / "splits").glob("*.py")}
    assert {f"harness/splits/{name}" for name in names} <= splits["code"].keys()
    assert "grouped 2" in splits["version"].split(", ")
    assert "recipes.py" in sentence("host.splits", ["harness/splits/drawing.py"])
    assert changed({"host.splits": {**splits, "code": {}}}, now) == {"host.splits": sorted(splits["code"])}


OLD = {"task.t": {"version": "1", "code": {"m": "a", "k": "b"}}, "task.gone": {"version": "1", "code": {}}}


def test_a_fingerprint_is_renewed_with_the_version_only():
    """Or where somebody says that no result changed."""
    same = {"task.t": {"version": "1", "code": {"m": "a", "k": "x"}}}
    raised = {"task.t": {**same["task.t"], "version": "2"}}
    lowered = {"task.t": {**same["task.t"], "version": "0"}}
    assert changed(OLD, same) == {"task.t": ["k"]}
    assert renewed(OLD, same) == {"task.t": OLD["task.t"]}
    assert renewed(OLD, same, ["task.t"]) == same
    assert changed(OLD, raised) == {}
    assert renewed(OLD, raised) == raised
    assert changed(OLD, lowered) == {"task.t": ["k"]}
    assert renewed(OLD, {**same, "task.new": raised["task.t"]})["task.new"] == raised["task.t"]
    assert "task.t: k changed and the version did not" in sentence("task.t", ["k"])


@pytest.mark.parametrize(
    "imported",
    [
        "from harness import NAMES",
        "from harness.contracts import metrics",
        "from harness.contracts.metrics import NAMES",
        "import harness.contracts.metrics",
        "def late():\n    from harness import NAMES as names",
        "from harness.measures import kernel",
    ],
)
def test_imports_are_followed_however_they_are_written(imported, tmp_path, monkeypatch):
    """To the module that defines the name, and to no other that the door passes on."""
    files = {
        "harness/__init__.py": "\n".join(
            ["from harness.contracts.metrics import NAMES", "from harness.contracts.run import Run"]
        ),
        "harness/contracts/__init__.py": "",
        "harness/contracts/metrics.py": "NAMES = ('f1',)",
        "harness/contracts/run.py": "class Run: ...",
        "harness/measures/__init__.py": "from harness.measures.kernels import kernel",
        "harness/measures/kernels.py": "from harness.contracts.metrics import NAMES as kernel",
        "plugins/tasks/t/__init__.py": imported,
    }
    for name, code in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)
    modules = fingerprints.modules_of(tmp_path / "plugins" / "tasks" / "t").keys()
    kernels = {"harness.measures.kernels"} if "measures" in imported else set()
    assert modules == {"plugins/tasks/t/__init__.py", "harness.contracts.metrics", *kernels}


def test_a_change_is_found_where_it_is_made(tmp_path, monkeypatch):
    """From the file on disk to the sentence: a constant in a copy of a task's code."""
    task = tmp_path / "plugins" / "tasks" / "t"
    task.mkdir(parents=True)
    (task / "__init__.py").write_text(CODE)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)
    before = {m: code_digest(p.read_text()) for m, p in fingerprints.modules_of(task).items()}
    (task / "__init__.py").write_text(CODE.replace("LIMIT = 3", "LIMIT = 4"))
    after = {m: code_digest(p.read_text()) for m, p in fingerprints.modules_of(task).items()}
    old, new = ({"task.t": {"version": "1", "code": code}} for code in (before, after))
    assert changed(old, new) == {"task.t": ["plugins/tasks/t/__init__.py"]}
