"""One training loop for torch models: device, precision, budget, early stopping, progress."""

from harness.training.loop import History, encode, seeded, shuffled_batches, train

__all__ = ["History", "encode", "seeded", "shuffled_batches", "train"]
