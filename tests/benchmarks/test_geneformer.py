"""Embedding by geneformer against one cell at a time, padded to the longest input that there can be.

Toy size by default, so that the code runs in CI; ``HARNESS_BENCH_FULL=1`` measures and judges 200 cells at
the published size (6 layers, width 256, 2,048 tokens).
"""

import os
from time import perf_counter

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from harness import ArrayCells, PlainRun
from harness_plugins.models.geneformer import CARD

pytest.importorskip("transformers")
from harness_plugins.models.geneformer.model import Geneformer

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
N_CELLS = 200 if FULL else 8
TOY = {} if FULL else {"width": 32, "layers": 2, "max_tokens": 1024}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def pbmc3k(shared):
    """Real blood cells with all their genes, of the folder of real data."""
    anndata = pytest.importorskip("anndata")
    data = anndata.read_h5ad(shared / "data" / "pbmc3k.h5ad")
    return data.X, data.var_names


def pbmc68k(shared):
    """Real blood cells that ship inside scanpy, with 765 genes: counts per cell up to a factor."""
    data = pytest.importorskip("scanpy").datasets.pbmc68k_reduced().raw.to_adata()
    return data.X.expm1(), data.var_names


def simulated(shared):
    """Cells of 20,000 genes, of which about a thousand are expressed."""
    rng = np.random.default_rng(0)
    rates = rng.lognormal(0, 2, 20_000)
    depth = 1400 * rng.lognormal(0, 0.4, N_CELLS)
    counts = rng.poisson(depth[:, None] * rates / rates.sum())
    return csr_matrix(counts), [f"gene{i}" for i in range(20_000)]


def drawn(counts, genes):
    """Return some of the cells, always the same."""
    rows = np.random.default_rng(0).permutation(counts.shape[0])[:N_CELLS]
    return ArrayCells(counts=csr_matrix(counts)[rows], genes=list(genes))


@torch.inference_mode()
def one_at_a_time(model, cells):
    """Embed as transformers' documents show it: each cell padded, all states, the mean of one layer's."""
    bert, longest = model.network.bert.to(DEVICE).eval(), model.network.config.max_position_embeddings
    found = []
    for cell in range(cells.n_cells):
        ranked = torch.from_numpy(model.vocabulary(cells.rows(np.array([cell])), longest))
        padded = torch.nn.functional.pad(ranked, (0, longest - ranked.shape[1])).to(DEVICE)
        states = bert(padded, attention_mask=(padded > 0).long(), output_hidden_states=True).hidden_states[-2]
        found.append(states[0, padded[0] > 0].mean(dim=0).cpu().numpy())
    return np.stack(found)


def seconds(function, *arguments):
    """Return what a function gives and how long it took."""
    started = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - started


def side_by_side(model, cells):
    """Return both embeddings with their seconds, in one run; a cell of each first, so that all is loaded."""
    few, run = ArrayCells(counts=cells.counts[:1], genes=cells.genes), PlainRun(device=DEVICE)
    model.embed(few, run), one_at_a_time(model, few)
    return seconds(model.embed, cells, run), seconds(one_at_a_time, model, cells)


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("source", [pbmc3k, pbmc68k, simulated], ids=lambda source: source.__name__)
def test_faster_than_one_cell_at_a_time(benchmark, request, source):
    """At full size at least three times, and always with the same embedding."""
    cells = drawn(*source(request.getfixturevalue("shared") if source is pbmc3k else None))
    model = Geneformer(**{**CARD.parameters, **TOY})
    model.initialise(cells.genes, PlainRun())
    model.vocabulary = model.vocabulary.seen_in(cells)
    (found, ours), (expected, theirs) = benchmark.pedantic(side_by_side, args=(model, cells))
    benchmark.extra_info.update(
        {
            "cells_per_second": cells.n_cells / ours,
            "times_faster": theirs / ours,
            "genes_expressed": float(np.diff(cells.counts.indptr).mean()),
            "device": DEVICE,
            "threads": torch.get_num_threads(),
        }
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)
    if FULL:
        assert theirs >= 3 * ours
