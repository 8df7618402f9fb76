"""How long training goes on: a budget in steps, a few looks at validation cells, the best weights kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from harness.errors import Misuse, NotFinite
from harness.records import Budget

CHECKS = 10
"""How often in a budget the validation loss is looked at, the end included."""

PATIENCE = 3
"""Looks without a better validation loss after which training stops."""

MOST_VALIDATION = 4096
"""Validation cells that are looked at: they stay in memory, which must not grow with the sample."""


def steps_of(budget: Budget | None, per_epoch: int) -> int:
    """Return how many optimiser steps a budget is, at so many batches per pass.

    Raises
    ------
    Misuse
        There is no budget.
    """
    if budget is None:
        raise Misuse(
            'training needs a budget and the run has none; Budget(unit="steps", amount=300) would be one'
        )
    return budget.amount if budget.unit == "steps" else budget.amount * per_epoch


def finite(loss: float, step: int) -> float:
    """Return a loss that is a number; raise :class:`harness.NotFinite` over one that is none."""
    if not math.isfinite(loss):
        raise NotFinite(f"the loss is {loss} at step {step}; a smaller learning rate may help")
    return loss


@dataclass
class EarlyStopping:
    """The best weights so far, and when to look for better ones.

    Attributes
    ----------
    steps
        Of the whole budget: looks are spread over them evenly, at most :data:`CHECKS`, the last at the end.
    losses
        Validation loss at each look.
    best_step, weights
        Step of the lowest loss, and the network's weights then.
    """

    steps: int
    losses: list[float] = field(default_factory=list)
    best_step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def due(self, step: int) -> bool:
        """Return whether it is time for a look after this step."""
        return step == self.steps or step * CHECKS // self.steps > (step - 1) * CHECKS // self.steps

    def look(self, network: nn.Module, step: int, loss: float) -> bool:
        """Remember the weights where they are the best; return whether patience has run out."""
        better = loss < min(self.losses, default=math.inf)
        self.losses.append(finite(loss, step))
        if better:
            self.best_step = step
            self.weights = {name: value.clone() for name, value in network.state_dict().items()}
        return len(self.losses) - int(np.argmin(self.losses)) > PATIENCE

    def restore(self, network: nn.Module) -> None:
        """Give the network its best weights."""
        if self.weights:
            network.load_state_dict(self.weights)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        return {"losses": self.losses, "best_step": self.best_step, "weights": self.weights}
