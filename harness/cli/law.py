"""``harness law``: the scaling law of losses from anywhere; no model is run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson

if TYPE_CHECKING:
    from harness.checks.scaling import Law, OneAxis, Scaling
    from harness.statistics import Estimate, LackOfFit

ANSWERS = {
    "flat": "no effect of size",
    "log-linear": "no sign of saturation",
    "offset": "a finite limit",
}
READ_AS = {
    "mse": "the loss is read as a mean squared error, its residuals as Gaussian: an upper bound in the units "
    "of the data; only bits below the gene mean are free of units",
    "nats": "the loss is read as nats; of a density they depend on the units of the data, as bits do",
}


class LossKind(StrEnum):
    """What a loss is."""

    MSE = "mse"
    NATS = "nats"
    OTHER = "other"


def law(
    table: Annotated[Path, typer.Argument(help="CSV with one run per row.")],
    loss: Annotated[str, typer.Option(help="Column of the loss, positive.")],
    axis: Annotated[list[str], typer.Option(help="Column of a size, positive (repeatable).")],
    where: Annotated[
        list[str] | None, typer.Option(help="Only rows with column=text (repeatable; of one column: or).")
    ] = None,
    kind: Annotated[LossKind, typer.Option(help="What the loss is, for its bits.")] = LossKind.MSE,
    gene_mean: Annotated[
        float | None, typer.Option(help="Loss of predicting every gene's mean: bits below it are told too.")
    ] = None,
    replicates: Annotated[int, typer.Option(min=50, help="Bootstrap replicates.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Fit the scaling law of losses, E + A n^-a in one axis or several, and say how far it can be trusted.

    --json prints one object: loss, axes, runs, points, ranges, mixed; least_squares and huber (limit, and by
    axis amplitudes and exponents); profile; lack_of_fit; one_axis (answer, rises, weights, held_out; null
    for several); published (c, a, alpha, r2, at_edge, caveat); bits (limit, best, published: loss, bits,
    gained). What has an interval has value, low, high, level and reason; null stands for infinite, or for
    absent.
    """
    from harness.checks.scaling import describe, read_losses, scaling
    from harness.errors import Misuse

    if gene_mean is not None and not 0 < gene_mean < float("inf"):
        raise Misuse(f'--gene-mean is "{gene_mean:g}"; the loss of the gene mean is a number above 0')
    if gene_mean is not None and kind is LossKind.OTHER:
        raise Misuse(
            f'--gene-mean is "{gene_mean:g}", but nothing is told in bits of a loss of "--kind other"; '
            "say --kind mse or --kind nats, or leave --gene-mean out"
        )
    runs = read_losses(table, loss, axis, _conditions(where or ()))
    found = scaling(runs, axis, kind=kind.value, gene_mean=gene_mean, replicates=replicates)
    for column, texts in found.mixed.items():
        print(
            f'harness: runs of equal {" and ".join(axis)} differ in "{column}" ({", ".join(texts[:4])}); '
            f"--where {column}=... keeps them apart",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps({"loss": loss, "axes": axis, **describe(found)}, indent=1, allow_nan=False))
    else:
        print(f"{loss}: {_report(found, kind)}")


def _conditions(where: Sequence[str]) -> dict[str, list[str]]:
    """Read ``column=text``."""
    from harness.errors import Misuse

    accepted: dict[str, list[str]] = {}
    for condition in where:
        column, equals, text = condition.partition("=")
        if not equals:
            raise Misuse(f'--where got "{condition}"; column=text is accepted')
        accepted.setdefault(column.strip(), []).append(text.strip())
    return accepted


def _report(found: Scaling, kind: LossKind) -> str:
    ranges = "; ".join(f"{axis} {low:,.10g} to {high:,.10g}" for axis, (low, high) in found.ranges.items())
    parts = [f"{found.runs} runs of {found.points} settings, {ranges}"]
    if found.one_axis:
        parts.append(_headline(found.one_axis, *found.ranges))
    parts += [_laws(found), *_notes(found)]
    if found.bits:
        parts += [_bits(found), f"Bits: {READ_AS[kind]}."]
    return "\n\n".join(parts)


def _headline(one: OneAxis, axis: str) -> str:
    weights = ", ".join(f"{name} {weight:.1%}" for name, weight in one.weights.items())
    rises = f", but the losses rise with {axis}" if one.rises else ""
    return f"{one.answer}: {ANSWERS[one.answer]}{rises} (weights by AICc: {weights})"


def _laws(found: Scaling) -> str:
    """Return a row for every way to fit the law."""
    from tabulate import tabulate

    def row(name: str, law: Law) -> list[str]:
        exponents = [_estimate(law.exponents[axis], 3) for axis in found.ranges]
        return [name, _estimate(law.limit), *exponents, *map(_amplitude, law.amplitudes.values())]

    rows = [
        row("least squares on log loss", found.least_squares),
        row("Huber 0.001 on log loss", found.huber),
        ["profile of E", _estimate(found.profile)],
    ]
    if found.published:
        grid = found.published
        edge = " (the grid's edge)" if grid.at_edge else ""
        rows.append(["as published: a grid", f"{grid.c:.5f}{edge}", f"{grid.alpha:.5f}", _amplitude(grid.a)])
    headers = ["fit", "E", *(f"exponent of {x}" for x in found.ranges), *(f"A of {x}" for x in found.ranges)]
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def _notes(found: Scaling) -> Iterator[str]:
    """Say what the numbers cannot."""
    for axis, exponent in found.least_squares.exponents.items():
        if exponent.value is None:
            yield f"No exponent of {axis}: {exponent.reason}."
    limit = found.least_squares.limit
    if limit.low is None:
        absent = "No E, and no bootstrap intervals" if limit.value is None else "No bootstrap intervals"
        yield f"{absent}: {limit.reason}."
    yield _fit_or_not(found.lack_of_fit)
    if found.one_axis:
        yield _held_out(found.one_axis)
    if found.published and found.published.caveat:
        yield f"As published (arXiv 2602.15253): {found.published.caveat}."


def _fit_or_not(test: LackOfFit) -> str:
    if test.f is None or test.p is None:
        return f"Lack of fit: not tested ({test.reason})."
    verdict = "is contradicted" if test.p < 0.05 else "is not contradicted"
    return (
        f"Lack of fit: the law {verdict} by the scatter of equal runs "
        f"(F({test.df_curve}, {test.df_runs}) = {test.f:.2f}, p = {test.p:.2g})."
    )


def _held_out(one: OneAxis) -> str:
    """Say how well the smaller sizes predict the largest."""
    from harness.checks.fitting import WORDS

    held = one.held_out
    if held.family is None or held.predicted is None:
        return f"Largest size held out: not predicted ({held.error.reason})."
    return (
        f"Largest size held out ({held.size:,.10g}): the smaller sizes ({WORDS[held.family]}) predict "
        f"{held.predicted:.4f}, and {held.observed:.4f} was seen; error {_estimate(held.error)}."
    )


def _bits(found: Scaling) -> str:
    from tabulate import tabulate

    names = {"limit": "limit E [profile]", "published": "limit as published", "best": "best setting's mean"}
    rows = [
        [names[name], f"{each.loss.value:.4f}", _estimate(each.bits, 3), _gained(each.gained)]
        for name, each in found.bits.items()
    ]
    headers = ["bits of", "loss", "bits", "below the gene mean"]
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def _gained(gained: Estimate | None) -> str:
    return "(--gene-mean)" if gained is None else _estimate(gained, 3)


def _amplitude(amplitude: float | None) -> str:
    return "-" if amplitude is None else f"{amplitude:.4g}"


def _estimate(estimate: Estimate, digits: int = 4) -> str:
    """Return a number with its interval, where it has one."""
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
