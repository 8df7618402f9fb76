"""All metrics of an embedding, for all cells and by batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.measures.integration.admission import MIN_CELLS, Admitted, admit
from harness.measures.integration.clustering import (
    agreement,
    agreement_by_batch,
    best_leiden,
    kmeans_clusters,
)
from harness.measures.integration.mixing import kbet_acceptance
from harness.measures.integration.neighbours import (
    GRAPH_NEIGHBOURS,
    KBET_NEIGHBOURS,
    LISI_NEIGHBOURS,
    connectivities,
    in_largest_component,
    lisi,
    neighbours,
)
from harness.measures.integration.silhouettes import batch_silhouettes, isolated_types, silhouettes
from harness.measures.integration.structure import explained_by_batch, structure_kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIXING = ("bras", "ilisi", "kbet", "pcr_comparison")
"""Metrics that compare the batches of a type."""
NOTHING = 1e-9
"""Share of variance between batches that counts as none."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """What the metrics found.

    Attributes
    ----------
    values
        Metric -> score of all cells.
    undefined
        Metric -> why these cells do not define it.
    by_batch
        Metric -> the part of each batch in it (n_batches,): its cells held against all cells. NaN where a
        batch has no cell that the metric asks about. PCR comparison has no such parts.
    batches, weights
        Names of the batches and their numbers of cells.
    notes
        What was left out, clipped or noticed.
    """

    values: Mapping[str, float]
    by_batch: Mapping[str, NDArray[np.float64]]
    batches: tuple[str, ...]
    weights: NDArray[np.float64]
    undefined: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def integration_scores(
    embedding: NDArray[np.floating[Any]],
    labels: NDArray[np.object_],
    batches: NDArray[np.object_],
    seed: int = 42,
    before: NDArray[np.floating[Any]] | None = None,
    only: Collection[str] = (),
) -> Integration:
    """Return the scIB metrics of an embedding, each with a value or a reason why it has none.

    ``avg_bio`` is the mean of ``nmi``, ``ari`` (of the best Leiden clusters, over random starts: see
    :func:`best_leiden`) and ``asw_label``. Also about
    biology are ``nmi_kmeans``, ``ari_kmeans``, ``clisi``, ``isolated_labels`` and ``intra_type_structure``;
    about batches ``bras``, ``ilisi``, ``kbet``, ``graph_connectivity`` and ``pcr_comparison`` (Luecken et al.
    2022, doi:10.1038/s41592-021-01336-8, as in scib-metrics).

    Parameters
    ----------
    embedding
        (cells x width), of any float type.
    labels, batches
        Cell type and batch (cells,); cells without one are left out and counted.
    seed
        Of the clusterings.
    before
        Embedding before integration (cells x width): principal components of the log-normalised data. PCR
        comparison and structure within types are undefined without it.
    only
        Metrics to score, where not all are wanted.

    Raises
    ------
    NotApplicable, ContractBroken, NotFinite
        See :func:`usable_cells` and :func:`refuse_degenerate`.
    HarnessError
        ``only`` names what is no metric.
    """
    import numpy as np

    cells = admit(embedding, labels, batches, before)
    names, counts = np.unique(cells.batches, return_counts=True)
    scoring = _Scoring(cells, seed)
    if strangers := sorted(set(only) - scoring.metrics.keys()):
        raise HarnessError(
            f'"{strangers[0]}" is no metric of integration; there are {", ".join(scoring.metrics)}'
        )
    refused = _not_asked(cells)
    found = {
        metric: _Found(reason=refused[metric]) if metric in refused else score()
        for metric, score in scoring.metrics.items()
        if not only or metric in only
    }
    defined = {metric: each for metric, each in found.items() if not each.reason}
    return Integration(
        values={metric: each.value for metric, each in defined.items()},
        undefined={metric: each.reason for metric, each in found.items() if each.reason},
        by_batch={metric: each.parts for metric, each in defined.items() if each.parts is not None},
        batches=tuple(str(name) for name in names),
        weights=counts.astype(float),
        notes={
            **cells.notes,
            **{key: note for each in defined.values() for key, note in each.notes.items()},
            "neighbours": scoring.n_neighbours,
            "scib_metrics": version("scib-metrics"),
        },
    )


def _not_asked(cells: Admitted) -> dict[str, str]:
    """Return metric -> why it is not asked of cells with these types and batches."""
    pairs = set(zip(cells.types.tolist(), cells.batches.tolist(), strict=True))
    reasons = {}
    if len({batch for _, batch in pairs}) < 2:
        why = f"fewer than 2 batches have at least {MIN_CELLS} cells"
        reasons = dict.fromkeys((*MIXING, "isolated_labels"), why)
    elif len(pairs) == len({kind for kind, _ in pairs}):
        why = "every cell type is in one batch only, so mixing cannot be told from identity"
        reasons = dict.fromkeys(MIXING, why)
    if cells.before is None:
        why = "there is no embedding from before integration to compare with"
        reasons |= dict.fromkeys(("pcr_comparison", "intra_type_structure"), why)
    return reasons


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One metric: of all cells and by batch, or why it has no value."""

    value: float = float("nan")
    parts: NDArray[np.float64] | None = None
    reason: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)


class _Scoring:
    """The metrics of some cells; what several of them need is computed once."""

    def __init__(self, cells: Admitted, seed: int) -> None:
        self.cells = cells
        self.seed = seed
        self.types = cells.types
        self.n_neighbours = min(LISI_NEIGHBOURS, len(cells.types))

    @property
    def metrics(self) -> dict[str, Callable[[], _Found]]:
        """Metric -> how it is found."""
        return {
            "avg_bio": self.avg_bio,
            "nmi": lambda: self.leiden["nmi"],
            "ari": lambda: self.leiden["ari"],
            "asw_label": lambda: self.asw_label,
            "nmi_kmeans": lambda: self.kmeans["nmi"],
            "ari_kmeans": lambda: self.kmeans["ari"],
            "clisi": self.clisi,
            "isolated_labels": self.isolated_labels,
            "intra_type_structure": self.intra_type_structure,
            "bras": self.bras,
            "ilisi": self.ilisi,
            "kbet": self.kbet,
            "graph_connectivity": self.graph_connectivity,
            "pcr_comparison": self.pcr_comparison,
        }

    # -- what they share -------------------------------------------------------------------------------

    @cached_property
    def graph(self) -> Any:
        """The neighbours of each cell, as many as the widest metric needs."""
        return neighbours(self.cells.centred, self.n_neighbours)

    def nearest(self, n: int) -> Any:
        """Return the ``n`` nearest of them; all, where there are fewer."""
        return self.graph.subset_neighbors(min(n, self.n_neighbours))

    @cached_property
    def widths(self) -> NDArray[np.float64]:
        """Silhouettes of the types, from 0 to 1."""
        return (silhouettes(self.cells.centred, self.types) + 1) / 2

    @cached_property
    def leiden(self) -> dict[str, _Found]:
        """NMI and ARI of the best Leiden clusters."""
        near = self.nearest(GRAPH_NEIGHBOURS)
        return self._clustered(best_leiden(connectivities(near), self.types, self.seed))

    @cached_property
    def asw_label(self) -> _Found:
        """The mean silhouette of the types."""
        return _Found(
            value=float(self.widths.mean()), parts=self._of_batches(lambda own: self.widths[own].mean())
        )

    @cached_property
    def kmeans(self) -> dict[str, _Found]:
        """NMI and ARI of as many clusters as there are types."""
        return self._clustered(kmeans_clusters(self.cells.centred, len(set(self.types)), self.seed)[None])

    def _clustered(self, starts: NDArray[np.int64]) -> dict[str, _Found]:
        """Return means over the clusters of several random starts (starts x cells)."""
        import numpy as np

        values = [agreement(self.types, clusters) for clusters in starts]
        parts = [agreement_by_batch(self.types, clusters, self.cells.batches) for clusters in starts]
        found = {}
        for name in values[0]:
            of_starts = np.array([each[name] for each in values])
            several = len(starts) > 1
            found[name] = _Found(
                value=float(of_starts.mean()),
                parts=np.mean([each[name] for each in parts], axis=0),
                notes={f"{name}_sd_between_starts": float(of_starts.std(ddof=1))} if several else {},
            )
        return found

    def _of_batches(self, score: Callable[[NDArray[np.bool_]], float]) -> NDArray[np.float64]:
        import numpy as np

        batches = self.cells.batches
        return np.array([score(batches == name) for name in np.unique(batches)], dtype=float)

    def _mean_over_types(self, values: NDArray[np.float64], why_not: str, **notes: Any) -> _Found:
        """Average the cells that have a value per type, then types; of a batch, over its own cells."""
        import numpy as np

        def score(own: NDArray[np.bool_]) -> float:
            asked = own & ~np.isnan(values)
            means = [values[asked & (self.types == name)].mean() for name in np.unique(self.types[asked])]
            return float(np.mean(means)) if means else float("nan")

        value = score(np.ones(len(values), dtype=bool))
        if np.isnan(value):
            return _Found(reason=why_not)
        return _Found(value=value, parts=self._of_batches(score), notes=notes)

    # -- biology ---------------------------------------------------------------------------------------

    def avg_bio(self) -> _Found:
        """Return the mean of its terms."""
        import numpy as np

        terms = [self.leiden["nmi"], self.leiden["ari"], self.asw_label]
        return _Found(
            value=sum(term.value for term in terms) / len(terms),
            parts=np.mean([term.parts for term in terms if term.parts is not None], axis=0),
        )

    def clisi(self) -> _Found:
        """Return (types - median LISI) / (types - 1)."""
        n = len(set(self.types))
        return self._median_lisi(self.types, lambda found: (n - found) / (n - 1))

    def isolated_labels(self) -> _Found:
        """Return the silhouette of the types in the fewest batches."""
        import numpy as np

        isolated = isolated_types(self.types, self.cells.batches)
        values = np.where(np.isin(self.types, isolated), self.widths, np.nan)
        return self._mean_over_types(values, "no cell type is isolated", isolated_labels=isolated)

    def intra_type_structure(self) -> _Found:
        """Return how well the order of distances within a type and batch is kept."""
        cells = self.cells
        assert cells.before is not None
        values = structure_kept(cells.before, cells.centred, self.types, cells.batches)
        return self._mean_over_types(
            values, f"no cell type has {MIN_CELLS} cells in one batch that differed before integration"
        )

    # -- batches ---------------------------------------------------------------------------------------

    def bras(self) -> _Found:
        """Return 1 - abs(batch silhouette)."""
        import numpy as np

        values = batch_silhouettes(self.cells.place, self.types, self.cells.batches)
        at_origin = int((~self.cells.place.any(axis=1)).sum())
        why_not = "no cell type has cells with a direction (other than the origin) in two batches"
        return self._mean_over_types(
            values, why_not, types_in_one_batch=self._unasked(np.isnan(values)), cells_at_origin=at_origin
        )

    def ilisi(self) -> _Found:
        """Return (median LISI - 1) / (batches - 1)."""
        n = len(set(self.cells.batches))
        return self._median_lisi(self.cells.batches, lambda found: (found - 1) / (n - 1))

    def _median_lisi(self, names: NDArray[np.str_], scale: Callable[[float], float]) -> _Found:
        import numpy as np

        values = lisi(self.graph, names)
        if np.isnan(values).all():
            return _Found(reason="no cell has neighbours at distances from which a bandwidth can be found")

        def score(own: NDArray[np.bool_]) -> float:
            asked = values[own & ~np.isnan(values)]
            return scale(float(np.median(asked))) if len(asked) else float("nan")

        return _Found(value=score(np.ones(len(values), dtype=bool)), parts=self._of_batches(score))

    def kbet(self) -> _Found:
        """Return the share of cells around which the batches of their type are mixed."""
        import numpy as np

        graph = connectivities(self.nearest(KBET_NEIGHBOURS))
        values = kbet_acceptance(graph, self.types, self.cells.batches, self.seed)
        return self._mean_over_types(
            values,
            "no cell type in two batches is large enough to be tested",
            types_not_tested_by_kbet=self._unasked(np.isnan(values)),
        )

    def graph_connectivity(self) -> _Found:
        """Return the share of cells in the largest component of their type."""
        values = in_largest_component(self.nearest(GRAPH_NEIGHBOURS), self.types)
        return self._mean_over_types(values, "there are no cells")

    def pcr_comparison(self) -> _Found:
        """Return by which share the variance that batches explain has fallen; 0 where it has risen."""
        cells = self.cells
        assert cells.before is not None
        was, now = (explained_by_batch(place, cells.batches) for place in (cells.before, cells.place))
        if not was > NOTHING:
            return _Found(reason="batches explain no variance before integration, so none can be removed")
        notes = {"explained_by_batch_before": was, "explained_by_batch_after": now}
        return _Found(value=max(0.0, (was - now) / was), notes=notes)

    def _unasked(self, unknown: NDArray[np.bool_]) -> list[str]:
        """Return the types of which no cell has a value."""
        return sorted(set(self.types.tolist()) - set(self.types[~unknown].tolist()))
