"""How do cells respond to a perturbation, in a context or of a kind that was not learnt from?

The primary metric is ``pearson_centroid``: the correlation of predicted with measured profiles after what
all taught perturbations share was taken from both, which is the control of the asked context plus the mean
of the taught effects. Of the metrics by which models may be ranked (``DECLARED`` of
``harness.measures.response``) it is defined where a data set has a single perturbation, as the
discrimination scores are not, and for every unit, as those on differentially expressed genes are not; it is
bounded, so that the rule of 95 % of the best can be asked of it; and it tells the technical duplicate from
an uninformed answer on the three real screens and on the simulated one. The reference itself has none. No
change is above 0, because prediction and truth share the deviation of the reference: it stands beside, as a
baseline. The size of effects is not its matter: that is what ``wmse`` and ``r2_weighted`` are for.

What generalises is resampled: units of one new context together or, where contexts are known, those of one
perturbation, whatever its dose and context. Where perturbation and context are both new it is the one of
which fewer are asked; the other dependence is then left out of account.

The truth is the mean of all treated cells, for models and baselines alike. Oracles are the second half of
the cells against the first, so that their truth is noisier, and where cells are few a model may exceed
them. Their notes hold the Spearman-Brown reliability of the whole, and what each metric can tell on the
data set: one that cannot tell the technical duplicate from the mean of the taught effects (or, where a
single treatment is taught, from no change) is listed as not to be ranked by.

Both halves are held against the same controls. Where these are few, their noise is in both and lifts the
oracles in what is taken from the control (``pearson_delta``, ``sign_accuracy``); the primary metric gives
no change more of it than the duplicate.

What is easy is told apart. Units fall into thirds by the size of their effect (E-distance of the condition to
its control, among all conditions of the data set, so that neither split nor answer decides), each with its
primary score. A unit counts as solved where a trivial baseline is within the range of the technical
duplicate: at least nine tenths of the way from no change to the duplicate, or not below the duplicate where
that is no better than no change. The share of such units, and by which baseline, is noted with every answer;
``pearson_centroid_unsolved`` is the score of the rest. The rest was chosen against these baselines, and by
half of the cells that are the truth, which flatters every other answer: it is shown and not ranked by.

Perturbations are ranked by where they lead: for every context and every other one, by the cosine of their
effect with the way from the own untreated cells to those of the other context. Prior frequency of a gene,
the mean of all perturbations and no change give every perturbation the same place, and have chance.

Only means are predicted, so that there is no E-distance between predicted and measured cells; that metric
says so instead of having a value.

Perturbations that were never taught are known by the genes after which they are named. Baselines embed these
by loadings of the taught profiles (``linear``) or effects (``nearest_targets``), or do no more than lower the
target (``target_scaling``); the head places them by how they vary with the frozen embedding over untreated
cells. Public screens that fit here have no doses, hardly any interaction and few measured targets: what is
said of doses, of genetic interaction, of unseen perturbations and of gene embeddings is proved on simulated
worlds of known truth, and on those alone.

Genes are weighted, and called differentially expressed, by Welch's t of log-normalised expression: unlike
Wilcoxon's test it needs only the moments that are taken in one pass.
"""

from functools import partial

from harness import Identity, Metric, TaskCard, hookimpl

STRATA = "pearson_centroid_small, pearson_centroid_middle, pearson_centroid_large"

by_unit = partial(Metric, units="mean", invariant=frozenset({"scale"}))
shown = partial(by_unit, judged=False)
"""What models may not be ranked by, whatever the data: ``DECLARED`` says why of each."""


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="perturbation_response",
            version="4",
            entry="harness_plugins.tasks.perturbation_response.task:PerturbationResponse",
            summary="mean expression of treated cells not learnt from, from frozen control embeddings",
            needs=frozenset({"perturbation>=2"}),
            split="{split}",
            metrics=(
                by_unit(name="pearson_centroid", lower=-1.0),
                by_unit(name="wmse", direction="down", upper=None),
                by_unit(name="r2_weighted", lower=None),
                by_unit(name="skill_context", lower=None, floor=0.0),
                shown(name="pearson_context", lower=-1.0),
                by_unit(name="pds", floor=0.5),
                by_unit(name="centroid_accuracy", floor=0.5),
                by_unit(name="auprc", lower=None, floor=0.0),
                shown(name="auprc_over_prevalence", lower=None),
                by_unit(name="de_overlap"),
                by_unit(name="sign_accuracy", floor=0.5),
                by_unit(name="tail_recall"),
                by_unit(name="private_auprc", lower=None, floor=0.0),
                by_unit(name="private_sign_accuracy", floor=0.5),
                shown(name="rare_de_overlap"),
                shown(name="r2_low_expression", lower=None),
                by_unit(name="interaction_skill", lower=None, floor=0.0),
                shown(name="interaction_pearson", lower=-1.0),
                Metric(name="dose_response", lower=-1.0),
                Metric(name="andcg", lower=None, floor=0.0),
                Metric(name="enrichment_factor", upper=None, floor=1.0),
                Metric(name="top1_regret", direction="down", upper=None),
                Metric(name="variance_ratio", upper=None, judged=False),
                Metric(name="pairwise_cosine", lower=-1.0, judged=False),
                Metric(name="best_scale", lower=None, upper=None, judged=False),
                Metric(name="energy_distance", direction="down", lower=None, upper=None),
                shown(name="pearson_centroid_small", lower=-1.0),
                shown(name="pearson_centroid_middle", lower=-1.0),
                shown(name="pearson_centroid_large", lower=-1.0),
                shown(name="pearson_centroid_unsolved", lower=-1.0),
                shown(name="mse_de", direction="down", upper=None),
                shown(name="r2_de", lower=None),
                shown(name="pds_published"),
                shown(name="pearson_r", lower=-1.0),
                shown(name="r2", lower=None),
                shown(name="mse", direction="down", upper=None),
                shown(name="pearson_delta", lower=-1.0),
            ),
            identities=(
                Identity(says="r2 <= pearson_r ** 2", of="units"),
                Identity(says=f"pearson_centroid <= max({STRATA})", of="values"),
                Identity(says=f"pearson_centroid >= min({STRATA})", of="values"),
                Identity(says="variance_ratio == 0", baseline="no_change"),
                Identity(says="skill_context == 0", baseline="context_transfer"),
            ),
            baselines=(
                "no_change",
                "perturbed_mean",
                "context_transfer",
                "matching",
                "additive",
                "majority_vote",
                "linear",
                "nearest_targets",
                "target_scaling",
                "nearest_dose",
                "log_dose_line",
            ),
            # The same head without pretraining: what is above the baselines may be the head's merit.
            references=("hvg", "target_pca"),
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
