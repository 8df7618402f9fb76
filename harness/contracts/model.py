"""What a model plugin must be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from harness.contracts.cells import Cells
    from harness.contracts.run import Run
    from harness.records import History


class Model(ABC):
    """One architecture with one set of parameters.

    Life of a model: ``Model(**parameters)`` -> :meth:`initialise` (random weights; the untrained control
    stops here) -> :meth:`fit` -> :meth:`save`; and later, perhaps in another process,
    ``Model(**parameters)`` -> :meth:`load` -> :meth:`embed`, :meth:`reconstruct`, or :meth:`fine_tune` and
    :meth:`classify`. :meth:`load_published` takes the place of
    initialise and fit where a suite names a folder of published weights. A reference model is only
    initialised, on the data set's genes, and asked to embed.

    Whatever is put into ``self.weights`` (name -> numpy array) is saved and loaded by the defaults below;
    a torch model overrides :meth:`save` and :meth:`load` (``weights_only=True`` or safetensors).
    """

    genes: Sequence[str]
    weights: dict[str, NDArray[Any]]

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters
        self.weights = {}
        self.genes = ()

    def initialise(self, genes: Sequence[str], run: Run) -> None:
        """Build the architecture for these genes with random weights from ``run.seed``."""
        self.genes = genes

    def fit(self, cells: Cells, run: Run) -> History | None:
        """Pretrain on a sample; return what the training consisted of, where there were steps.

        Not called for reference models and untrained controls.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not pretrain; its card must say pretrains=False"
        )

    def load_published(self, folder: Path, run: Run) -> None:
        """Take over published weights and set :attr:`genes` to the symbols or Ensembl ids they are for.

        Raises
        ------
        ValueError
            With a sentence, where a file is missing or is not what was expected. Nothing is downloaded.
        """
        raise NotImplementedError(
            f"{type(self).__name__} takes over no weights; its card must say published=False"
        )

    @abstractmethod
    def embed(self, cells: Cells, run: Run) -> NDArray[np.floating[Any]]:
        """Return one finite vector per cell (cells x width); ``cells.genes`` equal ``self.genes``."""

    def reconstruct(
        self, values: csr_matrix, hidden: NDArray[np.bool_], run: Run
    ) -> NDArray[np.floating[Any]]:
        """Tell hidden expression from the rest, where the card offers ``reconstruct``.

        Parameters
        ----------
        values
            Log-normalised expression (:func:`harness.measures.log_normalise`) of some cells (cells x
            ``self.genes``), with zeros where it is hidden.
        hidden
            Where it is (cells x genes).

        Returns
        -------
        numpy.ndarray
            Expression (cells x genes); NaN in the columns of genes that the model does not restore.
        """
        raise NotImplementedError(f"{type(self).__name__} restores nothing; its card must not offer it")

    def fine_tune(self, cells: Cells, run: Run) -> History | None:
        """Learn the classes in ``cells.columns["label"]``, where the card offers ``fine_tune``.

        Training starts from what the model is now: fitted, untrained (then it learns from scratch) or
        published. ``run.budget`` says how long, ``run.validation`` has labelled cells for early stopping.
        """
        raise NotImplementedError(f"{type(self).__name__} is not fine-tuned; its card must not offer it")

    def classify(self, cells: Cells, run: Run) -> NDArray[np.floating[Any]]:
        """Return the chances of the classes of :meth:`fine_tune`, sorted by name (cells x classes)."""
        raise NotImplementedError(f"{type(self).__name__} is not fine-tuned; its card must not offer it")

    def save(self, folder: Path) -> None:
        """Write the weights into ``folder``."""
        import numpy as np

        np.savez(folder / "weights.npz", **self.weights)  # type: ignore[arg-type]

    def load(self, folder: Path, genes: Sequence[str]) -> None:
        """Read what :meth:`save` wrote; ``genes`` are those of :meth:`initialise`."""
        import numpy as np

        self.genes = genes
        with np.load(folder / "weights.npz", allow_pickle=False) as stored:
            self.weights = {name: stored[name] for name in stored.files}
