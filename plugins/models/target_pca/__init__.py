"""PCA of the data set itself: what one gets without any pretraining."""

from harness import ModelCard, hookimpl


@hookimpl
def harness_models():
    """Return the card."""
    return [
        ModelCard(
            name="target_pca",
            version="1",
            entry="harness_plugins.models.target_pca.model:TargetPCA",
            summary="principal components fitted on the data set itself",
            pretrains=False,
            deterministic=True,
            parameters={"n_components": 50, "n_genes": 2000},
            licence="MIT",
        )
    ]
