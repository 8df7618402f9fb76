"""Can a model tell a cell from its counts at random genes?"""

from harness import PROBES, Identity, Metric, TaskCard, hookimpl

BLIND = ("majority_class", "library_size")


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="gene_shuffled_cells",
            version="1",
            entry="harness_plugins.tasks.gene_shuffled_cells.task:GeneShuffledCells",
            summary="a probe tells cells from copies of them whose counts stand at random genes",
            makes_cells=True,
            split="{split}",
            metrics=(
                Metric(name="balanced_accuracy", floor=0.5, units="weighted"),
                Metric(name="auroc", floor=0.5),
            ),
            identities=tuple(
                Identity(says=f"{metric} == 0.5", baseline=name)
                for name in BLIND
                for metric in ("balanced_accuracy", "auroc")
            ),
            baselines=BLIND,
            references=("hvg", "target_pca"),
            choices={"probe": PROBES},
            parameters={
                "probe": "logistic",
                "neighbours": 5,
                "width": None,
                "split": "grouped",
                "split_role": None,
                "split_folds": None,
            },
        )
    ]
