"""Every fold teaches some conditions of a screen and asks about others; all is scored by one panel."""

import numpy as np

from harness import ContractBroken, Scores, Task
from harness.measures import (
    RESPONSE_BASELINES,
    RESPONSE_ORACLES,
    RidgeHead,
    Study,
    log_normalised,
    measure_screen,
)

EVERYWHERE = "all cells"


class PerturbationResponse(Task):
    """One unit per treatment and context."""

    def evaluate(self, embedding, cells, split, run):
        """Score a head on frozen embeddings of control cells."""
        if self.parameters["head"] != "ridge":
            raise ContractBroken(f'the head "{self.parameters["head"]}" is unknown; accepted is "ridge"')
        study = self.study(cells, split, run)
        head = RidgeHead(embedding, study.screen, lambda: log_normalised(cells))
        return scores(study, study.scored(head.predict))

    def baseline(self, name, cells, split, run):
        """Score a prediction that needs no model, or an oracle."""
        if name in RESPONSE_BASELINES:
            study = self.study(cells, split, run)
            return scores(study, study.scored(RESPONSE_BASELINES[name]))
        if name not in RESPONSE_ORACLES:
            return super().baseline(name, cells, split, run)
        study = self.study(cells, split, run)
        return scores(study, study.oracle(name), study.calibration())

    def study(self, cells, split, run):
        """Return what was measured, and what each fold teaches and asks."""
        columns = cells.columns
        contexts = columns.get(self.parameters.get("split_role") or "context")
        if contexts is None:
            contexts = np.full(cells.n_cells, EVERYWHERE, dtype=object)
        doses = columns["dose"] if self.parameters.get("split") == "held_out_dose" else None
        screen = measure_screen(log_normalised(cells), columns["perturbation"], contexts, doses, run.seed)
        separator = self.parameters.get("split_separator")
        return Study.of(screen, split, cells.genes, "+" if separator is None else separator)


def scores(study, found, notes=None):
    """Return the means over units, and what has no value."""
    return Scores(
        values=found.values,
        units=found.units,
        unit_names=[condition.name for condition in study.asked],
        clusters=study.clusters,
        undefined=found.undefined,
        notes={
            "unit_kind": "perturbation and context",
            "units_undefined": found.missing,
            "difficulty": study.difficulty(),
            **(notes or {}),
        },
    )
