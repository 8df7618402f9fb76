"""How few labels does the embedding need?"""

from harness import PROBES, Identity, Metric, TaskCard, hookimpl

POINTS = ("1", "5", "10", "50", "all")
CURVE = ", ".join(f"micro_f1_{point}" for point in POINTS)


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="label_efficiency",
            version="1",
            entry="harness_plugins.tasks.label_efficiency.task:LabelEfficiency",
            summary="micro F1 of a probe taught 1, 5, 10, 50 and all labels per class, and its area",
            needs=frozenset({"cell_type>=2"}),
            split="{split}",
            metrics=(
                Metric(name="micro_f1_area", units="weighted"),
                *(Metric(name=f"micro_f1_{point}", units="weighted") for point in POINTS),
            ),
            # A mean over the axis, which starts at one label and ends with all of them.
            identities=(
                Identity(says=f"micro_f1_area >= min({CURVE})"),
                Identity(says=f"micro_f1_area <= max({CURVE})"),
            ),
            baselines=("majority_class",),
            references=("hvg", "target_pca"),
            choices={"probe": PROBES},
            parameters={
                "probe": "ridge",
                "neighbours": 5,
                "width": None,
                "draws": 3,
                "split": "grouped",
                "split_role": None,
                "split_folds": None,
            },
        )
    ]
