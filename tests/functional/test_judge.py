"""``harness judge``: verdicts for results from anywhere."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

HEAD = "task,model,dataset,metric,size,seed,value\n"


def rows(model, means, seeds=5, sd=0.005):
    rng = np.random.default_rng(0)
    return "".join(
        f"t,{model},d,micro_f1,{size},{seed},{mean + sd * rng.normal():.5f}\n"
        for size, mean in means.items()
        for seed in range(seeds)
    )


@pytest.fixture
def written(place):
    """Write a table of three known curves: one rises and levels off, one is flat, one is harmed."""
    table = place.folder / "results.csv"
    table.write_text(
        HEAD
        + rows("rises", {0: 0.3, 100: 0.5, 1000: 0.7, 10000: 0.8, 100000: 0.8})
        + rows("nothing", {0: 0.3, 100: 0.3, 1000: 0.3, 10000: 0.3, 100000: 0.3})
        + rows("harmed", {0: 0.5, 100: 0.3, 1000: 0.4, 10000: 0.6, 100000: 0.7})
    )
    return place


def judged(place, *options):
    out = place("judge", "results.csv", "--json", *options)
    return {curve["model"]: curve for curve in json.loads(out)["curves"]}


def test_known_curves_get_their_verdicts(written):
    """Level, trend, flags and saturation points of curves with known truth; the object fits its schema."""
    out = written("judge", "results.csv", "--json")
    schema = json.loads((files("harness") / "schemas" / "judge.json").read_text())
    jsonschema.validate(json.loads(out), schema)
    found = judged(written)
    assert (found["rises"]["level"], found["rises"]["trend"]) == ("beats-baseline", "saturates")
    assert found["rises"]["evidence"]["saturates_at"] == found["rises"]["saturation"]["R4"]["size"] == 10000
    assert found["rises"]["quotable"]
    assert (found["nothing"]["level"], found["nothing"]["trend"]) == ("no-benefit", "flat")
    assert found["nothing"]["saturation"]["R0"] == {
        "size": 100,
        "fraction": None,
        "censored": "left",
        "distribution": {"100": 1.0, "1000": 0.0, "10000": 0.0, "100000": 0.0},
    }
    assert (found["harmed"]["level"], found["harmed"]["trend"]) == ("beats-baseline", "still-improving")
    assert found["harmed"]["flags"] == ["harm@100", "harm@1000"]
    for curve in found.values():
        assert list(curve["saturation"]) == ["R0", "R1", "R2", "R3", "R3_80", "R3_95", "R4", "R5"]


def test_the_published_schema_is_what_is_printed(written):
    """--schema needs no table, and names every number that the evidence has."""
    schema = json.loads(written("judge", "--schema"))
    assert schema == json.loads((files("harness") / "schemas" / "judge.json").read_text())
    assert set(schema["$defs"]["evidence"]["properties"]) == set(judged(written)["rises"]["evidence"])


def test_people_get_a_table_and_pictures(written):
    """One row per curve, one SVG per curve, the same bytes each time."""
    out = written("judge", "results.csv", "--plots", "first")
    for words in ("rises", "saturates", "harm@100", "learning", "no-benefit"):
        assert words in out
    written("judge", "results.csv", "--plots", "second")
    first, second = (sorted((written.folder / name).iterdir()) for name in ("first", "second"))
    assert [path.suffix for path in first] == [".svg"] * 3
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_bad_tables_are_misuse(written):
    """Exit code 2 and a sentence with the row; no table at all too."""
    with (written.folder / "results.csv").open("a") as table:
        table.write("t,rises,d,micro_f1,100,0,0.9\n")
    out = written("judge", "results.csv", code=2)
    assert "results.csv:77: the run of rises, size 100, seed 0 stands in line 7 already" in out
    assert "judge needs a table" in written("judge", code=2)


def test_what_cannot_be_judged_is_said(written):
    """The others are judged; the sentence stands in the output for programs too."""
    with (written.folder / "results.csv").open("a") as table:
        table.write("t,poor,d,micro_f1,100,0,0.9\n")
    out = written("judge", "results.csv")
    assert "results.csv:77: t / poor / d / micro_f1: only one trained size" in out
    assert "rises" in out


def test_the_founding_study_as_it_is(written, shared):
    """The published layout is read; verdicts and R0 of the fixture are the expected ones."""
    out = written("judge", shared / "reference" / "denadel2026_runs.csv", "--json", "--no-fits")
    found = {
        (curve["model"], curve["dataset"], curve["sampler"], curve["task"]): curve
        for curve in json.loads(out)["curves"]
    }
    liver = found["SSL", "liver", "random", "zero_shot_integration"]
    assert liver["trend"] == "still-improving"
    assert "harm@221907" in liver["flags"]
    assert liver["saturation"]["R0"]["fraction"] == pytest.approx(0.1)
    assert liver["saturation"]["R3"]["size"] == 22190700
    dinaciclib = found["scVI", "dinaciclib", "random", "fine_tune_perturbation"]
    assert dinaciclib["level"] == "no-benefit"
    assert len(dinaciclib["flags"]) == 6


def test_costs_diversity_and_ranking_of_a_table(place):
    """Columns of costs and diversity and two models: gain per cost, where to stop, elasticities, ranks."""
    head = HEAD.rstrip("\n") + ",gpu_hours,kwh,diversity,sampler,trivial\n"
    rng = np.random.default_rng(0)
    lines = [
        f"t,{model},{data},micro_f1,{size},{seed},{mean + 0.1 * np.log10(size) + rng.normal(0, 0.002):.5f},"
        f"{size / 100},{size / 50},{kinds(size)},{sampler},0.1\n"
        for model, mean in (("better", 0.35), ("worse", 0.3))
        for data in "uvwxyz"
        for sampler, kinds in (("random", lambda n: 80), ("few", lambda n: 5 + n / 1000))
        for size in (100, 1000, 10000, 100000)
        for seed in range(3)
    ]
    (place.folder / "results.csv").write_text(head + "".join(lines))
    options = ("--price-gpu-hour", "2", "--price-kwh", "0.5", "--worth", "1000")
    options = (*options, "--no-fits", "--replicates", "200")
    found = json.loads(place("judge", "results.csv", "--json", *options))
    jsonschema.validate(found, json.loads((files("harness") / "schemas" / "judge.json").read_text()))
    curve = found["curves"][0]
    step = curve["marginal_gain"]["steps"][0]
    assert step["per_cost"]["gpu_hours"]["value"] == pytest.approx(0.1 / 9, rel=0.1)
    assert step["per_cost"]["money"]["value"] == pytest.approx(0.1 / (9 * 2 + 18 * 0.5), rel=0.1)
    assert curve["marginal_gain"]["stop"]["size"] == 1000
    assert curve["law"] is None
    assert found["elasticities"]["size"]["value"] == pytest.approx(0.1 / 0.9, rel=0.02)
    assert found["elasticities"]["diversity"]["value"] == pytest.approx(0, abs=0.01)
    assert [ranking["sampler"] for ranking in found["ranking"]] == ["random", "few"]
    for ranking in found["ranking"]:
        assert [(row["model"], row["tier"]) for row in ranking["rows"]] == [("better", "a"), ("worse", "b")]
        assert ranking["of_tasks_like_these"]
    out = place("judge", "results.csv", *options)
    for words in ("decade", "stop at", "average rank", "P(best)"):
        assert words in out, words


def test_the_law_of_a_curve(written):
    """With fits every curve has its law; the schema knows it."""
    found = json.loads(written("judge", "results.csv", "--json"))
    jsonschema.validate(found, json.loads((files("harness") / "schemas" / "judge.json").read_text()))
    laws = {curve["model"]: curve["law"] for curve in found["curves"]}
    assert laws["nothing"]["answer"] == "flat"
    assert laws["rises"]["answer"] == "offset"
    assert laws["rises"]["held_out"]["size"] == 100000
    assert found["elasticities"]["diversity"]["reason"] == "no score has a size and a diversity"


PAGE = Path(__file__).parents[2] / "docs" / "how_to_read_one_percent.md"
SHOWN = [
    ("SSL", "liver", "zero_shot_integration", "| SSL, liver, random |"),
    ("SCimilarity", "renal", "zero_shot_integration", "| SCimilarity, renal, random |"),
    ("Geneformer", "renal", "zero_shot_integration", "| Geneformer, renal, random |"),
    ("PretrainedPCA", "liver", "zero_shot_integration", "| PCA, liver, integration |"),
    ("scVI", "dinaciclib", "fine_tune_perturbation", "| scVI, dinaciclib, perturbation |"),
    ("scVI", "tak901", "fine_tune_perturbation", "| scVI, TAK-901, perturbation |"),
    ("scVI", "hematopoiesis", "zero_shot_classification", "| scVI, hematopoiesis, zero-shot |"),
]


def test_the_page_that_teaches_has_the_figures_of_the_runs(shared):
    """Level, trend, R0, untrained, first and last mean of every curve on it are those of today's code."""
    from harness.checks.judgement import judged
    from harness.checks.table import read_table

    read = read_table(shared / "reference" / "denadel2026_runs.csv")
    found = {
        tuple(each.named.names[name] for name in ("model", "dataset", "task")): each
        for each in judged(read.curves, fits=False)
        if each.named.names["sampler"] == "random"
    }
    lines = PAGE.read_text().splitlines()
    for *key, start in SHOWN:
        (line,) = (line for line in lines if line.startswith(start))
        one = found[tuple(key)]
        runs = one.named.curve.runs
        sizes = one.named.curve.sizes
        figures = [np.mean(runs[size]) for size in (sizes[0], sizes[-1], *([0] if 0 in runs else []))]
        for figure in figures:
            assert f"{figure:.3f}"[1:] in line, (start, figure)
        r0 = one.verdict.saturation["R0"]
        mark = "<= " if r0.censored == "left" else ""
        assert f"| {mark}{100 * r0.size / one.named.whole:.0f} % |" in line
        for word in (one.verdict.level, one.verdict.trend):
            assert f"`{word}`" in line
