"""One generator of checks, two doors: ``harness check`` and pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from harness.conformance import models, samplers, tasks
from harness.conformance.loading import check_light_import
from harness.contracts.cards import Card
from harness.errors import HarnessError, Misuse, NotApplicable

Kind = Literal["model", "task", "sampler"]
Check = Callable[[Any], None]
Known = Mapping[tuple[str, str, str], str]

KNOWN_FAILURES: Known = MappingProxyType({})
"""(kind, plugin, check) -> why it fails and is kept nevertheless. Reported like any other finding."""

CHECKS: Mapping[str, tuple[Check, ...]] = MappingProxyType(
    {
        "model": (check_light_import, *models.CHECKS),
        "task": (check_light_import, *tasks.CHECKS),
        "sampler": (check_light_import, *samplers.CHECKS),
    }
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check
        Name of the check's function.
    passed
        Whether the property holds; also True where the check does not apply, and the message says why.
    message
        Which property is broken and where; empty where all is well.
    known
        The reason why this failure was expected, or None.
    """

    check: str
    passed: bool
    message: str = ""
    known: str | None = None

    @property
    def expected(self) -> bool:
        """True for a pass, and for a failure that is known; False for a known failure that passes."""
        return self.passed == (self.known is None)


def checks_for(kind: str) -> list[Check]:
    """Return the checks for models, tasks or samplers; each takes a card and raises what is wrong.

    A check that does not apply to this card raises :class:`harness.NotApplicable` with the reason.
    """
    if kind not in CHECKS:
        raise Misuse(f'there are no checks for "{kind}"; there are for {", ".join(CHECKS)}')
    return list(CHECKS[kind])


def conform(card: Card, kind: str, known_failures: Known = KNOWN_FAILURES) -> list[Finding]:
    """Run all checks over one plugin.

    The plugin runs in this process: one that crashes it, crashes it.
    """
    return [examine(check, card, kind, known_failures) for check in checks_for(kind)]


def examine(check: Check, card: Card, kind: str, known_failures: Known = KNOWN_FAILURES) -> Finding:
    """Run one check over one plugin; whatever it raises becomes a finding."""
    name = check.__name__
    known = known_failures.get((kind, card.name, name))
    try:
        check(card)
    except NotApplicable as reason:
        return Finding(check=name, passed=True, message=f"does not apply: {reason}")
    except HarnessError as complaint:
        return Finding(check=name, passed=False, message=str(complaint), known=known)
    except (Exception, SystemExit) as error:
        message = f"{card.name} raised {type(error).__name__}: {error}"
        return Finding(check=name, passed=False, message=message, known=known)
    if known is None:
        return Finding(check=name, passed=True)
    stale = f'passes, though it is listed as a known failure ("{known}"); take it off the list'
    return Finding(check=name, passed=True, message=stale, known=known)
