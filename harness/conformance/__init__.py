"""Is this guest well behaved? Plain ``check_*`` functions on toy inputs, for ``harness check`` and pytest.

In the tests of a plugin's own package::

    import pytest
    from harness.conformance import checks_for
    from my_package.plugin import CARD

    @pytest.mark.parametrize("check", checks_for("model"), ids=lambda check: check.__name__)
    def test_conformance(check):
        check(CARD)
"""

from harness.conformance.suite import KNOWN_FAILURES, Finding, checks_for, conform, examine

__all__ = ["KNOWN_FAILURES", "Finding", "checks_for", "conform", "examine"]
