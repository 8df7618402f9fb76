"""Does pretraining help where it is known to help?"""

from harness import Identity, Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    metrics = ("programme_r2", "strong_programmes_r2", "weak_programmes_r2")
    return [
        TaskCard(
            name="known_benefit",
            version="1",
            entry="harness_plugins.tasks.known_benefit.task:KnownBenefit",
            summary="known activities of gene programmes in simulated cells, read off their embedding",
            makes_cells=True,
            split="whole",
            metrics=tuple(Metric(name=name, lower=None, floor=0.0) for name in metrics),
            identities=(
                Identity(says="programme_r2 == mean(strong_programmes_r2, weak_programmes_r2)"),
                *(Identity(says=f"{name} == 0", baseline="mean_activity") for name in metrics),
            ),
            baselines=("mean_activity",),
            oracles=("true_programmes",),
            references=("hvg", "target_pca"),
            control="positive",
            parameters={
                "world": "atlas",
                "world_seed": 0,
                "cells": 1200,
                "batches": 6,
                "learnable": True,
            },
            small={"cells": 150, "batches": 3},
        )
    ]
