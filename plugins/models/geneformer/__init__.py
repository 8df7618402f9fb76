"""A BERT over genes in the order of their expression, in the manner of Geneformer: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="geneformer",
    version="2",
    entry="harness_plugins.models.geneformer.model:Geneformer",
    summary="BERT that restores hidden genes in a cell's genes ranked by expression; the mean state of the "
    "layer before the last is the embedding",
    offers=frozenset({"embed", "fine_tune"}),
    validation=0.1,
    published=True,
    requires={"transformers": "scfm-harness[geneformer]"},
    parameters={
        "width": 256,
        "layers": 6,
        "heads": 4,
        "max_tokens": 2048,
        "n_genes": None,
        "mask_rate": 0.15,
        "learning_rate": 1e-3,
        "weight_decay": 0.001,
        "warm_up": 0.1,
        "batch_size": 16,
        "batch_tokens": 16384,
    },
    small={"width": 32, "layers": 2, "max_tokens": 32},
    caveats=(
        "counts are divided by medians of the sample, in the study by one table for all; the untrained "
        "control has none",
    ),
    licence="MIT",
    citation="Theodoris et al. 2023, doi:10.1038/s41586-023-06139-9",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
