"""Training of torch models: budget, early stopping, checkpoints, precision, fine-tuning."""

from harness.records import History
from harness.training.classifier import Classifier, classify, fine_tune
from harness.training.gene_network import GeneNetwork, MaskedNetwork
from harness.training.inputs import Inputs
from harness.training.loop import encode, seeded, train
from harness.training.stopping import MOST_VALIDATION, EarlyStopping, finite, steps_of

__all__ = [
    "MOST_VALIDATION",
    "Classifier",
    "EarlyStopping",
    "GeneNetwork",
    "History",
    "Inputs",
    "MaskedNetwork",
    "classify",
    "encode",
    "fine_tune",
    "finite",
    "seeded",
    "steps_of",
    "train",
]
