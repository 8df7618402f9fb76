"""Every check of tasks passes a good task and catches the one that breaks its promise."""

import pytest

from harness import Identity, Metric, TaskCard
from harness.conformance import examine, tasks


def card(name, **more):
    return TaskCard(
        name=name,
        version="1",
        entry=f"guests_on_trial:{name}",
        **{
            "needs": frozenset({"cell_type"}),
            "metrics": (Metric(name="hits", invariant=frozenset({"scale", "rotation", "names"})),),
            "split": "grouped",
            "baselines": ("never",),
            **more,
        },
    )


def invariant(*changes):
    return (Metric(name="hits", invariant=frozenset(changes)),)


BOTH = (Metric(name="hits"), Metric(name="misses"))
CAUGHT = [
    ("check_every_metric", card("Mute"), 'neither a value nor a reason for "hits"'),
    ("check_every_metric", card("OutOfBounds"), '"hits" is 1.5; its declared range is 0 to 1'),
    ("check_every_metric", card("SaysMore"), '"unheard_of", which is no declared metric'),
    (
        "check_every_metric",
        card("HitsAndMisses", metrics=BOTH, identities=(Identity(says="hits + misses == 1"),)),
        '"hits + misses == 1" is declared, and the sides are 1.5 and 1',
    ),
    ("check_units", card("NotTheMean", metrics=(Metric(name="hits", units="mean"),)), "which is 0.375"),
    ("check_every_metric", card("NotesAreObjects"), "notes that are not JSON"),
    ("check_units", card("UnitsShareNames"), 'two units called "a"'),
    ("check_units", card("NegativeWeights"), "one number from 0 up is needed"),
    ("check_baselines", card("SilentBaseline"), 'neither a value nor a reason for "hits"'),
    ("check_baselines", card("Nearest", baselines=("majority",)), "names no baseline"),
    ("check_baselines", card("UndefinedBaseline"), "no baseline of UndefinedBaseline is defined"),
    ("check_baselines", card("Nearest", oracles=("duplicate",)), "names no baseline"),
    ("check_baselines", card("AnswersForAnyBaseline"), 'answers for the baseline "no such baseline"'),
    ("check_same_seed_same_scores", card("UnseededTask"), "asked twice with one seed"),
    ("check_cell_order", card("FirstCellOnly"), "its cells in another order"),
    *(
        ("check_invariances", card("ByPosition", metrics=invariant(change)), words)
        for change, words in (
            ("scale", "all coordinates of the embedding times one number"),
            ("shift", "one vector added to all cells"),
            ("rotation", "the embedding turned"),
            ("names", "other names"),
        )
    ),
    ("check_input_not_altered", card("Relabels"), 'altered the labels of "cell_type"'),
    ("check_input_not_altered", card("Resplits"), "altered the split"),
    ("check_truth_beats_noise", card("CountsMisses"), "its card says that more is better"),
    (
        "check_truth_beats_noise",
        card("CountsMisses", needs=frozenset({"cell_type>=2"})),
        "its card says that more is better",
    ),
]


def check_called(name):
    return next(check for check in tasks.CHECKS if check.__name__ == name)


@pytest.mark.parametrize("check", tasks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("split", ["grouped", "whole", "held_out_context", "unseen_both"])
def test_a_good_task_passes(check, split):
    """Nothing is held against a task that keeps the contract, whatever split it asks for."""
    finding = examine(check, card("Nearest", split=split), "task")
    assert finding.passed, finding.message
    assert not finding.message


@pytest.mark.parametrize(("check", "guest", "sentence"), CAUGHT, ids=[f"{c}-{g.name}" for c, g, _ in CAUGHT])
def test_a_broken_promise_is_caught(check, guest, sentence):
    """Each check fails the task that breaks what it checks, and says so."""
    finding = examine(check_called(check), guest, "task")
    assert not finding.passed
    assert sentence in finding.message


def test_every_check_can_fail():
    """There is a culprit for every check of tasks."""
    assert {check for check, _, _ in CAUGHT} == {check.__name__ for check in tasks.CHECKS}


def test_losses_are_better_when_small():
    """With a metric whose direction is down, the truth must score less than noise."""
    misses = card("CountsMisses", metrics=(Metric(name="hits", direction="down"),))
    assert examine(tasks.check_truth_beats_noise, misses, "task").passed
    hits = card("Nearest", metrics=(Metric(name="hits", direction="down"),))
    assert "less is better" in examine(tasks.check_truth_beats_noise, hits, "task").message


def test_a_negative_control_need_not_reward_the_truth():
    """Nobody is good at it, so what is caught elsewhere is no fault, and the reason is said."""
    finding = examine(tasks.check_truth_beats_noise, card("CountsMisses", control="negative"), "task")
    assert finding.passed
    assert "it is a negative control" in finding.message
