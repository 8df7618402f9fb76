"""A stranger's package works without touching this repository; a bad one is reported and stops nothing."""

import json

RUN = ("run", "mine.yaml", "--catalogue", "catalogue.yaml")


def test_a_strangers_model_is_listed_planned_run_and_on_the_board(place, installed):
    """One entry point in a package of its own is all it takes."""
    place.packages = (installed("stranger"),)
    place.suite(models=["hvg"])
    found = json.loads(place("list", "--json"))["found"]
    (card,) = [plugin for plugin in found if plugin["name"] == "stranger_svd"]
    assert card["distribution"] == "stranger 1.0"
    assert "stranger_svd" in place("plan", *RUN[1:], "--all")
    place(*RUN, "--all", "--model", "stranger_svd", "--model", "hvg")
    board = place.board("mine.part")
    curves = [
        c for table in board["tables"] for c in table["curves"] if c["label"].startswith("stranger_svd")
    ]
    assert {(curve["sampler"]["name"], size["size"]) for curve in curves for size in curve["sizes"]} >= {
        ("random", 0),
        ("random", 20),
        ("random", 60),
    }


def test_broken_clashing_and_hopeless_plugins_are_named_and_stop_nothing(place, installed):
    """By name and distribution, in list, doctor and run; only --strict changes the exit code."""
    place.packages = tuple(installed(name) for name in ("broken", "clashing", "hopeless"))
    place.suite(models=["pca", "hopeless"], sizes=[20], seeds=[0])
    listed = place("list")
    assert "broken: " in listed
    assert "of broken 1.0" in listed
    assert "half of \\udc80 a character" in listed
    assert 'clashing: the model "pca" of clashing 1.0 is left out; scfm-harness 0.1.0 has that name' in listed
    out = place(*RUN)
    assert 'pruned everywhere: the model "hopeless" of hopeless 1.0' in out
    assert {score["status"] for score in place.board()["scores"]} == {"ok"}
    place(*RUN, "--strict", code=1)
    doctor = place("doctor", "mine.yaml", "--catalogue", "catalogue.yaml", code=1)
    for words in ("of broken 1.0", "of clashing 1.0", "of hopeless 1.0"):
        assert words in doctor
    plugins = place.board()["plugins"]
    assert [len(plugins[kind]) for kind in ("broken", "clashing", "pruned_everywhere")] == [1, 1, 1]
