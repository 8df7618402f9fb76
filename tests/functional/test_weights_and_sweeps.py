"""Published weights, swept parameters, and what a fit tells of itself: from the suite to the board."""

import json

import pytest

RUN = ("run", "mine.yaml", "--catalogue", "catalogue.yaml")


@pytest.fixture
def weights(place, installed):
    """A place with a model that takes over weights; returns a function that writes a folder of them."""
    place.packages = (installed("hostile"),)

    def write(genes, file="weights.json", name="v1"):
        folder = place.folder / name
        folder.mkdir()
        (folder / file).write_text(json.dumps(dict.fromkeys(genes, 1.0)))
        place.suite(models=[{"name": "takes_over", "weights": name}, "hvg"], corpora=[], sizes=[])
        return folder

    return write


def test_published_weights_are_a_row_of_their_own(place, weights):
    """Scored like a reference, named after their folder, computed once; no path is on the board."""
    folder = weights([f"gene{i}" for i in range(20)])
    out = place(*RUN)
    assert "takes_over with v1 (pretrained)" in out
    (score,) = [score for score in place.board()["scores"] if score["arm"] == "pretrained"]
    assert score["status"] == "ok"
    assert score["weights"]["name"] == "v1"
    assert score["notes"]["model_genes_measured"] == 1
    assert str(folder) not in json.dumps(place.board())
    assert "nothing to compute" in place(*RUN)
    (folder / "weights.json").write_text(json.dumps({f"gene{i}": 2.0 for i in range(20)}))
    assert "nothing to compute" not in place(*RUN)


def test_weights_for_other_genes_are_no_failure_and_no_score(place, weights):
    """The plan cannot know their genes; the outcome says what the data set lacks."""
    weights(["gene1", *(f"strange{i}" for i in range(9))])
    place(*RUN)
    (score,) = [score for score in place.board()["scores"] if score["arm"] == "pretrained"]
    assert (score["status"], score["metrics"]) == ("not-applicable", {})
    (refusal,) = place.board()["not_applicable"]
    assert refusal["reason"] == "the weights v1 know 3% of the genes of cells, and at least 50% are needed"


def test_a_foreign_folder_is_a_failure_with_the_models_sentence(place, weights):
    """And the other models have their scores."""
    folder = weights([], file="other.json")
    place(*RUN, code=1)
    (failure,) = place.board()["failures"]
    assert 'the folder "v1" holds no weights.json, which maps genes to weights' in failure["reason"]
    assert str(folder) not in json.dumps(place.board())
    assert {s["status"] for s in place.board()["scores"] if s["arm"] == "reference"} == {"ok"}


def test_a_folder_that_is_not_there_is_said_before_anything_runs(place, installed):
    """Misuse, with what a path is relative to."""
    place.packages = (installed("hostile"),)
    place.suite(models=[{"name": "takes_over", "weights": "nowhere"}])
    assert "which is not a folder with files in it" in place(*RUN, code=2)


def test_swept_parameters_are_curves_of_their_own(place):
    """Each value is planned, run and on the board under its own label."""
    place.suite(models=[{"name": "pca", "sweep": {"n_components": [2, 3]}}], seeds=[0])
    place(*RUN)
    labels = {curve["label"] for table in place.board()["tables"] for curve in table["curves"]}
    assert labels == {"pca(n_components=2)", "pca(n_components=3)"}


def test_every_trained_score_tells_how_it_came_about(place):
    """What the training consisted of, how diverse its sample was, and what all stages took."""
    net = {"name": "masked_autoencoder", "parameters": {"batch_size": 10}}
    place.suite(models=[net], sizes=[20], seeds=[0], tasks=["cell_type_classification", "batch_integration"])
    place(*RUN)
    trained = [score for score in place.board()["scores"] if score["arm"] == "trained"]
    assert len(trained) == 2
    for score in trained:
        training, sample = score["notes"]["training"], score["notes"]["sample"]
        assert (training["steps"], training["cells_seen"]) == (5, 10 + 8 + 10 + 8 + 10)
        assert len(training["train_loss"]) == len(training["validation_loss"]) == 5
        assert 1 < sample["vendi"] <= 20
        assert 0 < sample["cell_type"]["shannon"] <= 1
        assert sample["donor"]["levels"] <= 3
        assert 0 < score["costs"]["fit"]["training_seconds"] <= score["costs"]["fit"]["wall_seconds"]
        assert 0 < score["costs"]["embed"]["embedding_seconds"] <= score["costs"]["embed"]["wall_seconds"]
        assert set(score["costs"]) == {"sample", "fit", "embed", "score"}


def test_a_suite_may_ask_for_fewer_evaluation_cells(place):
    """Always the same ones, and no trial: the board says how many there were."""
    place.suite(models=["hvg"], corpora=[], sizes=[], evaluation_cells=40)
    place(*RUN)
    assert [data["n_cells"] for data in place.board()["data"]] == [40]
    assert place.board()["trial"] is False


def test_what_a_suite_calls_a_model_is_on_its_board_alone(place):
    """Two suites may call one model differently; it is computed once."""
    named = {"name": "pca", "parameters": {"n_components": 2}, "called": "tiny pca"}
    place.suite(models=[named], seeds=[0])
    assert "tiny pca" in place(*RUN)
    place.suite("other", models=[{**named, "called": ""}], seeds=[0, 1])
    place("run", "other.yaml", *RUN[2:])
    for name, label, seeds in (("mine", "tiny pca", 1), ("other", "pca(n_components=2)", 2)):
        (curve,) = [
            c for table in place.board(name)["tables"] for c in table["curves"] if c["metric"] == "micro_f1"
        ]
        assert curve["label"] == label
        assert len(curve["points"]) == 3 * seeds
