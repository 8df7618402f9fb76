"""On a real screen (four lines, 452 genes, tens of cells per perturbation): agreement with scipy and
scikit-learn, the additive baseline on measured pairs, and which scores tell a second measurement from a
mean."""

import anndata
import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr, ttest_ind
from sklearn.metrics import average_precision_score, r2_score

from harness.measures.response import (
    Measured,
    additive,
    calibrate,
    contrast_weights,
    halves,
    matching_mean,
    mse,
    panel,
    pearson,
    spearman,
)


@pytest.fixture(scope="module")
def cells(shared):
    """Log-normalised cells by the depth over all genes, their perturbation and their line."""
    found = anndata.read_h5ad(shared / "data" / "crispr_4lines.h5ad")
    depth = found.obs["total_counts_all_genes"].to_numpy()
    expression = np.log1p(found.X.toarray().astype(float) * 1e4 / depth[:, None])
    return expression, *(found.obs[role].astype(str).to_numpy() for role in ("perturbation", "cell_type"))


@pytest.fixture(scope="module")
def screens(cells):
    """The evidence of a line with strong effects and of one with weak effects."""
    return {line: measured(cells, line) for line in ("K562", "A172")}


def measured(cells, line):
    """Return the evidence of half the cells of a line, the other half, and an honest mean.

    Perturbations are in two folds; the mean is that of the other fold, and only perturbations of one fold are
    compared with each other.
    """
    expression, perturbation, lines = cells
    here = lines == line
    expression, perturbation = expression[here], perturbation[here]
    every = sorted(set(perturbation) - {"control"})
    half, fold = halves(0, perturbation), np.arange(len(every)) % 2
    first, second = (
        np.array([expression[(perturbation == p) & (half == side)].mean(axis=0) for p in every])
        for side in (0, 1)
    )
    control = expression[perturbation == "control"]
    t, p_value = np.empty(first.shape), np.empty(first.shape)
    for row, p in enumerate(every):
        mine = expression[(perturbation == p) & (half == 0)]
        rest = expression[(perturbation != p) & (perturbation != "control") & (half == 0)]
        t[row] = ttest_ind(mine, rest, equal_var=False).statistic
        p_value[row] = ttest_ind(mine, control, equal_var=False).pvalue
    evidence = Measured(
        truth=first,
        control=np.broadcast_to(control.mean(axis=0), first.shape),
        centroid=np.array([first[fold != one].mean(axis=0) for one in fold]),
        weights=contrast_weights(t),
        significant=np.nan_to_num(p_value, nan=1.0) < 1e-3,
        groups=fold.astype(object),
    )
    return evidence, second


def test_scores_are_those_of_scipy_and_scikit_learn(screens):
    """Every perturbation of K562, the other half of its cells as prediction; the largest difference is
    rounding."""
    evidence, second = screens["K562"]
    found, gaps = panel(second, evidence), []
    for row in range(len(second)):
        p, t, c, m = second[row], evidence.truth[row], evidence.control[row], evidence.centroid[row]
        w, de = evidence.weights[row], evidence.significant[row]
        peers = {
            "pearson_r": pearsonr(p, t).statistic,
            "r2": r2_score(t, p),
            "mse": ((p - t) ** 2).mean(),
            "pearson_delta": pearsonr(p - c, t - c).statistic,
            "pearson_centroid": pearsonr(p - m, t - m).statistic,
            "wmse": np.average((p - t) ** 2, weights=w),
            "r2_weighted": r2_score(t - m, p - m, sample_weight=w),
        }
        if de.any():
            precision = average_precision_score(de, np.round(np.abs(p - c), 9))
            peers["auprc_over_prevalence"] = (precision - de.mean()) / (1 - de.mean())
            peers["mse_de"] = ((p - t) ** 2)[de].mean()
            peers["sign_accuracy"] = (np.sign(p - c) == np.sign(t - c))[de].mean()
        gaps += [abs(found[name][row] - value) for name, value in peers.items()]
        gaps.append(abs(float(spearman(p, t)) - spearmanr(p, t).statistic))
    assert max(gaps) < 1e-9


def test_adding_up_predicts_measured_pairs(cells):
    """Five pairs of which both parts were measured: a third of the error of the mean of the parts, a tenth of
    that of no change."""
    expression, perturbation, lines = cells
    here = lines == "K562"
    mean = {p: expression[here & (perturbation == p)].mean(axis=0) for p in sorted(set(perturbation[here]))}
    control = mean.pop("control")
    singles = {p: profile for p, profile in mean.items() if "+" not in p}
    pairs = [p for p in mean if "+" in p and set(p.split("+")) <= set(singles)]
    assert len(pairs) == 5
    truth = np.array([mean[p] for p in pairs])
    sums, middle = (
        np.array([answer(p) for p in pairs])
        for answer in (
            lambda p: additive(p.split("+"), singles, control),
            lambda p: matching_mean(p.split("+"), singles),
        )
    )
    errors = [mse(answer, truth).mean() for answer in (sums, middle, np.broadcast_to(control, truth.shape))]
    assert errors[0] < errors[1] / 3 < errors[2] / 10


def passes(name, evidence, second):
    both = [panel(answer, evidence)[name] for answer in (second, evidence.centroid)]
    perfect, direction = (0.0, "down") if name in ("mse", "wmse") else (1.0, "up")
    return calibrate(*both, perfect, direction).passes


def test_what_tells_and_what_does_not(screens):
    """K562 has strong effects and every score tells. In A172 they are weak: a mean of other perturbations has
    the smaller error and the higher correlation with the truth than a second measurement."""
    strong, weak = screens["K562"], screens["A172"]
    for name in ("mse", "pearson_delta", "wmse", "r2_weighted", "pds", "centroid_accuracy"):
        assert passes(name, *strong), name
    for name in ("mse", "pearson_r", "pearson_delta"):
        assert not passes(name, *weak), name
    evidence, second = weak
    centroid = evidence.centroid
    assert mse(centroid, evidence.truth).mean() < 0.8 * mse(second, evidence.truth).mean()
    assert pearson(centroid, evidence.truth).mean() > pearson(second, evidence.truth).mean()
