"""Does anything but chance tell labels that mean nothing?"""

from harness import PROBES, Identity, Metric, TaskCard, hookimpl

LUCK = 0.05
"""An embedding that differs by rounding gets other labels, and its score another draw of chance."""


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="shuffled_labels",
            version="1",
            entry="harness_plugins.tasks.shuffled_labels.task:ShuffledLabels",
            summary="a probe is taught and asked cell types that were permuted: who tells them has a leak",
            needs=frozenset({"cell_type>=2"}),
            split="{split}",
            metrics=(
                # A leak of any size is one, whatever two draws of chance may differ by.
                Metric(
                    name="excess_over_chance",
                    lower=-1.0,
                    floor=0.0,
                    margin=0.0,
                    units="weighted",
                    tolerance=LUCK,
                ),
                Metric(
                    name="excess_in_errors", lower=None, upper=None, floor=0.0, margin=0.0, tolerance=10.0
                ),
                Metric(name="micro_f1", units="weighted", tolerance=LUCK, judged=False),
                Metric(name="chance", units="weighted", tolerance=LUCK, judged=False),
            ),
            identities=(
                Identity(says="excess_over_chance == micro_f1 - chance"),
                Identity(says="excess_over_chance == 0", of="values", baseline="majority_class"),
            ),
            baselines=("majority_class",),
            oracles=("label_leak",),
            control="negative",
            choices={"probe": PROBES},
            parameters={
                "probe": "knn",
                "neighbours": 5,
                "width": None,
                "draws": 5,
                "split": "grouped",
                "split_role": None,
                "split_folds": None,
            },
            citation=(
                "agreement by chance: Cohen 1960, doi 10.1177/001316446002000104; variance: Hoeffding 1951, "
                "doi 10.1214/aoms/1177729545"
            ),
        )
    ]
