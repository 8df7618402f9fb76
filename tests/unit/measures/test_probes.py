"""The ladder of probes: each rung against scikit-learn, inner choices by group, and what is degenerate."""

import numpy as np
import pytest
from anndata import read_h5ad
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness import PROBES as NAMED
from harness.contracts.task import Split
from harness.errors import ContractBroken, NotApplicable
from harness.measures import (
    PROBES,
    classification_scores,
    majority_predictions,
    neighbour_votes,
    probe_predictions,
)
from harness.measures.probes import PENALTIES, Lesson, _mlp, grouped_folds

CLASSES = np.array(["B", "NK", "T"], dtype=object)
rungs = pytest.mark.parametrize("probe", PROBES)


def words(text):
    return np.array(text.split(), dtype=object)


def split(fold, units, **others):
    return Split(fold=np.asarray(fold), n_folds=int(max(fold)) + 1, units=units, unit_kind="donor", **others)


class Atlas:
    """200 cells of three types in overlapping clouds, ten donors in four folds, ten cells outside of them."""

    def __init__(self, seed=3, width=6, apart=0.8):
        rng = np.random.default_rng(seed)
        kind = rng.integers(0, 3, 200)
        donor = rng.integers(0, 10, 200)
        centres = apart * rng.normal(size=(3, width))
        self.embedding = (rng.normal(size=(200, width)) + centres[kind]).astype(np.float32)
        self.labels = CLASSES[kind]
        self.units = np.array([f"donor {number}" for number in donor], dtype=object)
        self.fold = donor % 4
        self.fold[:10] = -1

    def told(self, probe="knn", embedding=None, **others):
        embedding = self.embedding if embedding is None else embedding
        return probe_predictions(embedding, self.labels, self.split, probe=probe, **others)

    @property
    def split(self):
        return split(self.fold, self.units)

    def score(self, **others):
        return classification_scores(self.labels, self.told(**others), self.fold, self.units).values[
            "micro_f1"
        ]

    def folds(self):
        for number in range(4):
            yield self.fold == number, (self.fold >= 0) & (self.fold != number)


@pytest.fixture
def atlas():
    return Atlas()


# -- each rung -----------------------------------------------------------------------------------------


def test_neighbours_are_those_of_scikit_learn(atlas):
    """Fold by fold, the classifier of five neighbours that learnt from the other folds; votes in fifths."""
    found = atlas.told("knn")
    for tested, taught in atlas.folds():
        peer = KNeighborsClassifier(5, algorithm="kd_tree")
        peer.fit(atlas.embedding[taught], atlas.labels[taught].astype(str))
        assert (found.labels[tested] == peer.predict(atlas.embedding[tested])).all()
        np.testing.assert_allclose(found.probabilities[tested], peer.predict_proba(atlas.embedding[tested]))
    assert (neighbour_votes(atlas.embedding, atlas.labels, atlas.fold) == found.labels).all()


def test_ridge_is_that_of_scikit_learn(atlas):
    """On features standardised on the taught cells, at the penalty that each fold chose."""
    found = atlas.told("ridge")
    assert found.probabilities is None
    for (tested, taught), penalty in zip(atlas.folds(), found.notes["penalty"], strict=True):
        peer = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty * taught.sum()))
        peer.fit(atlas.embedding[taught].astype(float), atlas.labels[taught].astype(str))
        assert (found.labels[tested] == peer.predict(atlas.embedding[tested].astype(float))).all()


def test_logistic_regression_is_that_of_scikit_learn(atlas):
    """On features standardised on the taught cells, at the penalty that each fold chose."""
    found = atlas.told("logistic")
    for (tested, taught), penalty in zip(atlas.folds(), found.notes["penalty"], strict=True):
        logistic = LogisticRegression(C=1 / (penalty * taught.sum()), solver="newton-cg", tol=1e-10)
        peer = make_pipeline(StandardScaler(), logistic)
        peer.fit(atlas.embedding[taught].astype(float), atlas.labels[taught].astype(str))
        expected = peer.predict_proba(atlas.embedding[tested].astype(float))
        assert np.abs(found.probabilities[tested] - expected).max() < 1e-4
    assert "not_converged" not in found.notes


def test_the_network_keeps_the_weights_of_its_best_pass(monkeypatch):
    """As many passes of scikit-learn's network over the same cells, and no more, give the same answer."""
    monkeypatch.setattr("harness.measures.probes.MAX_EPOCHS", 100)
    atlas = Atlas(apart=0.3)
    x, kind = atlas.embedding, np.unique(atlas.labels, return_inverse=True)[1]
    lesson = Lesson(taught=x[:150], tested=x[150:], classes=kind[:150], groups=atlas.units[:150], seed=4)
    found = _mlp(lesson)
    taught, held = lesson.inner_folds(5)[0]
    assert not set(lesson.groups[taught]) & set(lesson.groups[held])
    peer = MLPClassifier((128,), batch_size=64, random_state=np.random.RandomState(4))
    assert found.choice["epochs"] < 90  # it went on for a while and came back
    for _ in range(found.choice["epochs"]):
        peer.partial_fit(x[taught], kind[taught], classes=[0, 1, 2])
    np.testing.assert_allclose(found.scores, peer.predict_proba(x[150:]), atol=1e-5)


def test_on_real_cells_too(shared):
    """Blood of ten batches, eight types of very different frequency: votes and planes of scikit-learn."""
    cells = read_h5ad(shared / "data" / "pbmc_10batch.h5ad")
    embedding = TruncatedSVD(20, random_state=0).fit_transform(cells.X.log1p()).astype(np.float32)
    labels = cells.obs["cell_type"].astype(str).to_numpy(dtype=object)
    units = cells.obs["batch"].astype(str).to_numpy(dtype=object)
    divided = split(np.unique(units.astype(str), return_inverse=True)[1] % 3, units)
    votes = probe_predictions(embedding, labels, divided, probe="knn")
    planes = probe_predictions(embedding, labels, divided, probe="ridge")
    for number, penalty in enumerate(planes.notes["penalty"]):
        taught, tested = divided.training(number), divided.tested(number)
        x, y, fresh = embedding[taught], labels[taught].astype(str), embedding[tested].astype(float)
        peer = KNeighborsClassifier(5).fit(x, y)
        np.testing.assert_allclose(votes.probabilities[tested], peer.predict_proba(embedding[tested]))
        ridge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty * taught.sum()))
        assert (planes.labels[tested] == ridge.fit(x.astype(float), y).predict(fresh)).all()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A network that has not converged is good enough here."""
    monkeypatch.setattr("harness.measures.probes.MAX_EPOCHS", 8)


@rungs
def test_every_rung_tells_clouds_apart(probe):
    """Far apart all is right, and what is told has the highest probability."""
    atlas = Atlas(apart=8)
    found = atlas.told(probe)
    tested = atlas.fold >= 0
    assert (found.labels == atlas.labels)[tested].mean() > 0.99
    if found.probabilities is not None:
        np.testing.assert_allclose(found.probabilities[tested].sum(axis=1), 1, atol=1e-6)
        assert (found.labels == CLASSES[found.probabilities.argmax(axis=1)])[tested].all()


def test_rungs_see_different_things(monkeypatch):
    """Rings within rings: neighbours and the network tell them apart, no plane does."""
    monkeypatch.setattr("harness.measures.probes.MAX_EPOCHS", 40)
    rng = np.random.default_rng(0)
    kind, angle = rng.integers(0, 2, 600), rng.uniform(0, 2 * np.pi, 600)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + 2 * kind[:, None])
    embedding = (ring + 0.1 * rng.normal(size=(600, 2))).astype(np.float32)
    labels, fold = CLASSES[kind], rng.integers(0, 3, 600)
    units = np.array([f"cell {i}" for i in range(600)], dtype=object)

    def right(probe):
        return (probe_predictions(embedding, labels, split(fold, units), probe=probe).labels == labels).mean()

    assert right("knn") > 0.99
    assert right("mlp") > 0.97
    assert max(right("ridge"), right("logistic")) < 0.65


# -- inner choices -------------------------------------------------------------------------------------


def test_no_group_is_on_both_sides():
    """Whole groups are held out, and each of them once."""
    rng = np.random.default_rng(0)
    classes, groups = rng.integers(0, 3, 200), rng.integers(0, 7, 200)
    folds = grouped_folds(classes, groups, 3, seed=0)
    assert len(folds) == 3
    for taught, held in folds:
        assert not set(groups[taught]) & set(groups[held])
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(200))


class Signature:
    """Cells of a donor and type are nearly copies of each other, elsewhere in 40 dimensions for each pair;
    one more dimension tells the type, with noise. A free plane learns copies by heart, a stiff one the
    dimension."""

    rng = np.random.default_rng(1)
    kind, donor = (grid.ravel() for grid in np.indices((2, 16)))
    kind, donor = np.repeat(kind, 12), np.repeat(donor, 12)
    place = 2 * rng.normal(size=(2, 16, 40))[kind, donor] + 0.05 * rng.normal(size=(384, 40))
    embedding = np.column_stack([place, 0.8 * (2 * kind - 1) + rng.normal(size=384)]).astype(np.float32)
    labels, fold = CLASSES[kind], donor % 4
    units = np.array([f"donor {number}" for number in donor], dtype=object)
    cells = np.array([f"cell {number}" for number in range(384)], dtype=object)

    def ask(self, probe, units):
        found = probe_predictions(self.embedding, self.labels, split(self.fold, units), probe=probe)
        return (found.labels == self.labels).mean(), found.notes["penalty"]


@pytest.mark.parametrize("probe", ["ridge", "logistic"])
def test_choosing_by_cell_would_leak(probe):
    """Copies of a held-out cell among the taught ones recommend a weak penalty, which fails on new donors."""
    by_donor, stiff = Signature().ask(probe, Signature.units)
    by_cell, free = Signature().ask(probe, Signature.cells)
    assert min(stiff) > 10 * max(free)
    assert by_donor > by_cell + 0.05


def test_the_penalty_of_least_loss_is_found_by_hand():
    """Squared errors of scikit-learn's ridge over the same inner folds name the same penalty."""
    atlas = Atlas()
    _, taught = next(atlas.folds())
    chosen = atlas.told("ridge").notes["penalty"][0]
    order = np.lexsort((atlas.embedding.sum(axis=1, dtype=float), atlas.labels.astype(str)))
    mine = order[taught[order]]
    x = StandardScaler().fit_transform(atlas.embedding[mine].astype(float))
    kind = np.unique(atlas.labels[mine].astype(str), return_inverse=True)[1]
    codes = np.where(kind[:, None] == [0, 1, 2], 1.0, -1.0)
    losses = []
    for penalty in PENALTIES:
        loss = 0
        for inner, held in grouped_folds(kind, atlas.units[mine].astype(str), 3, seed=0):
            peer = RidgeClassifier(alpha=penalty * len(inner)).fit(x[inner], kind[inner])
            loss += ((peer.decision_function(x[held]) - codes[held]) ** 2).sum()
        losses.append(loss)
    assert chosen == PENALTIES[int(np.argmin(losses))]


def test_where_every_cell_is_a_group_folds_are_by_cell():
    """In about equal parts, with the classes as even as they can be."""
    classes = np.repeat([0, 1], [90, 30])
    folds = grouped_folds(classes, np.arange(120), 3, seed=0)
    assert [np.bincount(classes[held]).tolist() for _, held in folds] == [[30, 10]] * 3


def test_what_cannot_be_learnt_is_not_held_out():
    """A class of one group alone: its cells are taught or left out, and never spoil the choice."""
    classes = np.array([0, 0, 1, 1, 0, 1, 2, 2])
    groups = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    folds = grouped_folds(classes, groups, 3, seed=0)
    assert folds
    for taught, held in folds:
        assert set(classes[held]) <= set(classes[taught])
        assert len(set(classes[taught])) > 1


@pytest.mark.parametrize(
    ("classes", "groups"),
    [([0, 0, 1, 1], [5, 5, 5, 5]), ([0, 1, 2], [1, 2, 3]), ([0, 0, 1, 1], [1, 1, 2, 2])],
)
def test_where_there_are_no_inner_folds(classes, groups):
    """One group; one cell of each class; each class in a group of its own."""
    assert grouped_folds(np.array(classes), np.array(groups), 3, seed=0) == []


# -- width, seeds, order, shuffled labels --------------------------------------------------------------


def test_the_common_width_is_that_of_components_of_the_taught_cells(atlas):
    """Scikit-learn's components of the taught cells, whatever the tested ones are."""
    found = atlas.told("knn", width=2)
    for tested, taught in atlas.folds():
        model = PCA(2, svd_solver="full").fit(atlas.embedding[taught].astype(float))
        x = model.transform(atlas.embedding.astype(float))
        peer = KNeighborsClassifier(5).fit(x[taught], atlas.labels[taught].astype(str))
        np.testing.assert_allclose(found.probabilities[tested], peer.predict_proba(x[tested]))
    assert found.notes["width"] == 2


@pytest.mark.parametrize("probe", ["knn", "ridge", "logistic"])
def test_tested_cells_shape_nothing(atlas, probe):
    """Components, scale, penalty: one tested cell gone astray changes the answer to no other cell."""
    astray = atlas.embedding.copy()
    cell = int(np.flatnonzero(atlas.fold == 0)[0])
    astray[cell] = 1000
    others = (atlas.fold == 0) & (np.arange(200) != cell)
    one, other = (atlas.told(probe, e, width=3).labels[others] for e in (atlas.embedding, astray))
    assert (one == other).all()


def test_an_embedding_that_is_narrower_is_left_as_it_is(atlas):
    """And the note says so."""
    narrow = atlas.told("ridge", width=6)
    assert (narrow.labels == atlas.told("ridge").labels).all()
    assert narrow.notes["width"] == "6, left as it is"
    assert "width" not in atlas.told("ridge").notes


def test_a_full_rotation_changes_no_plane(atlas):
    """Components as many as dimensions but one of no variance: ridge tells the same."""
    wider = np.column_stack([atlas.embedding, np.full(200, 0.1, dtype=np.float32)])
    assert (atlas.told("knn", wider, width=6).labels == atlas.told("knn").labels).all()


@rungs
def test_the_order_of_the_cells_does_not_matter(atlas, probe):
    """Neither for folds nor for batches."""
    order = np.random.default_rng(0).permutation(200)
    expected = atlas.told(probe, seed=5)
    found = probe_predictions(
        atlas.embedding[order], atlas.labels[order], atlas.split.taken(order), probe=probe, seed=5
    )
    assert (found.labels == expected.labels[order]).all()
    if expected.probabilities is not None:
        np.testing.assert_allclose(found.probabilities, expected.probabilities[order], atol=1e-6)


def test_the_seed_decides(atlas):
    """Same seed, same network; another seed, another one."""
    one, same, other = (atlas.told("mlp", seed=seed).probabilities for seed in (1, 1, 2))
    assert (one == same).all()
    assert not (one == other).all()


@rungs
def test_shuffled_labels_are_at_the_floor(probe):
    """Three clouds far apart, told without fault, or by chance where labels mean nothing (a third, with the
    scatter of a dozen clouds that get one label each)."""
    atlas = Atlas(apart=8)
    scores = [atlas.score(probe=probe, shuffled_labels=True, seed=seed) for seed in range(2)]
    assert np.mean(scores) < 0.5
    assert atlas.score(probe=probe) > 0.99


# -- what is degenerate --------------------------------------------------------------------------------


@rungs
def test_cells_outside_the_folds_neither_teach_nor_are_tested(atlas, probe):
    """Their labels can be anything."""
    expected = atlas.told(probe).labels
    atlas.labels = atlas.labels.copy()
    atlas.labels[:10] = "something else"
    assert (atlas.told(probe).labels == expected).all()
    assert set(expected[:10]) == {""}


def test_no_cell_votes_for_itself():
    """Two cells that are each other's only neighbours get each other's label."""
    found = neighbour_votes(np.float32([[0], [1]]), words("A B"), np.array([0, 1]), neighbours=1)
    assert found.tolist() == ["B", "A"]


def test_the_majority_is_that_of_the_other_folds():
    """By hand; where two labels are equally frequent the first by name is taken."""
    found = majority_predictions(words("A A B B B C"), split([0, 0, 0, 1, 1, -1], words("d d d e e f")))
    assert found.labels.tolist() == ["B", "B", "B", "A", "A", ""]
    np.testing.assert_allclose(found.probabilities[3], [2 / 3, 1 / 3, 0])
    assert majority_predictions(words("C B A A"), split([1, 1, 0, 0], words("d d e e"))).labels.tolist() == [
        "A",
        "A",
        "B",
        "B",
    ]


@rungs
def test_a_constant_embedding_is_the_majority(atlas, probe):
    """All taught cells at one place: the shares of the classes are all there is to say."""
    found = atlas.told(probe, np.full((200, 6), 0.1, dtype=np.float32))
    expected = majority_predictions(atlas.labels, atlas.split)
    assert (found.labels == expected.labels).all()
    assert found.notes == {"shares": ["one place"] * 4}
    if found.probabilities is not None:
        np.testing.assert_allclose(found.probabilities, expected.probabilities)


@rungs
def test_a_constant_column_changes_nothing(atlas, probe):
    """Constant among the taught cells of a fold: what tested cells have there was never learnt."""
    wider = np.column_stack([atlas.embedding, np.full(200, 0.1, dtype=np.float32)])
    wider[atlas.fold == 0, -1] = 7
    # In the other folds the cells of fold 0 are taught, and the column says which ones they are.
    first = atlas.fold == 0
    assert (atlas.told(probe, wider).labels[first] == atlas.told(probe).labels[first]).all()


@rungs
def test_one_class_in_a_training_part(probe):
    """It is all that can be told, and cells of the other class are wrong."""
    embedding = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    labels, fold = words("A A A A A B B A"), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = probe_predictions(embedding, labels, split(fold, words("d e d e f g f g")), probe=probe)
    assert set(found.labels[4:]) == {"A"}
    assert found.notes["cells_of_untaught_classes"] == 2
    assert found.notes["shares"][1] == "one class"


@rungs
def test_a_class_of_one_group_is_never_told_right(atlas, probe):
    """Where the group is tested nobody taught the class; it gets no probability and does no harm."""
    atlas.labels = atlas.labels.copy()
    alone = (atlas.fold == 1) & (np.arange(200) % 3 == 0)
    atlas.labels[alone] = "only here"
    found = atlas.told(probe)
    assert "only here" not in set(found.labels[atlas.fold == 1])
    assert found.notes["cells_of_untaught_classes"] == alone.sum()
    scores = classification_scores(atlas.labels, found, atlas.fold, atlas.units)
    assert np.isfinite(list(scores.values.values())).all()
    if found.probabilities is not None:
        assert (found.probabilities[atlas.fold == 1][:, found.classes == "only here"] == 0).all()
        assert "probability 0" in scores.undefined["log_loss"]


@pytest.mark.parametrize("probe", ["ridge", "logistic", "mlp"])
def test_a_single_unit_has_nothing_to_choose_by(atlas, probe):
    """A fixed penalty, or a fixed number of passes, and the note says so."""
    atlas.units[:] = "one donor"
    found = atlas.told(probe)
    assert found.notes["inner_folds"] == [0, 0, 0, 0]
    assert len(set(found.notes["epochs" if probe == "mlp" else "penalty"])) == 1


@rungs
def test_one_cell_per_class(probe):
    """Few labels are no error."""
    embedding = np.float32([[0, 0], [5, 5], [0, 1], [5, 6]])
    found = probe_predictions(
        embedding, words("A B A B"), split([0, 0, 1, 1], words("d d e e")), probe=probe, neighbours=1
    )
    assert found.labels.tolist() == ["A", "B", "A", "B"]


def test_a_probe_that_there_is_not(atlas):
    """A sentence says what there is."""
    with pytest.raises(ContractBroken, match=r'"forest" is unknown\. Known: knn, logistic, mlp, ridge'):
        atlas.told("forest")
    with pytest.raises(ContractBroken, match='"width" is 0; a whole number from 1 up'):
        atlas.told("knn", width=0)


def test_what_divides_nothing_teaches_nothing(atlas):
    """A sentence says so."""
    atlas.fold[:] = 0
    with pytest.raises(NotApplicable, match="fold 0 of the split has nothing to learn from"):
        atlas.told("knn")
    whole = Split(fold=atlas.fold, n_folds=0, units=atlas.units, unit_kind="data set")
    with pytest.raises(NotApplicable, match="divides nothing"):
        probe_predictions(atlas.embedding, atlas.labels, whole)


# -- any split -----------------------------------------------------------------------------------------


def test_only_what_the_split_lets_teach_teaches(atlas):
    """A split may withhold cells that it does not test either: their labels can be anything."""
    withheld = (atlas.fold == 1) & (np.arange(200) % 2 == 0)
    taught = np.array([(atlas.fold >= 0) & (atlas.fold != number) & ~withheld for number in range(4)])
    divided = split(atlas.fold, atlas.units, taught=taught)
    expected = probe_predictions(atlas.embedding, atlas.labels, divided, probe="ridge").labels
    spoiled = np.where(withheld, "B", atlas.labels)
    found = probe_predictions(atlas.embedding, spoiled, divided, probe="ridge").labels
    assert (found == expected).all()
    assert not (atlas.told("ridge").labels == expected).all()


@pytest.mark.parametrize("probe", ["knn", "ridge"])
def test_familiar_ground_is_told_by_the_same_probes(probe):
    """Cells whose donor teaches are told better than new donors, where donors differ; by models that
    scikit-learn's class teaches likewise."""
    rng = np.random.default_rng(0)
    kind, donor = rng.integers(0, 3, 600), rng.integers(0, 8, 600)
    # Every donor has places of its own for the types.
    embedding = (4 * rng.normal(size=(8, 3, 5))[donor, kind] + rng.normal(size=(600, 5))).astype(np.float32)
    labels, units = CLASSES[kind], np.array([f"donor {number}" for number in donor], dtype=object)
    fold = donor % 4
    apart = np.where(rng.random(600) < 0.4, (fold + rng.integers(1, 4, 600)) % 4, -1)
    divided = split(fold, units, in_distribution=apart)
    found = probe_predictions(embedding, labels, divided, probe=probe)
    familiar = found.in_distribution
    assert ((familiar.labels != "") == (apart >= 0)).all()
    right = (familiar.labels == labels)[apart >= 0].mean(), (found.labels == labels).mean()
    assert right[0] > right[1] + 0.1
    if probe == "knn":
        for number in range(4):
            taught = (fold != number) & (apart != number)
            peer = KNeighborsClassifier(5).fit(embedding[taught], labels[taught].astype(str))
            for told, exam in ((found, fold), (familiar, apart)):
                tested = exam == number
                assert (told.labels[tested] == peer.predict(embedding[tested])).all()
    majority = majority_predictions(labels, divided)
    assert ((majority.in_distribution.labels != "") == (apart >= 0)).all()


def test_the_front_door_names_every_probe():
    """Cards list them without importing any science."""
    assert tuple(NAMED) == tuple(PROBES)
