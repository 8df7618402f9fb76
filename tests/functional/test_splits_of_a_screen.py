"""A perturbation task with every split, from the command line to the board."""

import json

WORLD = {"name": "atlas", "part": "perturbed", "cells": 900, "genes": 40, "null_share": 0.0}
CATALOGUE = {
    "name": "screens",
    "datasets": {
        "pairs": {
            "world": {**WORLD, "contexts": 3, "perturbations": 4, "combinations": 4},
            "roles": {"perturbation": "perturbation", "context": "context"},
            "control": "control",
            "species": "simulated",
        },
        "doses": {
            "world": {**WORLD, "contexts": 1, "perturbations": 3, "doses": [0.1, 1.0, 10.0]},
            "roles": {"perturbation": "perturbation", "context": "context", "dose": "dose"},
            "control": "control",
            "species": "simulated",
        },
    },
}
SPLITS = [
    "held_out_context",
    "few_shot",
    "unseen_perturbation",
    "unseen_both",
    "combinations",
    "held_out_dose",
]


def screens(place, splits, datasets):
    """Write a catalogue of two simulated screens, and a suite with a task for each split."""
    (place.folder / "screens.yaml").write_text(json.dumps(CATALOGUE))
    task = {"name": "perturbation_response", "parameters": {"split_shots": 1}, "sweep": {"split": splits}}
    place.suite(datasets=datasets, models=["hvg"], tasks=[task], sizes=[20], seeds=[0])
    return "mine.yaml", "--catalogue", "catalogue.yaml", "--catalogue", "screens.yaml"


def test_every_split_is_planned_or_pruned_with_a_reason(place):
    """Pairs of perturbations in three contexts have no doses; doses in one context nothing but doses and
    perturbations to hold out."""
    planned = json.loads(place("plan", *screens(place, SPLITS, ["pairs", "doses"]), "--json"))
    pruned = {(found["dataset"], found["reason"]) for found in planned["pruned"] if found["dataset"]}
    assert {dataset for dataset, _ in pruned} == {"pairs", "doses"}
    [no_doses] = [reason for dataset, reason in pruned if dataset == "pairs"]
    assert 'cannot be divided by "dose"' in no_doses
    reasons = " ".join(reason for dataset, reason in pruned if dataset == "doses")
    for missing in ("fewer than 2 levels of context", "is left to learn from", "none of these has 2 parts"):
        assert missing in reasons


def test_what_is_easy_reaches_the_board(place):
    """Strata and what trivial baselines solve stand beside every score of a split, and are the same for all
    who answer; a metric without a value has its reason there."""
    place("run", *screens(place, ["few_shot"], ["pairs"]), "--jobs", 1)
    scores = place.board()["scores"]
    answered = [score for score in scores if score["status"] == "ok"]
    names = {score["baseline"] or score["model"]["name"] for score in answered}
    assert {"hvg", "no_change", "context_transfer", "technical_duplicate"} <= names
    notes = [score["notes"]["difficulty"] for score in answered]
    assert all(note == notes[0] for note in notes)
    assert sum(stratum["units"] for stratum in notes[0]["strata"].values()) > 0
    assert 0 <= notes[0]["solved_by_any"] <= 1
    for score in answered:
        strata = {
            name for name in score["metrics"] | score["undefined"] if name.startswith("pearson_centroid_")
        }
        assert strata == {f"pearson_centroid_{part}" for part in ("small", "middle", "large", "unsolved")}
        assert "between cells" in score["undefined"]["energy_distance"]
