"""Kernels on plain arrays, public for task and model authors. Importing this room imports no science."""

from harness.measures.classification import f1_by_unit, f1_scores, majority_votes, neighbour_votes
from harness.measures.components import (
    Components,
    corpus_components,
    principal_components,
    variable_components,
)
from harness.measures.diversity import diversity, gini_simpson, inverse_simpson, shannon, vendi
from harness.measures.expression import (
    gene_moments,
    log_normalise,
    log_normalised,
    most_variable,
    normalise,
    variable_genes,
)
from harness.measures.integration import Integration, integration_scores
from harness.measures.perturbation import (
    ALL_METRICS,
    CONTROL,
    Means,
    agreement,
    context_transfer,
    mean_expression,
    no_change,
    perturbed_mean,
    ridge_head,
)

__all__ = [
    "ALL_METRICS",
    "CONTROL",
    "Components",
    "Integration",
    "Means",
    "agreement",
    "context_transfer",
    "corpus_components",
    "diversity",
    "f1_by_unit",
    "f1_scores",
    "gene_moments",
    "gini_simpson",
    "integration_scores",
    "inverse_simpson",
    "log_normalise",
    "log_normalised",
    "majority_votes",
    "mean_expression",
    "most_variable",
    "neighbour_votes",
    "no_change",
    "normalise",
    "perturbed_mean",
    "principal_components",
    "ridge_head",
    "shannon",
    "variable_components",
    "variable_genes",
    "vendi",
]
