"""The loop: shuffled batches from disk, clipped steps, a look at the validation cells, the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor, nn

from harness.contracts.cells import Cells
from harness.contracts.run import Run
from harness.errors import Misuse, NotFinite
from harness.records import Budget, History

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

Prepare = Callable[..., Any]
Loss = Callable[[nn.Module, Any], Tensor]

CLIP = 1.0
"""Norm that the gradient is cut to."""

CHECKS = 10
"""How often in a budget the validation loss is looked at, the end included."""

PATIENCE = 3
"""Looks without a better validation loss after which training stops."""

SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "constant": lambda done: 1.0,
        "linear": lambda done: 1 - done,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    }
)
"""Share of the training that is done -> share of the learning rate."""

MOST_VALIDATION = 4096
"""Validation cells that are looked at: they stay in memory, which must not grow with the sample."""


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Give torch a seed on one device for a while, and its own random state back afterwards."""
    on_cuda = device == "cuda"
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed(seed)
        yield


def shuffled_batches(cells: Cells, size: int, generator: np.random.Generator) -> Iterator[csr_matrix]:
    """Yield all cells once in a new random order, ``size`` at a time, the last batch perhaps smaller.

    Only row numbers are shuffled in memory (8 bytes per cell); counts are read batch by batch.
    """
    yield from map(cells.rows, _shuffled_rows(cells.n_cells, size, generator))


def _shuffled_rows(
    n_cells: int, size: int, generator: np.random.Generator, drop: int = 0
) -> Iterator[NDArray[np.int64]]:
    order = generator.permutation(n_cells)[: n_cells - drop]
    for start in range(0, len(order), size):
        yield np.sort(order[start : start + size])


def train(
    network: nn.Module,
    loss: Loss,
    cells: Cells,
    run: Run,
    *,
    prepare: Prepare,
    labels: Sequence[str] = (),
    batch_size: int = 128,
    whole_batches: bool = False,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
    schedule: str = "constant",
    warm_up: float = 0,
) -> History:
    """Train a network in place with AdamW and keep its best weights.

    Parameters
    ----------
    network
        Moved to ``run.device``; weights stay float32, the forward pass is bfloat16 where the run asks for
        it and the device is CUDA.
    loss
        Called with the network and a prepared batch; returns a mean over the batch. What it draws from
        torch's own generators (masks, dropout) is seeded by the run.
    cells
        The sample, read from disk in a new random order each epoch.
    run
        Seed, device, precision and budget; early stopping where it has validation cells, which meet the
        same random numbers at every look.
    prepare
        Raw counts (CSR), and the labels asked for, -> what the loss gets: an array, a sparse matrix (it
        becomes dense on the device), or a tuple or mapping of them. Fractions become float32.
    labels
        Roles whose labels ``prepare`` gets after the counts, one array (cells,) each.
    batch_size
        Cells per step; a smaller sample is one batch.
    whole_batches
        True to leave out the rest of the cells at the end of an epoch that fill no batch, other ones each
        time. Batch norm needs it: a batch of few cells would spoil what it has learnt.
    learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
    schedule
        How the learning rate falls over the budget, down to nothing: ``"linear"``, ``"cosine"`` (half a
        wave: Loshchilov and Hutter 2017, arXiv:1608.03983), or ``"constant"``.
    warm_up
        First steps, over which it rises linearly from nothing before that; below 1, a share of all steps.

    Raises
    ------
    Misuse
        The run has no budget, or the schedule is unknown.
    NotFinite
        The loss is no longer a number.
    """
    drop = cells.n_cells % batch_size if whole_batches and cells.n_cells > batch_size else 0
    steps = _steps(run.budget, math.ceil((cells.n_cells - drop) / batch_size))
    rates = _rates(learning_rate, schedule, warm_up, steps)
    with seeded(run.seed, run.device):
        training = _Training(network, loss, run, prepare, tuple(labels), batch_size, drop)
        return training.over(cells, rates, weight_decay)


@torch.inference_mode()
def encode(network: nn.Module, cells: Cells, run: Run, *, prepare: Prepare) -> NDArray[np.float32]:
    """Return what a network in evaluation mode makes of all cells, in order (cells x width), float32.

    ``prepare`` is as in :func:`train`, without labels.
    """
    network = network.to(run.device).eval()
    with _precision(run):
        rows = [network(_on_device(prepare(counts), run.device)).float() for counts in cells.batches()]
    return np.concatenate([row.cpu().numpy() for row in rows])


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """What the loss gets, on the device, and how many cells it is."""

    cells: int
    content: Any


@dataclass
class _Best:
    """The best weights so far, and when to stop looking for better ones."""

    network: nn.Module
    losses: list[float] = field(default_factory=list)
    step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def look(self, step: int, loss: float) -> bool:
        """Remember the weights where they are the best; return whether patience has run out."""
        self.losses.append(loss)
        if loss < min(self.losses[:-1], default=math.inf):
            self.step = step
            self.weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        return len(self.losses) - int(np.argmin(self.losses)) > PATIENCE

    def restore(self) -> None:
        """Give the network its best weights."""
        if self.weights:
            self.network.load_state_dict(self.weights)


class _Training:
    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        run: Run,
        prepare: Prepare,
        labels: tuple[str, ...],
        batch_size: int,
        drop: int,
    ) -> None:
        self.network = network.to(run.device)
        self.loss = loss
        self.run = run
        self.prepare = prepare
        self.labels = labels
        self.batch_size = batch_size
        self.drop = drop
        self.validation = list(self._held_out(run.validation)) if run.validation else []

    def over(self, cells: Cells, rates: Sequence[float], weight_decay: float) -> History:
        """Train until the budget or the patience is spent; one learning rate per step."""
        steps = len(rates)
        interval = math.ceil(steps / CHECKS)
        optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=weight_decay)
        best, losses, recent, step, seen = _Best(self.network), [], [], 0, 0
        for step, (rate, batch) in enumerate(zip(rates, self._endless(cells), strict=False), start=1):
            recent.append(self._step(batch, optimiser, rate))
            seen += batch.cells
            if step % interval and step != steps:
                continue
            losses.append(_finite(torch.stack(recent).mean().item(), step))
            recent.clear()
            self.run.progress(step, steps, f"loss {losses[-1]:.4g}")
            if self.validation and best.look(step, _finite(self._validate(), step)):
                break
        best.restore()
        return History(
            steps=step,
            epochs=seen / cells.n_cells,
            cells_seen=seen,
            best_step=best.step or step,
            train_loss=tuple(losses),
            validation_loss=tuple(best.losses),
        )

    def _endless(self, cells: Cells) -> Iterator[_Batch]:
        generator = np.random.default_rng(self.run.seed)
        while True:
            yield from self._epoch(cells, generator, self.drop)

    def _held_out(self, cells: Cells) -> Iterator[_Batch]:
        batches = self._epoch(cells, np.random.default_rng(self.run.seed))
        return islice(batches, max(1, MOST_VALIDATION // self.batch_size))

    def _epoch(self, cells: Cells, generator: np.random.Generator, drop: int = 0) -> Iterator[_Batch]:
        columns = [cells.columns[role] for role in self.labels]
        for rows in _shuffled_rows(cells.n_cells, self.batch_size, generator, drop):
            found = self.prepare(cells.rows(rows), *(labels[rows] for labels in columns))
            yield _Batch(cells=len(rows), content=_on_device(found, self.run.device))

    def _step(self, batch: _Batch, optimiser: torch.optim.Optimizer, rate: float) -> Tensor:
        """Take one step and return its loss, which stays on the device: reading it would wait for it."""
        self.network.train()
        optimiser.zero_grad(set_to_none=True)
        for group in optimiser.param_groups:
            group["lr"] = rate
        with _precision(self.run):
            loss = self.loss(self.network, batch.content)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        with seeded(self.run.seed, self.run.device), _precision(self.run):
            total = sum(self.loss(self.network, batch.content) * batch.cells for batch in self.validation)
        return float(total) / sum(batch.cells for batch in self.validation)


def _steps(budget: Budget | None, per_epoch: int) -> int:
    if budget is None:
        raise Misuse(
            'training needs a budget and the run has none; Budget(unit="steps", amount=300) would be one'
        )
    return budget.amount if budget.unit == "steps" else budget.amount * per_epoch


def _rates(peak: float, schedule: str, warm_up: float, steps: int) -> list[float]:
    """Return the learning rate of every step, known beforehand."""
    if schedule not in SCHEDULES:
        raise Misuse(f'there is no schedule "{schedule}"; the learning rate can be {", ".join(SCHEDULES)}')
    rise = round(warm_up * steps if warm_up < 1 else warm_up)
    rising = [peak * done / rise for done in range(min(rise, steps))]
    rest = steps - len(rising)
    return rising + [peak * SCHEDULES[schedule](done / rest) for done in range(rest)]


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise NotFinite(f"the loss is {loss} at step {step}; a smaller learning rate may help")
    return loss


def _precision(run: Run) -> torch.autocast:
    half = run.device == "cuda" and run.precision == "bfloat16"
    return torch.autocast(run.device, dtype=torch.bfloat16, enabled=half)


def _on_device(values: Any, device: str) -> Any:
    """Return a batch as tensors on the device; what is sparse is moved sparse and becomes dense there."""
    if isinstance(values, tuple):
        return tuple(_on_device(part, device) for part in values)
    if isinstance(values, Mapping):
        return {name: _on_device(part, device) for name, part in values.items()}
    if issparse(values):
        return _dense(values, device)
    array = np.ascontiguousarray(values)
    found = torch.from_numpy(array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array)
    return found.pin_memory().to(device, non_blocking=True) if device == "cuda" else found


def _dense(matrix: Any, device: str) -> Tensor:
    if device == "cpu":
        return torch.from_numpy(matrix.toarray().astype(np.float32, copy=False))
    entries = matrix.tocoo()
    places = entries.row.astype(np.int64) * matrix.shape[1] + entries.col
    dense = torch.zeros(matrix.shape, device=device)
    dense.view(-1).index_add_(0, _on_device(places, device), _on_device(entries.data, device).float())
    return dense
