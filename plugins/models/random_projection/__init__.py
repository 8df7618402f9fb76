"""Random projection of the data set: the card."""

from harness import ModelCard, hookimpl

CARD = ModelCard(
    name="random_projection",
    version="1",
    entry="harness_plugins.models.random_projection.model:RandomProjection",
    summary="Gaussian projection of all genes: distances are kept, nothing is learnt",
    pretrains=False,
    parameters={"width": 64},
    licence="MIT",
    citation="Johnson and Lindenstrauss 1984, doi:10.1090/conm/026",
)


@hookimpl
def harness_models() -> list[ModelCard]:
    """Return the card."""
    return [CARD]
