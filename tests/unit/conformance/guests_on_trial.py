"""Well-behaved guests, and variants that break one promise each; imported by name, as any guest is."""

import numpy as np

from harness import Model, NotApplicable, Sampler, Scores, Task


def logged(cells):
    return np.concatenate([np.log1p(batch.toarray()) for batch in cells.batches(50)])


class Good(Model):
    """Log counts, centred on the sample, projected at random."""

    def initialise(self, genes, run):
        super().initialise(genes, run)
        rng = np.random.default_rng(run.seed)
        self.weights = {"mean": np.zeros(len(genes)), "projection": rng.normal(size=(len(genes), 4))}

    def fit(self, cells, run):
        self.weights["mean"] = logged(cells).mean(axis=0)

    def embed(self, cells, run):
        return (logged(cells) - self.weights["mean"]) @ self.weights["projection"]


class Reference(Model):
    """Total counts and number of genes seen: the order of genes and cells cannot matter."""

    def embed(self, cells, run):
        counts = logged(cells)
        return np.stack([counts.sum(axis=1), (counts > 0).sum(axis=1)], axis=1)


class OneAxisPerGene(Model):
    """Log counts as they are: the order of axes is that of the genes."""

    def embed(self, cells, run):
        return logged(cells)


class NeedsFit(Good):
    def initialise(self, genes, run):
        super().initialise(genes, run)
        del self.weights["mean"]


class Unseeded(Good):
    def fit(self, cells, run):
        super().fit(cells, run)
        self.weights["mean"] += np.random.default_rng().normal()


class Unvaried(Good):
    def initialise(self, genes, run):
        super().initialise(genes, run)
        self.weights["projection"] = np.eye(len(genes))


class SortsCells(Good):
    def embed(self, cells, run):
        return np.sort(super().embed(cells, run), axis=0)


class SortsGenes(Good):
    def initialise(self, genes, run):
        super().initialise(tuple(reversed(genes)), run)


class GenesByPosition(Good):
    """As a reference model: what a gene counts for depends on where it stands."""


class WritesIntoBatches(Good):
    def fit(self, cells, run):
        for batch in cells.batches():
            batch.data[:] = 0


class ForcesItsWayIn(Good):
    def embed(self, cells, run):
        found = super().embed(cells, run)
        for batch in cells.batches():
            batch.data.setflags(write=True)
            batch.data[:] = 0
        return found


class SqueezesOneCell(Good):
    def embed(self, cells, run):
        return np.squeeze(super().embed(cells, run))


class NeedsTwoCells(Good):
    def fit(self, cells, run):
        super().fit(cells, run)
        self.weights["mean"] += logged(cells).std(axis=0, ddof=1)


class DividesByTotal(Good):
    def embed(self, cells, run):
        counts = logged(cells)
        return counts / counts.sum(axis=1, keepdims=True) @ self.weights["projection"]


class NumbersCells(Good):
    def embed(self, cells, run):
        return super().embed(cells, run) + np.arange(cells.n_cells)[:, None]


class WantsAllGenes(Good):
    def embed(self, cells, run):
        return super().embed(cells, run) / cells.measured.all()


class CountsStoredZeros(Good):
    def embed(self, cells, run):
        stored = np.concatenate([np.diff(batch.indptr) for batch in cells.batches()])
        return np.c_[super().embed(cells, run), stored]


class CentresWhatItSees(Good):
    def embed(self, cells, run):
        found = super().embed(cells, run)
        return found - found.mean(axis=0)


class Forgets(Good):
    def save(self, folder):
        self.weights["mean"] = np.zeros_like(self.weights["mean"])
        super().save(folder)


class RemembersInItsClass(Good):
    kept = {}  # noqa: RUF012

    def fit(self, cells, run):
        super().fit(cells, run)
        self.kept["mean"] = self.weights["mean"]

    def embed(self, cells, run):
        self.weights["mean"] = self.kept.get("mean", np.zeros(len(cells.genes)))
        return super().embed(cells, run)


class Pickles(Good):
    def save(self, folder):
        super().save(folder)
        (folder / "more.npz").unlink(missing_ok=True)
        np.savez(folder / "more.npz", anything=np.array([{"a": 1}], dtype=object))


class PicklesByAnotherName(Good):
    def save(self, folder):
        import pickle

        super().save(folder)
        (folder / "weights.bin").write_bytes(pickle.dumps(self.weights))


class WritesSafetensors(Good):
    def save(self, folder):
        super().save(folder)
        header = b'{"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'.ljust(0x80)
        (folder / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


class LooksForLabels(Good):
    def embed(self, cells, run):
        if cells.columns:
            raise ValueError(f"labels: {list(cells.columns)}")
        return super().embed(cells, run)


# -- samplers ------------------------------------------------------------------------------------------


class Permutes(Sampler):
    def draw(self, corpus, size, run):
        return np.random.default_rng(run.seed).permutation(corpus.n_cells)[:size]


class OneShort(Permutes):
    def draw(self, corpus, size, run):
        return super().draw(corpus, size - 1, run)


class Repeats(Sampler):
    def draw(self, corpus, size, run):
        return np.random.default_rng(run.seed).integers(0, corpus.n_cells, size)


class NotNested(Sampler):
    def draw(self, corpus, size, run):
        return np.random.default_rng([run.seed, size]).permutation(corpus.n_cells)[:size]


class UnseededSampler(Sampler):
    def draw(self, corpus, size, run):
        return np.random.default_rng().permutation(corpus.n_cells)[:size]


class SeedsEverybody(Sampler):
    def draw(self, corpus, size, run):
        np.random.seed(run.seed)
        return np.random.permutation(corpus.n_cells)[:size]


class AltersLabels(Permutes):
    def draw(self, corpus, size, run):
        corpus.columns["cell_type"][:] = "mine"
        return super().draw(corpus, size, run)


class NeedsSpread(Permutes):
    def draw(self, corpus, size, run):
        spread = np.ptp(corpus.components, axis=0)
        if (spread == 0).any():
            raise ZeroDivisionError("no spread")
        return super().draw(corpus, size, run)


class DropsDuplicates(Sampler):
    def draw(self, corpus, size, run):
        _, first = np.unique(corpus.components, axis=0, return_index=True)
        return np.random.default_rng(run.seed).permutation(first)[:size]


# -- tasks ---------------------------------------------------------------------------------------------


class Nearest(Task):
    """Share of cells whose nearest other cell, in the embedding, has their type."""

    def evaluate(self, embedding, cells, split, run):
        hits = self.hits(embedding, cells)
        return Scores(values={"hits": float(hits.mean())}, units={"hits": hits}, unit_names=range(len(hits)))

    def hits(self, embedding, cells):
        apart = ((embedding[:, None] - embedding[None]) ** 2).sum(axis=2)
        np.fill_diagonal(apart, np.inf)
        types = cells.columns["cell_type"]
        return (types[apart.argmin(axis=1)] == types).astype(float)

    def baseline(self, name, cells, split, run):
        if name != "never":
            return super().baseline(name, cells, split, run)
        return Scores(values={"hits": 0.0})


class Mute(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={})


class OutOfBounds(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": 1.5})


class NotTheMean(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": 0.5}, units={"hits": [0.25, 0.5]}, unit_names=["a", "b"])


class HitsAndMisses(Nearest):
    """Of all cells twice, so that the two do not add up to one."""

    def evaluate(self, embedding, cells, split, run):
        hits = self.hits(embedding, cells).mean()
        return Scores(values={"hits": float(hits), "misses": float(1.5 - hits)})


class ByPosition(Nearest):
    """How far the embedding lies from the origin, and how the first type is called."""

    def evaluate(self, embedding, cells, split, run):
        first = np.unique(cells.columns["cell_type"].astype(str))[0]
        return Scores(
            values={"hits": float(np.tanh(np.abs(embedding[:, 0]).mean() / 50) * (first == "000" or 0.5))}
        )


class SaysMore(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": 0.5, "unheard_of": 1.0})


class NotesAreObjects(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": 0.5}, notes={"array": np.zeros(3)})


class UnitsShareNames(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": 0.5}, units={"hits": [0.5, 0.5]}, unit_names=["a", "a"])


class NegativeWeights(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(
            values={"hits": 0.5}, units={"hits": [0.5, 0.5]}, unit_names=["a", "b"], weights=[1.0, -1.0]
        )


class AnswersForAnyBaseline(Nearest):
    def baseline(self, name, cells, split, run):
        return Scores(values={"hits": 0.0})


class SilentBaseline(Nearest):
    def baseline(self, name, cells, split, run):
        if name != "never":
            return super().baseline(name, cells, split, run)
        return Scores(values={})


class UndefinedBaseline(Nearest):
    def baseline(self, name, cells, split, run):
        if name != "never":
            return super().baseline(name, cells, split, run)
        raise NotApplicable("there are no doses")


class UnseededTask(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": float(np.random.default_rng().uniform())})


class FirstCellOnly(Nearest):
    def evaluate(self, embedding, cells, split, run):
        return Scores(values={"hits": float(abs(np.tanh(embedding[0, 0])))})


class Relabels(Nearest):
    def evaluate(self, embedding, cells, split, run):
        scores = super().evaluate(embedding, cells, split, run)
        cells.columns["cell_type"][0] = "mine"
        return scores


class Resplits(Nearest):
    def evaluate(self, embedding, cells, split, run):
        scores = super().evaluate(embedding, cells, split, run)
        split.fold[0] += 1
        return scores


class CountsMisses(Nearest):
    def hits(self, embedding, cells):
        return 1 - super().hits(embedding, cells)


class RestoresNothing(Good):
    def reconstruct(self, values, hidden, run):
        return np.full(hidden.shape, np.nan)


class LearnsByChance(Good):
    def fine_tune(self, cells, run):
        self.n_classes = len(set(cells.columns["label"]))

    def classify(self, cells, run):
        return np.random.default_rng().dirichlet(np.ones(self.n_classes), cells.n_cells)


class SureOfAll(LearnsByChance):
    def classify(self, cells, run):
        return np.ones((cells.n_cells, self.n_classes))
