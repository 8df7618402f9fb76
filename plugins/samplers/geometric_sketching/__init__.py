"""Geometric sketching: the card."""

from harness import SamplerCard, hookimpl

CARD = SamplerCard(
    name="geometric_sketching",
    version="1",
    entry="harness_plugins.samplers.geometric_sketching.sampler:GeometricSketching",
    summary="cells spread evenly over the corpus's principal components, by boxes of equal side",
    needs=frozenset({"corpus:components"}),
    parameters={"boxes": 0.01},
    nested=True,
    licence="MIT",
    citation="Hie et al. 2019, Cell Systems, doi:10.1016/j.cels.2019.05.003",
)


@hookimpl
def harness_samplers() -> list[SamplerCard]:
    """Return the card."""
    return [CARD]
