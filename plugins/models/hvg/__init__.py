"""Highly variable genes of the data set itself: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="hvg",
    version="1",
    entry="harness_plugins.models.hvg.model:HighlyVariableGenes",
    summary="scaled expression of the data set's own most variable genes",
    pretrains=False,
    deterministic=True,
    parameters={"n_genes": 500},
    licence="MIT",
    citation="Satija et al. 2015, Nature Biotechnology, doi:10.1038/nbt.3192",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
