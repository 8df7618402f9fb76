"""How do cells respond to a perturbation, in a context or of a kind that was not learnt from?

The primary metric is ``auprc``: the differentially expressed genes found by the size of the predicted effect,
beyond chance. Of the metrics by which models may be ranked (see ``harness.measures.response.DECLARED``) it is
one that is defined where a data set has a single perturbation, as the discrimination scores are not; it has a
fixed floor, which no change has exactly, and a bound, as the weighted squared error and R2 have not, so that the
rule of 95 % of the best can be asked of it. It says nothing of the size of effects: ``wmse`` and ``r2_weighted``
beside it do.

The truth is the mean of all treated cells, for models and baselines alike. Oracles are the second half of the
cells against the first, so their truth is noisier: they are ceilings of what can be shown, and a model may
exceed them. Their notes hold the Spearman-Brown reliability of the whole, and what each metric can tell on the
data set; a metric that cannot tell the technical duplicate from the mean of the taught effects (or, where one
treatment is taught, from no change) is listed there as not to be ranked by.

Genes are weighted, and called differentially expressed, by Welch's t of log-normalised expression: unlike
Wilcoxon's test it needs only the moments that are taken in one pass.
"""

from harness import Metric, TaskCard, hookimpl

UNBOUNDED = {"lower": None}
CORRELATION = {"lower": -1.0}
LOSS = {"direction": "down", "upper": None}


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="perturbation_response",
            version="2",
            entry="harness_plugins.tasks.perturbation_response.task:PerturbationResponse",
            summary="mean expression of treated cells not learnt from, from frozen control embeddings",
            needs=frozenset({"perturbation>=2"}),
            split="{split}",
            metrics=(
                Metric(name="auprc", **UNBOUNDED),
                Metric(name="wmse", **LOSS),
                Metric(name="r2_weighted", **UNBOUNDED),
                Metric(name="skill_context", **UNBOUNDED),
                Metric(name="pearson_centroid", **CORRELATION),
                Metric(name="pearson_context", **CORRELATION),
                Metric(name="pds"),
                Metric(name="centroid_accuracy"),
                Metric(name="de_overlap"),
                Metric(name="sign_accuracy"),
                Metric(name="tail_recall"),
                Metric(name="private_auprc", **UNBOUNDED),
                Metric(name="private_sign_accuracy"),
                Metric(name="interaction_skill", **UNBOUNDED),
                Metric(name="dose_response", **CORRELATION),
                Metric(name="variance_ratio", upper=None),
                Metric(name="pairwise_cosine", **CORRELATION),
                Metric(name="pearson_r", **CORRELATION),
                Metric(name="r2", **UNBOUNDED),
                Metric(name="mse", **LOSS),
                Metric(name="pearson_delta", **CORRELATION),
            ),
            baselines=(
                "no_change",
                "perturbed_mean",
                "context_transfer",
                "matching",
                "additive",
                "linear",
                "nearest_dose",
                "log_dose_line",
            ),
            oracles=("technical_duplicate", "interpolated_duplicate"),
            parameters={
                "head": "ridge",
                "split": "held_out_context",
                "split_role": None,
                "split_folds": None,
                "split_separator": None,
                "split_seen": None,
                "split_dose": None,
                "split_shots": None,
            },
            citation="protocol of DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y, with a ridge head",
        )
    ]
