"""Every check of samplers passes a good sampler and catches the one that breaks its promise."""

import pytest

from harness import SamplerCard
from harness.conformance import examine, samplers


def card(name, *needs, **more):
    return SamplerCard(
        name=name, version="1", entry=f"guests_on_trial:{name}", needs=frozenset(needs), **more
    )


CAUGHT = [
    ("check_every_size", card("OneShort"), "returned 0 rows, 0 of them distinct; asked were 1"),
    ("check_every_size", card("Repeats"), "distinct; asked were"),
    ("check_one_cell_corpus", card("NeedsSpread", "corpus:components"), "ZeroDivisionError"),
    ("check_same_seed_same_sample", card("UnseededSampler"), "other cells with the same seed: rows"),
    ("check_nested_as_declared", card("NotNested", nested=True), "says nested=True, but of its"),
    ("check_global_random_state", card("SeedsEverybody"), "global random state of numpy"),
    (
        "check_input_not_altered",
        card("AltersLabels", "corpus:cell_type"),
        'altered the labels of "cell_type"',
    ),
    ("check_duplicate_cells", card("DropsDuplicates", "corpus:components"), "asked were 30"),
    ("check_cells_all_alike", card("NeedsSpread", "corpus:components"), "ZeroDivisionError"),
]


def check_called(name):
    return next(check for check in samplers.CHECKS if check.__name__ == name)


@pytest.mark.parametrize("check", samplers.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("nested", [True, False])
def test_a_good_sampler_passes(check, nested):
    """Nothing is held against a sampler that keeps the contract, nested or not."""
    finding = examine(check, card("Permutes" if nested else "NotNested", nested=nested), "sampler")
    assert finding.passed, finding.message


@pytest.mark.parametrize(("check", "guest", "sentence"), CAUGHT, ids=[f"{c}-{g.name}" for c, g, _ in CAUGHT])
def test_a_broken_promise_is_caught(check, guest, sentence):
    """Each check fails the sampler that breaks what it checks, and says so."""
    finding = examine(check_called(check), guest, "sampler")
    assert not finding.passed
    assert sentence in finding.message


def test_every_check_can_fail():
    """There is a culprit for every check of samplers."""
    assert {check for check, _, _ in CAUGHT} == {check.__name__ for check in samplers.CHECKS}
