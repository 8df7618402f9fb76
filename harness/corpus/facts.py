"""Facts: one small file per data set, written when it is first seen. It is all that planning reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTS_VERSION = 3
"""Raised when the content of facts or the reading of files changes."""
CROSSTABS = (
    *product(("cell_type", "perturbation"), ("donor", "batch", "study", "tissue", "assay", "context")),
    ("perturbation", "dose"),
)
"""What splits need to know of a data set."""
MOST_LEVELS = 1000
"""Levels of a role up to which a card can need a number of them."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a corpus or data set without opening it.

    Attributes
    ----------
    digest
        Of the file's content and of how it is read.
    n_cells
        Cells, those that the catalogue drops not counted.
    symbols, ensembl
        One per gene; Ensembl ids without version, empty where unknown, None where there are none.
    gene_digest
        Of the gene list.
    levels
        Role -> level -> cells.
    crosstabs
        ``"cell_type|donor"`` -> class -> group -> cells.
    marked
        For a corpus: data set name -> cells that also belong to it.
    related
        For a corpus: data set name -> how cells are akin to it that cannot be left out.
    """

    name: str
    kind: str
    digest: str
    n_cells: int
    symbols: tuple[str, ...]
    ensembl: tuple[str, ...] | None
    gene_digest: str
    levels: Mapping[str, Mapping[str, int]]
    crosstabs: Mapping[str, Mapping[str, Mapping[str, int]]]
    marked: Mapping[str, int]
    related: Mapping[str, str]
    warnings: tuple[str, ...]
    species: str
    min_overlap: float
    marked_as: tuple[str, ...]

    @property
    def offers(self) -> frozenset[str]:
        """The facts that cards may need; see :mod:`harness.contracts.cards`."""
        offered = {"counts"}
        complete = {r: levels for r, levels in self.levels.items() if sum(levels.values()) == self.n_cells}
        for role, levels in complete.items():
            offered |= {role, *(f"{role}>={k}" for k in range(1, min(len(levels), MOST_LEVELS) + 1))}
        if self.kind == "corpus":
            offered |= {f"corpus:{word}" for word in offered} - {"corpus:counts"} | {"corpus:components"}
        return frozenset(offered)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Facts:
        """Read the facts back from :meth:`to_json`."""
        tuples = {name: tuple(data[name]) for name in ("symbols", "warnings", "marked_as")}
        ensembl = tuple(data["ensembl"]) if data["ensembl"] is not None else None
        return cls(**{**data, **tuples, "ensembl": ensembl})


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How far the genes of a data set and of a model agree.

    Attributes
    ----------
    key
        ``"symbol"`` or ``"ensembl"``: whichever matches more genes.
    share_of_dataset
        Share of the data set's genes that the model knows.
    share_of_model
        Share of the model's genes that the data set measured.
    """

    key: str
    n_shared: int
    share_of_dataset: float
    share_of_model: float


class Genes(Protocol):
    """Anything with a gene list."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Gene symbols."""

    @property
    def ensembl(self) -> tuple[str, ...] | None:
        """Ensembl ids, where there are any."""


def overlap(dataset: Genes, model: Genes) -> Overlap:
    """Return how far the genes of a data set and of a model's gene list agree."""
    by = {"symbol": _names(dataset.symbols) & _names(model.symbols)}
    if dataset.ensembl and model.ensembl:
        by["ensembl"] = _names(dataset.ensembl) & _names(model.ensembl)
    key = max(by, key=lambda name: len(by[name]))
    mine, theirs = (_distinct(genes, key) for genes in (dataset, model))
    return Overlap(
        key=key,
        n_shared=len(by[key]),
        share_of_dataset=len(by[key]) / max(1, mine),
        share_of_model=len(by[key]) / max(1, theirs),
    )


def _names(values: tuple[str, ...] | None) -> set[str]:
    return set(values or ()) - {""}


def _distinct(genes: Genes, key: str) -> int:
    """Count the genes; those without an id of this kind count as not shared."""
    values = genes.symbols if key == "symbol" else (genes.ensembl or ())
    return len(_names(values)) + sum(1 for value in values if not value)


def without_version(identifier: str) -> str:
    """Return an Ensembl id without its version: ENSG00000000003.15 -> ENSG00000000003."""
    return re.sub(r"\.\d+$", "", identifier)


def limit_rows(n_cells: int, limit: int | None) -> NDArray[np.int64] | None:
    """Return the sorted rows of a limited trial, always the same ones; None where all cells are kept."""
    if limit is None or limit >= n_cells:
        return None
    import numpy as np

    generator = np.random.default_rng([n_cells, limit])
    return np.sort(generator.choice(n_cells, size=limit, replace=False))
