"""Every command in one voice: sentences, exit codes, JSON for programs."""

import json

import anndata
import pytest

PLAN = ("plan", "mine.yaml", "--catalogue", "catalogue.yaml")
RUN = ("run", "mine.yaml", "--catalogue", "catalogue.yaml")


@pytest.mark.parametrize(
    "command", [[], ["list"], ["plan"], ["run"], ["data"], ["check"], ["doctor"], ["leaderboard"]]
)
def test_every_command_answers_help(shared_place, command):
    """--help never fails."""
    assert "Usage: harness" in shared_place(*command, "--help")


def test_what_the_system_refuses_is_a_sentence(place):
    """A folder that is a file: no traceback, exit code 2."""
    (place.folder / "file").write_text("")
    rows = [f"t,m,d,micro_f1,{size},{seed},0.{5 + seed}" for size in (0, 10, 100) for seed in (0, 1)]
    (place.folder / "runs.csv").write_text("\n".join(["task,model,dataset,metric,size,seed,value", *rows]))
    process = place.start("judge", "runs.csv", "--no-fits", "--plots", "file/plots")
    _, complaint = process.communicate()
    assert process.returncode == 2
    assert "Traceback" not in complaint
    assert 'harness: "file/plots": not a directory' in complaint


def test_list_says_what_is_there(shared_place):
    """Name, version, distribution, needs, offers; JSON for programs."""
    found = json.loads(shared_place("list", "samplers", "--json"))["found"]
    assert {plugin["kind"] for plugin in found} == {"sampler"}
    (sketch,) = [plugin for plugin in found if plugin["name"] == "geometric_sketching"]
    assert sketch["needs"] == ["corpus:components"]


def test_plan_counts_and_explains(place):
    """New, stored and pruned, and a sentence for what is pruned."""
    place.suite(sizes=[20, 60, 1000])
    out = place(*PLAN)
    assert "7 jobs, 7 new, 0 stored; 1 combinations pruned" in out
    assert "the corpus corpus has 110 cells to draw from, fewer than 1,000" in out
    counts = json.loads(place(*PLAN, "--json"))["counts"]
    assert counts == {"new": 7, "stored": 0, "pruned": 1}


def test_narrowing_from_the_command_line(place):
    """--sizes, --seeds, --model and the like replace the suite's own."""
    place.suite()
    out = place(*PLAN, "--sizes", "30,all", "--seeds", "0-2", "--model", "pca")
    # 2 sizes x 3 seeds, 3 untrained, 1 baseline
    assert "10 jobs" in out


def test_a_limited_trial_is_marked_and_never_published(place):
    """--limit makes other data, other addresses and another board."""
    place.suite()
    place(*RUN, "--limit", "40")
    board = place.board("mine.trial")
    assert board["trial"] is True
    assert {d["n_cells"] for d in board["data"]} == {40}
    out = place("leaderboard", "publish", "mine.trial", "--to", "published", code=2)
    assert "is a trial" in out
    assert "0 stored" in place(*PLAN)


def test_a_run_ends_with_its_board_and_publishing_makes_one_version(place):
    """The table, where it was written, and a first version that does not change."""
    place.suite()
    out = place(*RUN)
    assert "cell_type_classification on cells" in out
    assert "BOARD.md" in out
    assert "v0001" in place("leaderboard", "publish", "--to", "leaderboard/published")
    assert "Nothing new" in place("leaderboard", "publish", "--to", "leaderboard/published")
    published = place.folder / "leaderboard" / "published" / "mine" / "v0001"
    assert {"board.json", "scores.csv", "BOARD.md", "index.html"} <= {f.name for f in published.iterdir()}
    assert "pca" in (place.folder / "leaderboard" / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "no_such_suite"), 'there is no suite "no_such_suite"'),
        (("run", "mine.yaml"), 'no catalogue has a corpus "corpus"'),
        ((*RUN, "--model", "pcaa"), 'the model "pcaa" is not installed. Did you mean "pca"?'),
        ((*RUN, "--sizes", "ten"), '--sizes got "ten"'),
        ((*RUN, "--device", "tpu"), 'the device "tpu" is unknown'),
        ((*RUN, "--store", "mine.yaml"), 'the store "mine.yaml" is a file'),
        (("check", "pcaa"), 'no plugin is called "pcaa". Did you mean "pca"?'),
        (("data", "check", "absent.yaml"), 'there is no file "absent.yaml"'),
        (("list", "modles"), '"modles" is not a kind of plugin. Did you mean "models"?'),
        (("leaderboard", "show"), "has no board yet"),
    ],
)
def test_misuse_is_a_sentence_and_exit_code_2(place, words, said):
    """Badly asked: no traceback, no partial work."""
    place.suite()
    assert said in place(*words, code=2)


def test_bad_data_is_said_before_anything_runs(place):
    """All complaints, with catalogue and line, and no job is started."""
    place.suite()
    path = place.folder / "cells.h5ad"
    adata = anndata.read_h5ad(path)
    adata.X.data[0] = 0.5
    adata.write_h5ad(path)
    out = place(*RUN, code=2)
    assert "catalogue.yaml:6: cells: 1 counts are not whole" in out
    assert not (place.folder / ".harness" / "ledger.jsonl").exists()
    checked = json.loads(place("data", "check", "catalogue.yaml", "--json", code=1))
    assert checked["corpus"] == []
    assert len(checked["cells"]) == 1


def test_doctor_finds_nothing_wrong_here(place):
    """Python, torch, device, plugins and store, as JSON too."""
    place.suite(models=["pca"])
    found = json.loads(
        place("doctor", "mine.yaml", "--catalogue", "catalogue.yaml", "--device", "cpu", "--json")
    )
    assert found["problems"] == []
    assert any('"spike_in"' in note for note in found["notes"])  # of use, but not on these data
    assert set(found["facts"]) == {"python", "torch", "device", "plugins", "store"}


def test_check_runs_the_conformance_of_one_plugin(shared_place):
    """Each check by name; a well-behaved sampler passes all."""
    findings = json.loads(shared_place("check", "random", "--json"))
    assert findings
    assert all(finding["passed"] for finding in findings)
