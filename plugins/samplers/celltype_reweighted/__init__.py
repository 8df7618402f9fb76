"""Cells re-weighted by cell type: the card."""

from harness import SamplerCard, hookimpl

CARD = SamplerCard(
    name="celltype_reweighted",
    version="1",
    entry="harness_plugins.samplers.celltype_reweighted.sampler:CellTypeReweighted",
    summary="the same number of cells from every cell type, rare types taken whole (water filling)",
    needs=frozenset({"corpus:cell_type"}),
    nested=True,
    licence="MIT",
    citation="DenAdel et al. 2026, Nature Methods, doi:10.1038/s41592-026-03120-y",
)


@hookimpl
def harness_samplers() -> list[SamplerCard]:
    """Return the card."""
    return [CARD]
