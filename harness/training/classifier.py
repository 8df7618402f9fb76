"""Fine-tuning: a linear head on an encoder, both trained on labelled cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.contracts.cells import Cells
from harness.contracts.run import Run
from harness.records import History
from harness.training.batches import on_device
from harness.training.loop import Prepare, encode, seeded, train

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Classifier(nn.Module):
    """Embedding by an encoder -> chances of classes.

    Attributes
    ----------
    encoder, head
        What is trained.
    classes
        Names of the classes, sorted.
    """

    def __init__(self, encoder: nn.Module, width: int, classes: NDArray[np.str_]) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, len(classes))
        self.classes = classes

    def logits(self, values: Any) -> Tensor:
        """Return (cells x classes)."""
        found: Tensor = self.head(self.encoder(values))
        return found

    def forward(self, values: Any) -> Tensor:
        """Return chances (cells x classes), each row summing to 1."""
        return self.logits(values).float().softmax(dim=1)


def fine_tune(
    encoder: nn.Module, cells: Cells, run: Run, *, prepare: Prepare, **options: Any
) -> tuple[Classifier, History]:
    """Train an encoder in place with a linear head on it, by cross entropy; return both and the history.

    Parameters
    ----------
    encoder
        What :func:`harness.training.encode` takes; all of its weights learn.
    cells
        With the classes in ``cells.columns["label"]``.
    run
        As for :func:`harness.training.train`; validation cells have labels too, and one of a class that is
        not in ``cells`` costs what a guess among all classes would.
    prepare
        As for :func:`harness.training.encode`.
    **options
        Of :func:`harness.training.train`: batch size, learning rate and so on.
    """
    classes = np.unique(cells.columns["label"].astype(str))
    with seeded(run.seed):
        classifier = Classifier(encoder, _width(encoder, cells, run, prepare), classes)
    place = {name: number for number, name in enumerate(classes)}

    def labelled(counts: Any, labels: NDArray[np.object_]) -> Any:
        return prepare(counts), np.array([place.get(name, -1) for name in labels.astype(str)])

    def loss(network: nn.Module, batch: Any) -> tuple[Tensor, int]:
        values, truth = batch
        if len(truth) == 1:
            network.eval()  # a single cell has no variance for batch norm to learn from
        return _cross_entropy(classifier.logits(values).float(), truth), len(truth)

    history = train(classifier, loss, cells, run, prepare=labelled, labels=["label"], **options)
    return classifier, history


def _cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the sum over cells; one of an unknown class (-1) costs what a guess among all would."""
    known = cross_entropy(logits, truth, ignore_index=-1, reduction="sum")
    guess = torch.log(torch.tensor(float(logits.shape[1]), device=logits.device))
    return known + (truth < 0).sum() * guess


def classify(classifier: Classifier, cells: Cells, run: Run, *, prepare: Prepare) -> NDArray[np.float32]:
    """Return the chances of all classes (cells x classes), classes sorted by name."""
    return encode(classifier, cells, run, prepare=prepare, precision="float32")


def _width(encoder: nn.Module, cells: Cells, run: Run, prepare: Prepare) -> int:
    """Return the width of the embedding, by asking for one."""
    with torch.no_grad():
        values = on_device(prepare(cells.rows(np.arange(1))), run.device)
        return int(encoder.to(run.device).eval()(values).shape[1])
