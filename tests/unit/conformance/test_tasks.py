"""Every check of tasks passes a good task and catches the one that breaks its promise."""

import pytest

from harness import Metric, TaskCard
from harness.conformance import examine, tasks


def card(name, **more):
    return TaskCard(
        name=name,
        version="1",
        entry=f"guests_on_trial:{name}",
        **{
            "needs": frozenset({"cell_type"}),
            "metrics": (Metric(name="hits"),),
            "split": "grouped",
            "baselines": ("never",),
            **more,
        },
    )


CAUGHT = [
    ("check_every_metric", card("Mute"), 'neither a value nor a reason for "hits"'),
    ("check_every_metric", card("OutOfBounds"), 'found 1.5 for "hits", whose card says 0.0 to 1.0'),
    ("check_every_metric", card("SaysMore"), '"unheard_of", which its card does not name'),
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
