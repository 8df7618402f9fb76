"""How do cells of a new context respond to a perturbation?"""

from harness import Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="perturbation_response",
            version="1",
            entry="harness_plugins.tasks.perturbation_response.task:PerturbationResponse",
            summary="mean expression of treated cells in a held-out context, from frozen control embeddings",
            needs=frozenset({"perturbation>=2", "context>=2"}),
            split="held_out_context",
            metrics=(
                Metric(name="pearson_r", lower=-1.0),
                Metric(name="r2", lower=None),
                Metric(name="mse", direction="down", upper=None),
                Metric(name="pearson_delta", lower=-1.0),
            ),
            baselines=("no_change", "perturbed_mean", "context_transfer"),
            parameters={"head": "ridge"},
            citation="protocol of DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y, with a ridge head",
        )
    ]
