"""What torch models with one input per gene share: gene choice, training, doors, files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from harness.contracts.cells import Cells
from harness.contracts.model import Model
from harness.contracts.run import Run
from harness.measures import log_normalise, most_variable
from harness.records import History
from harness.training.batches import on_device
from harness.training.classifier import Classifier, classify, fine_tune
from harness.training.inputs import Inputs
from harness.training.loop import autocast, encode, seeded, train

if TYPE_CHECKING:
    from numpy.typing import NDArray


OPTIONS = ("batch_size", "learning_rate", "weight_decay")
"""Parameters that go to :func:`harness.training.train` as they are."""


class GeneNetwork(Model):
    """A network on log-normalised expression.

    A subclass says how its network is built, what its loss is and which part of it embeds, and may say how
    hidden values are restored. Its card has the parameters ``n_genes`` (number of inputs, None for all
    genes) and may have those in :data:`OPTIONS`.

    Untrained, with fewer inputs than genes, every gene feeds one of them, dealt out at random; fitted, each
    input is one of the sample's most variable genes. Part of what fitting gains is then the choice of genes.
    """

    network: nn.Module
    inputs: Inputs
    classifier: Classifier

    @abstractmethod
    def build(self, width: int) -> nn.Module:
        """Return the network for so many inputs, its weights drawn from torch's generator."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, Any]:
        """Return what :func:`harness.training.train` asks of a loss."""

    def encoder(self) -> nn.Module:
        """Return the module that embeds: values (cells x inputs) -> (cells x width)."""
        found: nn.Module = self.network.encoder  # type: ignore[assignment]
        return found

    def restore(self, network: nn.Module, values: Tensor, hidden: Tensor) -> Tensor:
        """Return restored values of all inputs (cells x inputs); hidden ones come as 0."""
        raise NotImplementedError(f"{type(self).__name__} restores nothing; its card must not offer it")

    # -- life ------------------------------------------------------------------------------------------

    def initialise(self, genes: Sequence[str], run: Run) -> None:
        """Build the network with random weights."""
        super().initialise(genes, run)
        self.inputs = Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed)
        with seeded(run.seed):
            self.network = self.build(self.inputs.width)

    def fit(self, cells: Cells, run: Run) -> History:
        """Train on the sample, early stopping on the cells that the host set apart; return the history."""
        if self.inputs.width < len(self.genes):
            self.inputs = Inputs.chosen(len(self.genes), most_variable(cells, self.inputs.width))
        return train(self.network, self.loss, cells, run, prepare=self.prepared, **self.settings())

    def settings(self) -> dict[str, Any]:
        """Return what goes to :func:`harness.training.train`, beside what every call has."""
        return self._options()

    def _options(self) -> dict[str, Any]:
        return {name: self.parameters[name] for name in OPTIONS if name in self.parameters}

    def values(self, counts: csr_matrix) -> Any:
        """Return log-normalised expression (cells x inputs), sparse; genes of one input are summed."""
        return self.inputs(log_normalise(counts))

    def prepared(self, counts: csr_matrix, *labels: NDArray[np.object_]) -> Any:
        """Return what the loss gets: the values, and whatever it makes of labels that it asked for."""
        return self.values(counts)

    def embed(self, cells: Cells, run: Run) -> NDArray[np.float32]:
        """Return the embedding, nothing hidden (cells x width)."""
        return encode(self.encoder(), cells, run, prepare=self.values)

    # -- further doors ---------------------------------------------------------------------------------

    def fine_tune(self, cells: Cells, run: Run) -> History:
        """Train encoder and a linear head on labelled cells, as the encoder was pretrained."""
        whole = {"whole_batches": self.settings().get("whole_batches", False)}
        options = self._options() | whole
        self.classifier, history = fine_tune(self.encoder(), cells, run, prepare=self.values, **options)
        return history

    def classify(self, cells: Cells, run: Run) -> NDArray[np.float32]:
        """Return the chances of the classes, sorted by name (cells x classes)."""
        return classify(self.classifier, cells, run, prepare=self.values)

    @torch.inference_mode()
    def reconstruct(self, values: csr_matrix, hidden: NDArray[np.bool_], run: Run) -> NDArray[np.float32]:
        """Return hidden expression as told from the rest (cells x genes), NaN for genes that have no input.

        The value of an input that several genes feed is shared out evenly among them.
        """
        network = self.network.to(run.device).eval()
        hiding = self.inputs(csr_matrix(hidden, dtype=np.float32))
        shown, covered = (on_device(part, run.device) for part in (self.inputs(values), hiding))
        with autocast(run, "float32"):
            restored = self.restore(network, shown, covered > 0).cpu().numpy()
        (genes,) = np.nonzero(self.inputs.of_gene >= 0)
        of_gene = self.inputs.of_gene[genes]
        found = np.full(values.shape, np.nan, np.float32)
        found[:, genes] = (restored / np.bincount(of_gene))[:, of_gene]
        return found

    # -- files -----------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write the weights, and which gene feeds which input."""
        state = {name: value.cpu() for name, value in self.network.state_dict().items()}
        stored = {"network": state, "inputs": torch.from_numpy(self.inputs.of_gene)}
        torch.save(stored, folder / "weights.pt")

    def load(self, folder: Path, genes: Sequence[str]) -> None:
        """Read what :meth:`save` wrote; nothing but tensors is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self.inputs = Inputs(stored["inputs"].numpy())
        with seeded(0):
            self.network = self.rebuild(stored["network"])
        self.network.load_state_dict(stored["network"])

    def rebuild(self, state: dict[str, Tensor]) -> nn.Module:
        """Return a network that stored weights fit."""
        return self.build(self.inputs.width)


class MaskedNetwork(GeneNetwork):
    """A network that learns by restoring hidden values; its card has the parameter ``mask_rate``."""

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """Return the squared error of hidden values and their number; each is hidden with the same chance."""
        hidden = torch.rand_like(batch) < self.parameters["mask_rate"]
        error = self.restore(network, batch.masked_fill(hidden, 0.0), hidden) - batch
        return (error.square() * hidden).sum(), hidden.sum().clamp(min=1)

    def restore(self, network: nn.Module, values: Tensor, hidden: Tensor) -> Tensor:
        """Return the network's answer to the shown values.

        They are scaled up as in dropout, by what share of a cell is shown, so that nothing hidden looks like
        everything shown.
        """
        shown = 1 - hidden.float().mean(dim=1, keepdim=True)
        found: Tensor = network(values / shown.clamp(min=1 / hidden.shape[1]))
        return found
