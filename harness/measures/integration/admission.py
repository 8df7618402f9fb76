"""Which cells are scored, and which embeddings are refused before any metric can reward them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ContractBroken, NotApplicable, NotFinite

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_CELLS = 10
"""Labels and batches with fewer cells are left out and counted."""
FLAT = 1e-12
"""Share of an embedding's scale below which its variance counts as none."""


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """The cells that are scored, in an order that depends on nothing but themselves.

    Attributes
    ----------
    place
        Embedding (cells x width), float64, as the model gave it.
    centred
        The same with its mean at 0 and a mean variance of 1, float32: what distances are taken in.
    types, batches
        Cell type and batch (cells,).
    before
        Embedding before integration (cells x width), float64; None where there is none.
    notes
        What was left out.
    """

    place: NDArray[np.float64]
    centred: NDArray[np.float32]
    types: NDArray[np.str_]
    batches: NDArray[np.str_]
    before: NDArray[np.float64] | None
    notes: dict[str, Any]


def admit(embedding: Any, labels: Any, batches: Any, before: Any = None) -> Admitted:
    """Return the cells to score: labelled, of types and batches that are large enough, and each one once.

    Cells of one type and batch that agree in every number are one cell: with every cell six times, a
    neighbourhood of 15 holds two and a half cells and every graph falls into pieces. The order of the cells
    is that of their numbers, so that no score depends on the order in which they came.

    Raises
    ------
    NotApplicable, ContractBroken, NotFinite
        See :func:`usable_cells` and :func:`refuse_degenerate`.
    """
    import numpy as np

    labels, batches = _as_text(labels), _as_text(batches)
    refuse_degenerate(embedding, len(labels))
    known = [np.asarray(each, dtype=np.float64) for each in (embedding, before) if each is not None]
    codes = [np.unique(each, return_inverse=True)[1] for each in (labels, batches)]
    _, first = np.unique(np.column_stack([*known, *codes]), axis=0, return_index=True)
    kept, notes = usable_cells(labels[first], batches[first])
    rows = first[kept]
    place = np.asarray(embedding, dtype=np.float64)[rows]
    refuse_degenerate(place, len(rows))
    return Admitted(
        place=place,
        centred=_standard(place),
        types=labels[rows],
        batches=batches[rows],
        before=None if before is None else np.asarray(before, dtype=np.float64)[rows],
        notes={**notes, "duplicates": len(labels) - len(first), "cells_scored": len(rows)},
    )


def _as_text(names: Any) -> NDArray[np.str_]:
    """Return labels as text, empty where missing; unused categories are gone."""
    import numpy as np
    import pandas as pd

    column = pd.Series(np.asarray(names, dtype=object))
    return np.asarray(column.where(column.notna(), "").astype(str), dtype=str)


def _standard(place: NDArray[np.float64]) -> NDArray[np.float32]:
    import numpy as np

    centred = place - place.mean(axis=0)
    return np.ascontiguousarray(centred / np.sqrt((centred**2).mean()), dtype=np.float32)


def usable_cells(
    labels: NDArray[np.str_], batches: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Return which cells have a type and a batch of at least :data:`MIN_CELLS` cells, and what does not.

    A type of one cell would become the isolated label, and a batch of one cell would scale iLISI.

    Raises
    ------
    NotApplicable
        Fewer than two cell types are left.
    """
    labelled = (labels != "") & (batches != "")
    kept = labelled.copy()
    while True:
        small = _rare(labels, kept) | _rare(batches, kept)
        if not (kept & small).any():
            break
        kept &= ~small
    if len(set(labels[kept])) < 2:
        raise NotApplicable(
            f"fewer than 2 cell types have at least {MIN_CELLS} distinct cells in batches of as many"
        )
    return kept, {
        "cells_without_label": int((~labelled).sum()),
        "cells_left_out": int((labelled & ~kept).sum()),
        "labels_left_out": sorted(set(labels[labelled].tolist()) - set(labels[kept])),
        "batches_left_out": sorted(set(batches[labelled].tolist()) - set(batches[kept])),
    }


def _rare(values: NDArray[np.str_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    names, counts = np.unique(values[kept], return_counts=True)
    return np.isin(values, names[counts < MIN_CELLS])


def refuse_degenerate(embedding: NDArray[np.floating[Any]], n_cells: int) -> None:
    """Refuse an embedding that the metrics would reward for being broken.

    Raises
    ------
    ContractBroken
        It has another number of rows, or all cells are at one place.
    NotFinite
        It holds NaN or infinite numbers.
    """
    import numpy as np

    if embedding.ndim != 2 or embedding.shape[0] != n_cells:
        raise ContractBroken(
            f"the embedding has shape {embedding.shape}; one row for each of {n_cells:,} cells is needed"
        )
    if not np.isfinite(embedding).all():
        raise NotFinite("the embedding holds NaN or infinite numbers")
    wide = embedding.astype(np.float64)
    if wide.var(axis=0).sum() <= FLAT * max(float((wide**2).mean(axis=0).sum()), 1e-30):
        raise ContractBroken(
            "the embedding has collapsed: all cells are at one place, which batch metrics would call perfect"
        )
