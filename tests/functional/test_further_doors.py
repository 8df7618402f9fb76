"""Tasks that ask the model itself: restored values and fine-tuning, from the command line to the board."""

MODEL = {"name": "masked_autoencoder", "parameters": {"n_genes": 30, "hidden": 8, "latent": 4}}
TASKS = [
    "masked_reconstruction",
    {"name": "fine_tuned_classification", "parameters": {"steps": 20, "split_folds": 2}},
]


def test_a_model_is_asked_behind_doors(place):
    """Trained and untrained are scored, repeatably; a model that does not offer a door is pruned with that
    reason."""
    place.suite(models=[MODEL, "pca"], tasks=TASKS, sizes=[60], seeds=[0])
    out = place("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1)
    board = place.board()
    states = {
        (s["model"]["name"], s["task"]["name"], s["size"]): s["status"] for s in board["scores"] if s["model"]
    }
    assert set(states.values()) == {"ok"}, out
    assert {(model, task) for model, task, _ in states} == {
        ("masked_autoencoder", "masked_reconstruction"),
        ("masked_autoencoder", "fine_tuned_classification"),
        ("pca", "masked_reconstruction"),
    }
    reasons = {pruned["reason"] for pruned in board["pruned"]}
    assert any("of a model and pca offers" in reason for reason in reasons)

    def values(board):
        return {s["addresses"]["score"]: s["metrics"] for s in board["scores"]}

    place("run", "mine.yaml", "--catalogue", "catalogue.yaml", "--jobs", 1, "--store", "again")
    place.folder.joinpath(".harness").rename(place.folder / "old")
    place.folder.joinpath("again").rename(place.folder / ".harness")
    assert values(place.board()) == values(board)
