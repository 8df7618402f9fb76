"""One training loop for torch models: device, precision, budget, early stopping, progress."""

from harness.training.loop import History, seeded, train

__all__ = ["History", "seeded", "train"]
