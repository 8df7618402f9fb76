"""How often verdicts are right: synthetic curves of known truth, judged and counted.

``python -m harness.checks.operating_characteristics FOLDER`` writes the table as CSV and Markdown.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from harness.checks.curve import Curve
from harness.checks.verdict import ALPHA, Level, Trend, Verdict, judge

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
SEEDS = (3, 5, 10)
N_CURVES = 1_000
DISTANCE = 0.2
"""Of the best true mean from the untrained control, at least, and from the baseline, in headrooms."""
BENEFITS: tuple[Level, ...] = ("beats-baseline", "at-ceiling")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What curves are drawn from.

    Attributes
    ----------
    shape
        True mean at every size, in units of the gain over the untrained control.
    trend
        The trend a perfect judge would see.
    n_90
        True position of the smallest size with 90 % of the gain at the largest; None without a gain there.
    gain, sd
        Ranges from which the gain and the seed standard deviation are drawn, in units of the headroom.
    """

    shape: tuple[float, ...]
    trend: Trend
    n_90: int | None
    gain: tuple[float, float] = (0.2, 0.6)
    sd: tuple[float, float] = (0.01, 0.05)

    @property
    def harmful(self) -> tuple[int, ...]:
        """Sizes at which the model is truly worse than untrained."""
        return tuple(size for size, gain in zip(SIZES, self.shape, strict=True) if gain < 0)


TRUTHS: Mapping[str, Truth] = {
    "flat": Truth(shape=(1, 1, 1, 1, 1, 1), trend="flat", n_90=0),
    "flat, no benefit": Truth(shape=(0, 0, 0, 0, 0, 0), trend="flat", n_90=None),
    "early": Truth(shape=(0.6, 1, 1, 1, 1, 1), trend="saturates", n_90=1),
    "late": Truth(shape=(0.3, 0.35, 0.4, 0.7, 1, 1), trend="saturates", n_90=4),
    "still rising": Truth(shape=(0.3, 0.44, 0.58, 0.72, 0.86, 1), trend="still-improving", n_90=5),
    "inverse": Truth(shape=(1, 0.86, 0.72, 0.58, 0.44, 0.3), trend="inverse", n_90=None),
    "early fall": Truth(shape=(1, 0.6, 0.6, 0.6, 0.6, 0.6), trend="inverse", n_90=None),
    "hump": Truth(shape=(0.3, 0.65, 1, 1, 0.65, 0.3), trend="non-monotone", n_90=None),
    "late fall": Truth(shape=(0.4, 0.7, 1, 1, 1, 0.8), trend="non-monotone", n_90=None),
    "harm": Truth(shape=(-0.5, -0.5, -0.5, -0.5, -0.5, -0.5), trend="flat", n_90=None),
    "noisy": Truth(shape=(0.6, 1, 1, 1, 1, 1), trend="saturates", n_90=1, sd=(0.1, 0.2)),
    "noisy hump": Truth(shape=(0.3, 0.65, 1, 1, 0.65, 0.3), trend="non-monotone", n_90=None, sd=(0.1, 0.2)),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Shares of the curves of one truth with one number of seeds.

    Attributes
    ----------
    flat, saturates, still_improving, inverse, non_monotone, inconclusive
        How the trends fell out.
    right_trend
        The trend is the true one; ``inconclusive`` is not, though it claims nothing false.
    right_by_jonckheere
        The same if only Jonckheere said which way: what it leaves open is ``non-monotone``.
    right_by_steps
        The same if every curve with a shown rise and a shown fall were ``non-monotone``, also where
        Jonckheere shows a way.
    false_quotable
        A saturation point may be quoted though the truth has none, or the level is not the true one.
    wrong_level
        The level is not the true one.
    underpowered
        The level is ``no-benefit`` and flagged to be so for want of seeds.
    false_level
        The level says what is not true: a benefit that is not there; ``no-benefit``, not flagged so, where
        there is one; ``below-baseline`` where it is not.
    false_benefit
        The level is ``beats-baseline`` or ``at-ceiling`` though the truth is below.
    harm_found, harm_false
        Share of the truly harmful sizes that are flagged, and of all others; None without such sizes.
    coverage
        The 95 % bootstrap set of R3 (90 % of the gain) holds the true size; None without one.
    set_sizes
        Mean number of sizes in that set.
    r0_saturates
        R0 names a size below the largest.
    r0_right
        R0 names the true size.
    """

    truth: str
    seeds: int
    curves: int
    flat: float
    saturates: float
    still_improving: float
    inverse: float
    non_monotone: float
    inconclusive: float
    right_trend: float
    right_by_jonckheere: float
    right_by_steps: float
    false_quotable: float
    wrong_level: float
    underpowered: float
    false_level: float
    false_benefit: float
    harm_found: float | None
    harm_false: float | None
    coverage: float | None
    set_sizes: float | None
    r0_saturates: float
    r0_right: float | None


def draw_curves(truth: Truth, seeds: int, n: int, rng: np.random.Generator) -> list[tuple[Curve, Level]]:
    """Draw curves with normal seeds, and the level that a perfect judge would see.

    The untrained control is drawn from .3 to .9, which leaves the headroom up to the bound, 1. A baseline
    known exactly lies a fifth of the headroom below the best true mean, or in one of four curves above it.
    """
    drawn = []
    for _ in range(n):
        floor = rng.uniform(0.3, 0.9)
        headroom = 1 - floor
        sd = headroom * rng.uniform(*truth.sd)
        means = floor + headroom * rng.uniform(*truth.gain) * np.array(truth.shape)
        below = rng.random() < 0.25
        runs = {0: rng.normal(floor, sd, seeds)}
        runs |= {size: rng.normal(mean, sd, seeds) for size, mean in zip(SIZES, means, strict=True)}
        baseline = float(means.max()) + (DISTANCE if below else -DISTANCE) * headroom
        level: Level = "beats-baseline" if max(truth.shape) > 0 else "no-benefit"
        curve = Curve(runs=runs, baselines={"exact": [baseline]}, bound=1.0)
        drawn.append((curve, "below-baseline" if below else level))
    return drawn


def characterise(
    n: int = N_CURVES, *, seed: int = 0, progress: Callable[[int], object] | None = None
) -> list[Row]:
    """Judge ``n`` curves of every truth and number of seeds, each as its own grid, and count."""
    rows: dict[tuple[str, int], Row] = {}
    for seeds in SEEDS:
        drawn = [
            draw_curves(truth, seeds, n, np.random.default_rng([seed, place, seeds]))
            for place, truth in enumerate(TRUTHS.values())
        ]
        # Curves of one shape share their shuffles and draws: together they are judged as they are alone.
        curves = [curve for of_truth in drawn for curve, _ in of_truth]
        verdicts = judge(curves, grids=range(len(curves)), seed=seed, progress=progress)
        for place, name in enumerate(TRUTHS):
            levels = [level for _, level in drawn[place]]
            rows[name, seeds] = _row(name, seeds, verdicts[place * n : (place + 1) * n], levels)
    return [rows[name, seeds] for name in TRUTHS for seeds in SEEDS]


def _row(name: str, seeds: int, verdicts: Sequence[Verdict], levels: Sequence[Level]) -> Row:
    truth, n = TRUTHS[name], len(verdicts)
    found = list(zip(verdicts, levels, strict=True))
    trends = {trend: sum(each.trend == trend for each in verdicts) / n for trend in get_args(Trend)}
    saturates = truth.trend == "saturates"
    return Row(
        truth=name,
        seeds=seeds,
        curves=n,
        **{trend.replace("-", "_"): share for trend, share in trends.items()},
        right_trend=trends[truth.trend],
        right_by_jonckheere=_mean(_by_jonckheere(each) == truth.trend for each in verdicts),
        right_by_steps=_mean(_by_steps(each) == truth.trend for each in verdicts),
        false_quotable=_mean(
            each.quotable and not (saturates and level == "beats-baseline") for each, level in found
        ),
        wrong_level=_mean(each.level != level for each, level in found),
        underpowered=_mean("underpowered" in each.flags for each in verdicts),
        false_level=_mean(_is_false(each, level) for each, level in found),
        false_benefit=_mean(each.level in BENEFITS and level not in BENEFITS for each, level in found),
        harm_found=_flagged(verdicts, truth.harmful),
        harm_false=_flagged(verdicts, [size for size in SIZES if size not in truth.harmful]),
        **_of_n_90(verdicts, truth),
        r0_saturates=_mean(SIZES[-1] > (each.saturation["R0"].size or math.inf) for each in verdicts),
    )


def _by_jonckheere(verdict: Verdict) -> Trend:
    """Return the trend by the letter of the rule that has no other eye for direction than Jonckheere's."""
    evidence = verdict.evidence
    if verdict.trend in ("flat", "inconclusive"):
        return verdict.trend
    if _significant(evidence.jonckheere_down_p):
        return "inverse"
    return verdict.trend if _significant(evidence.jonckheere_up_p) else "non-monotone"


def _by_steps(verdict: Verdict) -> Trend:
    """Return the trend by a rule to which a shown rise and a shown fall are more than Jonckheere's test."""
    rises, falls = (map(_significant, p) for p in (verdict.evidence.rise_p, verdict.evidence.fall_p))
    effect = verdict.trend not in ("flat", "inconclusive")
    return "non-monotone" if effect and any(rises) and any(falls) else verdict.trend


def _significant(p: float | None) -> bool:
    return p is not None and p < ALPHA


def _is_false(verdict: Verdict, level: Level) -> bool:
    """Whether the level says what is not true; of what is below its baseline "no benefit" is true."""
    if verdict.level == "no-benefit":
        return level in BENEFITS and "underpowered" not in verdict.flags
    return verdict.level != level


def _of_n_90(verdicts: Sequence[Verdict], truth: Truth) -> dict[str, Any]:
    if truth.n_90 is None:
        return {"coverage": None, "set_sizes": None, "r0_right": None}
    true = SIZES[truth.n_90]
    sets = [each.saturation["R3"].set_95 or (0, 0) for each in verdicts]
    return {
        "coverage": _mean(low <= true <= high for low, high in sets),
        "set_sizes": _mean(sum(low <= size <= high for size in SIZES) for low, high in sets),
        "r0_right": _mean(each.saturation["R0"].size == true for each in verdicts),
    }


def _flagged(verdicts: Sequence[Verdict], sizes: Sequence[int]) -> float | None:
    """Return the share of these sizes that are flagged as harm."""
    if not sizes:
        return None
    return _mean(f"harm@{size}" in each.flags for each in verdicts for size in sizes)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def worst_cases(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return, for every target, the worst truth for every number of seeds."""
    figures: dict[str, tuple[Callable[[Row], float | None], Callable[..., Row]]] = {
        "false `saturates` on flat truth, below 5 %": (_false_saturates, max),
        "wrong level, below 5 %": (lambda row: row.wrong_level, max),
        "a level that says what is not true": (lambda row: row.false_level, max),
        "coverage of the set of n_90, at least 90 %": (lambda row: row.coverage, min),
    }
    lines = []
    for target, (figure, worst) in figures.items():
        line = {"target": target}
        for seeds in sorted({row.seeds for row in rows}):
            there = [row for row in rows if row.seeds == seeds and figure(row) is not None]
            found = worst(there, key=figure)
            line[f"{seeds} seeds"] = f"{figure(found):.1%} ({found.truth})"
        lines.append(line)
    return lines


def _false_saturates(row: Row) -> float | None:
    return row.saturates if TRUTHS[row.truth].trend == "flat" else None


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write ``operating_characteristics.csv`` and the page around it, ``operating_characteristics.md``."""
    cells = [{name: _shown(value) for name, value in asdict(row).items()} for row in rows]
    with (folder / "operating_characteristics.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(cells[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)
    page = PAGE.format(
        curves=rows[0].curves,
        sizes=", ".join(f"{size:,}" for size in SIZES),
        truths=_table(
            [
                {"truth": name, "mean at every size": truth.shape, "trend": truth.trend, "sd": truth.sd}
                for name, truth in TRUTHS.items()
            ]
        ),
        targets=_table(worst_cases(rows)),
        trends=_table([{k: v for k, v in row.items() if k in TREND_COLUMNS} for row in cells]),
        levels=_table([{k: v for k, v in row.items() if k not in TREND_COLUMNS[2:]} for row in cells]),
    )
    (folder / "operating_characteristics.md").write_text(page)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


TREND_COLUMNS = (
    "truth",
    "seeds",
    "flat",
    "saturates",
    "still_improving",
    "inverse",
    "non_monotone",
    "inconclusive",
    "right_trend",
    "right_by_jonckheere",
    "right_by_steps",
    "r0_saturates",
)

PAGE = """# Operating characteristics: how often a verdict is right

Written by `make characteristics`; the same figures are in `operating_characteristics.csv`. CI repeats a
hundredth of it.

{curves} synthetic curves for every truth and number of seeds, sizes {sizes},
each judged as a grid of its own with 2,000 bootstrap replicates. Scores are bounded by 1 and normal around
their mean. The untrained control lies between .3 and .9; what is left up to 1 is the headroom. The gain over
it is .2 to .6 of the headroom, and the means below are in units of that gain; the seed sd is in units of the
headroom. A baseline known exactly lies .2 of the headroom below the best true mean, or in every fourth curve
above it (the true level is then `below-baseline`).

{truths}

## Targets, and the worst truth for each

{targets}

Levels go wrong where the noise is as large as the distance to a reference: a curve below its baseline is not
*shown* to be below it, or a gain not shown to be one, and both get `no-benefit`. That is power, which seeds
buy, and no false claim: such a level carries the flag `underpowered` unless a benefit beyond the margin is
excluded. Hence the line beneath: levels that say what is not true, which is a benefit that is not there, none
where there is one and no flag, or below a baseline that it is not below.

## Trends

Shares of the labels. `right_trend`: the label is the true one; `right_by_jonckheere`, `right_by_steps`: so it
would be by two other rules (see below). `r0_saturates`: the published rule names a size below the largest, on
flat truths too.

{trends}

Which way does a curve go that changes with size? Three rules were measured.

* By Jonckheere's test alone, and `non-monotone` where it shows no way. It looks for a slope, and a step
  between two sizes in few seeds is none: an early rise, and an early fall, are then often `non-monotone`.
* The rule in use asks Jonckheere first; where that shows no way, the steps between sizes that are shown (t
  tests with the pooled sd, Bonferroni over all pairs) say it if all of them go one way. It is right far more
  often on steps. Its price is a hump under much noise, of which only one side may be shown.
* By steps before Jonckheere: `non-monotone` wherever a rise and a fall are shown. It alone sees a late fall
  after a clear rise, and is not in use: `saturates` with the flag `fall@n` says more, namely that the score
  rose, and where it fell. The flag keeps such a curve from being quoted.

What else to know before reading a trend:

* On flat truths the gate lets more than 5 % of single curves through, since either of two tests at 5 % may (F
  or Jonckheere); what it lets through spreads over four labels. A grid is corrected for its number of curves.
* R4 asks that no larger size be able to win by a margin; with few seeds it often cannot tell, and a saturated
  curve is called `still-improving`.

## Levels, harm, saturation points

`false_quotable`: a saturation point may be quoted though there is none, or the level is wrong. `wrong_level`,
`underpowered`: flagged so; `false_level`: it says what is not true. `harm_found`, `harm_false`: share of the
truly harmful sizes that are flagged, and of all other sizes. `coverage`, `set_sizes`: the 95 % bootstrap set
of R3 (90 % of the gain), widened for few seeds, holds the true size, and how many sizes it has. `r0_right`:
the published rule names the true size.

{levels}
"""


def main(folder: str, n: str = str(N_CURVES)) -> None:
    """Run the study and write its table."""
    write(characterise(int(n)), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
