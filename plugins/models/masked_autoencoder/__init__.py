"""A small masked autoencoder: half of the genes are hidden and must be told from the other half."""

from harness import ModelCard, hookimpl


@hookimpl
def harness_models():
    """Return the card."""
    return [
        ModelCard(
            name="masked_autoencoder",
            version="1",
            entry="harness_plugins.models.masked_autoencoder.model:MaskedAutoencoder",
            summary="MLP that restores masked genes; the bottleneck is the embedding",
            validation=0.1,
            parameters={
                "n_genes": 1000,
                "hidden": 128,
                "latent": 32,
                "mask_rate": 0.5,
                "learning_rate": 1e-3,
                "batch_size": 128,
            },
            licence="MIT",
        )
    ]
