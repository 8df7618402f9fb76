"""Can a model tell hidden expression from the rest of a cell?"""

from harness import Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="masked_reconstruction",
            version="1",
            entry="harness_plugins.tasks.masked_reconstruction.task:MaskedReconstruction",
            summary="hidden log-normalised expression of held-out groups, told from the rest of each cell",
            needs=frozenset({"cell_type>=2"}),
            wants=frozenset({"reconstruct"}),
            split="grouped",
            metrics=(
                Metric(name="r2_over_gene_mean", lower=None),
                Metric(name="bits_over_gene_mean", lower=None, upper=None),
                Metric(name="mse", direction="down", upper=None),
                Metric(name="gaussian_bits", direction="down", lower=None, upper=None),
            ),
            baselines=("gene_mean",),
            parameters={"mask_rate": 0.15, "n_genes": 512, "genes_needed": 0.5},
            citation="after Kendiukhov 2026, arXiv:2602.15253, on the host's split",
        )
    ]
