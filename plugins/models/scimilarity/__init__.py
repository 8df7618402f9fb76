"""SCimilarity: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="scimilarity",
    version="3",
    entry="harness_plugins.models.scimilarity.model:SCimilarity",
    summary="MLP 1024 x 3 to 128, semi-hard triplets of cell types and reconstruction: it sees labels",
    needs=frozenset({"corpus:cell_type"}),
    offers=frozenset({"embed", "reconstruct", "fine_tune"}),
    validation=0.1,
    published=True,
    parameters={
        "hidden": (1024, 1024, 1024),
        "latent": 128,
        "n_genes": None,  # all; a number keeps that many, the most variable ones of the sample
        "input_dropout": 0.4,
        "dropout": 0.5,
        "margin": 0.05,
        "triplet_weight": 0.001,  # the reconstruction has the rest
        "l1": 1e-4,
        "weight_decay": 0.01,
        "learning_rate": 0.005,
        "batch_size": 1000,
    },
    small={"hidden": (64, 64)},
    caveats=(
        "where n_genes is below the number of genes, the untrained control mixes all genes and the fitted "
        "model chooses the most variable ones: part of the gain is that choice",
        "gradients are clipped and training stops early, unlike in the study",
    ),
    licence="MIT",
    citation="Heimberg et al. 2025, doi:10.1038/s41586-024-08411-y; DenAdel et al. 2026, "
    "doi:10.1038/s41592-026-03120-y",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
