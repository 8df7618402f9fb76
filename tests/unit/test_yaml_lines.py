"""YAML without surprises, and complaints that say where."""

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import Misuse
from harness.yaml_lines import complaints, line_of, load


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "some.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.5E+3", 1500.0),
        ("-.5", -0.5),
        ("12", 12),
        ("-3", -3),
        ("012", "012"),
        ("12:30:00", "12:30:00"),
        ("2020-01-01", "2020-01-01"),
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("CD4+", "CD4+"),
        ("1.2.3", "1.2.3"),
        ("10x", "10x"),
    ],
)
def test_plain_values_are_what_people_mean(file, text, value):
    """Numbers are numbers; Norway, clock times, dates, versions and leading zeros stay text."""
    found = load(file(f"key: {text}\n"))[0]["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'the key "a" stands twice'),
        ("x:\n  a: 1\n  a: 1\n", 3, 'the key "a" stands twice'),
        ("a: 1\n? [b]\n: 2\n", 2, "a key is a word or a number"),
        ("a: &x\n  b: *x\n", 1, "contains itself"),
        ("a: !!python/name:os.system\n", 1, "could not determine a constructor"),
        ("a: [1\nb: 2\n", 2, "expected"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(file, text, line, words):
    """No key is lost in silence, no code is run, no endless structure is built."""
    path = file(text)
    with pytest.raises(Misuse) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


def test_an_absent_file_and_bytes_that_are_no_text(tmp_path):
    """A sentence, not a traceback."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("absent.yaml", "bytes.yaml"):
        with pytest.raises(Misuse, match=f"{name}.* cannot be read"):
            load(tmp_path / name)


def test_every_value_has_a_line(file):
    """Keys, list items, and the nearest thing around what is not there."""
    _, lines = load(file("a: 1\nb:\n  - x\n  - y: 2\n    z: 3\n\nc: {}\n"))
    assert lines["a",] == 1
    assert lines["b", 0] == 3
    assert lines["b", 1, "z"] == 5
    assert line_of(("b", 1, "absent"), lines) == 4
    assert line_of(("absent",), lines) == 1


def test_an_alias_is_read_where_it_stands(file):
    """What two entries share can be written once."""
    data, _ = load(file("one: &roles {cell_type: kind}\ntwo: *roles\n"))
    assert data["two"] == {"cell_type": "kind"}


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = Field(default=1, gt=0)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    training: Inner | None = None
    many: tuple[Inner, ...] = ()


def test_complaints_have_line_place_value_and_advice(file):
    """All at once: a missing key, a misspelt key, one inside a list, one inside a key, and a wrong value."""
    path = file("nam: x\ntraining:\n  step: 3\nmany:\n  - stepz: 1\n  - steps: -4\n")
    data, lines = load(path)
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    found = complaints(path, caught.value, lines, Outer.model_fields)
    assert sorted(found) == [
        f'{path}:1: the key "nam" is unknown. Did you mean "name"?',
        f'{path}:1: the key "name" is missing',
        f'{path}:3: the key "training.step" is unknown. Did you mean "steps"?',
        f'{path}:5: the key "many.0.stepz" is unknown. Did you mean "steps"?',
        f'{path}:6: many.1.steps: Input should be greater than 0 (got "-4")',
    ]
