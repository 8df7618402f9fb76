"""What a split asks of a screen, and how answers are scored and metrics calibrated."""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from harness import ContractBroken, NotApplicable
from harness.measures.lesson import BASELINES, Lesson, context_transfer, lesson, mean_effect, no_change
from harness.measures.response import (
    DECLARED,
    SCORES,
    Measured,
    attainable_correlation,
    calibrate,
    contrast_weights,
    dose_response,
    interaction_skill,
    interpolated_duplicate,
    pairwise_cosine,
    panel,
    solved,
    spearman_brown,
    variance_ratio,
    violations,
)
from harness.measures.screen import SIGNIFICANT, Screen

PRIMARY = "auprc"
PROFILES = (
    "auprc",
    "wmse",
    "r2_weighted",
    "skill_context",
    "pearson_centroid",
    "pearson_context",
    "pds",
    "centroid_accuracy",
    "de_overlap",
    "sign_accuracy",
    "tail_recall",
    "private_auprc",
    "private_sign_accuracy",
    "pearson_r",
    "r2",
    "mse",
    "pearson_delta",
)
ALONE = "fewer than two perturbations are asked together in a context"
NOT_TAUGHT = "what is asked is not taught in any context"
NO_GENES = "no unit has differentially expressed genes to be told from others"
NO_RARE_GENES = "no unit changes a gene that few taught perturbations change, or one alone is taught"
WHY = {
    "skill_context": NOT_TAUGHT,
    "pearson_context": f"{NOT_TAUGHT}, or the prediction is that of context transfer",
    "pds": ALONE,
    "centroid_accuracy": ALONE,
    "pairwise_cosine": f"{ALONE}, or none is predicted to have an effect",
    "auprc": NO_GENES,
    "de_overlap": NO_GENES,
    "sign_accuracy": NO_GENES,
    "private_auprc": NO_RARE_GENES,
    "private_sign_accuracy": NO_RARE_GENES,
    "interaction_skill": "no combination is asked whose two parts were measured alone in its context",
    "dose_response": "no perturbation is asked at three doses, or its predicted effects do not differ",
}
CONSTANT = "the prediction or the truth is constant in every unit"


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What is taught, and the numbers of the conditions that are asked."""

    known: Lesson
    asked: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Found:
    """Scores per unit, and those that belong to all units together."""

    units: dict
    together: dict

    @cached_property
    def values(self):
        """Metric -> mean over the units that define it."""
        return {n: float(np.nanmean(v)) for n, v in self.units.items()} | {
            n: v for n, v in self.together.items() if np.isfinite(v)
        }

    def __post_init__(self):
        for name in [name for name, values in self.units.items() if not np.isfinite(values).any()]:
            del self.units[name]

    @property
    def undefined(self):
        """Metric -> why it has no value."""
        names = {*PROFILES, *self.together, "interaction_skill"} - set(self.values)
        return {name: WHY.get(name, CONSTANT) for name in sorted(names)}

    @property
    def missing(self):
        """Metric -> units that do not define it."""
        return {name: int(np.isnan(values).sum()) for name, values in self.units.items()}

    def audit(self):
        """Refuse what contradicts the declarations of the metrics."""
        wrong = violations(self.units, DECLARED) + violations(self.together, DECLARED)
        if wrong:
            raise ContractBroken("; ".join(wrong))


@dataclass(frozen=True, kw_only=True)
class Study:
    """A screen, and what each fold of a split teaches and asks."""

    screen: Screen
    folds: list

    @classmethod
    def of(cls, screen, split, genes, separator):
        """Return the folds that teach and ask anything."""
        folds = []
        for number in range(split.n_folds):
            asked = screen.all_of(split.tested(number))
            if len(asked):
                folds.append(Fold(known=lesson(screen, split.training(number), genes, separator), asked=asked))
        if not folds:
            raise NotApplicable("the split asks about no condition with enough treated and control cells")
        return cls(screen=screen, folds=folds)

    @cached_property
    def asked(self):
        """Conditions asked about, fold by fold: the units."""
        return [self.screen.conditions[row] for fold in self.folds for row in fold.asked]

    @cached_property
    def measured(self):
        """Evidence of every fold, from all cells."""
        return self._evidence(self.screen.whole)

    @cached_property
    def first_half(self):
        """Evidence of every fold, from the first half of the treated cells."""
        return self._evidence(self.screen.halves[0])

    @cached_property
    def significant(self):
        """Differentially expressed genes of every condition (conditions x genes), from all cells."""
        return self.screen.against_control(self.screen.whole) < SIGNIFICANT

    def scored(self, predict):
        """Score what is predicted of every asked condition."""
        return self._found(self.predictions(predict), self.measured)

    def predictions(self, predict):
        """Return one table of profiles for each fold."""
        return [np.stack([predict(fold.known, c) for c in self._asked(fold)]) for fold in self.folds]

    def oracle(self, name):
        """Score the other half of the cells, as it is or interpolated with the mean of taught effects."""
        return self._found(self._duplicates(name), self.first_half)

    def calibration(self):
        """Return what each metric can tell on these data, as plain JSON."""
        positive = self._panels(self._duplicates("technical_duplicate"), self.first_half)
        knows_nothing = self._panels(self.predictions(_uninformed), self.first_half)
        unchanged = self._panels(self.predictions(no_change), self.first_half)
        found = {}
        for name in PROFILES:
            negative = knows_nothing[name] if np.isfinite(knows_nothing[name]).any() else unchanged[name]
            how = DECLARED[name]
            found[name] = _plain(asdict(calibrate(positive[name], negative, how.perfect, how.direction)))
        half = float(np.nanmean(positive["pearson_delta"]))
        whole = float(spearman_brown(half))
        return {
            "calibration": found,
            "not_ranked": [n for n in PROFILES if not (DECLARED[n].rankable and found[n]["passes"])],
            "reliability": _plain(
                {"half": half, "whole": whole, "attainable": float(attainable_correlation(whole))}
            ),
            "solved": self._solved(unchanged[PRIMARY], positive[PRIMARY]),
        }

    def _solved(self, floor, ceiling):
        """Return the share of units of which a trivial answer closes most of the gap in the primary metric."""
        found = {}
        for name in ("perturbed_mean", "context_transfer"):
            answer = self._panels(self.predictions(BASELINES[name]), self.first_half)[PRIMARY]
            share = solved(answer, floor, ceiling)
            found[name] = float(np.nanmean(share)) if np.isfinite(share).any() else None
        return found

    def _asked(self, fold):
        return [self.screen.conditions[row] for row in fold.asked]

    def _evidence(self, moments):
        """Return what each fold's answers are held against, given the moments that are the truth."""
        screen = self.screen
        truth, control = moments.mean, screen.whole.mean[screen.controls]
        weights = contrast_weights(screen.against_rest(moments))
        significant = screen.against_control(moments) < SIGNIFICANT
        found = []
        for fold in self.folds:
            known, rows, asked = fold.known, fold.asked, self._asked(fold)
            targets = known.targets(asked)
            taught = all(len(known.same(condition)) for condition in asked)
            found.append(
                Measured(
                    truth=truth[rows],
                    control=control[rows],
                    centroid=np.stack([mean_effect(known, c) for c in asked]),
                    transferred=np.stack([context_transfer(known, c) for c in asked]) if taught else None,
                    weights=weights[rows],
                    significant=significant[rows],
                    training_significant=self._taught_genes(known),
                    targets=targets if targets.any() else None,
                    groups=np.array([c.context for c in asked], dtype=object),
                )
            )
        return found

    def _taught_genes(self, known):
        """Return the DE genes of what is taught; None where all of it is one treatment."""
        place = {condition: row for row, condition in enumerate(self.screen.conditions)}
        if len({condition.treatment for condition in known.conditions}) < 2:
            return None
        return self.significant[[place[condition] for condition in known.conditions]]

    def _duplicates(self, name):
        second = self.screen.halves[1].mean
        tables = [second[fold.asked] for fold in self.folds]
        if name == "technical_duplicate":
            return tables
        p = self.screen.against_control(self.screen.halves[0])
        return [
            interpolated_duplicate(table, evidence.centroid, p[fold.asked])
            for table, evidence, fold in zip(tables, self.first_half, self.folds, strict=True)
        ]

    def _panels(self, predicted, measured):
        """Return the scores of profiles per unit, NaN where a fold lacks the evidence."""
        found = [panel(table, evidence) for table, evidence in zip(predicted, measured, strict=True)]
        sizes = [len(fold.asked) for fold in self.folds]
        return {
            name: np.concatenate([f.get(name, np.full(n, np.nan)) for f, n in zip(found, sizes, strict=True)])
            for name in PROFILES
        }

    def _found(self, predicted, measured):
        units = self._panels(predicted, measured)
        predicted = np.concatenate(predicted)
        truth, control = (np.concatenate([getattr(m, each) for m in measured]) for each in ("truth", "control"))
        units["interaction_skill"] = self._interactions(predicted, truth, control)
        effect, true_effect = predicted - control, truth - control
        together = {
            "variance_ratio": variance_ratio(effect, true_effect),
            "pairwise_cosine": self._cosine(effect),
            "dose_response": self._dose_response(effect, true_effect),
        }
        return Found(units=units, together=together)

    def _cosine(self, effect):
        """Return the mean over groups asked together of their effects' mean cosine."""
        of_unit = [f"{n}|{c.context}" for n, fold in enumerate(self.folds) for c in self._asked(fold)]
        groups = np.array(of_unit)
        return _mean(pairwise_cosine(effect[groups == group]) for group in np.unique(groups))

    def _dose_response(self, effect, truth):
        """Return the mean over perturbations in contexts of how effects grow with the dose."""
        series = {}
        for unit, condition in enumerate(self.asked):
            if condition.dose:
                series.setdefault((condition.perturbation, condition.context), []).append(unit)
        doses = np.array([float(condition.dose or "nan") for condition in self.asked])
        return _mean(dose_response(effect[at], truth[at], doses[at]) for at in series.values())

    def _interactions(self, predicted, truth, control):
        """Return the share of the measured interaction explained, where both parts were measured alone."""
        known, mean = self.folds[0].known, self.screen.whole.mean
        alone = {
            (*known.parts(c), c.dose, c.context): row
            for row, c in enumerate(self.screen.conditions)
            if self.screen.usable[row] and len(known.parts(c)) == 1
        }
        found = np.full(len(self.asked), np.nan)
        for unit, c in enumerate(self.asked):
            parts = [alone.get((part, c.dose, c.context)) for part in known.parts(c)]
            if len(parts) == 2 and None not in parts:
                first, second = mean[parts]
                found[unit] = interaction_skill(predicted[unit], truth[unit], first, second, control[unit])
        return found


def _uninformed(known, asked):
    """Predict the mean of taught effects; no change where that of one treatment is all that is taught."""
    several = len({condition.treatment for condition in known.conditions}) > 1
    return (mean_effect if several else no_change)(known, asked)


def _mean(values):
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _plain(numbers):
    """Return a dictionary of JSON values: None for NaN."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in numbers.items()
    }
