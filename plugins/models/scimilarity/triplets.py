"""The triplet loss with semi-hard negatives, for a whole batch at once."""

import torch

NEAREST = 1e-12
"""Squared distance below which two cells count as one place: the root has no slope there."""


def semi_hard_triplet_loss(embedding, kinds, margin):
    """Return the mean triplet loss of a batch.

    Each pair of cells of one kind, the first the anchor, gets one negative: a cell of another kind, drawn
    from those that are farther from the anchor than the positive, but by less than the margin, in squared
    distances (semi-hard: Schroff et al. 2015, arXiv:1503.03832). Pairs without one do not count. The loss
    of a triplet is ``max(d(anchor, positive) - d(anchor, negative) + margin, 0)`` with plain distances, as
    SCimilarity trains (Heimberg et al. 2025, doi:10.1038/s41586-024-08411-y).

    Parameters
    ----------
    embedding
        Cells x width.
    kinds
        One whole number per cell, of which only counts which are equal; negative where the kind is unknown,
        and the cell is then part of no triplet.
    margin
        By how much a negative should be farther.

    Returns
    -------
    A number on the embedding's device; 0 where there is no triplet.
    """
    with torch.autocast(embedding.device.type, enabled=False):  # differences below the margin need float32
        squared = _squared_distances(embedding.float())
    known = (kinds[:, None] >= 0) & (kinds[None, :] >= 0)
    same = kinds[:, None] == kinds[None, :]
    negative, found = _semi_hard(squared.detach(), known & ~same, margin)
    distance = squared.clamp(min=NEAREST).sqrt()
    losses = torch.relu(distance - distance.gather(1, negative) + margin)
    pairs = (known & same).triu(diagonal=1) & found
    return (losses * pairs).sum() / pairs.sum().clamp(min=1)


def _squared_distances(embedding):
    """Return the squared Euclidean distances between all cells (cells x cells)."""
    lengths = embedding.square().sum(dim=1)
    return (lengths[:, None] + lengths[None, :] - 2 * embedding @ embedding.T).clamp(min=0)


def _semi_hard(squared, other, margin):
    """Draw a semi-hard negative for every anchor (row) and positive (column), and say where there is one.

    In the row's sorted distances to other kinds the semi-hard ones stand side by side, so that a draw is
    one of a range, all rows are drawn at once, and nothing has to wait for the device.
    """
    ordered, order = squared.masked_fill(~other, torch.inf).sort(dim=1)
    first = torch.searchsorted(ordered, squared, right=True)
    number = torch.searchsorted(ordered, squared + margin) - first
    drawn = first + (torch.rand_like(squared) * number).long()
    return order.gather(1, drawn.clamp(max=len(squared) - 1)), number > 0
