"""Squared errors of hidden values, beside those of the gene means."""

from zlib import crc32

import numpy as np

from harness import Scores, Task
from harness.measures import log_normalise, most_variable, restoration

R2 = "r2_over_gene_mean"
GAINED = (R2, "bits_over_gene_mean")
METRICS = (*GAINED, "mse", "gaussian_bits")
AT_ONCE = 256
"""Cells that are asked at a time."""


class MaskedReconstruction(Task):
    """Some values of a panel of genes are hidden in every cell; all other genes stay in sight.

    The panel is the data set's most variable genes. What a model says of hidden values is compared with the
    gene means of the other folds, on the same values: errors by themselves depend on the panel and on units,
    what is gained over the mean does not.
    """

    def evaluate(self, subject, cells, split, run):
        """Score a model's answers."""
        return self._score(subject.cells, subject.reconstruct, split, run)

    def baseline(self, name, cells, split, run):
        """Score the gene means of the other folds, which gain nothing over themselves."""
        if name != "gene_mean":
            return super().baseline(name, cells, split, run)
        return self._score(cells, None, split, run)

    def _score(self, cells, answers, split, run):
        panel = np.flatnonzero(cells.measured)
        if len(panel) > self.parameters["n_genes"]:
            chosen = most_variable(cells, self.parameters["n_genes"])
            panel = np.sort(chosen[np.isin(chosen, panel)])
        means = _means(cells, panel, split.fold)
        tested = np.flatnonzero(split.fold >= 0)
        errors, gene_mean_errors, counts = (np.zeros((len(tested), len(panel))) for _ in range(3))
        for start in range(0, len(tested), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            rows = tested[part]
            cell_counts = cells.rows(rows)
            hidden = _hidden(cell_counts, len(panel), self.parameters["mask_rate"])
            truth = log_normalise(cell_counts).toarray()[:, panel]
            mean = means[split.fold[rows]]
            found = mean if answers is None else self._asked(answers, cells, rows, panel, hidden)
            errors[part], gene_mean_errors[part] = (truth - found) ** 2 * hidden, (truth - mean) ** 2 * hidden
            counts[part] = hidden
            run.progress(min(start + AT_ONCE, len(tested)), len(tested))
        return self._scores(errors, gene_mean_errors, counts, split.units[tested])

    def _asked(self, answers, cells, rows, panel, hidden):
        everywhere = np.zeros((len(rows), len(cells.genes)), dtype=bool)
        everywhere[:, panel] = hidden
        return answers(rows, everywhere)[:, panel].astype(float)

    def _scores(self, errors, gene_mean_errors, counts, units):
        restored = np.isfinite(errors).all(axis=0)
        share = float(restored.mean())
        notes = {"genes_asked": len(restored), "genes_restored": int(restored.sum())}
        if share < self.parameters["genes_needed"]:
            reason = f"the model restores {share:.0%} of the genes that are asked"
            return Scores(values={}, undefined=dict.fromkeys(METRICS, reason), notes=notes)
        names, codes = np.unique(units.astype(str), return_inverse=True)
        sums = [
            np.bincount(codes, weights=values[:, restored].sum(axis=1)).astype(float)
            for values in (errors, gene_mean_errors, counts)
        ]
        found = restoration(*(each.sum() for each in sums))
        # A unit whose gene means are right already can gain nothing over them, and does not count for that.
        gainable = sums[1] > 0
        gained = restoration(*(each[gainable].sum() for each in sums))
        found |= {name: gained[name] for name in GAINED}
        defined = {name: float(value) for name, value in found.items() if np.isfinite(value)}
        return Scores(
            values=defined,
            undefined=dict.fromkeys(found.keys() - defined.keys(), "gene means, or the answers, are exact"),
            # Of the one score that is the mean of its units, by what there is to gain, however little a cell
            # has to tell. The others say the same of the whole and are no means of units.
            units={R2: restoration(*sums)[R2]} if R2 in defined else {},
            unit_names=names.tolist(),
            weights=sums[1] if gainable.any() else None,
            notes=notes,
        )


def _hidden(cell_counts, n_genes, rate):
    """Return which values are hidden (cells x genes): in a cell always the same, wherever it stands.

    For every seed too: it is the question, so that runs differ by their answers alone.
    """
    drawn = []
    for cell in cell_counts:
        content = crc32(cell.data.tobytes(), crc32(cell.indices.tobytes()))
        drawn.append(np.random.default_rng(content).random(n_genes) < rate)
    return np.array(drawn)


def _means(cells, panel, fold):
    """Return mean log-normalised expression outside of each fold (folds x genes)."""
    n_folds = fold.max() + 1
    sums, counts, start = np.zeros((n_folds, len(panel))), np.bincount(fold[fold >= 0], minlength=n_folds), 0
    for batch in cells.batches():
        values = log_normalise(batch).tocsc()[:, panel].tocsr()
        of_batch = fold[start : start + values.shape[0]]
        for number in range(n_folds):
            sums[number] += np.asarray(values[of_batch == number].sum(axis=0)).ravel()
        start += values.shape[0]
    return (sums.sum(axis=0) - sums) / (counts.sum() - counts)[:, None]
