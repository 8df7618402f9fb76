"""The loop: shuffled batches from disk, clipped steps, a look at the validation cells, the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.contracts.cells import Cells
from harness.contracts.run import Run
from harness.errors import Misuse
from harness.records import History
from harness.training.batches import Parts, endless_rows, on_device
from harness.training.checkpoint import Checkpoint
from harness.training.stopping import MOST_VALIDATION, EarlyStopping, finite, steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

Prepare = Callable[..., Any]
Loss = Callable[[nn.Module, Any], tuple[Tensor, Any]]

CLIP = 1.0
"""Norm that the gradient is cut to."""

SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "constant": lambda done: 1.0,
        "linear": lambda done: 1 - done,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    }
)
"""Share of the training that is done -> share of the learning rate."""


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Give torch a seed on one device for a while, and its own random state back afterwards."""
    on_cuda = device == "cuda"
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed(seed)
        yield


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
    phase: str = "training",
) -> History:
    """Train a network in place with AdamW and keep its best weights.

    Where the run has a folder for checkpoints, a training that was killed goes on at its last one and ends
    with the same weights.

    Parameters
    ----------
    network
        Moved to ``run.device``; weights stay float32, the forward pass is bfloat16 where the run asks for
        it and the device is CUDA.
    loss
        Called with the network and a prepared batch, or a part of one; returns a sum over what it holds and
        what to divide it by (cells, or hidden entries), which may be a tensor. What it draws from torch's own
        generators (masks, dropout) is seeded by the run.
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
        Cells per step; a smaller sample is one batch. Where the memory of a CUDA device does not suffice, a
        batch is taken in 2, 4, ... parts whose gradients are added up, and the history says so.
    whole_batches
        True for losses that relate the cells of a batch to each other (batch norm, triplets): the rest of
        the cells at the end of an epoch that fill no batch are left out, other ones each time, because a
        batch of few would spoil what has been learnt, and batches are never taken in parts.
    learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101); the decay is that of all parameters.
    schedule
        How the learning rate falls over the budget, down to nothing: ``"linear"``, ``"cosine"`` (half a
        wave: Loshchilov and Hutter 2017, arXiv:1608.03983), or ``"constant"``.
    warm_up
        First steps, over which it rises linearly from nothing before that; below 1, a share of all steps.
    phase
        Name of this training, where a model trains more than once in one fit.

    Raises
    ------
    Misuse
        The run has no budget, or the schedule is unknown.
    NotFinite
        The loss is no longer a number.
    """
    drop = cells.n_cells % batch_size if whole_batches and cells.n_cells > batch_size else 0
    steps = steps_of(run.budget, math.ceil((cells.n_cells - drop) / batch_size))
    rates = _rates(learning_rate, schedule, warm_up, steps)
    with seeded(run.seed, run.device):
        training = _Training(
            network.to(run.device),
            loss,
            run,
            steps,
            prepare=_Prepared(prepare, tuple(labels), run.device),
            parts=Parts(divisible=not whole_batches),
            batch_size=batch_size,
            weight_decay=weight_decay,
            phase=phase,
        )
        rows = endless_rows(cells.n_cells, batch_size, run.seed, drop)
        return training.over(cells, rows, rates)


@torch.inference_mode()
def encode(
    network: nn.Module, cells: Cells, run: Run, *, prepare: Prepare, precision: str | None = None
) -> NDArray[np.float32]:
    """Return what a network in evaluation mode makes of all cells, in order (cells x width), float32.

    ``prepare`` is as in :func:`train`, without labels; ``precision`` is the run's where it is not given.
    Where the memory of a CUDA device does not suffice, cells are taken in smaller portions.
    """
    network, parts = network.to(run.device).eval(), Parts()

    def portion(counts: Any) -> NDArray[np.float32]:
        def rows(these: list[NDArray[np.int64]]) -> list[NDArray[np.float32]]:
            return [
                network(on_device(prepare(counts[row]), run.device)).float().cpu().numpy() for row in these
            ]

        return np.concatenate(parts.of(np.arange(counts.shape[0]), rows))

    with autocast(run, precision):
        return np.concatenate([portion(counts) for counts in cells.batches()])


def autocast(run: Run, precision: str | None = None) -> torch.autocast:
    """Return the context in which forward passes have the run's precision, or this one."""
    half = run.device == "cuda" and (precision or run.precision) == "bfloat16"
    return torch.autocast(run.device, dtype=torch.bfloat16, enabled=half)


class _Prepared:
    """Rows of cells -> what the loss gets."""

    def __init__(self, prepare: Prepare, labels: tuple[str, ...], device: str) -> None:
        self.prepare = prepare
        self.labels = labels
        self.device = device

    def __call__(self, cells: Cells, rows: NDArray[np.int64]) -> Any:
        """Return a batch on the device."""
        return on_device(self.in_memory(cells, rows), self.device)

    def in_memory(self, cells: Cells, rows: NDArray[np.int64]) -> Any:
        """Return a batch as it was prepared."""
        return self.prepare(cells.rows(rows), *(cells.columns[role][rows] for role in self.labels))


class _Training:
    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        run: Run,
        steps: int,
        *,
        prepare: _Prepared,
        parts: Parts,
        batch_size: int,
        weight_decay: float,
        phase: str,
    ) -> None:
        self.network = network
        self.loss = loss
        self.run = run
        self.prepare = prepare
        self.parts = parts
        self.optimiser = torch.optim.AdamW(network.parameters(), weight_decay=weight_decay)
        self.stopping = EarlyStopping(steps)
        self.validation = list(self._held_out(run.validation, batch_size)) if run.validation else []
        shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
        setting = {"steps": steps, "batch_size": batch_size, "seed": run.seed, "shapes": shapes}
        self.checkpoint = Checkpoint(run.checkpoints, phase, setting)
        self.step = self.seen = self.resumed = 0
        self.losses: list[float] = []
        self.recent: list[Tensor] = []

    def over(self, cells: Cells, batches: Iterator[NDArray[np.int64]], rates: Sequence[float]) -> History:
        """Train until the budget or the patience is spent; one learning rate per step."""
        self._resume()
        for rows in islice(batches, self.step, len(rates)):
            self.recent.append(self.parts.of(rows, lambda parts: self._take_step(cells, parts)))
            self._move(rates[self.step])
            self.step += 1
            self.seen += len(rows)
            if self.stopping.due(self.step) and self._look():
                break
            if self.checkpoint.due():
                self.checkpoint.write(self._state())
        self.stopping.restore(self.network)
        return History(
            steps=self.step,
            epochs=self.seen / cells.n_cells,
            cells_seen=self.seen,
            best_step=self.stopping.best_step or self.step,
            train_loss=tuple(self.losses),
            validation_loss=tuple(self.stopping.losses),
            batch_parts=self.parts.number,
            resumed_at=self.resumed,
        )

    def _take_step(self, cells: Cells, parts: list[NDArray[np.int64]]) -> Tensor:
        """Add up the gradients of all parts; return the loss, which stays on the device.

        Reading it would wait for the device.
        """
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        sums, weights = zip(*(self._part(cells, rows) for rows in parts), strict=True)
        weight = sum(weights)
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                parameter.grad /= weight
        mean: Tensor = torch.stack(sums).sum() / weight
        return mean

    def _part(self, cells: Cells, rows: NDArray[np.int64]) -> tuple[Tensor, Any]:
        with autocast(self.run):
            total, weight = self.loss(self.network, self.prepare(cells, rows))
        total.backward()  # type: ignore[no-untyped-call]
        return total.detach(), weight

    def _move(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()

    def _look(self) -> bool:
        """Read the losses; return whether patience has run out."""
        self.losses.append(finite(torch.stack(self.recent).mean().item(), self.step))
        self.recent.clear()
        self.run.progress(self.step, self.stopping.steps, f"loss {self.losses[-1]:.4g}")
        return bool(self.validation) and self.stopping.look(self.network, self.step, self._validate())

    def _held_out(self, cells: Cells, batch_size: int) -> Iterator[Any]:
        order = np.random.default_rng(self.run.seed).permutation(cells.n_cells)[:MOST_VALIDATION]
        for start in range(0, len(order), batch_size):
            yield self.prepare.in_memory(cells, np.sort(order[start : start + batch_size]))

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        with seeded(self.run.seed, self.run.device), autocast(self.run):
            found = [self.loss(self.network, on_device(batch, self.run.device)) for batch in self.validation]
        return float(sum(total for total, _ in found) / sum(weight for _, weight in found))

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "stopping": self.stopping.state(),
            "recent": self.recent,
            **{name: getattr(self, name) for name in ("step", "seen", "losses")},
            "parts": self.parts.number,
        }

    def _resume(self) -> None:
        """Go on at the checkpoint of an earlier attempt, where there is one."""
        state = self.checkpoint.read(self.run.device)
        if state is None:
            return
        self.network.load_state_dict(state.pop("network"))
        self.optimiser.load_state_dict(state.pop("optimiser"))
        self.stopping = EarlyStopping(self.stopping.steps, **state.pop("stopping"))
        self.parts.number = state.pop("parts")
        vars(self).update(state)
        self.resumed = self.step


def _rates(peak: float, schedule: str, warm_up: float, steps: int) -> list[float]:
    """Return the learning rate of every step, known beforehand."""
    if schedule not in SCHEDULES:
        raise Misuse(f'there is no schedule "{schedule}"; the learning rate can be {", ".join(SCHEDULES)}')
    rise = round(warm_up * steps if warm_up < 1 else warm_up)
    rising = [peak * done / rise for done in range(min(rise, steps))]
    rest = steps - len(rising)
    return rising + [peak * SCHEDULES[schedule](done / rest) for done in range(rest)]
