"""How well is the response of cells to a perturbation predicted? Kernels on plain arrays.

:func:`panel` gives every score of predicted profiles at once, :data:`DECLARED` says how to read each. For one
fold of a split:

1. :func:`halves` divides the cells of every condition; profiles are means of log-normalised expression.
2. From training cells alone: profiles, DE genes, and the baselines (:func:`perturbed_mean`, :func:`additive`,
   :func:`transferred_effect`, :func:`fit_linear_response`, :func:`log_dose_line`, ...).
3. From the asked cells: :class:`Measured`, with DE genes and :func:`contrast_weights` of the first half, the
   truth, and the host's own control cells.
4. :func:`panel` of each prediction and baseline, and of the oracles (the second half, and it interpolated by
   :func:`interpolated_duplicate`) against the first half.
5. :func:`calibrate` of each score, the technical duplicate against the asked control plus the mean of the
   taught effects or, where that has no score or one treatment alone is taught, against no change: what fails
   is shown, not ranked.

The card of a task repeats what is declared of direction, range and floor, and says how its scores relate; the
host audits what it keeps by the card (:mod:`harness.audit`).
"""

from harness.measures.response.baselines import (
    LinearResponse,
    additive,
    fit_linear_response,
    gene_loadings,
    majority_effect,
    matching_mean,
    nearest_effect,
    perturbed_mean,
    target_embedding,
    transferred_effect,
)
from harness.measures.response.calibration import (
    Calibration,
    calibrate,
    dynamic_range_fraction,
    effect_strata,
    gap_closed,
    published_dynamic_range,
    solved,
)
from harness.measures.response.ceilings import (
    at_most,
    attainable_correlation,
    halves,
    interpolated_duplicate,
    spearman_brown,
)
from harness.measures.response.collapse import best_scale, pairwise_cosine, variance_ratio
from harness.measures.response.combinations import interaction, interaction_pearson, interaction_skill
from harness.measures.response.declared import BEYOND_PROFILES, Declared
from harness.measures.response.discrimination import (
    centroid_accuracy,
    perturbation_discrimination,
    published_discrimination,
)
from harness.measures.response.doses import dose_response, log_dose_line, nearest_dose
from harness.measures.response.energy import effect_p_value, energy_distance
from harness.measures.response.genes import (
    auprc,
    auprc_over_prevalence,
    de_overlap,
    rare_genes,
    rarity_weights,
    sign_accuracy,
    tail_recall,
)
from harness.measures.response.panel import DECLARED, SCORES, Measured, Score, panel
from harness.measures.response.profiles import (
    contrast_weights,
    expression_stratum,
    mse,
    pearson,
    pearson_delta,
    r2,
    skill,
    spearman,
)
from harness.measures.response.ranking import (
    TARGET_RANKING,
    adjusted_ndcg,
    enrichment_factor,
    published_adjusted_ndcg,
    ranked_towards,
    top1_regret,
    towards,
)

__all__ = [
    "BEYOND_PROFILES",
    "DECLARED",
    "SCORES",
    "TARGET_RANKING",
    "Calibration",
    "Declared",
    "LinearResponse",
    "Measured",
    "Score",
    "additive",
    "adjusted_ndcg",
    "at_most",
    "attainable_correlation",
    "auprc",
    "auprc_over_prevalence",
    "best_scale",
    "calibrate",
    "centroid_accuracy",
    "contrast_weights",
    "de_overlap",
    "dose_response",
    "dynamic_range_fraction",
    "effect_p_value",
    "effect_strata",
    "energy_distance",
    "enrichment_factor",
    "expression_stratum",
    "fit_linear_response",
    "gap_closed",
    "gene_loadings",
    "halves",
    "interaction",
    "interaction_pearson",
    "interaction_skill",
    "interpolated_duplicate",
    "log_dose_line",
    "majority_effect",
    "matching_mean",
    "mse",
    "nearest_dose",
    "nearest_effect",
    "pairwise_cosine",
    "panel",
    "pearson",
    "pearson_delta",
    "perturbation_discrimination",
    "perturbed_mean",
    "published_adjusted_ndcg",
    "published_discrimination",
    "published_dynamic_range",
    "r2",
    "ranked_towards",
    "rare_genes",
    "rarity_weights",
    "sign_accuracy",
    "skill",
    "solved",
    "spearman",
    "spearman_brown",
    "tail_recall",
    "target_embedding",
    "top1_regret",
    "towards",
    "transferred_effect",
    "variance_ratio",
]
