"""PCA pretrained on the sample: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="pca",
    version="1",
    entry="harness_plugins.models.pca.model:PCA",
    summary="principal components of the sample's most variable genes",
    # A fit is exact, but each seed draws another sample, and the untrained control is a random matrix.
    deterministic=False,
    offers=frozenset({"embed", "reconstruct"}),
    parameters={"n_components": 50, "n_genes": 2000},
    licence="MIT",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
