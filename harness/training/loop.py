"""The loop: shuffled batches from disk, clipped steps, best weights kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.contracts.cells import Cells
from harness.contracts.run import Run
from harness.records import Budget

Prepare = Callable[[Any], "np.ndarray[Any, np.dtype[np.float32]]"]
Loss = Callable[[nn.Module, torch.Tensor, torch.Generator], torch.Tensor]

CLIP = 1.0
CHECKS = 10
"""How often in a budget the validation loss is looked at."""
MOST_VALIDATION = 4096
"""Validation cells that are looked at: they stay in memory, which must not grow with the sample."""
PATIENCE = 3
"""Looks without a better validation loss after which training stops."""
DEFAULT_BUDGET = Budget(unit="steps", amount=100)


@dataclass(frozen=True, kw_only=True)
class History:
    """What a fit consisted of.

    Attributes
    ----------
    steps, epochs, cells_seen
        Optimiser steps, passes over the sample (a fraction too), cells in all batches.
    best_step
        The step whose weights were kept.
    train_loss, validation_loss
        At each look at the validation cells; the latter empty where there are none.
    """

    steps: int
    epochs: float
    cells_seen: int
    best_step: int
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give torch a seed for a while, and its own random state back afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


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
    """Train a network in place on a sample and keep its best weights.

    Parameters
    ----------
    network
        Moved to ``run.device``; in bfloat16 autocast where the run asks for it and the device is CUDA.
    loss
        Called with network, prepared batch and a generator for its random numbers; returns a mean over
        the batch.
    cells
        The sample. Its batches are read from disk in a new random order each epoch.
    run
        Seed, device, budget, and perhaps validation cells.
    prepare
        Raw counts (CSR) -> what the network eats, float32 (cells x width).
    """
    return _Training(network, loss, run, prepare, batch_size).over(cells, learning_rate, weight_decay)


class _Training:
    def __init__(self, network: nn.Module, loss: Loss, run: Run, prepare: Prepare, batch_size: int) -> None:
        self.network = network.to(run.device)
        self.loss = loss
        self.run = run
        self.prepare = prepare
        self.batch_size = batch_size
        self.generator = torch.Generator(run.device).manual_seed(run.seed)
        self.validation = self._batches_of(run.validation) if run.validation else []

    def over(self, cells: Cells, learning_rate: float, weight_decay: float) -> History:
        per_epoch = math.ceil(cells.n_cells / self.batch_size)
        budget = self.run.budget or DEFAULT_BUDGET
        steps = budget.amount if budget.unit == "steps" else budget.amount * per_epoch
        look_every = max(1, steps // CHECKS)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=learning_rate, weight_decay=weight_decay)
        best, best_step, losses, checked, seen = None, steps, [], [], 0
        running = torch.zeros((), device=self.run.device)
        self.network.train()
        for step, batch in zip(range(1, steps + 1), self._shuffled(cells), strict=False):
            running += self._step(batch, optimiser)
            seen += len(batch)
            if step % look_every and step != steps:
                continue
            self.run.progress(step, steps)
            losses.append(float(running) / (look_every if step % look_every == 0 else step % look_every))
            running.zero_()
            if not self.validation:
                continue
            checked.append(self._validate())
            if checked[-1] <= min(checked):
                best, best_step = copy.deepcopy(self.network.state_dict()), step
            elif len(checked) - 1 - int(np.argmin(checked)) >= PATIENCE:
                break
        if best is not None:
            self.network.load_state_dict(best)
        return History(
            steps=step,
            epochs=seen / cells.n_cells,
            cells_seen=seen,
            best_step=best_step,
            train_loss=tuple(losses),
            validation_loss=tuple(checked),
        )

    def _step(self, batch: torch.Tensor, optimiser: torch.optim.Optimizer) -> torch.Tensor:
        optimiser.zero_grad(set_to_none=True)
        with self._precision():
            loss = self.loss(self.network, batch, self.generator)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        optimiser.step()
        return loss.detach()

    def _precision(self) -> Any:
        if self.run.device == "cuda" and self.run.precision == "bfloat16":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()

    @torch.no_grad()
    def _validate(self) -> float:
        """Return the mean loss of the validation cells, the same random numbers at every look."""
        generator = torch.Generator(self.run.device).manual_seed(self.run.seed + 1)
        self.network.eval()
        with self._precision():
            total = sum(float(self.loss(self.network, b, generator)) * len(b) for b in self.validation)
        self.network.train()
        return total / sum(len(batch) for batch in self.validation)

    def _batches_of(self, cells: Cells) -> list[torch.Tensor]:
        rows = np.random.default_rng(self.run.seed).permutation(cells.n_cells)[:MOST_VALIDATION]
        starts = range(0, len(rows), self.batch_size)
        return [self._to_device(cells.rows(rows[start : start + self.batch_size])) for start in starts]

    def _to_device(self, counts: Any) -> torch.Tensor:
        values = torch.from_numpy(np.ascontiguousarray(self.prepare(counts), dtype=np.float32))
        if self.run.device == "cuda":
            return values.pin_memory().to("cuda", non_blocking=True)
        return values

    def _shuffled(self, cells: Cells) -> Iterator[torch.Tensor]:
        """Yield batches without end, each epoch in an order of its own."""
        order = np.random.default_rng(self.run.seed)
        while True:
            rows = order.permutation(cells.n_cells)
            for start in range(0, cells.n_cells, self.batch_size):
                yield self._to_device(cells.rows(rows[start : start + self.batch_size]))
