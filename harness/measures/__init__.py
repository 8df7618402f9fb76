"""Kernels on plain arrays, public for task and model authors. Importing this room imports no science."""

from harness.measures.components import (
    Components,
    corpus_components,
    log_normalised,
    principal_components,
    variable_components,
)
from harness.measures.expression import gene_moments, log_normalise, variable_genes

__all__ = [
    "Components",
    "corpus_components",
    "gene_moments",
    "log_normalise",
    "log_normalised",
    "principal_components",
    "variable_components",
    "variable_genes",
]
