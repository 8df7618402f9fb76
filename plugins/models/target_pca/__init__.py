"""PCA of the data set itself: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="target_pca",
    version="1",
    entry="harness_plugins.models.target_pca.model:TargetPCA",
    summary="principal components of the data set itself: what one has without pretraining",
    pretrains=False,
    deterministic=True,
    parameters={"n_components": 50, "n_genes": 2000},
    licence="MIT",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
