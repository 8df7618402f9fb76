"""The loop: shuffled batches from disk, clipped steps, a look at the validation cells, the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.contracts.cells import Cells
from harness.contracts.run import Run
from harness.errors import Misuse, NotFinite
from harness.records import Budget

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

Prepare = Callable[[Any], Any]
Loss = Callable[[nn.Module, Tensor], Tensor]

CLIP = 1.0
"""Norm that the gradient is cut to."""

CHECKS = 10
"""How often in a budget the validation loss is looked at, the end included."""

PATIENCE = 3
"""Looks without a better validation loss after which training stops."""

MOST_VALIDATION = 4096
"""Validation cells that are looked at: they stay in memory, which must not grow with the sample."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a fit consisted of.

    Attributes
    ----------
    steps, epochs, cells_seen
        Optimiser steps, passes over the sample (a fraction too), cells in all batches together.
    best_step
        The step whose weights were kept: the last one where there are no validation cells.
    train_loss, validation_loss
        One value per look: the mean since the last one, and that of the validation cells, if any.
    """

    steps: int
    epochs: float
    cells_seen: int
    best_step: int
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]


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
    order = generator.permutation(cells.n_cells)
    for start in range(0, len(order), size):
        yield cells.rows(np.sort(order[start : start + size]))


def train(
    network: nn.Module,
    loss: Loss,
    cells: Cells,
    run: Run,
    *,
    prepare: Prepare,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
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
        Raw counts (CSR) -> what the network eats, a float32 array (cells x width).
    batch_size
        Cells per step; a smaller sample is one batch.
    learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Raises
    ------
    Misuse
        The run has no budget.
    NotFinite
        The loss is no longer a number.
    """
    with seeded(run.seed, run.device):
        return _Training(network, loss, run, prepare, batch_size).over(cells, learning_rate, weight_decay)


@torch.inference_mode()
def encode(network: nn.Module, cells: Cells, run: Run, *, prepare: Prepare) -> NDArray[np.float32]:
    """Return what a network in evaluation mode makes of all cells, in order (cells x width), float32."""
    network = network.to(run.device).eval()
    with _precision(run):
        rows = [network(_on_device(prepare(counts), run.device)).float() for counts in cells.batches()]
    return np.concatenate([row.cpu().numpy() for row in rows])


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
    def __init__(self, network: nn.Module, loss: Loss, run: Run, prepare: Prepare, batch_size: int) -> None:
        self.network = network.to(run.device)
        self.loss = loss
        self.run = run
        self.prepare = prepare
        self.batch_size = batch_size
        self.validation = list(self._held_out(run.validation)) if run.validation else []

    def over(self, cells: Cells, learning_rate: float, weight_decay: float) -> History:
        """Train until the budget or the patience is spent."""
        steps = _steps(self.run.budget, math.ceil(cells.n_cells / self.batch_size))
        interval = math.ceil(steps / CHECKS)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=learning_rate, weight_decay=weight_decay)
        best, losses, recent, step, seen = _Best(self.network), [], [], 0, 0
        for step, batch in enumerate(islice(self._endless(cells), steps), start=1):
            recent.append(self._step(batch, optimiser))
            seen += len(batch)
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

    def _endless(self, cells: Cells) -> Iterator[Tensor]:
        generator = np.random.default_rng(self.run.seed)
        while True:
            for counts in shuffled_batches(cells, self.batch_size, generator):
                yield _on_device(self.prepare(counts), self.run.device)

    def _held_out(self, cells: Cells) -> Iterator[Tensor]:
        generator = np.random.default_rng(self.run.seed)
        batches = shuffled_batches(cells, self.batch_size, generator)
        for counts in islice(batches, max(1, MOST_VALIDATION // self.batch_size)):
            yield _on_device(self.prepare(counts), self.run.device)

    def _step(self, batch: Tensor, optimiser: torch.optim.Optimizer) -> Tensor:
        """Take one step and return its loss, which stays on the device: reading it would wait for it."""
        self.network.train()
        optimiser.zero_grad(set_to_none=True)
        with _precision(self.run):
            loss = self.loss(self.network, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        with seeded(self.run.seed, self.run.device), _precision(self.run):
            total = sum(self.loss(self.network, batch) * len(batch) for batch in self.validation)
        return float(total) / sum(len(batch) for batch in self.validation)


def _steps(budget: Budget | None, per_epoch: int) -> int:
    if budget is None:
        raise Misuse(
            'training needs a budget and the run has none; Budget(unit="steps", amount=300) would be one'
        )
    return budget.amount if budget.unit == "steps" else budget.amount * per_epoch


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise NotFinite(f"the loss is {loss} at step {step}; a smaller learning rate may help")
    return loss


def _precision(run: Run) -> torch.autocast:
    half = run.device == "cuda" and run.precision == "bfloat16"
    return torch.autocast(run.device, dtype=torch.bfloat16, enabled=half)


def _on_device(values: Any, device: str) -> Tensor:
    found = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return found.pin_memory().to(device, non_blocking=True) if device == "cuda" else found
