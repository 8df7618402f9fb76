"""The ladder of probes: what can be read off a frozen embedding by neighbours, planes and a small network.

Each rung is a score of its own. Whatever a rung chooses (a penalty, when to stop) it chooses inside the
taught cells, holding out whole groups of them, so that no donor is on both sides of a choice either.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.contracts.task import Split
from harness.errors import ContractBroken, NotApplicable, did_you_mean
from harness.measures.classification import Predictions
from harness.measures.linear import class_codes, logistic_path, ridge_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

PENALTIES = (10.0, 1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5)
"""From strong to weak, per taught cell, see :mod:`harness.measures.linear`."""
FIXED_PENALTY = 0.1
"""Where the taught cells cannot be divided by group."""
INNER_FOLDS = 3
ROUGH = 3e-5
"""To this gradient logistic regression is taught for the choice of its penalty, which saves a third of it."""
HIDDEN = 128
BATCH = 64
STOPPING_FOLDS = 5
"""A network is taught all but one of so many parts of its cells, and stops by the one."""
PATIENCE = 5
MAX_EPOCHS = 100
FIXED_EPOCHS = 20
"""Where the taught cells cannot be divided by group."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a probe is taught and asked.

    Attributes
    ----------
    taught, tested
        Features (n_taught x width) and (n_tested x width).
    classes
        (n_taught,): numbers of classes.
    groups
        (n_taught,): what must not be on both sides of an inner choice.
    neighbours
        How many vote, where neighbours do.
    seed
        Of inner folds and initial weights.
    """

    taught: NDArray[Any]
    tested: NDArray[Any]
    classes: NDArray[np.int64]
    groups: NDArray[Any]
    neighbours: int = 5
    seed: int = 0

    @property
    def n_classes(self) -> int:
        """Number of classes; their numbers start at 0."""
        return int(self.classes.max()) + 1

    def inner_folds(self, n_folds: int = INNER_FOLDS) -> list[Fold]:
        """Return the inner folds of the taught cells, see :func:`grouped_folds`."""
        return grouped_folds(self.classes, self.groups, n_folds, self.seed)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a probe says.

    Attributes
    ----------
    scores
        (n_tested x n_classes): the class of the highest one is told.
    choice
        What the probe chose inside the taught cells.
    """

    scores: NDArray[np.float64]
    choice: Mapping[str, Any] = field(default_factory=dict)


def probe_predictions(
    embedding: NDArray[np.floating[Any]],
    labels: NDArray[np.object_],
    split: Split,
    *,
    probe: str = "knn",
    neighbours: int = 5,
    width: int | None = None,
    shuffled_labels: bool = False,
    seed: int = 0,
) -> Predictions:
    """Predict the cells of every fold by a probe that was taught what the split lets it learn from.

    Cells that the split sets apart as familiar ground are told by the same probes.

    Parameters
    ----------
    embedding
        (n_cells x width), finite.
    labels
        (n_cells,).
    split
        Its units are the groups of inner choices.
    probe
        One of :data:`PROBES`.
    neighbours
        Of the probe ``"knn"``.
    width
        Project wider embeddings onto so many principal components of the taught cells, because a wider
        embedding gets a bigger probe.
    shuffled_labels
        Permute the labels of the taught cells: what is found then is the floor.
    seed
        Of inner folds, initial weights and the permutation.

    Raises
    ------
    ContractBroken
        There is no such probe, or a parameter is out of range.
    NotApplicable
        The split has no folds, or a fold nothing to learn from.
    """
    import numpy as np

    check_probe(probe, neighbours, width)
    order = own_order(embedding, labels)
    embedding, split = embedding[order], split.taken(order)
    classes, codes = np.unique(labels[order].astype(str), return_inverse=True)
    sheet = AnswerSheet(split, classes)
    rng = np.random.default_rng(seed)
    for taught, asked in sheet.folds():
        features = probe_features(embedding, taught, probe, width)
        lesson = Lesson(
            taught=features[taught],
            tested=features[asked],
            classes=rng.permutation(codes[taught]) if shuffled_labels else codes[taught],
            groups=split.units[taught].astype(str),
            neighbours=neighbours,
            seed=seed,
        )
        answer = ask(probe, lesson, len(classes))
        untaught = ~np.isin(codes[asked], lesson.classes)
        sheet.write(asked, answer, untaught)
    return sheet.predictions(np.argsort(order), probe in PROBABILISTIC, _of_width(width, embedding))


def majority_predictions(labels: NDArray[np.object_], split: Split) -> Predictions:
    """Predict the most frequent label of the taught cells; of equally frequent ones the first by name.

    The probabilities are the shares of the labels there.
    """
    import numpy as np

    classes, codes = np.unique(labels.astype(str), return_inverse=True)
    sheet = AnswerSheet(split, classes)
    for taught, asked in sheet.folds():
        shares = class_shares(codes[taught], len(classes))
        answer = Answer(scores=np.tile(shares, (int(asked.sum()), 1)))
        sheet.write(asked, answer, ~np.isin(codes[asked], codes[taught]))
    return sheet.predictions(np.arange(len(labels)), True, {})


def neighbour_votes(
    embedding: NDArray[np.floating[Any]],
    labels: NDArray[np.object_],
    fold: NDArray[np.int64],
    neighbours: int = 5,
) -> NDArray[np.object_]:
    """Predict each cell from its nearest neighbours (Euclidean) in the other folds.

    A negative fold neither teaches nor is tested; its cells are told nothing, an empty text.
    """
    split = Split(fold=fold, n_folds=int(fold.max()) + 1, units=labels, unit_kind="cell type")
    return probe_predictions(embedding, labels, split, neighbours=neighbours).labels


def check_probe(probe: str, neighbours: int, width: int | None) -> None:
    """Refuse a probe that there is not, and numbers that make no sense."""
    if probe not in PROBES:
        raise ContractBroken(f'the probe "{probe}" is unknown.' + did_you_mean(str(probe), list(PROBES)))
    for name, value in (("neighbours", neighbours), ("width", 1 if width is None else width)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ContractBroken(f'the parameter "{name}" is {value!r}; a whole number from 1 up is needed')


def own_order(embedding: NDArray[np.floating[Any]], labels: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return an order of the cells that does not depend on the order in which they came.

    Draws follow it, so that the same cells get the same folds and batches wherever they stand in a file.
    """
    import numpy as np

    return np.lexsort((embedding.sum(axis=1, dtype=np.float64), labels.astype(str)))


def probe_features(
    embedding: NDArray[np.floating[Any]], taught: NDArray[np.bool_], probe: str, width: int | None = None
) -> NDArray[Any]:
    """Return what a probe sees of an embedding (n_cells x features), all of it learnt from taught cells.

    Columns that are constant among them go; wider embeddings are projected onto ``width`` principal
    components. Planes then see unit variances; a network sees all columns in one unit, since it would learn
    the noise of blown-up ones by heart; neighbours see the distances of the embedding.
    """
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    known = embedding[taught]
    varying = np.ptp(known, axis=0) > 0
    features = embedding if varying.all() else embedding[:, varying]
    if width is not None and width < features.shape[1]:
        features = _projected(features, taught, width)
    if probe == "knn" or not varying.any():
        return features
    features = features.astype(np.float64)
    scaler = StandardScaler().fit(features[taught])
    if probe == "mlp":
        scaler.scale_ = np.sqrt(scaler.var_.mean())
    scaled: NDArray[np.float64] = scaler.transform(features)
    return scaled


def _projected(
    features: NDArray[np.floating[Any]], taught: NDArray[np.bool_], width: int
) -> NDArray[np.float64]:
    import numpy as np
    from sklearn.decomposition import PCA

    known = features[taught].astype(np.float64)
    solver = "covariance_eigh" if len(known) > known.shape[1] else "full"
    model = PCA(min(width, len(known)), svd_solver=solver).fit(known)
    projected: NDArray[np.float64] = model.transform(features.astype(np.float64))
    return projected


def ask(probe: str, lesson: Lesson, n_classes: int) -> Answer:
    """Ask a probe; where there is nothing to tell apart, every probe answers the shares of the classes.

    That is so where all taught cells are of one class, or at one place. A class that is not taught is never
    told: its score is 0, or minus infinity where scores are no probabilities.

    Parameters
    ----------
    n_classes
        Columns of the answer, one for each class that there is.
    """
    import numpy as np

    present, compact = np.unique(lesson.classes, return_inverse=True)
    one_place = not np.ptp(lesson.taught, axis=0).any()
    if len(present) == 1 or one_place:
        shares = np.tile(class_shares(lesson.classes, n_classes), (len(lesson.tested), 1))
        return Answer(scores=shares, choice={"shares": "one place" if one_place else "one class"})
    answer = PROBES[probe](replace(lesson, classes=compact))
    scores = np.full((len(lesson.tested), n_classes), 0.0 if probe in PROBABILISTIC else -np.inf)
    scores[:, present] = answer.scores
    return replace(answer, scores=scores)


def class_shares(codes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return the share of every class (n_classes,)."""
    import numpy as np

    return np.bincount(codes, minlength=n_classes) / len(codes)


# -- inner choices -------------------------------------------------------------------------------------


def grouped_folds(
    classes: NDArray[np.int64], groups: NDArray[Any], n_folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide cells into (taught, held out) rows, whole groups on one side, classes as even as that allows.

    Held-out cells of a class that is not taught are left out, since no choice could help them; so are folds
    that teach one class alone.

    Returns
    -------
    At most ``n_folds`` pairs of row numbers; none where there is one group, or one cell of each class.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    names, of_group = np.unique(groups, return_inverse=True)
    n_folds = min(n_folds, len(names), int(np.bincount(classes).max()))
    if n_folds < 2:
        return []
    # Where every cell is a group of its own, a division by cell is the same and needs no loop over groups.
    kind = StratifiedKFold if len(names) == len(groups) else StratifiedGroupKFold
    divided = kind(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The (least populated class|groups parameter)")
        pairs = list(divided.split(np.zeros((len(classes), 1)), classes, of_group))
    pairs = [(taught, held[np.isin(classes[held], classes[taught])]) for taught, held in pairs]
    return [(taught, held) for taught, held in pairs if len(held) and np.ptp(classes[taught])]


def _chosen(lesson: Lesson, losses: Callable[[Lesson, list[Fold]], list[float]]) -> dict[str, Any]:
    """Return the penalty of least held-out loss, the stronger one of equals."""
    folds = lesson.inner_folds()
    if not folds:
        return {"penalty": FIXED_PENALTY, "inner_folds": 0}
    found = losses(lesson, folds)
    return {"penalty": PENALTIES[found.index(min(found))], "inner_folds": len(folds)}


# -- the rungs -----------------------------------------------------------------------------------------


def _knn(lesson: Lesson) -> Answer:
    """Shares of the votes of the nearest cells (Euclidean): k = 5 as published (DenAdel et al. 2026)."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(lesson.neighbours, len(lesson.taught)), algorithm="brute")
    model.fit(lesson.taught, lesson.classes)
    return Answer(scores=model.predict_proba(lesson.tested))


def _ridge(lesson: Lesson) -> Answer:
    """Ridge regression on class codes; the penalty is that of least squared error on held-out groups."""
    choice = _chosen(lesson, _ridge_losses)
    model = next(ridge_path(lesson.taught, lesson.classes, lesson.n_classes, [choice["penalty"]]))
    return Answer(scores=model.scores(lesson.tested), choice=choice)


def _ridge_losses(lesson: Lesson, folds: list[Fold]) -> list[float]:
    import numpy as np

    losses = np.zeros(len(PENALTIES))
    for taught, held in folds:
        truth = class_codes(lesson.classes[held], lesson.n_classes)
        path = ridge_path(lesson.taught[taught], lesson.classes[taught], lesson.n_classes, PENALTIES)
        losses += [((model.scores(lesson.taught[held]) - truth) ** 2).sum() for model in path]
    return [float(loss) for loss in losses]


def _logistic(lesson: Lesson) -> Answer:
    """Multinomial logistic regression; the penalty is that of least log loss on held-out groups."""
    from scipy.special import softmax

    with _folds_side_by_side() as pool:
        choice = _chosen(lesson, partial(_logistic_losses, pool))
        model = next(logistic_path(lesson.taught, lesson.classes, lesson.n_classes, [choice["penalty"]]))
    if not model.converged:
        choice["not_converged"] = True
    return Answer(scores=softmax(model.scores(lesson.tested), axis=1), choice=choice)


@contextmanager
def _folds_side_by_side() -> Iterator[ThreadPoolExecutor]:
    """Use the threads that products may use for folds instead, and one for each product.

    The products of a few classes are so small that threads would only wait for each other: two of them took
    three times as long as one.
    """
    from threadpoolctl import threadpool_info, threadpool_limits

    threads = max(
        (pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1
    )
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as executor:
        yield executor


def _logistic_losses(pool: ThreadPoolExecutor, lesson: Lesson, folds: list[Fold]) -> list[float]:
    """Return the losses from the strongest penalty on to the first at which they rise again."""
    paths = [_logistic_fold(lesson, *fold) for fold in folds]
    losses: list[float] = []
    for _ in PENALTIES:
        losses.append(sum(pool.map(next, paths)))
        if len(losses) > 1 and losses[-1] > losses[-2]:
            break
    return losses


def _logistic_fold(lesson: Lesson, taught: NDArray[np.int64], held: NDArray[np.int64]) -> Iterator[float]:
    import numpy as np
    from scipy.special import log_softmax

    present, compact = np.unique(lesson.classes[taught], return_inverse=True)
    columns = np.searchsorted(present, lesson.classes[held])
    for model in logistic_path(lesson.taught[taught], compact, len(present), PENALTIES, ROUGH):
        surprise = -log_softmax(model.scores(lesson.taught[held]), axis=1)
        yield float(surprise[np.arange(len(held)), columns].sum())


def _mlp(lesson: Lesson) -> Answer:
    """One hidden layer, trained by Adam until the log loss of a held-out part of the groups rises.

    The network is not trained again on the part that it stopped by.
    """
    import numpy as np

    folds = lesson.inner_folds(STOPPING_FOLDS)
    features = lesson.taught.astype(np.float32)
    training = _Training(features, lesson.classes, lesson.seed)
    epochs = training.until_worse(*folds[0]) if folds else training.for_epochs(FIXED_EPOCHS)
    scores = training.network.predict_proba(lesson.tested.astype(np.float32))
    return Answer(
        scores=scores.astype(np.float64), choice={"epochs": epochs, "inner_folds": min(1, len(folds))}
    )


class _Training:
    """A network that is taught pass by pass; ``rows`` are those of the taught cells."""

    def __init__(self, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> None:
        import numpy as np
        from sklearn.neural_network import MLPClassifier

        self.features, self.classes, self.names = features, classes, np.unique(classes)
        # A generator, not a number: with a number every pass would come in the same order.
        state = np.random.RandomState(seed)
        self.network = MLPClassifier((HIDDEN,), batch_size=min(BATCH, len(features)), random_state=state)

    def pass_over(self, rows: Any = slice(None)) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Got `batch_size`")
            self.network.partial_fit(self.features[rows], self.classes[rows], classes=self.names)

    def for_epochs(self, epochs: int) -> int:
        for _ in range(epochs):
            self.pass_over()
        return epochs

    def until_worse(self, taught: NDArray[np.int64], held: NDArray[np.int64]) -> int:
        """Stop when the held-out loss has not improved for some passes; keep the best weights."""
        losses: list[float] = []
        best: list[NDArray[np.float32]] = []
        while len(losses) < MAX_EPOCHS and len(losses) - _best(losses) <= PATIENCE:
            self.pass_over(taught)
            losses.append(self.surprise(held))
            if _best(losses) == len(losses):
                best = [weights.copy() for weights in (*self.network.coefs_, *self.network.intercepts_)]
        self.network.coefs_, self.network.intercepts_ = best[:2], best[2:]
        return _best(losses)

    def surprise(self, rows: NDArray[np.int64]) -> float:
        """Return the summed log loss; a probability that float32 rounds to 0 counts as the least it holds."""
        import numpy as np

        probabilities = self.network.predict_proba(self.features[rows])
        of_truth = probabilities[np.arange(len(rows)), self.classes[rows]].astype(np.float64)
        return -float(np.log(of_truth.clip(np.finfo(np.float32).tiny)).sum())


def _best(losses: list[float]) -> int:
    """Return after how many passes the loss was least; 0 before the first."""
    return losses.index(min(losses)) + 1 if losses else 0


PROBES: Mapping[str, Callable[[Lesson], Answer]] = MappingProxyType(
    {"knn": _knn, "ridge": _ridge, "logistic": _logistic, "mlp": _mlp}
)
PROBABILISTIC = ("knn", "logistic", "mlp")
"""Probes whose scores are probabilities."""


# -- what is handed back -------------------------------------------------------------------------------


class AnswerSheet:
    """The answers of classifiers as they come in, fold by fold.

    Parameters
    ----------
    split
        Whose folds are asked; cells that it sets apart as familiar ground are asked beside the tested ones.
    classes
        (n_classes,), sorted: the columns of every answer.
    """

    def __init__(self, split: Split, classes: NDArray[np.str_]) -> None:
        import numpy as np

        self.split, self.classes = split, classes
        self.exams = [split.fold] if split.in_distribution is None else [split.fold, split.in_distribution]
        self.scores = [np.zeros((len(split.fold), len(classes))) for _ in self.exams]
        self.choices: list[Mapping[str, Any]] = []
        self.untaught = 0

    def folds(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Yield which cells are taught and which are asked."""
        import numpy as np

        if not self.split.n_folds:
            raise NotApplicable("the split divides nothing, so there is nothing to learn from")
        for number in range(self.split.n_folds):
            taught = self.split.training(number)
            if not taught.any():
                raise NotApplicable(f"fold {number} of the split has nothing to learn from")
            self.number = number
            yield taught, np.any([exam == number for exam in self.exams], axis=0)

    def write(self, asked: NDArray[np.bool_], answer: Answer, untaught: NDArray[np.bool_]) -> None:
        """Note an answer to the fold that :meth:`folds` yielded last.

        ``untaught`` says of each cell that was asked whether its class was not taught.
        """
        for exam, scores in zip(self.exams, self.scores, strict=True):
            tested = exam == self.number
            scores[tested] = answer.scores[tested[asked]]
        self.choices.append(answer.choice)
        self.untaught += int(untaught.sum())

    def predictions(
        self, order: NDArray[np.int64], probabilistic: bool, notes: Mapping[str, Any]
    ) -> Predictions:
        """Return the answers to the cells in this order."""
        found = [
            self._told(exam[order] >= 0, scores[order], probabilistic)
            for exam, scores in zip(self.exams, self.scores, strict=True)
        ]
        return replace(found[0], notes={**self._notes(), **notes}, in_distribution=(*found[1:], None)[0])

    def _told(
        self, tested: NDArray[np.bool_], scores: NDArray[np.float64], probabilistic: bool
    ) -> Predictions:
        import numpy as np

        labels = np.full(len(tested), "", dtype=object)
        labels[tested] = self.classes[scores[tested].argmax(axis=1)]
        return Predictions(
            labels=labels, classes=self.classes, probabilities=scores if probabilistic else None
        )

    def _notes(self) -> dict[str, Any]:
        """Say what was chosen in each fold, and how many cells could not be told rightly."""
        names = sorted({name for choice in self.choices for name in choice})
        notes: dict[str, Any] = {name: [choice.get(name) for choice in self.choices] for name in names}
        return {**notes, "cells_of_untaught_classes": self.untaught} if self.untaught else notes


def _of_width(width: int | None, embedding: NDArray[Any]) -> dict[str, Any]:
    if width is None:
        return {}
    own = embedding.shape[1]
    return {"width": width if width < own else f"{own}, left as it is"}
