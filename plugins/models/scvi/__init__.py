"""scVI by scvi-tools: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="scvi",
    version="3",
    entry="harness_plugins.models.scvi.model:ScVI",
    summary="scVI by scvi-tools, on raw counts; the posterior means of its latents are the embedding",
    offers=frozenset({"embed", "fine_tune"}),
    validation=0.1,
    published=True,
    requires={"scvi": "scfm-harness[scvi]"},
    parameters={
        "n_latent": 10,
        "n_hidden": 128,
        "n_layers": 1,
        "gene_likelihood": "nb",
        "n_genes": None,  # all; a number keeps that many, the most variable ones of the sample
        "learning_rate": 1e-3,
        "batch_size": 128,  # the library's default; the published runs had 1,024
    },
    caveats=(
        "where n_genes is below the number of genes, the untrained control mixes all genes and the fitted "
        "model chooses the most variable ones: part of the gain is that choice",
    ),
    licence="MIT",
    citation="Lopez et al. 2018, Nature Methods, doi:10.1038/s41592-018-0229-2; Gayoso et al. 2022, Nature "
    "Biotechnology, doi:10.1038/s41587-021-01206-w",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
