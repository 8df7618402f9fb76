"""From names to files and facts: introduces catalogues, simulated worlds and the store to each other.

The first look at a data set reads it whole and writes its facts; every later one opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contracts.cards import CatalogueCard
from harness.corpus import (
    Entry,
    Facts,
    JoinedCells,
    entry_of_file,
    facts_of,
    joined_facts,
    open_cells,
    read_catalogue,
)
from harness.digest import address
from harness.errors import BadData, HarnessError, Misuse, did_you_mean
from harness.store import Store
from harness.synthetic import identity, materialise

PACKAGED = Path(__file__).parent / "catalogues"


@dataclass(frozen=True, kw_only=True)
class Located:
    """A catalogue entry and the file that holds it, or its parts: all a worker needs to open it."""

    entry: Entry
    path: Path | None = None
    limit: int | None = None
    parts: tuple[Located, ...] = ()

    def open(self, with_labels: bool = False) -> Any:
        """Return the cells, with the columns of all roles or with none."""
        if self.path is None:
            return JoinedCells(
                names=[part.entry.name for part in self.parts],
                parts=[part.open(with_labels) for part in self.parts],
                marks=[_own_mark(part.entry) for part in self.parts],
            )
        roles = tuple(self.entry.roles) if with_labels else ()
        return open_cells(self.entry, self.path, roles=roles, limit=self.limit)


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known of the corpora and data sets of a suite."""

    corpora: Mapping[str, Facts] = field(default_factory=dict)
    datasets: Mapping[str, Facts] = field(default_factory=dict)
    located: Mapping[str, Located] = field(default_factory=dict)


def packaged_catalogues() -> dict[str, CatalogueCard]:
    """Return the catalogues that come with the harness, by name."""
    return {
        path.stem: CatalogueCard(name=path.stem, path=str(path)) for path in sorted(PACKAGED.glob("*.yaml"))
    }


def read_catalogues(
    files: Sequence[Path],
    names: Sequence[str],
    shipped: Mapping[str, CatalogueCard],
    root: Path | None = None,
) -> dict[tuple[str, str], Entry]:
    """Return entries by (kind, name); the first catalogue that has a name keeps it.

    Parameters
    ----------
    files
        Catalogues given on the command line, searched first.
    names
        Catalogues that the suite names.
    shipped
        Catalogues of plugin packages.
    root
        Folder for relative files of named catalogues, in place of the one they state.
    """
    known = {**packaged_catalogues(), **shipped}
    entries: list[Entry] = [entry for file in files for entry in read_catalogue(file)]
    for name in names:
        if name not in known:
            raise Misuse(f'there is no catalogue "{name}".' + did_you_mean(name, list(known)))
        entries += read_catalogue(Path(known[name].path), root)
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        found.setdefault((entry.kind, entry.name), entry)
    return found


def entries_of(file: Path, root: Path | None = None) -> list[Entry]:
    """Return the entries of a catalogue, or one for a data file by itself."""
    if not file.is_file():
        raise Misuse(f'there is no file "{file}"; a catalogue (.yaml) or a data file (.h5ad) is accepted')
    return [entry_of_file(file)] if file.suffix == ".h5ad" else read_catalogue(file, root)


def survey(
    corpora: Iterable[str],
    datasets: Iterable[str],
    entries: Mapping[tuple[str, str], Entry],
    store: Store,
    limit: int | None = None,
    announce: Callable[[str], None] = lambda _: None,
    evaluation_cells: int | None = None,
) -> Survey:
    """Locate and measure what a suite names.

    Parameters
    ----------
    limit, evaluation_cells
        At most this many cells of every file, and of each data set, always the same ones.

    Raises
    ------
    BadData
        With every complaint about every file, before anything runs.
    Misuse
        A name that no catalogue has.
    """
    complaints: list[str] = []
    facts: dict[str, dict[str, Facts]] = {"corpus": {}, "dataset": {}}
    located: dict[str, Located] = {}
    for kind, name in [*(("corpus", name) for name in corpora), *(("dataset", name) for name in datasets)]:
        entry = _entry(kind, name, entries)
        try:
            most = min(filter(None, (limit, evaluation_cells if kind == "dataset" else None)), default=None)
            place, found = _look(entry, entries, store, most, announce)
        except BadData as error:
            complaints.append(str(error))
            continue
        facts[kind][name] = found
        located[found.digest] = place
    if complaints:
        raise BadData("\n".join(complaints))
    return Survey(corpora=facts["corpus"], datasets=facts["dataset"], located=located)


def _look(
    entry: Entry,
    entries: Mapping[tuple[str, str], Entry],
    store: Store,
    limit: int | None,
    announce: Callable[[str], None],
) -> tuple[Located, Facts]:
    """Locate and measure an entry; a joined one by way of its parts."""
    if not entry.join:
        path = locate(entry, store, announce)
        place = Located(entry=entry, path=path, limit=limit)
        return place, facts_of(entry, path, store.facts, limit=limit)
    found = [_look(_part(name, entry, entries), entries, store, limit, announce) for name in entry.join]
    places, facts = zip(*found, strict=True)
    return Located(entry=entry, limit=limit, parts=places), joined_facts(entry, facts)


def complaints_of_parts(entry: Entry, entries: Mapping[tuple[str, str], Entry]) -> list[str]:
    """Say which parts of a joined corpus cannot be joined."""
    wrong = []
    for name in entry.join:
        try:
            _part(name, entry, entries)
        except Misuse as error:
            wrong.append(str(error))
    return wrong


def _part(name: str, whole: Entry, entries: Mapping[tuple[str, str], Entry]) -> Entry:
    part = entries.get(("corpus", name)) or entries.get(("dataset", name))
    if part is not None and not part.join:
        return part
    where = f"{whole.source[0]}:{whole.source[1]}: {whole.name}"
    if part is not None:
        raise Misuse(f'{where}: its part "{name}" is a joined corpus itself; name the parts of that one')
    known = [other for _, other in entries]
    raise Misuse(f'{where}: no catalogue has its part "{name}".{did_you_mean(name, known)}')


def _own_mark(entry: Entry) -> str:
    """Return under which name cells of a data set are marked, and nothing for a corpus."""
    return (entry.marked_as or (entry.name,))[0] if entry.kind == "dataset" else ""


def _entry(kind: str, name: str, entries: Mapping[tuple[str, str], Entry]) -> Entry:
    if (kind, name) in entries:
        return entries[kind, name]
    what = {"corpus": "corpus", "dataset": "data set"}[kind]
    known = [other for of_kind, other in entries if of_kind == kind]
    raise Misuse(
        f'no catalogue has a {what} "{name}".{did_you_mean(name, known)} '
        "Give another catalogue with --catalogue FILE."
    )


def locate(entry: Entry, store: Store, announce: Callable[[str], None] = lambda _: None) -> Path:
    """Return an entry's file; a simulated one is made in the store the first time."""
    if entry.world is None:
        return entry.path()
    spec = dict(entry.world)
    try:
        path = store.data / f"{address('world', **identity(spec))}.h5ad"
    except HarnessError as error:
        raise Misuse(f"{entry.source[0]}:{entry.source[1]}: {error}") from None
    if not path.is_file():
        announce(f"simulating {entry.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        materialise(spec, path)
    return path
