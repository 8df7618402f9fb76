"""Findings -> words: the lines of one table's headline, shared by Markdown and terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .tables import label

Text = Callable[[Any], str]
"""Makes a guest's text harmless for where it is printed."""

COLUMNS = (
    "model",
    "sampler (corpus)",
    "untrained",
    "best seed mean [cells] ± sd",
    "verdict",
    "saturation R0; R4",
    "gain at the largest size over the best baseline [95 %]",
    "seeds",
)
NOTHING = "–"
VERDICTS = {"beats": "beats it", "no_better": "no better", "worse": "worse"}
MARKS = {"left": "<= ", "right": ">= ", "beyond": "> "}
SIZES = 2
"""Trained sizes that a curve needs for a saturation point to be worth showing."""
ARROWS = {"up": "↑", "down": "↓"}


def printable(value: Any) -> str:
    """Return a text on one line without control characters, which could steer a terminal or hide text."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def headline_rows(board: Mapping[str, Any], table: Mapping[str, Any], text: Text) -> list[list[str]]:
    """Return one row per curve and constant for the primary metric, best first, unscored last."""
    metric = table["primary"]
    curves = [curve for curve in table["curves"] if curve["metric"] == metric]
    constants = [constant for constant in table["constants"] if constant["metric"] == metric]
    digits = decimals([*map(_value, curves), *map(_value, constants)])
    write = _Writer(board, table, text, digits)
    rows = [(_value(curve), write.curve(curve)) for curve in curves]
    rows += [(_value(constant), write.constant(constant)) for constant in constants]
    sign = -1 if table["metrics"][metric]["direction"] == "up" else 1
    return [
        row for _, row in sorted(rows, key=lambda pair: (pair[0] is None, sign * (pair[0] or 0), pair[1]))
    ]


def _value(entry: Mapping[str, Any]) -> float | None:
    """Return what a row is sorted by: the best seed mean, or the mean of a constant."""
    at = at_size(entry["sizes"], entry["best_size"]) if "sizes" in entry else entry
    return None if at is None or at["mean"] is None else float(at["mean"])


def largest(curve: Mapping[str, Any]) -> int | None:
    """Return the largest size with a score: the one to compare at, since it was not chosen by its score."""
    return max((at["size"] for at in curve["sizes"]), default=None)


def at_size(entries: Iterable[Mapping[str, Any]], size: int | None) -> Mapping[str, Any] | None:
    """Return the entry of one size, or None."""
    return next((entry for entry in entries if entry["size"] == size), None)


def decimals(values: Iterable[float | None]) -> int:
    """Return the decimals that show three digits of the largest of these values."""
    largest = max((abs(value) for value in values if value is not None), default=0)
    return min(8, max(0, 3 - math.ceil(math.log10(largest)))) if largest > 0 else 3


def _standing(constant: Mapping[str, Any]) -> str:
    """Return why a constant is held against no baseline."""
    if constant["arm"] == "oracle":
        return "is an oracle, not ranked"
    return "is a baseline" if constant["is_baseline"] else NOTHING


def number(value: float, digits: int, sign: str = "") -> str:
    """Return a number with fixed decimals, without a negative zero."""
    return f"{round(value, digits) + 0.0:{sign},.{digits}f}"


class _Writer:
    """Writes the cells of one table's rows."""

    def __init__(self, board: Mapping[str, Any], table: Mapping[str, Any], text: Text, digits: int) -> None:
        self.table = table
        self.text = text
        self.digits = digits
        self.supervised = {p["name"] for p in board["plugins"].get("found", []) if p.get("supervised")}
        budgets = {str(c["budget"]) for t in board["tables"] for c in t["curves"] if c["budget"]}
        self.several_budgets = len(budgets) > 1

    def curve(self, curve: Mapping[str, Any]) -> list[str]:
        untrained = at_size(curve["sizes"], 0)
        best = at_size(curve["sizes"], curve["best_size"])
        finding = at_size(curve["no_change"], largest(curve))
        return [
            self._model(curve),
            self._sampler(curve),
            self._mean(untrained) if untrained else self._absent(curve, 0),
            f"{self._mean(best, best['size'])}" if best else self._absent(curve),
            self._verdict(curve),
            self._saturation(curve),
            self._gain(finding) if finding else NOTHING,
            self._seeds(curve, best),
        ]

    def constant(self, constant: Mapping[str, Any]) -> list[str]:
        finding = constant["no_change"]
        return [
            f"{self._model(constant)} ({constant['arm']})",
            NOTHING,
            NOTHING,
            self._mean(constant) if constant["n"] else self._absent(constant),
            NOTHING,
            NOTHING,
            self._gain(finding) if finding else _standing(constant),
            str(constant["n"]) if constant["arm"] == "reference" else NOTHING,
        ]

    def _model(self, entry: Mapping[str, Any]) -> str:
        words = self.text(entry["label"])
        if entry["model"] and entry["model"]["name"] in self.supervised:
            words += " (trained with labels)"
        if self.several_budgets and entry.get("budget"):
            words += f", {entry['budget']['amount']:,} {self.text(entry['budget']['unit'])}"
        return words

    def _sampler(self, curve: Mapping[str, Any]) -> str:
        if not curve["sampler"]:
            return NOTHING
        return f"{self.text(label(curve['sampler']))} ({self.text(curve['corpus']['name'])})"

    def _mean(self, at: Mapping[str, Any], size: int | None = None) -> str:
        words = number(at["mean"], self.digits)
        if size is not None:
            words += f" [{size:,}]"
        return words if at["sd"] is None else f"{words} ± {number(at['sd'], self.digits)}"

    def _absent(self, entry: Mapping[str, Any], size: int | None = None) -> str:
        """Say what became of runs without a value; a dash where none was asked for."""
        states = [a["status"] for a in entry["absent"] if size is None or a["size"] == size]
        named = {"ok": "undefined"}
        return ", ".join(sorted({named.get(state, state) for state in states})) or NOTHING

    def _verdict(self, curve: Mapping[str, Any]) -> str:
        verdict = curve["verdict"]
        if verdict is None:
            return f"not judged: {self.text(curve['unjudged'])}"
        trend, at = verdict["trend"], verdict["evidence"]["saturates_at"]
        words = f"{verdict['level']} × {trend}" + (f"@{at:,}" if trend == "saturates" and at else "")
        return "; ".join([words, *_flags(verdict["flags"])])

    def _saturation(self, curve: Mapping[str, Any]) -> str:
        """Return the published rule's answer and R4's."""
        if curve["verdict"] is None:
            return NOTHING
        return "; ".join(self._point(curve["verdict"]["saturation"][rule]) for rule in ("R0", "R4"))

    def _point(self, point: Mapping[str, Any]) -> str:
        if point["size"] is None or len(point["distribution"]) < SIZES:
            return NOTHING
        words = f"{MARKS.get(point['censored'], '')}{point['size']:,}"
        return words if point["fraction"] is None else f"{words} ({100 * point['fraction']:.3g} %)"

    def _gain(self, finding: Mapping[str, Any]) -> str:
        gain = finding["gain"]
        if gain is None or gain["low"] is None:
            return f"not assessed: {self.text(finding['reason'])}"
        low, high = (number(gain[end], self.digits, "+") for end in ("low", "high"))
        estimate, baseline = number(gain["estimate"], self.digits, "+"), self.text(finding["baseline"])
        return f"{estimate} [{low}, {high}] over {baseline}; {self._judgement(finding)}"

    def _judgement(self, finding: Mapping[str, Any]) -> str:
        if finding["verdict"] == "not_assessed":
            return f"not judged: {self.text(finding['reason'])}"
        excluded = finding["gain"]["n_excluded"]
        return VERDICTS[finding["verdict"]] + (f" ({excluded:,} units left out)" if excluded else "")

    def _seeds(self, curve: Mapping[str, Any], best: Mapping[str, Any] | None) -> str:
        lost = len([each for each in curve["absent"] if each["size"] == curve["best_size"]])
        if best is None:
            return "0"
        return f"{best['n']} of {best['n'] + lost}" if lost else str(best["n"])


def _flags(flags: Iterable[str]) -> list[str]:
    """Return each kind of flag once, with the sizes that it is raised at."""
    kinds: dict[str, list[str]] = {}
    for flag in flags:
        kind, _, size = flag.partition("@")
        kinds.setdefault(kind, []).append(f"{int(size):,}" if size.isdigit() else size)
    return [kind + (f" at {', '.join(sizes)}" if any(sizes) else "") for kind, sizes in kinds.items()]


def tier_words(table: Mapping[str, Any], text: Text) -> str:
    """Return who is ahead and who is tied, by the primary metric at the largest size."""
    ranking = table["ranking"]
    if not ranking["rows"]:
        return ""
    rows = [
        f"{text(row['model'])} {row['average_rank']['value']:.3g}{_within(row['average_rank'])} {row['tier']}"
        for row in ranking["rows"]
    ]
    return "Rank at the largest size, 95 % interval, tier (who shares a letter is not told apart): " + (
        "; ".join(rows) + "."
    )


def _within(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["low"], estimate["high"]
    return "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"


def heading(table: Mapping[str, Any], text: Text) -> str:
    """Return the title of a table: task, data set, primary metric with its direction."""
    arrow = ARROWS[table["metrics"][table["primary"]]["direction"]]
    return (
        f"{text(label(table['task']))} on {text(table['dataset']['name'])}: {text(table['primary'])} {arrow}"
    )


def split_words(table: Mapping[str, Any], text: Text) -> str:
    """Return how the cells were divided and what a unit is, with a mark on splits by cell."""
    split = table["split"]
    words = f"Split: {text(label({'name': split['kind'], 'parameters': split['parameters']}))}"
    if table["unit_kind"]:
        words += f"; scores are compared by {text(table['unit_kind'])}"
    if table["random_by_cell"]:
        words += (
            "; RANDOM BY CELL: the same donors and batches teach and test, so scores are optimistic and "
            "intervals speak of these cells only"
        )
    return words + "."


def note_words(table: Mapping[str, Any], text: Text, at_most: int = 300) -> str:
    """Return what the jobs of a table note alike, such as the classes that were left out."""
    notes = [f"{name.replace('_', ' ')}: {_listed(value)}" for name, value in table["notes"].items() if value]
    words = "; ".join(notes)
    return text(words if len(words) <= at_most else words[:at_most] + " ...")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def grouped(entries: Iterable[Sequence[str]]) -> list[tuple[int, Sequence[str]]]:
    """Count equal rows, the most frequent first."""
    counts: dict[tuple[str, ...], int] = {}
    for entry in entries:
        counts[tuple(entry)] = counts.get(tuple(entry), 0) + 1
    return [(n, entry) for entry, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
