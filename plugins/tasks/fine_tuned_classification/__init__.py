"""Can a model be taught cell types, and does it help that it was pretrained?"""

from harness import CLASSIFICATION_IDENTITIES, CLASSIFICATION_METRICS, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="fine_tuned_classification",
            version="2",
            entry="harness_plugins.tasks.fine_tuned_classification.task:FineTunedClassification",
            summary="the model itself is taught cell types; its untrained control learns them from scratch",
            needs=frozenset({"cell_type>=2"}),
            wants=frozenset({"fine_tune"}),
            split="{split}",
            metrics=CLASSIFICATION_METRICS,
            identities=CLASSIFICATION_IDENTITIES,
            baselines=("majority_class",),
            parameters={
                "steps": 200,
                "split": "grouped",
                "split_role": None,
                "split_folds": 3,
                "split_in_distribution": None,
            },
            citation="after the fine-tuning protocol of DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y",
        )
    ]
