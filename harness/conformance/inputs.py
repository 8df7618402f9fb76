"""Toy inputs of the checks: a few cells with every role, and the same cells in other guises."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from harness.contracts.cells import ArrayCells, Cells
from harness.contracts.run import PlainRun
from harness.errors import ContractBroken, NotApplicable
from harness.measures import log_normalise

SEED = 20
N_GENES = 40
TYPES = ("alpha", "beta", "gamma")
PERTURBATIONS = ("control", "drug-a", "drug-b", "drug-c")
DOSES = ("0.1", "1", "10")
WIDTH = 5
REPLICATES = 10
"""Cells of each type under each perturbation: the least that splits keep."""


@dataclass(frozen=True, kw_only=True)
class ToyCells(ArrayCells):
    """Cells in memory that the host can align; some of their genes may not have been measured."""

    unmeasured: tuple[int, ...] = ()
    ensembl: None = None

    @property
    def symbols(self) -> Sequence[str]:
        """Gene symbols, which toy genes are called by."""
        return self.genes

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: False where it is listed as unmeasured."""
        return ~np.isin(np.arange(len(self.genes)), self.unmeasured)


def toy_cells() -> ToyCells:
    """Return 120 cells with 40 genes: 3 types (each a context), 5 perturbations (one of them combined, in
    place of drug-c in one type), 3 doses, 3 batches, 5 donors, 2 sources (one with a tenth of the cells).

    Counts are negative binomial (dispersion 0.5) around a programme per type, times a factor per
    perturbation and batch, so that every role is visible in the counts. They are made anew at every call,
    so that a guest which alters them spoils nothing but its own check.
    """
    rng = np.random.default_rng(SEED)
    of_type, treated, replicate = (
        grid.ravel() for grid in np.indices((len(TYPES), len(PERTURBATIONS), REPLICATES))
    )
    batch, donor = replicate % 3, replicate % 5
    mean = rng.gamma(1.0, 4.0, (len(TYPES), N_GENES))[of_type]
    mean *= np.exp(rng.normal(0, 0.5, (len(PERTURBATIONS), N_GENES)) * (np.arange(4) > 0)[:, None])[treated]
    mean *= np.exp(rng.normal(0, 0.2, (3, N_GENES)))[batch]
    mean *= rng.lognormal(0, 0.2, (len(of_type), 1))
    counts = rng.negative_binomial(2, 2 / (2 + mean)).astype(np.int64)
    columns = {
        "cell_type": _named(TYPES, of_type),
        "context": _named([f"line-{name}" for name in TYPES], of_type),
        "perturbation": _named(PERTURBATIONS, treated),
        "batch": _named(["batch-1", "batch-2", "batch-3"], batch),
        "donor": _named([f"donor-{number}" for number in range(1, 6)], donor),
        "source": _named(["atlas", "screen"], (replicate == REPLICATES - 1).astype(int)),
        "dose": np.where(treated == 0, "0", _named(DOSES, np.arange(len(treated)) % len(DOSES))),
    }
    columns["perturbation"][(treated == 3) & (of_type == 2)] = "drug-a+drug-b"
    genes = tuple(f"GENE{number:02d}" for number in range(N_GENES))
    return ToyCells(counts=counts, genes=genes, columns=columns, components=components_of(counts))


def _named(names: Sequence[str], numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array(names, dtype=object)[numbers]


def components_of(counts: NDArray[Any]) -> NDArray[np.float32]:
    """Return the first five principal components of log counts (cells x 5)."""
    logged = np.log1p(counts)
    left, values, _ = np.linalg.svd(logged - logged.mean(axis=0), full_matrices=False)
    components: NDArray[np.float32] = (left * values)[:, :5].astype(np.float32)
    return components


def taken(cells: ToyCells, rows: Iterable[int]) -> ToyCells:
    """Return some cells, or all in another order, with their labels and what components they have."""
    chosen = np.asarray(list(rows), dtype=np.int64)
    return replace(
        cells,
        counts=cells.counts[chosen],
        columns={role: labels[chosen] for role, labels in cells.columns.items()},
        components=None if cells.components is None else cells.components[chosen],
    )


@dataclass(frozen=True, kw_only=True)
class Answering:
    """A fitted model as a task may ask it, which answers by ridge regression on an embedding of all cells.

    Cells that a task makes get random combinations of their log-normalised counts.
    """

    embedding: NDArray[np.float32]
    cells: Cells

    def embed(self, cells: Cells) -> NDArray[np.float32]:
        """Mix the genes, whichever they are, with fixed random weights."""
        mixed = np.random.default_rng(SEED).normal(size=(len(cells.genes), WIDTH))
        return np.concatenate([log_normalise(batch) @ mixed for batch in cells.batches()]).astype(np.float32)

    def reconstruct(self, rows: NDArray[np.int64], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Tell every gene from the embedding."""
        everything = np.arange(self.cells.n_cells)
        known = log_normalise(self.cells.rows(everything)).toarray()
        return np.asarray(self._inputs(rows) @ _ridge(self._inputs(everything), known), np.float32)

    def fine_tuned(
        self, labels: NDArray[np.object_], train: NDArray[np.int64], test: NDArray[np.int64], steps: int
    ) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        """Tell classes by regression on their indicators, clipped and scaled to chances."""
        classes = np.unique(labels[train].astype(str))
        truth = (labels[train].astype(str)[:, None] == classes).astype(float)
        found = (self._inputs(test) @ _ridge(self._inputs(train), truth)).clip(min=1e-3)
        return (found / found.sum(axis=1, keepdims=True)).astype(np.float32), classes

    def _inputs(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.column_stack([self.embedding[rows].astype(float), np.ones(len(rows))])


def _ridge(inputs: NDArray[np.float64], answers: NDArray[np.float64]) -> NDArray[np.float64]:
    penalty = 1e-3 * np.eye(inputs.shape[1])
    return np.asarray(np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ answers))


def reordered(cells: ToyCells, columns: NDArray[np.int64]) -> ToyCells:
    """Return the same cells with their genes in another order."""
    genes = tuple(cells.genes[column] for column in columns)
    return replace(cells, counts=cells.counts[:, columns], genes=genes)


def shuffled(size: int) -> NDArray[np.int64]:
    """Return one permutation of ``size`` things, always the same."""
    return np.random.default_rng(SEED + 1).permutation(size)


def seen(cells: ToyCells, roles: Iterable[str] = (), components: bool = False) -> ToyCells:
    """Return cells with these columns alone, as the host shows them to a guest.

    Raises
    ------
    NotApplicable
        The toy cells have no such role.
    """
    roles = sorted(roles)
    absent = [role for role in roles if role not in cells.columns]
    if absent:
        raise NotApplicable(f'the toy cells have no role "{absent[0]}"')
    columns = {role: cells.columns[role].copy() for role in roles}
    return replace(cells, columns=columns, components=cells.components if components else None)


@contextmanager
def circumstances(seed: int = SEED, **others: Any) -> Iterator[PlainRun]:
    """Give a run whose scratch folder goes away afterwards."""
    with TemporaryDirectory(prefix="harness-check-") as scratch:
        yield PlainRun(seed=seed, scratch=Path(scratch), **others)


class Watched:
    """Cells that remember what they handed out, so that writing into any of it is noticed."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._handed: list[tuple[str, Any, str]] = []
        for role, labels in cells.columns.items():
            self._note(f'the labels of "{role}"', labels)
        for name in ("counts", "components"):
            if getattr(cells, name, None) is not None:
                self._note(f"the {name}", getattr(cells, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cells, name)

    def _note(self, what: str, value: Any) -> Any:
        self._handed.append((what, value, digest(value)))
        return value

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells and remember their content."""
        handed: csr_matrix = self._note("a batch of counts", self._cells.rows(indices))
        return handed

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order and remember their content."""
        for batch in self._cells.batches(size):
            yield self._note("a batch of counts", batch)

    def verify(self, who: str) -> None:
        """Complain where something handed out has changed."""
        altered = [what for what, value, before in self._handed if digest(value) != before]
        if altered:
            raise ContractBroken(f"{who} altered {altered[0]} that it was given; inputs are read-only")


def digest(value: Any) -> str:
    """Return a fingerprint of an array or a CSR matrix, down to the bytes."""
    arrays = (value.data, value.indices, value.indptr) if hasattr(value, "indptr") else (value,)
    found = hashlib.sha256()
    for array in arrays:
        content = repr(array.tolist()) if array.dtype == object else np.ascontiguousarray(array).tobytes()
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(content.encode() if isinstance(content, str) else content)
    return found.hexdigest()


def same_rows(found: NDArray[Any], expected: NDArray[Any], claim: str, tolerance: float) -> None:
    """Complain, with up to three cells, where rows differ by more than a share of the largest value."""
    if found.shape != expected.shape:
        raise ContractBroken(f"{claim}: the embedding has shape {found.shape} instead of {expected.shape}")
    scale = max(float(np.abs(expected).max(initial=0)), 1e-12)
    off = np.abs(found.astype(float) - expected).max(axis=1) / scale
    worst = [int(cell) for cell in np.argsort(-off)[:3] if off[cell] > tolerance]
    if worst:
        cells = "; ".join(
            f"cell {cell} is {_vector(found[cell])}, not {_vector(expected[cell])}" for cell in worst
        )
        raise ContractBroken(
            f"{claim}: {int((off > tolerance).sum())} of {len(off)} cells differ by more than {tolerance:g} "
            f"of the largest value ({cells})"
        )


def _vector(values: NDArray[Any]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return f"[{shown}{', ...' if len(values) > 4 else ''}]"


def levels_of(columns: Mapping[str, NDArray[np.object_]]) -> dict[str, dict[str, int]]:
    """Return role -> level -> number of cells."""
    return {
        role: {str(level): int((labels == level).sum()) for level in dict.fromkeys(labels)}
        for role, labels in columns.items()
    }
