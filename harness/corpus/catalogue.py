"""Corpora and data sets by name: YAML -> entries. It opens no data file."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.errors import BadData, Misuse, did_you_mean
from harness.yaml_lines import complaints, line_of, load

ROLES = ("cell_type", "batch", "donor", "perturbation", "context", "dose", "study", "tissue", "assay")
OF_JOINED = {"name", "kind", "join", "folder", "source"}
"""What is said of a joined corpus; everything else comes from its parts."""
PACKAGE = "package:"
KEYS = ("name", "root", "corpora", "datasets")


class Entry(BaseModel):
    """One corpus or data set: where its counts are and what its columns mean.

    Attributes
    ----------
    name, kind
        How suites call it, and ``"corpus"`` or ``"dataset"``.
    file
        An h5ad file: absolute, relative to ``root`` or else to the catalogue, or
        ``package:scanpy/datasets/x.h5ad`` for a file inside an installed package.
    world
        In place of a file: a simulated world and its knobs, see :mod:`harness.synthetic`.
    join
        In place of a file, for a corpus: names of corpora or data sets whose cells follow one another, on the
        genes of the first. The role ``source`` says which of them a cell comes from.
    counts
        Where the raw counts are: ``X``, ``raw`` or ``layers/<name>``.
    recover
        ``expm1``: the values are log1p of counts times a factor of each cell. Counts are recovered as
        expm1(values) in units of the cell's smallest non-zero value; refused unless whole within 0.1.
    symbols, ensembl
        Gene names and Ensembl ids: each ``index`` or a column of var.
    roles
        Role -> column of obs.
    control
        The level of the perturbation that means no change; tasks see it as ``control``.
    missing
        The label that cells without one get in every role; without it a corpus does not offer the role, and
        a data set is refused.
    drop
        Column of obs -> values whose cells are left out.
    marks
        For a corpus: the column of obs that names the data sets a cell also belongs to.
    related
        For a corpus: data set -> how cells of the corpus are akin to it without being the same, such as other
        cells of its donors. It cannot be left out by cell, so the board shows it.
    marked_as
        For a data set: the values under which corpora mark its cells; its name where not given.
    digest
        Expected blake3 of the file.
    min_overlap
        Smallest share of a data set's genes that a model must know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    name: str
    kind: Literal["corpus", "dataset"]
    file: str | None = None
    world: dict[str, Any] | None = None
    join: tuple[str, ...] = ()
    counts: str = "X"
    recover: Literal["expm1"] | None = None
    symbols: str = "index"
    ensembl: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    control: str = "control"
    missing: str | None = None
    drop: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    marks: str | None = None
    related: dict[str, str] = Field(default_factory=dict)
    marked_as: tuple[str, ...] = ()
    species: str = ""
    digest: str | None = None
    min_overlap: float = Field(default=0.5, ge=0, le=1)
    licence: str = ""
    citation: str = ""
    folder: str = ""
    source: tuple[str, int] = ("", 1)

    def __hash__(self) -> int:
        return hash((self.name, self.kind, self.source))

    @field_validator("counts")
    @classmethod
    def _known_place(cls, value: str) -> str:
        if value not in ("X", "raw") and not re.fullmatch(r"layers/.+", value):
            raise ValueError("counts are in X, in raw, or in layers/<name>")
        return value

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, roles: dict[str, str]) -> dict[str, str]:
        if wrong := [role for role in roles if role not in ROLES]:
            raise ValueError(
                " ".join(f'"{role}" is not a role.{did_you_mean(role, list(ROLES))}' for role in wrong)
            )
        return roles

    @field_validator("marked_as", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        if [bool(self.file), self.world is not None, bool(self.join)].count(True) != 1:
            raise ValueError("an entry has either a file, or a world, or parts to join")
        if self.join:
            self._is_joined_of_parts()
        misplaced = {"corpus": ("marked_as", "min_overlap"), "dataset": ("marks", "related")}[self.kind]
        if found := sorted(self.model_fields_set & set(misplaced)):
            what = {"corpus": "data set", "dataset": "corpus"}[self.kind]
            raise ValueError(f'"{found[0]}" belongs to a {what}')
        if "control" in self.model_fields_set and "perturbation" not in self.roles:
            raise ValueError("a control is named, but no role says which column holds the perturbation")
        return self

    def _is_joined_of_parts(self) -> None:
        if self.kind != "corpus" or len(set(self.join)) != len(self.join) or len(self.join) < 2:
            raise ValueError("a corpus joins two or more different corpora or data sets")
        if further := sorted(self.model_fields_set - OF_JOINED):
            raise ValueError(f'"{further[0]}" of a joined corpus is that of its parts, and stands there')

    def reading(self) -> dict[str, Any]:
        """Return everything that decides how the file is read: part of the data's digest."""
        names = ("counts", "recover", "symbols", "ensembl", "roles", "control", "missing", "drop", "marks")
        return {name: getattr(self, name) for name in names}

    def path(self) -> Path:
        """Return the file.

        Raises
        ------
        BadData
            It is not there; the sentence says where it was looked for and what to do.
        """
        where = f"{self.source[0]}:{self.source[1]}: {self.name}"
        assert self.file is not None
        if self.file.startswith(PACKAGE):
            path = _in_package(self.file.removeprefix(PACKAGE), where)
        else:
            path = Path(_expanded(self.folder, where)) / _expanded(self.file, where)
        if not path.is_file():
            near = (
                did_you_mean(path.name, [p.name for p in path.parent.glob("*")])
                if path.parent.is_dir()
                else ""
            )
            raise BadData(f'{where}: there is no file "{path}".{near} Name another folder with --data DIR.')
        return path


def _expanded(text: str, where: str) -> str:
    """Fill in ``${NAME}`` from the environment."""

    def value(match: re.Match[str]) -> str:
        if not os.environ.get(match[1]):
            raise BadData(
                f"{where}: the environment variable {match[1]}, which the catalogue names as the folder of "
                "its files, is not set; set it, or give the folder with --data DIR"
            )
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)


def _in_package(name: str, where: str) -> Path:
    """Return a file inside an installed package, found without importing it."""
    package, _, rest = name.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BadData(f'{where}: the package "{package}" that holds its file is not installed')
    return Path(next(iter(spec.submodule_search_locations))) / rest


def read_catalogue(path: Path, root: Path | None = None) -> list[Entry]:
    """Read a catalogue.

    Parameters
    ----------
    path
        A YAML file with ``name``, an optional ``root``, ``corpora`` and ``datasets``.
    root
        In place of the ``root`` that the catalogue states. Where it states none its files lie beside it, and
        this changes nothing.

    Raises
    ------
    Misuse
        With every complaint, each with file and line.
    """
    data, lines = load(path)
    if not isinstance(data, dict):
        raise Misuse(f"{path}:1: a catalogue is a mapping with corpora and datasets")
    wrong = [
        f'{path}:{line_of((str(key),), lines)}: the key "{key}" is unknown.{did_you_mean(str(key), KEYS)}'
        for key in data
        if key not in KEYS
    ]
    folder = _folder(path, data.get("root"), root)
    entries: list[Entry] = []
    for kind, section in (("corpus", "corpora"), ("dataset", "datasets")):
        found = data.get(section) or {}
        if not isinstance(found, dict):
            wrong.append(f"{path}:{line_of((section,), lines)}: {section} is a mapping of names to entries")
            continue
        for name, content in found.items():
            place = (section, str(name))
            given = {
                "name": str(name),
                "kind": kind,
                "folder": folder,
                "source": (str(path), line_of(place, lines)),
            }
            if not isinstance(content, dict):
                wrong.append(f"{path}:{line_of(place, lines)}: {section}.{name} is not a mapping")
                continue
            for key in sorted(set(content) & set(given)):
                wrong.append(
                    f'{path}:{line_of((*place, key), lines)}: the key "{section}.{name}.{key}" is unknown; '
                    "the catalogue's layout says it"
                )
            try:
                entries.append(Entry.model_validate({**content, **given}))
            except ValidationError as error:
                accepted = {k: v for k, v in Entry.model_fields.items() if k not in given}
                wrong += complaints(path, error, lines, accepted, place)
    if wrong:
        raise Misuse("\n".join(wrong))
    return entries


def _folder(path: Path, stated: Any, root: Path | None) -> str:
    """Return the folder of a catalogue's files; a variable in it is filled in when a file is asked for."""
    if stated is None:
        return str(path.absolute().parent)
    if root is not None:
        return str(root)
    return str(stated) if str(stated).startswith("$") else str(path.absolute().parent / str(stated))


def entry_of_file(path: Path) -> Entry:
    """Return an entry for an h5ad file alone: raw counts in X, gene names in the index of var."""
    return Entry(name=path.stem, kind="dataset", file=str(path.absolute()), source=(str(path), 1))
