"""One training loop for torch models: device, precision, budget, early stopping, progress."""

from harness.records import History
from harness.training.inputs import Inputs
from harness.training.loop import encode, seeded, shuffled_batches, train

__all__ = ["History", "Inputs", "encode", "seeded", "shuffled_batches", "train"]
