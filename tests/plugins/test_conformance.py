"""The conformance checks, over every installed plugin."""

import pytest

from harness.conformance import checks_for, examine, models, samplers, tasks
from harness.conformance.loading import check_light_import
from harness.registry import HOUSE, discover

REGISTRY = discover()
PLUGINS = [
    (kind, found)
    for kind, shelf in (("model", REGISTRY.models), ("task", REGISTRY.tasks), ("sampler", REGISTRY.samplers))
    for found in shelf.values()
]
CASES = [
    pytest.param(check, found.card, kind, id=f"{found.card.name}-{check.__name__}")
    for kind, found in PLUGINS
    for check in checks_for(kind)
]
TELLING = {
    "model": models.check_same_seed_same_result,
    "sampler": samplers.check_every_size,
    "task": tasks.check_every_metric,
}


@pytest.mark.parametrize(("check", "card", "kind"), CASES)
def test_conformance(check, card, kind):
    """The plugin keeps the promise, or breaks it for a reason that is on the list of known failures."""
    finding = examine(check, card, kind)
    assert finding.expected, finding.message
    if not finding.passed:
        pytest.xfail(f"{finding.known}: {finding.message}")


@pytest.mark.parametrize(("kind", "found"), PLUGINS, ids=[found.card.name for _, found in PLUGINS])
def test_the_checks_apply(kind, found):
    """No plugin passes because nothing was tested: the cards of installed plugins are looked at, and the
    check on which all others build applies wherever the machine has what the plugin requires."""
    assert not examine(check_light_import, found.card, kind).message
    if not found.card.requires and "gpu" not in found.card.needs:
        assert not examine(TELLING[kind], found.card, kind).message


def test_none_of_our_own_plugins_is_broken():
    """Every entry point of this repository can be used."""
    assert [broken for broken in REGISTRY.broken if broken.distribution.startswith(HOUSE)] == []
    assert REGISTRY.clashing == []
