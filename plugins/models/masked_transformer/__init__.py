"""The masked-reconstruction transformer of a published scaling study: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="masked_transformer",
    version="2",
    entry="harness_plugins.models.masked_transformer.model:MaskedTransformer",
    summary="transformer over genes without an order that restores hidden values; the mean of its states is "
    "the embedding",
    offers=frozenset({"embed", "reconstruct", "fine_tune"}),
    validation=0.1,
    parameters={
        "size": "XS",
        "n_genes": 512,
        "mask_rate": 0.15,
        "dropout": 0.1,
        "learning_rate": 1e-3,
        "batch_size": 32,
    },
    small={"size": "TINY"},
    caveats=(
        "where n_genes is below the number of genes, the untrained control mixes all genes and the fitted "
        "model chooses the most variable ones: part of the gain is that choice",
        "counts are normalised over all genes of a cell, in the study over those of its panel",
    ),
    licence="MIT",
    citation="Kendiukhov 2026, arXiv:2602.15253",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
