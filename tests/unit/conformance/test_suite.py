"""What the checks report: findings, known failures, and what does not apply."""

import pytest

from harness import ModelCard
from harness.conformance import KNOWN_FAILURES, Finding, checks_for, conform, examine
from harness.errors import Misuse, NotApplicable

GOOD = ModelCard(name="good", version="1", entry="guests_on_trial:Good")


def check_something(card):
    raise AssertionError("it is not so")


def check_nothing(card):
    pass


def check_elsewhere(card):
    raise NotApplicable("it has no wheels")


def known(check):
    return {("model", "good", check.__name__): "upstream, reported"}


def test_a_failure_is_a_finding_with_its_sentence():
    """What a check raises becomes a finding; nothing is raised."""
    assert examine(check_something, GOOD, "model") == Finding(
        check="check_something", passed=False, message="good raised AssertionError: it is not so"
    )


def test_a_known_failure_carries_its_reason():
    """A failure that was expected is reported with the reason, and counts as expected."""
    finding = examine(check_something, GOOD, "model", known(check_something))
    assert (finding.passed, finding.known, finding.expected) == (False, "upstream, reported", True)


def test_a_known_failure_that_passes_is_reported():
    """A list of known failures cannot go stale unnoticed."""
    finding = examine(check_nothing, GOOD, "model", known(check_nothing))
    assert finding.passed
    assert not finding.expected
    assert "take it off the list" in finding.message


def test_what_does_not_apply_says_why():
    """A check that does not apply passes, and the finding has the reason."""
    finding = examine(check_elsewhere, GOOD, "model")
    assert finding.passed
    assert finding.message == "does not apply: it has no wheels"


def test_a_known_failure_names_plugin_and_kind():
    """A known failure of one plugin excuses no other one."""
    elsewhere = {("task", "good", "check_something"): "x", ("model", "other", "check_something"): "y"}
    assert examine(check_something, GOOD, "model", elsewhere).known is None


def test_conform_runs_every_check_of_the_kind():
    """One finding per check, in order."""
    findings = conform(GOOD, "model")
    assert [finding.check for finding in findings] == [check.__name__ for check in checks_for("model")]
    assert all(finding.passed for finding in findings)


def test_checks_have_distinct_names_and_a_promise():
    """Names address known failures, and docstrings say what is checked."""
    for kind in ("model", "task", "sampler"):
        checks = checks_for(kind)
        assert len({check.__name__ for check in checks}) == len(checks)
        assert all(check.__name__.startswith("check_") and check.__doc__ for check in checks)


def test_another_kind_is_refused():
    """There are three kinds of plugins that can be checked."""
    with pytest.raises(Misuse, match='no checks for "metric"; there are for model, task, sampler'):
        checks_for("metric")


def test_known_failures_name_checks_that_exist():
    """Every entry of the packaged list names a kind and one of its checks, with a reason."""
    for (kind, _, check), reason in KNOWN_FAILURES.items():
        assert check in {function.__name__ for function in checks_for(kind)}
        assert reason


def test_an_absent_optional_package_is_not_a_failure():
    """A plugin whose optional package is absent cannot be checked here, and that is said."""
    card = ModelCard(
        name="rare", version="1", entry="no_such_module:X", requires={"no_such_module": "more[x]"}
    )
    findings = conform(card, "model")
    assert {f.message for f in findings if f.check != "check_light_import"} <= {
        "does not apply: not installed: pip install 'more[x]'",
        "does not apply: the toy cells have no role",
        "does not apply: the card does not offer reconstruct",
        "does not apply: the card does not offer fine_tune",
    }
