"""The founding study's masked autoencoder: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="ssl",
    version="2",
    entry="harness_plugins.models.ssl.model:SSL",
    summary="masked MLP autoencoder 512-512-256-256-64 on all genes; the 64 latents are the embedding",
    offers=frozenset({"embed", "reconstruct", "fine_tune"}),
    validation=0.1,
    parameters={
        "hidden": (512, 512, 256, 256),
        "latent": 64,
        "n_genes": None,  # all; a number keeps that many, the most variable ones of the sample
        "mask_rate": 0.5,
        "dropout": 0.1,
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
        "batch_size": 256,  # the published runs had 8,192, which is more than most samples here
    },
    small={"hidden": (64, 32)},
    caveats=(
        "where n_genes is below the number of genes, the untrained control mixes all genes and the fitted "
        "model chooses the most variable ones: part of the gain is that choice",
    ),
    licence="MIT",
    citation="Richter et al. 2025, doi:10.1038/s42256-024-00934-3; DenAdel et al. 2026, "
    "doi:10.1038/s41592-026-03120-y",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
