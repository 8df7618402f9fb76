"""Discovery: every guest is found or named with what is wrong with it, and none stops the others."""

import importlib
import subprocess
import sys
import textwrap

import pytest

from harness import ModelCard
from harness.registry import discover

IN_TREE = {
    "models": {"hvg", "masked_autoencoder", "pca", "random_projection", "target_pca"},
    "tasks": {"batch_integration", "cell_type_classification", "perturbation_response"},
    "samplers": {"celltype_reweighted", "geometric_sketching", "random"},
}
LIGHT = ["torch", "scanpy", "anndata", "sklearn", "pandas", "scipy", "numpy"]


@pytest.fixture
def guest(tmp_path, monkeypatch):
    """Put a distribution with one entry point on the path, as pip would."""

    def install(name, source, entry="model.x"):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[harness]\n{entry} = {name}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()

    return install


MODEL = """
from harness import ModelCard, hookimpl

@hookimpl
def harness_models():
    return [ModelCard(name="{name}", version="1", entry="nowhere:X")]
"""


def test_all_in_tree_plugins_are_found():
    """Entry points and folders agree."""
    registry = discover()
    assert registry.broken == []
    for kind, names in IN_TREE.items():
        assert names <= set(getattr(registry, kind)), kind


def test_a_guest_is_found_with_its_distribution(guest):
    """A model from another package stands beside ours."""
    guest("guest_good", MODEL.format(name="good"))
    assert discover().models["good"].origin == "guest_good 1.0"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ImportError('no such library')", "ImportError: no such library"),
        ("import sys\nsys.exit(3)", "SystemExit"),
        (MODEL.replace("return [", "return ("), "SyntaxError"),
        (
            MODEL.replace("return [ModelCard", "return ModelCard").replace(")]", ")"),
            "not a list of ModelCard",
        ),
        (MODEL.replace('version="1"', "version=1"), "a version is a text"),
        (MODEL.replace("nowhere:X", "nowhere"), "package.module:Class"),
        (MODEL.replace("{name}", " "), "not empty"),
        (MODEL.replace("harness_models", "harness_moodels"), "is not a hook"),
        (MODEL.replace("return [", "raise RuntimeError('boom'); return ["), "RuntimeError: boom"),
    ],
)
def test_a_broken_guest_is_named_and_stops_nothing(guest, source, reason):
    """The finding has name, distribution and reason; all other plugins are there."""
    guest("guest_bad", source.replace("{name}", "bad"))
    registry = discover()
    assert [(b.name, b.distribution) for b in registry.broken] == [("model.x", "guest_bad 1.0")]
    assert reason in registry.broken[0].reason
    assert set(registry.models) >= IN_TREE["models"]


def test_ours_keeps_its_name_and_the_clash_is_reported(guest):
    """A guest cannot replace a plugin of the house by taking its name."""
    guest("a_guest", MODEL.format(name="pca"))
    registry = discover()
    assert registry.models["pca"].distribution == "scfm-harness"
    (clash,) = registry.clashing
    assert (clash.kind, clash.name, clash.distribution) == ("model", "pca", "a_guest 1.0")
    assert clash.kept.startswith("scfm-harness")


def test_one_module_may_have_two_entry_points(guest, tmp_path):
    """A module listed twice is not a broken plugin, and its cards are there once."""
    guest("guest_two", MODEL.format(name="two"))
    entries = tmp_path / "guest_two-1.0.dist-info" / "entry_points.txt"
    entries.write_text("[harness]\nmodel.a = guest_two\nmodel.b = guest_two\n")
    registry = discover()
    assert "two" in registry.models
    assert (registry.broken, registry.clashing) == ([], [])


def test_discovery_imports_nothing_heavy():
    """Cards are light data: listing pays for none of the science."""
    code = (
        "import sys; from harness.registry import discover; r = discover(); "
        f"print(len(r.models), [name for name in {LIGHT} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, _, heavy = found.stdout.partition(" ")
    assert int(count) >= 5
    assert heavy.strip() == "[]"


def test_a_module_inside_an_absent_package_is_not_installed():
    """Looking for it must not end the listing."""
    card = ModelCard(name="x", version="1", entry="x:X", requires={"no_such_package.part": "more"})
    assert card.not_installed() == "not installed: pip install 'more'"


TASK = """
from harness import Identity, Metric, TaskCard, hookimpl

@hookimpl
def harness_tasks():
    return [TaskCard(name="bad", version="1", entry="a:B", {fields})]
"""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('metrics=(Metric(name="f1", floor=1.5),)', "the range 0.0 to 1.0 and the floor 1.5"),
        ('metrics=(Metric(name="f1", lower=2.0),)', "the range 2.0 to 1.0"),
        ('metrics=(Metric(name="f1", units="median"),)', "accepted are each, mean, weighted, parts"),
        ('metrics=(Metric(name="f1", invariant=frozenset({"time"})),)', "scale, shift, rotation, names"),
        (
            'metrics=(Metric(name="f1"),), identities=(Identity(says="f1 <= f2"),)',
            'names "f2", which is none of its metrics: f1',
        ),
        (
            'metrics=(Metric(name="f1"),), identities=(Identity(says="f1 == 0", baseline="nobody"),)',
            'is for "nobody", which is none of its baselines',
        ),
        (
            'metrics=(Metric(name="f1"),), identities=(Identity(says="f1 is 0"),)',
            "a comparison (==, <=, >=) of two terms",
        ),
    ],
)
def test_declarations_that_nothing_could_be_audited_against(guest, fields, words):
    """A task whose card contradicts itself is broken before it is run."""
    guest("guest_bad", TASK.format(fields=fields), entry="task.x")
    (broken,) = discover().broken
    assert words in broken.reason
