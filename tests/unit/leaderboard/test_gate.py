"""The gate: each rule fails where it must, passes where it may, and says so to people and to CI."""

from dataclasses import replace

import pytest
from boards import UP, baseline, board, score, seeds, table, version
from junitparser import JUnitXml

from harness.errors import Misuse
from harness_leaderboard.gate import gate, read_margins
from harness_leaderboard.render_diff import junit, render_gate
from harness_leaderboard.versions import Tombstone

BEFORE = (0.80, 0.82, 0.81, 0.79)
AGAIN = "2026-02-02"
WOBBLE = (0.002, -0.002, 0.001, -0.001)


def lowered(by, values=BEFORE, **more):
    """Return runs that are worse by about so much, each by a bit more or less."""
    return seeds(*(value - by + wobble for value, wobble in zip(values, WOBBLE, strict=True)), **more)


def checks(before, after, margins=None, rule="no drop"):
    found = gate(before, after, margins or {"": 0.02})
    return [(check.state, check.message) for check in found.checks if check.rule == rule]


def test_nothing_changed_passes():
    """And every rule was asked."""
    found = gate(version(seeds(*BEFORE)), version(seeds(*BEFORE)), {"": 0.0})
    assert found.passed
    assert {check.rule for check in found.checks} == {"withdrawn", "no drop", "coverage", "metrics"}
    assert {check.state for check in found.checks} == {"passed"}


def test_a_drop_beyond_the_margin_fails():
    """By .1, where .02 is tolerated; the sentence names amount, pairs, margin and cause."""
    ((state, message),) = checks(version(seeds(*BEFORE)), version(lowered(0.1, model_version="2")))
    assert state == "failed"
    assert "mean change of f1 -0.1 over 4 paired runs" in message
    assert "margin 0.02" in message
    assert "cause: plugin" in message


@pytest.mark.parametrize(("by", "margin"), [(0.1, 0.2), (0.01, 0.02), (0.02, 0.02), (-0.3, 0.0)])
def test_a_drop_within_the_margin_passes(by, margin):
    """Also one that is as large as the margin, and of course a gain."""
    after = version(lowered(by, model_version="2"))
    assert checks(version(seeds(*BEFORE)), after, {"": margin})[0][0] == "passed"


def test_a_drop_that_may_be_chance_passes():
    """The mean falls by .05, as far as one bad seed can make it."""
    after = version(seeds(0.81, 0.80, 0.62, 0.79, model_version="2"))
    ((state, message),) = checks(version(seeds(*BEFORE)), after)
    assert state == "passed"
    assert "-0.05" in message


def test_one_pair_counts_as_it_is():
    """A deterministic model with one run cannot be tested; a drop beyond the margin is one."""
    for after, state in ((0.7, "failed"), (0.79, "passed")):
        found = checks(version([score(0.8)]), version([score(after, model_version="2")]))
        assert found[0][0] == state
        assert "one pair, which counts as it is" in found[0][1]


def test_p_values_are_corrected_for_all_models():
    """A drop that would fail by itself does not among nineteen models that did not move."""
    wobbly = seeds(0.78, 0.76, 0.80, 0.74, model_version="2")
    assert checks(version(seeds(*BEFORE)), version(wobbly), {"": 0.0})[0][0] == "failed"
    others = [
        one
        for number in range(19)
        for one in seeds(*BEFORE, model_name=f"m{number}", model_label=f"m{number}")
    ]
    found = checks(version([*seeds(*BEFORE), *others]), version([*wobbly, *others]), {"": 0.0})
    assert {state for state, _ in found} == {"passed"}


def test_values_that_are_not_measured_alike_are_skipped():
    """A new version of the task measures otherwise; that is said, and is no drop."""
    ((state, message),) = checks(version(seeds(*BEFORE)), version(lowered(0.4, task_version="2")))
    assert state == "skipped"
    assert "not measured alike: task changed" in message


def test_a_baseline_that_falls_is_no_drop_of_a_model():
    """Only models are judged."""
    before, after = version([baseline(0.5)]), version([baseline(0.1, task_version="1", finished=AGAIN)])
    assert checks(before, after) == []


def test_lost_results_fail():
    """With how many, and why."""
    lost = seeds(*BEFORE)
    lost[1] = {**lost[1], "status": "failed", "metrics": {}}
    after = version(lost, failures=[{"address": lost[1]["addresses"]["score"], "reason": "no memory left"}])
    ((state, message),) = checks(version(seeds(*BEFORE)), after, rule="coverage")
    assert state == "failed"
    assert message == "1 scored runs of quick v0001 have no score any more: no memory left"


def test_results_that_become_undefined_fail():
    """No score, no drop, and yet lost: by its primary metric, with the reason, one run or all of them."""
    undefined = {"metrics": {}, "undefined": {"f1": "no class is in all folds", "loss": "none"}}
    for n in (1, 4):
        after = [{**one, **undefined} if seed < n else one for seed, one in enumerate(seeds(*BEFORE))]
        found = gate(version(seeds(*BEFORE)), version(after), {"": 9.0})
        (check,) = (check for check in found.checks if check.rule == "coverage")
        assert not found.passed
        assert check.state == "failed"
        assert check.message == (
            f"{n} scored runs of quick v0001 have no score any more: "
            "f1 is undefined: no class is in all folds"
        )


def test_what_was_undefined_before_is_not_lost():
    """Nor is a metric beside the primary one; what becomes defined is added."""
    nothing = score(metrics={"loss": 0.5}, undefined={"f1": "no class is in all folds"})
    assert gate(version([nothing]), version([nothing]), {}).passed
    found = gate(version([nothing]), version([score(0.5)]), {})
    assert found.passed
    assert [one.reason for one in found.difference.added] == ["f1 is undefined: no class is in all folds"]


def test_added_results_pass():
    """More coverage is none lost."""
    assert gate(version(seeds(*BEFORE[:2])), version(seeds(*BEFORE)), {"": 0.0}).passed


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"f1": 1.7, "loss": 1.0}, '"f1" is 1.7; its declared range is 0 to 1'),
        ({"f1": -0.2, "loss": 1.0}, '"f1" is -0.2'),
        ({"f1": 0.5, "loss": -3.0}, '"loss" is -3; its declared range is 0 and more'),
        ({"f1": 0.5, "loss": 0.9}, '"f1 == 1 - loss" is declared'),
        ({"f1": 0.5}, "neither a value nor a reason"),
        ({"f1": 0.5, "loss": 0.5, "more": 1.0}, "no declared metric"),
    ],
)
def test_impossible_results_fail(metrics, says):
    """Ranges and identities, as the metrics declare them."""
    after = score(metrics=metrics, undefined={})
    declared = table(after, identities=[{"says": "f1 == 1 - loss", "of": "values", "baseline": None}])
    if "loss" in metrics and metrics["f1"] != 0.5:
        declared["identities"] = []
    found = gate(version([after]), version([after], tables=[declared]), {"": 9.0})
    (check,) = (check for check in found.checks if check.rule == "metrics")
    assert check.state == "failed"
    assert says in check.message
    assert not found.passed


def test_possible_results_pass():
    """An identity that holds, and old boards that declare none."""
    after = score(metrics={"f1": 0.5, "loss": 0.5}, undefined={})
    for identities in ([{"says": "f1 == 1 - loss", "of": "values", "baseline": None}], []):
        found = gate(version([after]), version([after], tables=[table(after, identities=identities)]), {})
        assert found.passed
    bare = {"f1": {name: UP[name] for name in ("direction", "lower", "upper", "tolerance")}}
    old = score(undefined={})
    found = gate(version([old]), version([old], tables=[{**table(old), "metrics": bare}]), {})
    assert found.passed


def test_a_withdrawn_version_fails():
    """Neither is a measure for anything."""
    buried = replace(
        version(seeds(*BEFORE)), tombstone=Tombstone(version="v0001", reason="leaked", withdrawn="2026-01-01")
    )
    states = checks(buried, version(seeds(*BEFORE)), rule="withdrawn")
    assert states == [("failed", "it was withdrawn: leaked"), ("passed", "")]


def test_margins_are_read():
    """One for all, others by name; nonsense is said."""
    assert read_margins(["0.01", "mse=0.5"]) == {"": 0.01, "mse": 0.5}
    for text in ("much", "-1", "mse=", "inf", "nan"):
        with pytest.raises(Misuse, match="--margin got"):
            read_margins([text])


def test_margins_of_a_metric_are_its_own():
    """The margin by name wins over the one for all."""
    before, after = version(seeds(*BEFORE)), version(lowered(0.1, model_version="2"))
    assert checks(before, after, {"": 0.0, "f1": 0.5})[0][0] == "passed"
    assert checks(before, after, {"": 0.5, "f1": 0.0})[0][0] == "failed"


def test_markdown_and_junit_tell_the_same(tmp_path):
    """As another program reads them; hostile names break neither."""
    evil = "<script>\x07]]>&\ud800".encode("utf-8", "replace").decode()
    name = {"model_name": evil, "model_label": evil}
    before = version([*seeds(*BEFORE), *seeds(*BEFORE, **name), score(0.5, task_name="t", task_label="t")])
    after = version(
        [
            *seeds(*BEFORE),
            *lowered(0.2, **name, model_version="2"),
            score(0.1, task_name="t", task_label="t", task_version="2"),
        ]
    )
    found = gate(before, after, {"": 0.02})
    text = render_gate(found)
    assert text.startswith("# Gate FAILED: quick v0001 → quick v0001")
    assert "**FAILED**" in text
    assert "<script>" not in text
    read = JUnitXml.fromstring(junit(found).encode())
    assert (read.tests, read.failures, read.skipped) == (len(found.checks), 1, 1)
    failed = [case for suite in read for case in suite if case.is_failure]
    assert "<script>" in failed[0].name
    assert "mean change of f1 -0.2" in failed[0].result[0].message


def test_a_gate_is_plain_data():
    """For programs."""
    found = gate(version(seeds(*BEFORE)), version(seeds(*BEFORE)), {})
    assert found.describe()["passed"] is True
    assert board([])["scores"] == []
