"""The shop window for guests: everything a plugin needs from the host.

Further doors: :mod:`harness.measures` (metric kernels), :mod:`harness.synthetic` (worlds with known
answers), :mod:`harness.training` (one training loop), :mod:`harness.conformance` (is my plugin sound?).
"""

from harness.contracts.cards import (
    CatalogueCard,
    CommandCard,
    Identity,
    Metric,
    ModelCard,
    SamplerCard,
    TaskCard,
)
from harness.contracts.cells import ArrayCells, Cells, Corpus
from harness.contracts.metrics import CLASSIFICATION_IDENTITIES, CLASSIFICATION_METRICS, PROBES
from harness.contracts.model import Model
from harness.contracts.run import PlainRun, Run
from harness.contracts.sampler import Sampler
from harness.contracts.task import Fitted, Scores, Split, Task
from harness.errors import ContractBroken, NotApplicable, NotFinite
from harness.hookspecs import hookimpl
from harness.records import Budget, History

__all__ = [
    "CLASSIFICATION_IDENTITIES",
    "CLASSIFICATION_METRICS",
    "PROBES",
    "ArrayCells",
    "Budget",
    "CatalogueCard",
    "Cells",
    "CommandCard",
    "ContractBroken",
    "Corpus",
    "Fitted",
    "History",
    "Identity",
    "Metric",
    "Model",
    "ModelCard",
    "NotApplicable",
    "NotFinite",
    "PlainRun",
    "Run",
    "Sampler",
    "SamplerCard",
    "Scores",
    "Split",
    "Task",
    "TaskCard",
    "hookimpl",
]
