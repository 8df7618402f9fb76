"""What every model must do, whatever it is. Each check takes the card and complains in a sentence."""

from __future__ import annotations

import pickle
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from harness.conformance.inputs import (
    SEED,
    ToyCells,
    Watched,
    circumstances,
    reordered,
    same_rows,
    seen,
    shuffled,
    taken,
    toy_cells,
)
from harness.conformance.loading import device_of, fresh, new, parameters_of
from harness.contracts.cards import ModelCard
from harness.contracts.cells import Cells, read_only
from harness.contracts.guards import check_chances, check_embedding, check_history, check_restored
from harness.contracts.model import Model
from harness.corpus import aligned
from harness.errors import ContractBroken, NotApplicable
from harness.measures import log_normalise
from harness.records import Budget

TOLERANCE = 1e-3
"""Share of an embedding's largest value up to which two count as equal: float32, sums in any order."""

EXACT = 1e-6
"""The same for the same computation done twice."""

Embedding = NDArray[np.float32]

ELSEWHERE = """
import sys
from harness.conformance.models import embed_stored
embed_stored(sys.stdin.buffer.read(), *sys.argv[1:])
"""


# -- what the checks share -----------------------------------------------------------------------------


def initialised(card: ModelCard, cells: Cells, seed: int = SEED) -> Model:
    """Return a fresh model for these genes, as the untrained control is."""
    model: Model = new(card)
    with circumstances(seed, device=device_of(card)) as run:
        model.initialise(tuple(cells.genes), run)
    return model


def fitted(card: ModelCard, cells: ToyCells, seed: int = SEED) -> Model:
    """Return a model pretrained on these cells for five steps; a reference model is only initialised."""
    model = initialised(card, cells, seed)
    if card.pretrains:
        train, held = _divided(seen(cells, card.sees(parameters_of(card))), card.validation)
        _fit(card, model, train, held, seed)
    return model


def _divided(cells: ToyCells, share: float) -> tuple[ToyCells, ToyCells | None]:
    """Set the last cells apart for validation where the card asks for it, as the host does."""
    held = min(round(share * cells.n_cells), cells.n_cells - 1)
    if not held:
        return cells, None
    rows = np.arange(cells.n_cells)
    return taken(cells, rows[:-held]), taken(cells, rows[-held:])


def _fit(card: ModelCard, model: Model, train: Cells, held: Cells | None, seed: int = SEED) -> None:
    budget = Budget(unit="steps", amount=5)
    with circumstances(seed, device=device_of(card), budget=budget, validation=held) as run:
        check_history(model.fit(train, run), card.name)


def embedded(card: ModelCard, model: Model, cells: Cells, seed: int = SEED) -> Embedding:
    """Return the embedding of cells without labels, refused where it is not finite or has a wrong shape."""
    visible = seen(cells) if isinstance(cells, ToyCells) else cells
    with circumstances(seed, device=device_of(card)) as run:
        return check_embedding(model.embed(visible, run), cells.n_cells, card.name)


def result(card: ModelCard, cells: ToyCells, seed: int = SEED) -> Embedding:
    """Return the embedding of cells by a model fitted on them."""
    return embedded(card, fitted(card, cells, seed), cells, seed)


def _only_pretrained(card: ModelCard, why: str) -> None:
    if not card.pretrains:
        raise NotApplicable(f"a reference model {why}")


# -- the checks ----------------------------------------------------------------------------------------


def check_untrained_control(card: ModelCard) -> None:
    """A model that is initialised, saved and loaded embeds without ever having been fitted."""
    _only_pretrained(card, "has no untrained control")
    cells = toy_cells()
    model = initialised(card, cells)
    expected = embedded(card, model, cells)
    with _saved(model) as folder:
        found = embedded(card, _loaded_from(card, folder), cells)
    same_rows(found, expected, f"{card.name}, untrained, after saving and loading", EXACT)


def check_same_seed_same_result(card: ModelCard) -> None:
    """Two fits with one seed give one embedding."""
    cells = toy_cells()
    same_rows(result(card, cells), result(card, cells), f"{card.name}, fitted twice with one seed", EXACT)


def check_other_seed_as_declared(card: ModelCard) -> None:
    """Another seed changes nothing where the card says deterministic, and something where it does not."""
    cells = toy_cells()
    trained = [result(card, cells, seed) for seed in (SEED, SEED + 1)]
    untrained = [embedded(card, initialised(card, cells, seed), cells, seed) for seed in (SEED, SEED + 1)]
    if card.deterministic:
        claim = f"{card.name}, whose card says deterministic=True, with another seed"
        same_rows(trained[1], trained[0], claim, EXACT)
        same_rows(untrained[1], untrained[0], f"{claim}, untrained", EXACT)
    elif all(np.array_equal(one, other) for one, other in (trained, untrained)):
        raise ContractBroken(
            f"{card.name} gives the same embedding for two seeds, trained and untrained; "
            "its card must say deterministic=True, so that further seeds are not run"
        )


def check_cell_order(card: ModelCard) -> None:
    """The embedding of cells in another order is the embedding in that order."""
    cells = toy_cells()
    model, order = fitted(card, cells), shuffled(cells.n_cells)
    expected = embedded(card, model, cells)[order]
    found = embedded(card, model, taken(cells, order))
    same_rows(found, expected, f"{card.name}, its cells in another order", TOLERANCE)


def check_gene_order(card: ModelCard) -> None:
    """The order of the data set's genes does not matter.

    A pretrained model gets them in its own order, by the host's alignment. A reference model, and one that
    is deterministic, is made anew for the other order, and may then turn its axes (as one axis per gene
    does), but not move cells apart or together.
    """
    cells = toy_cells()
    other = reordered(cells, shuffled(len(cells.genes)))
    model = fitted(card, cells)
    expected = embedded(card, model, cells)
    if card.pretrains:
        found = embedded(card, model, _aligned(other, model))
        same_rows(found, expected, f"{card.name}, the data set's genes in another order", TOLERANCE)
    if card.deterministic or not card.pretrains:
        claim = f"{card.name}, made anew for genes in another order, by distances between cells"
        same_rows(_distances(result(card, other)), _distances(expected), claim, TOLERANCE)


def _distances(embedding: Embedding) -> NDArray[np.float64]:
    """Return the Euclidean distances between all cells (cells x cells)."""
    apart = embedding[:, None].astype(float) - embedding[None]
    return np.asarray(np.sqrt((apart**2).sum(axis=2)))


def _aligned(cells: ToyCells, model: Model) -> Cells:
    return aligned(seen(cells), tuple(model.genes))


def check_input_not_altered(card: ModelCard) -> None:
    """Neither fitting nor embedding writes into what the host handed out."""
    cells = toy_cells()
    model = initialised(card, cells)
    given = [
        Watched(part)
        for part in _divided(seen(cells, card.sees(parameters_of(card))), card.validation)
        if part
    ]
    if card.pretrains:
        _fit(card, model, given[0], given[1] if len(given) > 1 else None)
    given.append(Watched(seen(cells)))
    embedded(card, model, given[-1])
    for watched in given:
        watched.verify(card.name)


def check_one_cell(card: ModelCard) -> None:
    """One cell alone gets one finite vector."""
    cells = toy_cells()
    alone = taken(cells, [7])
    embedded(card, fitted(card, cells if card.pretrains else alone), alone)


def check_fit_on_one_cell(card: ModelCard) -> None:
    """A sample of one cell is enough to fit, and the model then embeds."""
    _only_pretrained(card, "is not fitted")
    cells = toy_cells()
    embedded(card, fitted(card, taken(cells, [7])), cells)


def check_empty_cells(card: ModelCard) -> None:
    """Cells without a single count, in the sample and in the data set, get finite vectors."""
    cells = toy_cells()
    counts = cells.counts.copy()
    counts[::9] = 0
    result(card, replace(cells, counts=counts))


def check_duplicate_cells(card: ModelCard) -> None:
    """Cells with equal counts get equal vectors, also where the sample is full of them."""
    cells = taken(toy_cells(), [*range(20), *range(20), *[3] * 40])
    found = result(card, cells)
    same_rows(found[20:40], found[:20], f"{card.name}, the same cells once more", TOLERANCE)
    same_rows(found[40:], found[[3] * 40], f"{card.name}, one cell forty times more", TOLERANCE)


def check_unmeasured_genes(card: ModelCard) -> None:
    """Genes that a data set did not measure, zero and marked so, leave the embedding finite."""
    _only_pretrained(card, "works on each data set's own genes, all measured")
    cells = toy_cells()
    model = fitted(card, cells)
    half = tuple(range(0, len(cells.genes), 2))
    counts = cells.counts.copy()
    counts[:, half] = 0
    embedded(card, model, replace(cells, counts=counts, unmeasured=half))


def check_count_formats(card: ModelCard) -> None:
    """Dense, sparse, whole and floating counts, and zeros that are stored, all give one embedding."""
    cells = toy_cells()
    expected = result(card, cells)
    for form, counts in _guises(cells.counts):
        found = result(card, replace(cells, counts=counts))
        same_rows(found, expected, f"{card.name}, counts as {form}", TOLERANCE)


def _guises(counts: NDArray[np.int64]) -> Iterator[tuple[str, Any]]:
    rows, columns = (grid.ravel() for grid in np.indices(counts.shape))
    yield "dense float32", counts.astype(np.float32)
    yield "sparse integers", csr_matrix(counts)
    yield "sparse float64", csr_matrix(counts.astype(np.float64))
    yield "sparse with stored zeros", csr_matrix((counts.ravel(), (rows, columns)), shape=counts.shape)


def check_cells_apart(card: ModelCard) -> None:
    """A pretrained model gives a cell the same vector whichever cells come with it."""
    _only_pretrained(card, "may fit itself to all the cells it embeds")
    cells = toy_cells()
    model = fitted(card, cells)
    expected = embedded(card, model, cells)
    rows = np.arange(cells.n_cells)
    parts = [rows[:1], rows[1:2], rows[2:50], rows[50:]]
    found = np.concatenate([embedded(card, model, taken(cells, part)) for part in parts])
    same_rows(found, expected, f"{card.name}, its cells in several portions", TOLERANCE)


def check_save_and_load(card: ModelCard) -> None:
    """A fresh object that loads what was saved, here or in another process, embeds as the fitted one."""
    _only_pretrained(card, "is never saved")
    cells = toy_cells()
    model = fitted(card, cells)
    expected = embedded(card, model, cells)
    with _saved(model) as folder:
        here = embedded(card, _loaded_from(card, folder), cells)
        there = folder.parent / "embedding.npy"
        fresh(ELSEWHERE, str(folder), str(there), feed=pickle.dumps(card))
        elsewhere = np.load(there, allow_pickle=False)
    same_rows(here, expected, f"{card.name}, saved and loaded", EXACT)
    same_rows(elsewhere, expected, f"{card.name}, loaded in another process", TOLERANCE)


def check_weights_are_plain_data(card: ModelCard) -> None:
    """No saved file is a pickle that could run code when it is read."""
    _only_pretrained(card, "is never saved")
    with _saved(fitted(card, toy_cells())) as folder:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (complaint := _unsafe(path)):
                raise ContractBroken(
                    f'{card.name} saves "{path.name}", {complaint}; save arrays as .npz, safetensors, or '
                    "a torch file that loads with weights_only=True"
                )


@contextmanager
def _saved(model: Model) -> Iterator[Path]:
    with TemporaryDirectory(prefix="harness-check-") as place:
        folder = Path(place) / "model"
        folder.mkdir()
        model.save(folder)
        yield folder


def _loaded_from(card: ModelCard, folder: Path) -> Model:
    model: Model = new(card)
    model.load(folder, toy_cells().genes)
    return model


def embed_stored(card: bytes, folder: str, out: str) -> None:
    """Load a stored model and write its embedding of the toy cells: what the other process does."""
    read: ModelCard = pickle.loads(card)
    np.save(out, embedded(read, _loaded_from(read, Path(folder)), toy_cells()))


def _unsafe(path: Path) -> str | None:
    """Return what is unsafe about a saved file, judged by its content."""
    if path.suffix == ".safetensors":
        return None  # numbers and names alone, by the format
    if path.suffix in (".npy", ".npz"):
        return _unsafe_arrays(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickled = any(name.endswith(".pkl") for name in archive.namelist())
        return _unsafe_torch(path) if pickled else None
    with path.open("rb") as file:
        return "a pickle" if file.read(1) == b"\x80" else None


def _unsafe_arrays(path: Path) -> str | None:
    try:
        stored = np.load(path, allow_pickle=False)
        for name in getattr(stored, "files", ()):
            stored[name]
    except ValueError as error:
        return f"which is not made of plain arrays ({error})"
    return None


def _unsafe_torch(path: Path) -> str | None:
    """Judge by the library that wrote the file, which is therefore imported already."""
    if "torch" not in sys.modules:
        return "which holds a pickle"
    try:
        sys.modules["torch"].load(path, weights_only=True)
    except Exception as error:
        return f"which does not load with weights_only=True ({type(error).__name__})"
    return None


def check_reconstruct(card: ModelCard) -> None:
    """A model that offers it restores whole genes or none, fitted or not, and leaves its input alone."""
    _only_offered(card, "reconstruct")
    cells = toy_cells()
    hidden = np.random.default_rng(SEED).random((cells.n_cells, len(cells.genes))) < 0.3
    values = log_normalise(cells.rows(np.arange(cells.n_cells))).multiply(~hidden).tocsr().astype(np.float32)
    for model in (initialised(card, cells), fitted(card, cells)):
        with circumstances(device=device_of(card)) as run:
            found = model.reconstruct(read_only(values.copy()), hidden, run)
        check_restored(found, hidden.shape, card.name)
        if np.isnan(found).all():
            raise ContractBroken(f"{card.name} offers reconstruct and restores no gene")


def check_fine_tune(card: ModelCard) -> None:
    """A model that offers it learns classes, with one seed always the same, and tells them of other cells."""
    _only_offered(card, "fine_tune")
    cells = toy_cells()
    first, second = (_classified(card, cells) for _ in range(2))
    same_rows(first, second, f"{card.name}, fine-tuned twice with one seed", TOLERANCE)


def _classified(card: ModelCard, cells: ToyCells) -> NDArray[np.float32]:
    labels, rows = cells.columns["cell_type"], np.arange(cells.n_cells)
    labelled = replace(cells, columns={"label": labels})
    model = fitted(card, cells)
    budget = Budget(unit="steps", amount=5)
    held = taken(labelled, rows[-20:])
    with circumstances(device=device_of(card), budget=budget, validation=held) as run:
        check_history(model.fine_tune(taken(labelled, rows[:-20]), run), card.name)
    with circumstances(device=device_of(card)) as run:
        found = model.classify(seen(cells), run)
    return check_chances(found, (cells.n_cells, len(set(labels[:-20]))), card.name)


def _only_offered(card: ModelCard, door: str) -> None:
    if door not in card.offers:
        raise NotApplicable(f"the card does not offer {door}")


CHECKS = (
    check_untrained_control,
    check_same_seed_same_result,
    check_other_seed_as_declared,
    check_cell_order,
    check_gene_order,
    check_input_not_altered,
    check_one_cell,
    check_fit_on_one_cell,
    check_empty_cells,
    check_duplicate_cells,
    check_unmeasured_genes,
    check_count_formats,
    check_cells_apart,
    check_save_and_load,
    check_weights_are_plain_data,
    check_reconstruct,
    check_fine_tune,
)
