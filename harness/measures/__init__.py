"""Kernels on plain arrays, public for task and model authors. Importing this room imports no science."""

from harness.contracts.metrics import DECILES
from harness.measures.calibration import brier_scores, expected_calibration_error, log_losses
from harness.measures.classification import (
    CALIBRATION,
    Classification,
    Predictions,
    classification_scores,
    classified,
)
from harness.measures.components import (
    Components,
    corpus_components,
    principal_components,
    variable_components,
)
from harness.measures.differential import REST, DifferentialExpression, wilcoxon
from harness.measures.diversity import diversity, gini_simpson, inverse_simpson, shannon, vendi
from harness.measures.expression import (
    gene_moments,
    log_normalise,
    log_normalised,
    most_variable,
    normalise,
    variable_genes,
)
from harness.measures.head import RidgeHead
from harness.measures.information import bits_from_nats, bits_gained, gaussian_bits, r2_gained
from harness.measures.integration import Integration, integration_scores
from harness.measures.label_efficiency import drawing_keys, label_efficiency_curve
from harness.measures.lesson import BASELINES as RESPONSE_BASELINES
from harness.measures.lesson import Lesson
from harness.measures.permuted import (
    Chance,
    WithShuffledCopies,
    chance_agreement,
    embedding_seed,
    permute_labels,
    shuffle_genes,
)
from harness.measures.probes import (
    PROBES,
    Answer,
    AnswerSheet,
    majority_predictions,
    neighbour_votes,
    probe_predictions,
)
from harness.measures.reconstruction import restoration
from harness.measures.recovery import recovery_errors
from harness.measures.screen import CONTROL, Condition, Screen, measure_screen
from harness.measures.study import ORACLES as RESPONSE_ORACLES
from harness.measures.study import Study

__all__ = [
    "CALIBRATION",
    "CONTROL",
    "DECILES",
    "PROBES",
    "RESPONSE_BASELINES",
    "RESPONSE_ORACLES",
    "REST",
    "Answer",
    "AnswerSheet",
    "Chance",
    "Classification",
    "Components",
    "Condition",
    "DifferentialExpression",
    "Integration",
    "Lesson",
    "Predictions",
    "RidgeHead",
    "Screen",
    "Study",
    "WithShuffledCopies",
    "bits_from_nats",
    "bits_gained",
    "brier_scores",
    "chance_agreement",
    "classification_scores",
    "classified",
    "corpus_components",
    "diversity",
    "drawing_keys",
    "embedding_seed",
    "expected_calibration_error",
    "gaussian_bits",
    "gene_moments",
    "gini_simpson",
    "integration_scores",
    "inverse_simpson",
    "label_efficiency_curve",
    "log_losses",
    "log_normalise",
    "log_normalised",
    "majority_predictions",
    "measure_screen",
    "most_variable",
    "neighbour_votes",
    "normalise",
    "permute_labels",
    "principal_components",
    "probe_predictions",
    "r2_gained",
    "recovery_errors",
    "restoration",
    "shannon",
    "shuffle_genes",
    "variable_components",
    "variable_genes",
    "vendi",
    "wilcoxon",
]
