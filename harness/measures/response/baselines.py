"""What a model has to beat: predictions from training profiles alone.

Profiles are mean log-expression (genes,), effects are profiles minus the control of the same context. Where a
part of the question was never measured in training, its place is taken by the mean over training
perturbations. Nothing here sees a profile that is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.measures.response.genes import RESOLUTION, in_top

Floats = NDArray[np.float64]

DIMENSIONS = 10
PENALTY = 0.1
NEIGHBOURS = 5


def perturbed_mean(profiles: Floats | Sequence[Floats]) -> Floats:
    """Return the mean of training profiles (perturbations x genes): perturbations count equally, not cells.

    The perturbed mean of Systema (Vinas Torne et al. 2025, doi:10.1038/s41587-025-02777-8), there over cells.
    """
    return np.asarray(np.mean(profiles, axis=0))


def matching_mean(parts: Sequence[str], profiles: Mapping[str, Floats]) -> Floats:
    """Predict a combination as the mean of the profiles of its parts.

    Parameters
    ----------
    parts
        Perturbations given together.
    profiles
        Training perturbation -> profile (genes,). An unseen part has their mean (matching mean of Systema).
    """
    unseen = perturbed_mean(list(profiles.values()))
    return np.asarray(np.mean([profiles.get(part, unseen) for part in parts], axis=0))


def additive(parts: Sequence[str], profiles: Mapping[str, Floats], control: Floats) -> Floats:
    """Predict a combination as the control plus the effects of its parts (Ahlmann-Eltze et al. 2025).

    Parameters
    ----------
    parts
        Perturbations given together.
    profiles
        Training perturbation -> profile (genes,). An unseen part has the mean effect.
    control
        Profile of untreated cells (genes,).
    """
    unseen = perturbed_mean(list(profiles.values()))
    return np.asarray(control + sum(profiles.get(part, unseen) - control for part in parts))


def transferred_effect(effects: Floats | Sequence[Floats], cells: Sequence[float]) -> Floats:
    """Return a perturbation's mean effect over training contexts, weighted by treated cells.

    Added to the control of the asked context it is the general baseline of TxPert
    (Wenkel et al. 2025, arXiv:2505.14919).

    Parameters
    ----------
    effects
        The perturbation's effect in each training context (contexts x genes); for a perturbation seen in
        none, the effects of all training perturbations.
    cells
        Treated cells behind each effect.
    """
    return np.asarray(np.average(effects, axis=0, weights=cells))


def majority_effect(significant: NDArray[np.bool_], effects: Floats) -> Floats:
    """Return for each gene how often training perturbations change it, in the direction they mostly do.

    An answer for scores of gene order and direction only; its size is a frequency, not an effect.

    Parameters
    ----------
    significant, effects
        DE genes and effects of the training perturbations (training perturbations x genes).
    """
    votes = (np.sign(effects) * significant).sum(axis=0)
    return np.asarray(np.where(votes < 0, -1.0, 1.0) * significant.mean(axis=0))


def gene_loadings(profiles: Floats, dimensions: int = DIMENSIONS) -> Floats:
    """Return the principal component scores of genes over training profiles (genes x dimensions).

    Genes are the samples and conditions the centred variables; the largest entry of each component is
    positive. With fewer conditions than dimensions there are as many dimensions as conditions.

    Parameters
    ----------
    profiles
        Training profiles with the control (conditions x genes).
    """
    table = profiles.T
    left, strength, _ = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)
    scores = (left * strength)[:, :dimensions]
    largest = np.take_along_axis(scores, np.abs(scores).argmax(axis=0)[None], axis=0)
    return np.asarray(scores * np.where(largest < 0, -1.0, 1.0))


def target_embedding(loadings: Floats, targets: NDArray[np.bool_]) -> Floats:
    """Return perturbations' embeddings: the sum of the loadings of the genes they target.

    Parameters
    ----------
    loadings
        Of the genes (genes x dimensions): from training data, another screen, or a pretrained model.
    targets
        Genes that each perturbation targets (perturbations x genes). A perturbation without a measured
        target, such as the control, is embedded at 0 and predicted to have the mean training effect.
    """
    return np.asarray(targets.astype(float) @ loadings)


def nearest_effect(place: Floats, places: Floats, effects: Floats, neighbours: int = NEIGHBOURS) -> Floats:
    """Return the mean effect of the training perturbations of nearest embedding (Euclidean).

    Those equally near share the places that are left, so that their order does not decide.

    Parameters
    ----------
    place, places
        Embedding of the asked perturbation (width,) and of the training ones (perturbations x width).
    effects
        Of the training perturbations (perturbations x genes).
    neighbours
        How many; all where there are fewer.
    """
    away = np.round(np.linalg.norm(places - place, axis=1), RESOLUTION)
    share = in_top(-away, neighbours)
    return np.asarray(share @ effects / share.sum())


@dataclass(frozen=True, kw_only=True)
class LinearResponse:
    """Effects that are linear in the perturbation's embedding: effect = G W p + b.

    The closed-form linear baseline of Ahlmann-Eltze et al. 2025 (doi:10.1038/s41592-025-02772-6).

    Attributes
    ----------
    loadings
        G (genes x dimensions).
    weights
        W (dimensions x embedding width).
    intercept
        b, the mean training effect (genes,).
    """

    loadings: Floats
    weights: Floats
    intercept: Floats

    def predict(self, embedding: Floats) -> Floats:
        """Return the effects (perturbations x genes) of embedded perturbations (perturbations x width)."""
        return np.asarray(self.intercept + embedding @ self.weights.T @ self.loadings.T)


def fit_linear_response(
    effects: Floats, embedding: Floats, loadings: Floats, penalty: float = PENALTY
) -> LinearResponse:
    """Fit W = (G'G + l I)^-1 G' (Y - b) P (P'P + l I)^-1 with b the mean over training perturbations.

    Parameters
    ----------
    effects
        Y', training effects, the control's zero effect among them (perturbations x genes).
    embedding
        P, of the training perturbations in the same order (perturbations x width).
    loadings
        G (genes x dimensions).
    penalty
        l, on both sides.
    """
    intercept = effects.mean(axis=0)
    onto_genes = _ridge(loadings, (effects - intercept).T, penalty)
    return LinearResponse(
        loadings=loadings, weights=_ridge(embedding, onto_genes.T, penalty).T, intercept=intercept
    )


def _ridge(features: Floats, targets: Floats, penalty: float) -> Floats:
    gram = features.T @ features + penalty * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ targets))
