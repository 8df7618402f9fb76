"""Scores are held against what is declared of them: each rule finds what breaks it, and nothing else."""

import pytest

from harness import Identity, Metric, TaskCard
from harness.audit import audit, read_identity
from harness.errors import Misuse

NAN = float("nan")


def card(*metrics, identities=(), **more):
    return TaskCard(name="t", version="1", entry="a:B", metrics=metrics, identities=identities, **more)


def of(name="f1", **more):
    return Metric(name=name, **more)


FAMILY = card(
    of("micro"),
    of("familiar"),
    of("gap", lower=-1.0),
    identities=(Identity(says="gap == familiar - micro"),),
)
CURVE = card(of("a"), of("b"), of("area"), identities=(Identity(says="area <= max(a, b)", of="values"),))
SQUARES = card(
    of("r", lower=-1.0, units="mean"),
    of("r2", lower=None, units="mean"),
    identities=(Identity(says="r2 <= r ** 2", of="units"),),
)
FLOORED = card(
    of("skill", lower=None),
    identities=(Identity(says="skill == 0", baseline="mean"),),
    baselines=("mean",),
)

BROKEN = [
    (card(of()), {"values": {"f1": 1.7}}, '"f1" is 1.7; its declared range is 0 to 1'),
    (card(of()), {"values": {"f1": -0.1}}, '"f1" is -0.1; its declared range is 0 to 1'),
    (card(of(upper=None)), {"values": {"f1": -0.1}}, "its declared range is 0 and more"),
    (card(of(lower=None)), {"values": {"f1": 1.1}}, "its declared range is 1 and less"),
    (card(of(lower=None, upper=None)), {"values": {"f1": NAN}}, "its declared range is all finite numbers"),
    (card(of()), {"values": {"f1": 0.5, "f2": 0.5}}, 'scores of "f2", which is no declared metric'),
    (
        card(of()),
        {"values": {"f1": 0.5}, "units": {"f2": [0.5]}},
        'scores of "f2", which is no declared metric',
    ),
    (card(of()), {"values": {}, "undefined": {}}, 'neither a value nor a reason for "f1"'),
    (card(of()), {"values": {"f1": 0.5}, "undefined": {"f1": "why"}}, "and has a reason why it has no value"),
    (card(of()), {"values": {"f1": 0.5}, "units": {"f1": [0.2, NAN, 1.2]}}, '"f1" of a unit is 1.2'),
    (card(of()), {"values": {}, "units": {"f1": [-0.2, NAN]}}, '"f1" of a unit is -0.2'),
    (
        card(of(units="mean")),
        {"values": {"f1": 0.5}, "units": {"f1": [0.2, NAN, 0.4]}},
        "declared as the mean of its unit scores, which is 0.3",
    ),
    (
        card(of(units="weighted")),
        {"values": {"f1": 0.3}, "units": {"f1": [0.2, 0.4, NAN]}, "weights": [3, 1, 9]},
        "declared as the weighted mean of its unit scores, which is 0.25",
    ),
    (card(of(units="mean")), {"values": {"f1": 0.5}, "units": {}}, "there are none"),
    (card(of(units="mean")), {"values": {"f1": 0.5}, "units": {"f1": [NAN]}}, "no unit defines it"),
    (
        FAMILY,
        {"values": {"micro": 0.5, "familiar": 0.75, "gap": -0.25}},
        '"gap == familiar - micro" is declared, and the sides are -0.25 and 0.25',
    ),
    (
        FAMILY,
        {"values": {}, "units": {"micro": [0.5, 0.5], "familiar": [NAN, 0.75], "gap": [NAN, 0.5]}},
        "is declared for a unit, and the sides are 0.5 and 0.25",
    ),
    (CURVE, {"values": {"a": 0.2, "b": 0.4, "area": 0.5}}, "the sides are 0.5 and 0.4"),
    (SQUARES, {"values": {}, "units": {"r": [0.5], "r2": [0.26]}}, "the sides are 0.26 and 0.25"),
    (FLOORED, {"values": {"skill": 0.1}, "baseline": "mean"}, '"skill == 0" is declared'),
]

KEPT = [
    (card(of()), {"values": {"f1": 1.0}, "undefined": {}, "units": {"f1": [0, 1, NAN]}}),
    (card(of()), {"values": {}, "undefined": {"f1": "why"}}),
    (card(of(tolerance=0.1)), {"values": {"f1": 1.05}}),
    (card(of(units="parts")), {"values": {"f1": 0.5}, "units": {"f1": [-3.0, 9.0]}}),
    (card(of(units="mean")), {"values": {"f1": 0.3}, "units": {"f1": [0.2, NAN, 0.4]}}),
    (card(of(units="mean")), {"values": {"f1": 0.3}}),
    (
        card(of(units="weighted")),
        {"values": {"f1": 0.25}, "units": {"f1": [0.2, 0.4, NAN]}, "weights": [3, 1, 9]},
    ),
    (card(of(upper=None, units="mean")), {"values": {"f1": 3e9}, "units": {"f1": [3e9 * (1 + 1e-12)]}}),
    (FAMILY, {"values": {"micro": 0.5, "familiar": 0.75, "gap": 0.25}}),
    (FAMILY, {"values": {"micro": 0.5, "gap": 0.9}}),
    (SQUARES, {"values": {"r": 0.0, "r2": 0.25}, "units": {"r": [0.5, -0.5], "r2": [0.25, 0.25]}}),
    (FLOORED, {"values": {"skill": 0.1}}),
    (FLOORED, {"values": {"skill": 0.1}, "baseline": "another"}),
]


def sentences(declared, asked):
    return audit(asked["values"], declared.declared(), **{k: v for k, v in asked.items() if k != "values"})


@pytest.mark.parametrize(("declared", "asked", "words"), BROKEN)
def test_what_contradicts_is_found(declared, asked, words):
    """One sentence, and it names metric, value and what is declared."""
    (sentence,) = sentences(declared, asked)
    assert words in sentence


@pytest.mark.parametrize(("declared", "asked"), KEPT)
def test_what_agrees_is_left_alone(declared, asked):
    """Up to tolerance and rounding; identities with scores that are not there are not asked."""
    assert sentences(declared, asked) == []


def test_every_contradiction_is_told():
    """Not the first one alone."""
    found = audit({"a": 2.0, "b": -1.0}, card(of("a"), of("b")).declared())
    assert len(found) == 2


def test_old_records_are_asked_what_they_declare():
    """Neither unit scores nor identities were declared of them once."""
    old = {"metrics": {"f1": {"direction": "up", "lower": 0.0, "upper": 1.0, "tolerance": 1e-6}}}
    assert audit({"f1": 0.5}, old, units={"f1": [7.0]}) == []
    assert audit({"f1": 1.5}, old) == ['"f1" is 1.5; its declared range is 0 to 1']


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("a == 2 * b - 1", {"a": 3.0, "b": 2.0}, (3, 3)),
        ("a >= -b / 4", {"a": 0.0, "b": 2.0}, (0, -0.5)),
        ("a <= b ** 2 + 1", {"a": 0.0, "b": 3.0}, (0, 10)),
        ("mean(a, b, 3) == 2", {"a": 1.0, "b": 2.0}, (2, 2)),
        ("min(a, b) <= max(a, b)", {"a": 1.0, "b": 2.0}, (1, 2)),
        ("abs(a) == log2(b)", {"a": -3.0, "b": 8.0}, (3, 3)),
    ],
)
def test_terms_are_worked_out(text, known, expected):
    """By hand."""
    identity = read_identity(text)
    assert identity.names == known.keys() & set("ab")
    assert tuple(map(float, identity.sides(known))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a", "a + b", "a = b", "a < b", "a == b == c", "a ==", "a == 'b'", "a == b.real", "a == b[0]",
        "a == True", "a == open('x')", "abs(a, b) == 1", "mean() == 1", "mean == 1",
        "a == mean(b, axis=0)", "a == b @ c",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text):
    """An identity may come from a stored file: nothing but arithmetic is ever worked out."""
    with pytest.raises(Misuse, match="a comparison"):
        read_identity(text)


def test_an_exponent_cannot_hold_up_the_audit():
    """Numbers are floating: a tower of powers is infinite at once."""
    found = audit({"a": 1.0}, card(of("a"), identities=(Identity(says="a <= 9 ** 9 ** 9 ** 9"),)).declared())
    assert found == []


def test_a_card_declares_as_plain_data():
    """What the ledger keeps beside the numbers."""
    import json

    declared = card(
        of(floor=0.5, invariant=frozenset({"shift", "scale"})), identities=FAMILY.identities
    ).declared()
    assert json.loads(json.dumps(declared)) == declared
    assert declared["metrics"]["f1"] == {
        "direction": "up",
        "lower": 0.0,
        "upper": 1.0,
        "tolerance": 1e-6,
        "floor": 0.5,
        "margin": 1e-6,
        "judged": True,
        "units": "each",
        "invariant": ["scale", "shift"],
    }
    assert declared["identities"] == [{"says": "gap == familiar - micro", "of": "both", "baseline": None}]
