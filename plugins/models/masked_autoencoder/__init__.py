"""A small masked autoencoder: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="masked_autoencoder",
    version="3",
    entry="harness_plugins.models.masked_autoencoder.model:MaskedAutoencoder",
    summary="MLP that restores hidden genes from the others; the bottleneck is the embedding",
    offers=frozenset({"embed", "reconstruct", "fine_tune"}),
    validation=0.1,
    parameters={
        "n_genes": 1000,
        "hidden": 128,
        "latent": 32,
        "mask_rate": 0.5,
        "learning_rate": 1e-3,
        "batch_size": 128,
    },
    caveats=(
        "where n_genes is below the number of genes, the untrained control mixes all genes and the fitted "
        "model chooses the most variable ones: part of the gain is that choice",
    ),
    licence="MIT",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
