"""PCA pretrained on the sample."""

from harness import ModelCard, hookimpl


@hookimpl
def harness_models():
    """Return the card."""
    return [
        ModelCard(
            name="pca",
            version="1",
            entry="harness_plugins.models.pca.model:PCA",
            summary="principal components of the sample's most variable genes",
            # The fit is exact, but the untrained control is a random matrix, so seeds do matter.
            deterministic=False,
            parameters={"n_components": 50, "n_genes": 2000},
            licence="MIT",
        )
    ]
