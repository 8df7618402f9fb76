"""Can cell types of new donors be read off the embedding?"""

from harness import CLASSIFICATION_IDENTITIES, CLASSIFICATION_METRICS, PROBES, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="cell_type_classification",
            version="2",
            entry="harness_plugins.tasks.cell_type_classification.task:CellTypeClassification",
            summary="a probe (knn, ridge, logistic or mlp) tells the cell types of a frozen embedding",
            needs=frozenset({"cell_type>=2"}),
            split="{split}",
            metrics=CLASSIFICATION_METRICS,
            identities=CLASSIFICATION_IDENTITIES,
            baselines=("majority_class",),
            references=("hvg", "target_pca"),
            choices={"probe": PROBES},
            parameters={
                "probe": "knn",
                "neighbours": 5,
                "width": None,
                "shuffled_labels": False,
                "split": "grouped",
                "split_role": None,
                "split_folds": None,
                "split_in_distribution": None,
            },
            citation="protocol of DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y, on the host's split",
        )
    ]
