"""Random cells, a share of them from a second source: the card."""

from harness import SamplerCard, hookimpl

CARD = SamplerCard(
    name="spike_in",
    version="1",
    entry="harness_plugins.samplers.spike_in.sampler:SpikeIn",
    summary="random cells of a joined corpus, a stated share of them replaced from one of its sources",
    needs=frozenset({"corpus:source>=2"}),
    parameters={"share": 0.1, "from_source": ""},
    nested=True,
    licence="MIT",
    citation="DenAdel et al. 2026, Nature Methods, doi:10.1038/s41592-026-03120-y",
)


@hookimpl
def harness_samplers() -> list[SamplerCard]:
    """Return the card."""
    return [CARD]
