"""Do scores agree with what is declared of them? One pure function over plain data.

The host asks before it keeps a task's scores, and whoever reads them later can ask again: what is declared
stands beside the numbers (:attr:`harness.records.Record.task`).

How values and unit scores of a metric belong together (``units`` of its declaration):

============  =================================================================================
``each``      a unit's score is that metric of the unit alone, so the declared range holds for it
``mean``      besides, the value is the mean over the units that define it
``weighted``  besides, the value is their mean by the units' weights
``parts``     shares in the value of all units together, for which no range holds
============  =================================================================================

Identities relate scores to each other, as a comparison (``==``, ``<=``, ``>=``) of terms: names of metrics,
numbers, ``+ - * / **``, and the functions ``mean``, ``min``, ``max``, ``abs``, ``log2``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import Misuse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TOLERANCE = 1e-6
"""Where a metric declares none."""
ROUNDING = 1e-9
"""Relative difference that two ways to the same number may have."""

COMPARISONS: Mapping[type[ast.cmpop], str] = {ast.Eq: "==", ast.LtE: "<=", ast.GtE: ">="}
OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
TOGETHER, ALONE = ("mean", "min", "max"), ("abs", "log2")
"""Functions of several terms, and of one; numpy calls them alike."""
FUNCTIONS = (*TOGETHER, *ALONE)


def audit(
    values: Mapping[str, float],
    declared: Mapping[str, Any],
    *,
    undefined: Mapping[str, str] | None = None,
    units: Mapping[str, Sequence[float] | NDArray[np.floating[Any]]] | None = None,
    weights: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    baseline: str | None = None,
) -> list[str]:
    """Return what scores contradict of what is declared of them, one sentence each.

    Parameters
    ----------
    values
        Metric -> number.
    declared
        As :meth:`harness.TaskCard.declared` gives it and the ledger keeps it: ``metrics`` (name ->
        ``lower``, ``upper``, ``tolerance``, ``units``) and ``identities`` (``says``, ``of``, ``baseline``).
        What is absent, in old records say, is not asked.
    undefined
        Metric -> why it has no value. Where it is given, every metric must be in one of the two.
    units
        Metric -> unit scores (n_units,), NaN where a unit does not define it; None where not at hand.
    weights
        Per unit (n_units,); None for equal ones.
    baseline
        Which baseline was scored, for the identities of that one; None for a model.
    """
    import numpy as np

    of_units = None if units is None else {name: np.asarray(v, dtype=float) for name, v in units.items()}
    said = _Said(values=values, units=of_units, weights=weights, metrics=declared.get("metrics", {}))
    return [
        *said.strangers(),
        *(said.missing(undefined) if undefined is not None else ()),
        *(sentence for name in said.metrics for sentence in said.of_metric(name)),
        *(
            sentence
            for identity in declared.get("identities", ())
            if identity.get("baseline") in (None, baseline)
            for sentence in said.of_identity(identity["says"], identity.get("of", "both"))
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class _Said:
    """Scores beside the declarations of their metrics."""

    values: Mapping[str, float]
    units: Mapping[str, Floats] | None
    weights: Sequence[float] | NDArray[np.floating[Any]] | None
    metrics: Mapping[str, Mapping[str, Any]]

    def strangers(self) -> Iterator[str]:
        """Say which scores are of no declared metric."""
        for name in sorted({*self.values, *(self.units or ())} - self.metrics.keys()):
            yield f'there are scores of "{name}", which is no declared metric'

    def missing(self, undefined: Mapping[str, str]) -> Iterator[str]:
        """Say which metrics have neither a value nor a reason, or both."""
        for name in self.metrics:
            if name not in self.values and name not in undefined:
                yield f'there is neither a value nor a reason for "{name}"'
            if name in self.values and name in undefined:
                yield f'"{name}" is {self.values[name]:g} and has a reason why it has no value'

    def of_metric(self, name: str) -> Iterator[str]:
        """Say what the value and the unit scores of one metric contradict."""
        import numpy as np

        if name in self.values:
            yield from self._in_range(name, "is", np.array([self.values[name]], dtype=float))
        if self.units is None or self.metrics[name].get("units", "parts") == "parts":
            return
        if name in self.units:
            known = self.units[name][~np.isnan(self.units[name])]
            yield from self._in_range(name, "of a unit is", known)
        if name in self.values:
            yield from self._as_mean(name, self.metrics[name]["units"])

    def _in_range(self, name: str, what: str, numbers: Floats) -> Iterator[str]:
        low, high = (self.metrics[name].get(bound) for bound in ("lower", "upper"))
        tolerance = self._tolerance(name)
        wrong = ~(abs(numbers) < math.inf)
        if low is not None:
            wrong |= numbers < low - tolerance
        if high is not None:
            wrong |= numbers > high + tolerance
        if wrong.any():
            yield f'"{name}" {what} {numbers[wrong][0]:.6g}; its declared range is {_range(low, high)}'

    def _as_mean(self, name: str, how: str) -> Iterator[str]:
        import numpy as np

        if how == "each":
            return
        assert self.units is not None
        kind = "weighted mean" if how == "weighted" else "mean"
        if name not in self.units:
            yield f'"{name}" is declared as the {kind} of unit scores, and there are none'
            return
        scores = self.units[name]
        weights = np.ones(len(scores))
        if how == "weighted" and self.weights is not None:
            weights = np.asarray(self.weights, dtype=float)
        defined = ~np.isnan(scores) & (weights > 0)
        if not defined.any():
            yield f'"{name}" is {self.values[name]:.6g}, and no unit defines it'
            return
        mean = float(np.average(scores[defined], weights=weights[defined]))
        if abs(mean - self.values[name]) > self._tolerance(name) + ROUNDING * abs(mean):
            yield (
                f'"{name}" is {self.values[name]:.6g}; it is declared as the {kind} of its unit scores, '
                f"which is {mean:.6g}"
            )

    def of_identity(self, text: str, of: str) -> Iterator[str]:
        """Say where an identity does not hold; one with scores that are not there is not asked."""
        identity = read_identity(text)
        sides = {"values": (self.values, ""), "units": (self.units or {}, " for a unit")}
        for side in ("values", "units") if of == "both" else (of,):
            known, whose = sides[side]
            if identity.names <= known.keys():
                yield from self._held(identity, known, whose)

    def _held(self, identity: Identity, known: Mapping[str, Any], whose: str) -> Iterator[str]:
        import numpy as np

        tolerance = max((self._tolerance(name) for name in identity.names), default=TOLERANCE)
        with np.errstate(all="ignore"):
            left, right = (np.atleast_1d(side) for side in identity.sides(known))
            gap = left - right
            allowed = tolerance + ROUNDING * np.maximum(abs(left), abs(right))
            wrong = {"==": abs(gap) > allowed, "<=": gap > allowed, ">=": -gap > allowed}[identity.comparison]
        if wrong.any():
            place = int(wrong.argmax())
            numbers = [f"{np.broadcast_to(side, wrong.shape)[place]:.6g}" for side in (left, right)]
            yield f'"{identity.text}" is declared{whose}, and the sides are {numbers[0]} and {numbers[1]}'

    def _tolerance(self, name: str) -> float:
        return float(self.metrics.get(name, {}).get("tolerance", TOLERANCE))


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "all finite numbers"
    if high is None:
        return f"{low:g} and more"
    return f"{high:g} and less" if low is None else f"{low:g} to {high:g}"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A comparison of two terms, read from its text."""

    text: str
    left: ast.expr
    comparison: str
    right: ast.expr

    @property
    def names(self) -> frozenset[str]:
        """The metrics that it relates."""
        nodes = (*ast.walk(self.left), *ast.walk(self.right))
        return frozenset(node.id for node in nodes if isinstance(node, ast.Name)) - {*FUNCTIONS}

    def sides(self, known: Mapping[str, Any]) -> tuple[Floats, Floats]:
        """Return what both sides amount to."""
        return _worked_out(self.left, known), _worked_out(self.right, known)


@lru_cache(maxsize=256)
def read_identity(text: str) -> Identity:
    """Read an identity.

    Raises
    ------
    Misuse
        It is no comparison of two terms such as the module's text describes.
    """
    refusal = Misuse(
        f'the identity "{text}" cannot be read; a comparison (==, <=, >=) of two terms is accepted, of names '
        f"of metrics, numbers, + - * / **, and {', '.join(FUNCTIONS)}"
    )
    try:
        read = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise refusal from None
    if not (isinstance(read, ast.Compare) and len(read.ops) == 1 and type(read.ops[0]) in COMPARISONS):
        raise refusal
    sides = (read.left, read.comparators[0])
    if not all(_is_term(side) for side in sides):
        raise refusal
    return Identity(text=text, left=sides[0], comparison=COMPARISONS[type(read.ops[0])], right=sides[1])


def _is_term(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return type(value) in (int, float)
        case ast.Name(id=name):
            return name not in FUNCTIONS
        case ast.UnaryOp(op=ast.USub(), operand=term):
            return _is_term(term)
        case ast.BinOp(left=left, op=how, right=right):
            return type(how) in OPERATIONS and _is_term(left) and _is_term(right)
        case ast.Call(func=ast.Name(id=name), args=terms, keywords=[]):
            enough = len(terms) == 1 if name in ALONE else bool(terms)
            return name in FUNCTIONS and enough and all(map(_is_term, terms))
    return False


def _worked_out(node: ast.expr, known: Mapping[str, Any]) -> Floats:
    """Return what a term amounts to; only arrays meet, so that no exponent can hold up the audit."""
    import numpy as np

    match node:
        case ast.Constant(value=value):
            return np.asarray(value, dtype=float)
        case ast.Name(id=name):
            return np.asarray(known[name], dtype=float)
        case ast.UnaryOp(operand=term):
            return -_worked_out(term, known)
        case ast.BinOp(left=left, op=how, right=right):
            return np.asarray(OPERATIONS[type(how)](_worked_out(left, known), _worked_out(right, known)))
        case ast.Call(func=ast.Name(id=name), args=terms):
            several = np.broadcast_arrays(*(_worked_out(term, known) for term in terms))
            function = getattr(np, name)
            return np.asarray(function(several, axis=0) if name in TOGETHER else function(several[0]))
    raise AssertionError(f"no term: {ast.dump(node)}")
