"""Every context is held out in turn; heads and baselines learn from the others."""

import numpy as np

from harness import ContractBroken, NotApplicable, Scores, Task
from harness.measures import (
    ALL_METRICS,
    CONTROL,
    agreement,
    context_transfer,
    log_normalised,
    mean_expression,
    no_change,
    perturbed_mean,
    ridge_head,
)

CONSTANT = "the prediction or the truth is constant in every unit"
BASELINES = {"no_change": no_change, "perturbed_mean": perturbed_mean, "context_transfer": context_transfer}


class PerturbationResponse(Task):
    """One unit per perturbation and held-out context."""

    def evaluate(self, embedding, cells, split, run):
        """Score a head on frozen embeddings of control cells."""
        if self.parameters["head"] != "ridge":
            raise ContractBroken(f'the head "{self.parameters["head"]}" is unknown; accepted is "ridge"')
        perturbation, context = cells.columns["perturbation"], cells.columns["context"]
        return score(cells, lambda means, key: ridge_head(embedding, perturbation, context, means, key))

    def baseline(self, name, cells, split, run):
        """Score a prediction that needs no model."""
        if name not in BASELINES:
            return super().baseline(name, cells, split, run)
        return score(cells, lambda means, key: BASELINES[name](means, *key))


def score(cells, predict):
    """Return the mean agreement over all units, and that of each."""
    means = mean_expression(log_normalised(cells), cells.columns["perturbation"], cells.columns["context"])
    asked = means.questions()
    if not asked:
        raise NotApplicable(
            "no perturbation was measured in two contexts with enough treated and control cells"
        )
    found = [agreement(predict(means, (p, c)), means.mean[p, c], means.mean[CONTROL, c]) for p, c in asked]
    units = {metric: np.array([one[metric] for one in found]) for metric in ALL_METRICS}
    defined = {metric: values for metric, values in units.items() if np.isfinite(values).any()}
    return Scores(
        values={metric: float(np.nanmean(values)) for metric, values in defined.items()},
        units=defined,
        unit_names=[f"{p}|{c}" for p, c in asked],
        clusters=[context for _, context in asked],  # they share controls and what was learnt elsewhere
        undefined=dict.fromkeys(units.keys() - defined.keys(), CONSTANT),
        notes={
            "unit_kind": "perturbation and context",
            "units_undefined": {m: int(np.isnan(values).sum()) for m, values in units.items()},
        },
    )
