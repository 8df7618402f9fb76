"""Random cells: the card."""

from harness import SamplerCard, hookimpl

CARD = SamplerCard(
    name="random",
    version="1",
    entry="harness_plugins.samplers.random.sampler:Random",
    summary="cells drawn uniformly: the prefix of one permutation per seed",
    parameters={"independent": False},
    nested=True,
    licence="MIT",
)


@hookimpl
def harness_samplers() -> list[SamplerCard]:
    """Return the card."""
    return [CARD]
