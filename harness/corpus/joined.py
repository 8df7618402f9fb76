"""Several corpora or data sets as one corpus, read one after another on the genes of the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import read_only
from harness.corpus.alignment import aligned
from harness.corpus.catalogue import Entry
from harness.corpus.facts import Facts, overlap
from harness.digest import address
from harness.records import ALIGNMENT_VERSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

SOURCE = "source"
"""The role that says which part a cell comes from."""


def joined_facts(entry: Entry, parts: Sequence[Facts]) -> Facts:
    """Return the facts of a joined corpus, from those of its parts.

    Cells of a part that is a data set are marked as belonging to it, so that no fit of a suite that evaluates
    on it sees them.
    """
    first = parts[0]
    levels: dict[str, Counter[str]] = {SOURCE: Counter()}
    marked: Counter[str] = Counter()
    for part in parts:
        levels[SOURCE][part.name] += part.n_cells
        for role, counts in part.levels.items():
            levels.setdefault(role, Counter()).update(counts)
        marked.update(part.marked)
        marked.update(dict.fromkeys(part.marked_as[:1], part.n_cells))
    return replace(
        first,
        name=entry.name,
        kind=entry.kind,
        digest=address(
            "joined",
            names=[part.name for part in parts],
            parts=[part.digest for part in parts],
            marks=[part.marked_as for part in parts],
            alignment=ALIGNMENT_VERSION,
        ),
        n_cells=sum(part.n_cells for part in parts),
        levels={role: dict(counts) for role, counts in levels.items()},
        crosstabs={},
        marked=dict(marked),
        related={name: how for part in parts for name, how in part.related.items()},
        warnings=tuple(_warnings(parts)),
        species=first.species if len({part.species for part in parts}) == 1 else "several",
        marked_as=(),
    )


def _warnings(parts: Sequence[Facts]) -> Iterator[str]:
    for part in parts:
        yield from (f"{part.name}: {warning}" for warning in part.warnings)
    for part in parts:
        if part.kind == "corpus" and not part.marked and part.species != "simulated":
            yield f"{part.name} marks no cells of data sets, so an overlap with them cannot be removed"
    for part in parts[1:]:
        share = overlap(part, parts[0]).share_of_model
        yield f"{part.name} measured {share:.0%} of the genes of {parts[0].name}, and the rest is zero there"


@dataclass(frozen=True)
class JoinedCells:
    """The cells of all parts, in order, on the genes of the first.

    Attributes
    ----------
    names
        One per part: the labels of the role ``source``.
    parts
        Cells as :func:`harness.corpus.open_cells` opens them.
    marks
        One per part: the data set that it is, empty where it is none.
    """

    names: Sequence[str]
    parts: Sequence[Any]
    marks: Sequence[str]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self._starts[-1])

    @property
    def symbols(self) -> tuple[str, ...]:
        """Gene symbols of the first part."""
        symbols: tuple[str, ...] = self.parts[0].symbols
        return symbols

    @property
    def ensembl(self) -> tuple[str, ...] | None:
        """Ensembl ids of the first part."""
        ids: tuple[str, ...] | None = self.parts[0].ensembl
        return ids

    @property
    def genes(self) -> tuple[str, ...]:
        """Gene symbols of the first part."""
        return self.symbols

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: whether the first part measured it."""
        found: NDArray[np.bool_] = self.parts[0].measured
        return found

    @cached_property
    def columns(self) -> Mapping[str, NDArray[np.object_]]:
        """Role -> one label per cell, empty where a part has no such role; and ``source``."""
        import numpy as np

        roles = {role for part in self.parts for role in part.columns}
        found = {
            role: np.concatenate(
                [part.columns.get(role, np.full(part.n_cells, "", dtype=object)) for part in self.parts]
            )
            for role in sorted(roles)
        }
        return {**found, SOURCE: self._spread(self.names)}

    @cached_property
    def marked(self) -> NDArray[np.object_]:
        """One label per cell: the data set it also belongs to, empty where none."""
        import numpy as np

        own = [
            part.marked if getattr(part, "marked", None) is not None else np.full(part.n_cells, mark, object)
            for part, mark in zip(self.parts, self.marks, strict=True)
        ]
        return np.concatenate(own)

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        import numpy as np
        from scipy.sparse import csr_matrix, vstack

        wanted = np.asarray(indices, dtype=np.int64)
        of_part = np.searchsorted(self._starts, wanted, side="right") - 1
        chosen = [np.flatnonzero(of_part == number) for number in range(len(self.parts))]
        found = [
            part.rows(wanted[at] - start)
            for part, at, start in zip(self._aligned, chosen, self._starts[:-1], strict=True)
        ]
        back = np.argsort(np.concatenate(chosen))
        return read_only(csr_matrix(vstack(found, format="csr")[back]))

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            yield self.rows(np.arange(start, min(start + size, self.n_cells)))

    @cached_property
    def _aligned(self) -> list[Any]:
        return [self.parts[0], *(aligned(part, self.symbols, self.ensembl) for part in self.parts[1:])]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        import numpy as np

        return np.cumsum([0, *(part.n_cells for part in self.parts)])

    def _spread(self, labels: Sequence[str]) -> NDArray[np.object_]:
        import numpy as np

        return np.repeat(np.array(labels, dtype=object), [part.n_cells for part in self.parts])
