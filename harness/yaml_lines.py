"""YAML read safely, with the line of every value, so that a complaint can say where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

import yaml

from harness.errors import Misuse, did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError

Place = tuple[str | int, ...]
Lines = dict[Place, int]


class _Loader(yaml.SafeLoader):
    """Safe loading without YAML 1.1's surprises: no key twice, ``1e-3`` is a number, ``no`` is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
        for _REPLACED in [{f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "timestamp")}]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a key that stands twice is an error, not a silent loss."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key is a word or a number, not a list or a mapping",
                    problem_mark=key_node.start_mark,
                )
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f'the key "{key}" stands twice', problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


for _kind, _pattern, _first in (
    ("bool", r"^(?:true|false|True|False|TRUE|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$",
        "-+.0123456789",
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), list(_first))


def load(path: Path) -> tuple[Any, Lines]:
    """Return a file's content and the line of every value by its place.

    Raises
    ------
    Misuse
        The file cannot be read as YAML; the sentence names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f'"{path}" cannot be read: {error}') from error
    try:
        node = yaml.compose(text, Loader=_Loader)
        lines = _lines(node, (), ())
        data = yaml.load(text, Loader=_Loader)  # _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Misuse(f"{path}:{line}: {error.problem or error}") from None
    except yaml.YAMLError as error:
        raise Misuse(f"{path}: {error}") from None
    return data, lines


def _lines(node: Any, place: Place, above: tuple[Any, ...]) -> Lines:
    """Return the line of a node and of everything inside it; for a value with a key, the line of the key."""
    if node is None:
        return {}
    if any(node is other for other in above):
        raise yaml.MarkedYAMLError(problem="an alias contains itself", problem_mark=node.start_mark)
    found = {place: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inside = (*place, str(key.value))
            found |= _lines(value, inside, (*above, node)) | {inside: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            found |= _lines(value, (*place, number), (*above, node))
    return found


def line_of(place: Sequence[str | int], lines: Lines) -> int:
    """Return the line of a place, or of the nearest thing around it."""
    for end in range(len(place), -1, -1):
        if tuple(place[:end]) in lines:
            return lines[tuple(place[:end])]
    return 1


def complaints(
    path: Path,
    error: ValidationError,
    lines: Lines,
    known: Mapping[str, Any] = MappingProxyType({}),
    under: Place = (),
) -> list[str]:
    """Return a sentence with file and line for everything that a pydantic model has against a file.

    Parameters
    ----------
    known
        ``model_fields`` of the model, to propose a key for a misspelt one.
    under
        Place in the file of what was validated.
    """
    return [_complaint(path, one, lines, known, under) for one in error.errors()]


def _complaint(path: Path, error: Any, lines: Lines, known: Mapping[str, Any], under: Place) -> str:
    place = tuple(part for part in error["loc"] if part != "[key]")
    where = f"{path}:{line_of((*under, *place), lines)}"
    name = ".".join(str(part) for part in (*under, *place))
    if error["type"] == "extra_forbidden":
        accepted = _keys(known, place[:-1])
        return f'{where}: the key "{name}" is unknown.' + (
            did_you_mean(str(place[-1]), accepted) if accepted else ""
        )
    if error["type"] == "missing":
        return f'{where}: the key "{name}" is missing'
    said = error["msg"].removeprefix("Value error, ")
    nested = isinstance(error["input"], dict | list | tuple)  # too long to repeat
    got = "" if error["type"] == "value_error" or nested else f' (got "{error["input"]}")'
    return f"{where}: {name}: {said}{got}" if name else f"{where}: {said}{got}"


def _keys(fields: Mapping[str, Any], place: Place) -> list[str]:
    """Return the keys that a model accepts at a place, by the models its fields are made of."""
    for part in place:
        if isinstance(part, int):
            continue
        kind = fields[part].annotation if part in fields else None
        models = [one for one in (kind, *get_args(kind)) if hasattr(one, "model_fields")]
        fields = models[0].model_fields if models else {}
    return list(fields)
