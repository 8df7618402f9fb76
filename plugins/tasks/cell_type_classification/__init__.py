"""Can cell types of new donors be read off the embedding?"""

from harness import Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="cell_type_classification",
            version="1",
            entry="harness_plugins.tasks.cell_type_classification.task:CellTypeClassification",
            summary="nearest neighbours vote on a frozen embedding",
            needs=frozenset({"cell_type>=2"}),
            split="grouped",
            metrics=(Metric(name="micro_f1"), Metric(name="macro_f1")),
            baselines=("majority_class",),
            references=("hvg", "target_pca"),
            parameters={"neighbours": 5},
            citation="protocol of DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y, on the host's split",
        )
    ]
