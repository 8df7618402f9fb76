"""Cells of a few groups: the card."""

from harness import SamplerCard, hookimpl

CARD = SamplerCard(
    name="group_limited",
    version="1",
    entry="harness_plugins.samplers.group_limited.sampler:GroupLimited",
    summary="cells of a few donors, studies or tissues alone: diversity moves while the size stays",
    needs=frozenset({"corpus:{by}>={groups}"}),
    parameters={"by": "donor", "groups": 4},
    small={"groups": 5},  # all donors of the toy cells, so that every size can be drawn
    nested=True,
    licence="MIT",
    citation="after the subsampling of donors in Fischer et al. 2024, doi:10.1038/s41467-024-51059-5",
)


@hookimpl
def harness_samplers() -> list[SamplerCard]:
    """Return the card."""
    return [CARD]
