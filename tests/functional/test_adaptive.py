"""``harness run --adaptive`` and ``harness judge --replay-adaptive``."""

import json

import pytest

GRID = {"sizes": [20, 60, 110], "seeds": [0, 1, 2, 3], "models": ["pca", "target_pca"]}
RUNS = 12


@pytest.fixture(scope="module")
def adaptive(shared_place):
    """A grid of twelve trained runs, run adaptively; the budget pays for five."""
    suite = shared_place.suite("grown", **GRID)
    words = ("run", suite, "--catalogue", "catalogue.yaml", "--jobs", "1", "--adaptive", "--budget", "0.42")
    return shared_place, words, shared_place(*words)


def trained(board):
    return [score for score in board["scores"] if score["arm"] == "trained"]


def test_it_starts_at_the_ends_and_says_what_it_left_out(adaptive):
    """Two runs at both ends first, no more than the budget; what is left out is on the board with why."""
    place, _, out = adaptive
    assert "round 1: " in out
    assert "0% of the whole grid's cost so far" in out
    board = place.board("grown.adaptive")
    made = trained(board)
    assert {(score["size"], score["seed"]) for score in made} >= {(20, 0), (20, 1), (110, 0), (110, 1)}
    assert len(made) == 5
    left_out = [one for one in board["pruned"] if one["reason"].startswith("not run by the adaptive grid")]
    assert {one["size"] for one in left_out} <= {20, 60, 110}
    assert left_out
    assert all("the whole grid would say" in one["reason"] for one in left_out)
    assert f"{RUNS - len(made):,} jobs were not run" in out
    assert not board["missing"]


def test_it_goes_on_from_the_store(adaptive):
    """The same command computes nothing and ends with the same words."""
    place, words, first = adaptive
    again = place(*words)
    assert "round" not in again
    assert (
        first.partition("\nadaptive: ")[2].splitlines()[:3]
        == again.partition("\nadaptive: ")[2].splitlines()[:3]
    )


def test_limits_are_explained(adaptive):
    """Limits of a grid that is not adaptive are misuse, with a sentence."""
    place, words, _ = adaptive
    assert "add --adaptive" in place("run", words[1], "--budget", "0.5", code=2)


def test_a_finished_table_is_replayed(adaptive):
    """Cost and agreement of every setting that its start can pay for, and a sentence."""
    place, _, _ = adaptive
    rows = [
        f"t,m,d,micro_f1,{size},{seed},{0.3 + 0.1 * step + 0.004 * (-1) ** seed * (1 + step % 2)}\n"
        for step, size in enumerate((0, 100, 1000, 10000))
        for seed in range(3)
    ]
    (place.folder / "table.csv").write_text("task,model,dataset,metric,size,seed,value\n" + "".join(rows))
    found = json.loads(place("judge", "table.csv", "--replay-adaptive", "--orders", "1", "--json"))
    assert (found["curves"], found["orders"]) == (1, 1)
    assert all(0 < row["cost"] <= 1 and 0 <= row["agreement"] <= 1 for row in found["rows"])
    assert all(row["cost"] <= row["budget"] for row in found["rows"])
    assert "Curves: 1; orders of their seeds: 1;" in found["says"]
    assert "The aim, 90% agreement at 50% of the cost, is " in found["says"]
