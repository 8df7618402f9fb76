"""What a sampler plugin must be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.contracts.cells import Corpus
    from harness.contracts.run import Run


class Sampler(ABC):
    """A rule for choosing cells of a corpus: ``Sampler(**parameters)``, then :meth:`draw`."""

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    @abstractmethod
    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return exactly ``size`` distinct row indices (any order; the host sorts them).

        The same ``run.seed`` gives the same rows. A nested sampler's smaller draw is part of its larger
        one for the same seed. Global random state is not touched.
        """
