"""Highly variable genes of the data set itself: no pretraining, no model."""

from harness import ModelCard, hookimpl


@hookimpl
def harness_models():
    """Return the card."""
    return [
        ModelCard(
            name="hvg",
            version="1",
            entry="harness_plugins.models.hvg.model:HighlyVariableGenes",
            summary="scaled expression of the data set's most variable genes",
            pretrains=False,
            deterministic=True,
            parameters={"n_genes": 500},
            licence="MIT",
            citation="Satija et al. 2015, doi 10.1038/nbt.3192",
        )
    ]
