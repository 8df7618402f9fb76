"""A random projection of the data set: distances are kept, nothing is learnt."""

from harness import ModelCard, hookimpl


@hookimpl
def harness_models():
    """Return the card."""
    return [
        ModelCard(
            name="random_projection",
            version="1",
            entry="harness_plugins.models.random_projection.model:RandomProjection",
            summary="Gaussian projection of all genes",
            pretrains=False,
            parameters={"width": 64},
            licence="MIT",
            citation="Johnson and Lindenstrauss 1984, doi 10.1090/conm/026",
        )
    ]
