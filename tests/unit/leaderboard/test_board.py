"""A small board made by hand: every number on it was worked out on paper."""

import csv
import io
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from markdown_it import MarkdownIt

from harness.checks import Curve, judge
from harness.digest import canonical
from harness.errors import HarnessError, Misuse
from harness.records import (
    Baseline,
    Budget,
    Choice,
    Data,
    Draw,
    Embed,
    Failure,
    Fit,
    Job,
    Outcome,
    Pruned,
    Record,
    SplitRecipe,
)
from harness.store import Store, Units, write_units
from harness_leaderboard.board import frozen, make_board
from harness_leaderboard.publish import publish, same_scores
from harness_leaderboard.render_csv import render_csv
from harness_leaderboard.render_markdown import escape, render_markdown
from harness_leaderboard.report import read_board, report, stored_board
from harness_leaderboard.rows import decimals, number

CORPUS = Data(name="atlas", digest="c" * 64)
KANG = Data(name="kang", digest="d" * 64)
DONORS = tuple(f"donor{i}" for i in range(8))
UP = {"direction": "up", "lower": 0.0, "upper": 1.0, "tolerance": 1e-6}
DOWN = {"direction": "down", "lower": 0.0, "upper": None, "tolerance": 1e-6}
TASK = {
    "name": "typing",
    "version": "1",
    "primary": "micro_f1",
    "metrics": {"micro_f1": UP, "log_loss": DOWN},
    "baselines": ["majority"],
    "references": ["hvg"],
    "unit_kind": "donor",
}
MODEL = Choice(name="mae", version="2", parameters=(("width", 32),))
HVG = Choice(name="hvg", version="1")
SAMPLER = Choice(name="random", version="1")
GROUPED = SplitRecipe(kind="grouped", version="1", parameters=(("folds", 4), ("role", "donor")))


def fit(model=MODEL, size=None, seed=0, genes="g" * 64, budget=Budget(unit="steps", amount=300)):  # noqa: B008
    draw = Draw(corpus=CORPUS, sampler=SAMPLER, size=size, seed=seed) if size else None
    return Fit(
        model=model,
        draw=draw,
        budget=budget if draw else None,
        genes=genes,
        seed=seed,
        precision="float32",
        device="cpu",
    )


def job(subject, split=GROUPED):
    subject = subject if isinstance(subject, Baseline) else Embed(fit=subject, dataset=KANG)
    return Job(subject=subject, dataset=KANG, task=Choice(name="typing", version="1"), split=split)


def record(subject, value=None, loss=None, split=GROUPED, **outcome):
    metrics = {} if value is None else {"micro_f1": value}
    undefined = {}
    if value is not None:
        if loss is None:
            undefined["log_loss"] = "a kNN has no probabilities"
        else:
            metrics["log_loss"] = loss
    outcome = {"status": "ok", "metrics": metrics, "undefined": undefined, **outcome}
    return Record(
        job=json.loads(canonical(job(subject, split).describe())),
        outcome=Outcome(**outcome),
        task=TASK,
        plugins={"mae": "ours 1"},
        environment={"numpy": "2"},
        finished="2026-01-01T00:00:00",
    )


def failed(subject, reason="no memory left"):
    failure = Failure(
        kind="oom", reason=reason, stage="fit", stage_address="f" * 64, traceback="/home/x.py line 3"
    )
    return record(subject, status="failed", failure=failure)


WAVE = np.array([0.02, -0.02] * 4)


def filled(path, records, units=lambda value: value + WAVE):
    """Return a store with these records and their scores per donor: the headline value plus a wave."""
    store = Store(path)
    store.prepare()
    store.append(records)
    for each in records:
        if each.outcome.metrics and units and not store.blobs.has("score", each.address):
            with store.blobs.write("score", each.address) as folder:
                values = {metric: units(value) for metric, value in each.outcome.metrics.items()}
                write_units(folder, Units(names=tuple(DONORS), values=values))
    return store


def standard():
    """Untrained 0.50; 100 cells 0.70, 0.74; 300 cells 0.80, 0.78, one failed; hvg 0.75, majority 0.30."""
    return [
        record(fit(seed=0), 0.50),
        record(fit(size=100, seed=0), 0.70),
        record(fit(size=100, seed=1), 0.74),
        record(fit(size=300, seed=0), 0.80),
        record(fit(size=300, seed=1), 0.78),
        failed(fit(size=300, seed=2)),
        record(fit(HVG, genes=None), 0.75),
        record(Baseline(name="majority"), 0.30, loss=0.5),
    ]


def grid(records, missing=(), **more):
    return {
        "suite": {"name": "quick", "about": "Small."},
        "trial": False,
        "jobs": [each.job for each in records] + [each.job for each in missing],
        "pruned": [],
        "plugins": {
            "found": [
                {"kind": "model", "name": "mae", "version": "2", "distribution": "ours 1", "supervised": True}
            ]
        },
        "data": [
            {
                "name": "atlas",
                "kind": "corpus",
                "digest": "c" * 64,
                "n_cells": 2000,
                "n_available": 2000,
                "notes": [],
            }
        ],
        "overlap": {"kang|atlas": {"share_of_dataset": 0.9, "share_of_model": 0.45}},
        "harness": {"version": "0.1", "commit": "abc"},
        "environment": {},
        **more,
    }


def board_of(path, records=None, **more):
    records = standard() if records is None else records
    return make_board(filled(path, records), grid(records, **more))


def curve(board, metric="micro_f1", number=0):
    return [c for c in board["tables"][0]["curves"] if c["metric"] == metric][number]


def test_golden_curve(tmp_path):
    """Points, means, saturation and gain of the one curve, as worked out by hand."""
    found = curve(board_of(tmp_path))
    assert [(p["size"], p["seed"], p["value"]) for p in found["points"]] == [
        (0, 0, 0.50), (100, 0, 0.70), (100, 1, 0.74), (300, 0, 0.80), (300, 1, 0.78),
    ]  # fmt: skip
    assert [(s["size"], s["n"]) for s in found["sizes"]] == [(0, 1), (100, 2), (300, 2)]
    assert [s["mean"] for s in found["sizes"]] == pytest.approx([0.50, 0.72, 0.79])
    assert found["sizes"][2]["sd"] == pytest.approx(0.02 / 2**0.5)
    assert found["best_size"] == 300
    # 0.95 * 0.80 = 0.76: neither run at 100 cells is above it.
    r0 = found["verdict"]["saturation"]["R0"]
    assert (r0["size"], r0["fraction"], r0["censored"]) == (300, 0.15, "right")
    # Floor 0.30, the first baseline's; nobody measured a ceiling, so it is the metric's bound, 1.
    assert [s["z"] for s in found["sizes"]] == pytest.approx([0.20 / 0.70, 0.42 / 0.70, 0.49 / 0.70])
    (untrained, small, large) = found["no_change"]
    assert (large["verdict"], large["baseline"], large["baseline_value"]) == ("beats", "hvg", 0.75)
    # The waves of model and baseline cancel in every donor: what is left are the seeds, 0.80 and 0.78.
    assert [large["gain"][end] for end in ("low", "estimate", "high")] == pytest.approx([0.03, 0.04, 0.05])
    assert [small["verdict"], untrained["verdict"]] == ["worse"] * 2
    assert untrained["gain"]["estimate"] == pytest.approx(-0.25)


def test_absent_runs_stay_absent(tmp_path):
    """A failed or missing run is named with its reason beside the points; no number stands for it."""
    board = board_of(tmp_path, missing=[record(fit(size=300, seed=3))])
    absent, missing = curve(board)["absent"]
    assert (absent["size"], absent["seed"], absent["status"]) == (300, 2, "failed")
    assert absent["reason"] == "no memory left"
    assert (missing["size"], missing["seed"], missing["status"]) == (300, 3, "missing")
    assert "value" not in absent
    assert [entry["seed"] for entry in board["missing"]] == [3]
    text = render_markdown(board)
    assert row_of(text, "mae(width=32)")[7] == "2 of 4"
    assert "## Missing" in text
    (failure,) = board["failures"]
    assert (failure["kind"], failure["stage"]) == ("oom", "fit")
    assert "traceback" not in failure


def test_undefined_metrics_have_reasons(tmp_path):
    """A metric that nobody has still has its curve, with the reasons and without an answer."""
    found = curve(board_of(tmp_path), "log_loss")
    assert found["points"] == []
    assert {a["reason"] for a in found["absent"]} == {"a kNN has no probabilities", "no memory left"}
    assert (found["best_size"], found["verdict"]) == (None, None)
    assert found["unjudged"] == "no trained run has a score"
    assert found["no_change"] == []


def test_losses_are_minimised_and_have_no_r0(tmp_path):
    records = [
        record(fit(size=100), 0.5, loss=0.4),
        record(fit(size=300), 0.5, loss=0.2),
        record(Baseline(name="majority"), 0.3, loss=0.5),
    ]
    found = curve(board_of(tmp_path, records), "log_loss")
    assert found["best_size"] == 300
    assert found["verdict"]["saturation"]["R0"]["size"] is None
    assert found["no_change"][-1]["gain"]["estimate"] == pytest.approx(0.3)


def test_the_control_joins_the_curves_of_its_own_gene_list_only(tmp_path):
    """Two corpora with different genes have two controls; each meets its own curve."""
    records = [record(fit(), 0.50), record(fit(genes="h" * 64), 0.40), record(fit(size=100), 0.70)]
    board = board_of(tmp_path, records)
    sizes = [[(s["size"], s["mean"]) for s in c["sizes"]] for c in board["tables"][0]["curves"][::2]]
    assert sizes == [[(0, 0.50), (100, 0.70)], [(0, 0.40)]]


def test_a_stranger_without_pretraining_is_judged(tmp_path):
    """A reference model that the task does not name as baseline must beat the baselines itself."""
    records = [*standard(), record(fit(Choice(name="big", version="1"), genes=None), 0.90)]
    rows = {
        c["label"]: c
        for c in board_of(tmp_path, records)["tables"][0]["constants"]
        if c["metric"] == "micro_f1"
    }
    assert rows["big"]["no_change"]["verdict"] == "beats"
    assert rows["hvg"]["no_change"] is None
    assert rows["hvg"]["is_baseline"]


def level_board(tmp_path, **more):
    """Five seeds at three sizes: clearly better than both the control and the baseline, and rising."""
    waves = (0.000, 0.004, -0.004, 0.002, -0.002)
    means = {None: 0.50, 100: 0.70, 300: 0.80, 900: 0.90}
    records = [
        record(fit(size=size, seed=i), mean + w) for size, mean in means.items() for i, w in enumerate(waves)
    ]
    records += [record(fit(HVG, genes=None), 0.75), record(Baseline(name="majority"), 0.30, loss=0.5)]
    return board_of(tmp_path, records, **more)


def test_a_verdict_is_that_of_judge(tmp_path):
    """The same numbers as from the rule itself, called by hand on the same runs."""
    found = curve(level_board(tmp_path))
    assert (found["verdict"]["level"], found["verdict"]["trend"]) == ("beats-baseline", "still-improving")
    runs = {
        at["size"]: [p["value"] for p in found["points"] if p["size"] == at["size"]] for at in found["sizes"]
    }
    baselines = {"hvg": [0.75], "majority": [0.30]}
    (alone,) = judge([Curve(runs=runs, baselines=baselines, trivial=0.30, bound=1.0)])
    for name, value in json.loads(json.dumps(asdict(alone.evidence))).items():
        assert found["verdict"]["evidence"][name] == pytest.approx(value), name
    assert found["verdict"]["resampled"] == ["units", "seeds"]
    best = found["no_change"][-1]
    assert [(a["baseline"], a["p_holm"] < 0.05) for a in best["against"]] == [
        ("hvg", True),
        ("majority", True),
    ]


def test_what_more_data_bring(tmp_path):
    """0.1 per tripling is 0.1 / log10(3) per decade; the law is told by the rule that judge uses."""
    found = curve(level_board(tmp_path))["verdict"]
    assert found["marginal_gain"]["per_decade"]["value"] == pytest.approx(0.1 / np.log10(3))
    assert found["law"]["answer"] == "log-linear"
    assert curve(level_board(tmp_path / "b"), "log_loss")["verdict"] is None


def test_size_and_diversity_are_told_apart_over_all_curves(tmp_path):
    """z = log10(cells) / 10 + log10(Vendi) / 5, by construction, in a grid that crosses the two."""
    records = [record(Baseline(name="majority"), 0.0)]
    for i, vendi in enumerate((10.0, 100.0)):
        sampler = Choice(name=f"sampler{i}", version="1")
        for size in (100, 1000, 10000):
            for seed in (0, 1):
                draw = Draw(corpus=CORPUS, sampler=sampler, size=size, seed=seed)
                model = replace(fit(size=size, seed=seed), draw=draw)
                value = np.log10(size) / 10 + np.log10(vendi) / 5
                records.append(record(model, value, notes={"sample": {"vendi": vendi}}))
    board = board_of(tmp_path, records)
    assert board["elasticities"]["size"]["value"] == pytest.approx(0.1)
    assert board["elasticities"]["diversity"]["value"] == pytest.approx(0.2)
    assert "diversity (Vendi) of the sample: +0.200" in render_markdown(board)


def test_samples_that_are_nested_are_resampled_together(tmp_path):
    """Only where the sampler says so, and only where all sizes have the same seeds."""
    nested = {"kind": "sampler", "name": "random", "version": "1", "distribution": "ours 1", "nested": True}
    apart = curve(level_board(tmp_path / "a"))["verdict"]
    together = curve(level_board(tmp_path / "b", plugins={"found": [nested]}))["verdict"]
    # Seed i of all sizes shares its wave: what differs between sizes is then known exactly.
    assert together["evidence"]["resolution"] < 0.1 * apart["evidence"]["resolution"]


def test_a_measured_ceiling_normalises_and_flags_what_is_above(tmp_path, monkeypatch):
    """z = (score - floor) / (ceiling - floor), unclipped; above one, the ceiling is wrong."""
    monkeypatch.setitem(TASK, "oracles", ["duplicate"])
    board = board_of(tmp_path, [*standard(), record(Baseline(name="duplicate"), 0.78)])
    found = curve(board)
    assert [s["z"] for s in found["sizes"]] == pytest.approx([0.20 / 0.48, 0.42 / 0.48, 0.49 / 0.48])
    assert "above-ceiling@300" in found["verdict"]["flags"]
    scale = board["tables"][0]["scales"]["micro_f1"]
    assert (scale["floor_name"], scale["ceiling_name"], scale["measured"]) == ("majority", "duplicate", True)


def test_scores_without_a_scale_have_none(tmp_path):
    """Without a floor that somebody scored there is no normalised score, and no number stands for it."""
    records = [record(fit(size=100), 0.5, loss=0.4), record(fit(HVG, genes=None), 0.6, loss=0.3)]
    board = board_of(tmp_path, records)
    assert board["tables"][0]["scales"]["micro_f1"]["reason"] == "no baseline of the task has a score"
    assert [s["z"] for s in curve(board)["sizes"]] == [None]


def test_a_declared_floor_is_the_floor(tmp_path, monkeypatch):
    """What the metric declares, whatever a baseline scored; no stronger baseline in place of a lost one."""
    monkeypatch.setitem(TASK, "metrics", {"micro_f1": {**UP, "floor": 0.1}, "log_loss": DOWN})
    scale = board_of(tmp_path / "a")["tables"][0]["scales"]["micro_f1"]
    assert (scale["floor"], scale["floor_name"]) == (0.1, "declared")
    monkeypatch.setitem(TASK, "metrics", {"micro_f1": UP, "log_loss": DOWN})
    monkeypatch.setitem(TASK, "baselines", ["majority", "strong"])
    lost = [*standard()[:-1], failed(Baseline(name="majority")), record(Baseline(name="strong"), 0.6)]
    assert board_of(tmp_path / "b", lost)["tables"][0]["scales"]["micro_f1"]["floor"] is None


def test_a_diagnostic_is_shown_and_not_judged(tmp_path, monkeypatch):
    """A ratio that should be one has no better end: its runs stand there, without verdict, gain or place."""
    monkeypatch.setitem(TASK, "metrics", {"micro_f1": UP, "log_loss": {**DOWN, "judged": False}})
    found = curve(board_of(tmp_path, [record(fit(size=100), 0.7, loss=0.4), *standard()[-2:]]), "log_loss")
    assert [point["value"] for point in found["points"]] == [0.4]
    assert (found["verdict"], found["unjudged"]) == (
        None,
        "shown and not judged: it has no better end, or can be gamed",
    )
    assert found["no_change"] == []


def test_a_control_alone_has_a_gain_and_no_verdict(tmp_path):
    """Every trained run failed: the untrained control is held against the baseline by every metric."""
    records = [record(fit(), 0.5, loss=0.6), failed(fit(size=100)), *standard()[-2:]]
    found = curve(board_of(tmp_path, records), "log_loss")
    assert (found["best_size"], found["verdict"]) == (None, None)
    assert [(each["size"], each["baseline"]) for each in found["no_change"]] == [(0, "majority")]


def test_a_gain_up_to_the_margin_is_none(tmp_path, monkeypatch):
    """The margin is another thing than the tolerance of repetitions."""
    for margin, verdict in ((0.0, "beats"), (0.5, "no_better")):
        how = {**UP, "tolerance": 0.1, "margin": margin}
        monkeypatch.setitem(TASK, "metrics", {"micro_f1": how, "log_loss": DOWN})
        assert curve(board_of(tmp_path / str(margin)))["no_change"][-1]["verdict"] == verdict


def test_who_failed_at_the_largest_size_is_not_ranked_by_a_smaller_one(tmp_path):
    """A model that ran out of memory has no place among those that did not."""
    records = [each for each in standard() if each.job["size"] != 300] + [failed(fit(size=300))]
    rows = board_of(tmp_path, records)["tables"][0]["ranking"]["rows"]
    assert [row["model"] for row in rows] == ["hvg", "majority"]


def test_nobody_is_ranked_where_the_metric_tells_nothing(tmp_path, monkeypatch):
    """As the oracle found on this data set; the reason stands in place of the ranks."""
    monkeypatch.setitem(TASK, "oracles", ["duplicate"])
    oracle = record(Baseline(name="duplicate"), 0.78, notes={"not_ranked": ["micro_f1"]})
    board = board_of(tmp_path, [*standard(), oracle])
    assert board["tables"][0]["ranking"]["rows"] == []
    assert "does not tell" in board["tables"][0]["ranking"]["reason"]
    assert board["ranking"]["rows"] == []


def test_models_are_put_side_by_side(tmp_path):
    """Ranked by the primary metric at the largest size, baselines among them, oracles not."""
    board = level_board(tmp_path)
    rows = board["tables"][0]["ranking"]["rows"]
    assert [(row["model"], row["arm"]) for row in rows] == [
        ("mae(width=32)", "trained"), ("hvg", "reference"), ("majority", "baseline"),
    ]  # fmt: skip
    assert [row["average_rank"]["value"] for row in rows] == [1, 2, 3]
    assert len({row["tier"] for row in rows}) == 3
    assert [row["model"] for row in board["ranking"]["rows"]] == ["mae(width=32)", "hvg"]


def test_an_oracle_is_shown_and_never_ranked(tmp_path, monkeypatch):
    """It is no baseline and held against none; metrics by which it says nothing can be told are noted."""
    monkeypatch.setitem(TASK, "oracles", ["duplicate"])
    note = {"not_ranked": ["log_loss"]}
    board = board_of(tmp_path, [*standard(), record(Baseline(name="duplicate"), 0.95, notes=note)])
    [table] = board["tables"]
    row = next(c for c in table["constants"] if c["label"] == "duplicate")
    assert (row["arm"], row["is_baseline"], row["no_change"]) == ("oracle", False, None)
    assert curve(board)["no_change"] == curve(board_of(tmp_path / "without"))["no_change"]
    assert table["notes"]["not_ranked"] == ["log_loss"]
    assert "duplicate (oracle)" in render_markdown(board)


def test_a_baseline_that_is_not_defined_is_not_missed(tmp_path, monkeypatch):
    """One that says why it does not apply withholds no verdict; one that was not run does."""
    monkeypatch.setitem(TASK, "baselines", ["majority", "nearest_dose"])
    refused = record(Baseline(name="nearest_dose"), status="not-applicable", reason="there are no doses")
    judged = curve(board_of(tmp_path / "a", [*standard(), refused]))["no_change"]
    assert judged[0]["verdict"] != "not_assessed"
    open_ = curve(board_of(tmp_path / "b", standard()))["no_change"]
    assert "nearest_dose (not run)" in open_[0]["reason"]


def test_nothing_depends_on_who_else_is_there(tmp_path):
    """Another model on the board changes no number of this one."""
    alone = curve(board_of(tmp_path / "a"))
    records = [*standard(), record(fit(Choice(name="zzz", version="1"), size=100), 0.99)]
    assert curve(board_of(tmp_path / "b", records)) == alone


def test_a_board_made_by_several_processes_is_the_same(tmp_path, monkeypatch):
    """Large ones are made on all cores."""
    alone = board_of(tmp_path)
    monkeypatch.setattr("harness_leaderboard.tables.FEW_JOBS", 0)
    monkeypatch.setattr("harness.checks.fitting.FEW", 0)
    assert board_of(tmp_path) == alone


def test_facts_of_the_split_are_shown(tmp_path):
    """What all jobs note alike is the data set's; of what models note only their measured genes are shown."""
    note = {"unit_kind": "donor", "classes_left_out": ["a|b", "c"], "cells_left_out": 12}
    records = [
        record(fit(size=100), 0.7, notes={**note, "model_genes_measured": 0.4}),
        record(Baseline(name="majority"), 0.3, notes=note),
        failed(fit(size=300)),
    ]
    board = board_of(tmp_path, records)
    assert board["tables"][0]["notes"] == {
        "classes_left_out": ["a|b", "c"],
        "cells_left_out": 12,
        "model_genes_measured": [0.4],
    }
    text = render_markdown(board)
    assert "classes left out: a\\|b, c; cells left out: 12; model genes measured: 0.4" in text


@pytest.mark.parametrize("state", ["failed", "missing", "not run"])
def test_without_a_declared_baseline_nothing_is_judged(tmp_path, state):
    """The best baseline may be the one that has no result: beating the others settles nothing."""
    hvg = fit(HVG, genes=None)
    records = [each for each in standard() if each.job["model"] is None or each.job["model"]["name"] != "hvg"]
    records += [failed(hvg)] if state == "failed" else []
    board = board_of(tmp_path, records, missing=[record(hvg)] if state == "missing" else [])
    large = curve(board)["no_change"][-1]
    assert (large["verdict"], large["baseline"]) == ("not_assessed", "majority")
    assert large["gain"]["estimate"] == pytest.approx(0.49)
    assert f"over majority; not judged: without hvg ({state})" in row_of(render_markdown(board), "mae")[6]


def test_without_units_nothing_is_assessed(tmp_path):
    """A task without scores per unit, or with damaged ones, has no verdict, and the reason is shown."""
    records = standard()
    store = filled(tmp_path, records, units=None)
    finding = curve(make_board(store, grid(records)))["no_change"][-1]
    assert finding["verdict"] == "not_assessed"
    assert finding["reason"]
    assert finding["gain"] is None


def test_other_jobs_of_the_store_are_not_on_the_board(tmp_path):
    records = standard()
    store = filled(tmp_path, records)
    assert len(make_board(store, grid(records[:2]))["scores"]) == 2


def test_board_is_json_without_nan_and_comes_back_equal(tmp_path):
    """What is written is what is read: the run's board is the stored one."""
    records = standard()
    store = filled(tmp_path, records)
    lines = report(tmp_path, grid(records))
    assert lines[-1] == f"Open in a browser: {(store.boards / 'quick' / 'index.html').as_uri()}"
    assert stored_board(store, None) == make_board(store, grid(records))
    text = (store.boards / "quick" / "board.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in board.json"))


def test_what_is_no_json_is_refused():
    """A board is frozen as it will be read back."""
    assert frozen({"a": (1, {2: 0.1})}) == {"a": [1, {"2": 0.1}]}
    with pytest.raises(ValueError, match="NaN or infinite"):
        frozen({"a": [float("inf")]})


def test_csv_round_trip(tmp_path):
    """One row per job and metric; values come back to the last digit, absent ones are empty with a reason."""
    board = board_of(tmp_path, [*standard(), record(fit(size=100, seed=3), 1 / 3)])
    rows = list(csv.DictReader(io.StringIO(render_csv(board))))
    assert len(rows) == 9 * 2
    values = {(r["address"], r["metric"]): float(r["value"]) for r in rows if r["value"]}
    assert values == {
        (s["addresses"]["score"], m): v for s in board["scores"] for m, v in s["metrics"].items()
    }
    assert {(r["status"], r["reason"]) for r in rows if not r["value"]} == {
        ("failed", "no memory left"),
        ("undefined", "a kNN has no probabilities"),
    }


def row_of(markdown, start):
    tables = markdown.partition("## Where learning saturates")[0]
    (line,) = [line for line in tables.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_markdown_rows(tmp_path):
    """The printed row says what the data says, in few digits."""
    text = render_markdown(board_of(tmp_path))
    assert "## typing on kang: micro_f1 ↑" in text
    assert row_of(text, "mae(width=32)") == [
        "mae(width=32) (trained with labels)",
        "random (atlas)",
        "0.500",
        "0.790 [300] ± 0.014",
        "no-benefit × inconclusive; underpowered",
        ">= 300 (15 %); >= 300 (15 %)",
        "+0.040 [+0.030, +0.050] over hvg; beats it",
        "2 of 3",
    ]
    assert row_of(text, "hvg (reference)")[3:7] == ["0.750", "–", "–", "is a baseline"]
    assert text.index("mae(width=32) (tr") < text.index("hvg (reference)") < text.index("majority (baseline)")
    assert "RANDOM BY CELL" not in text
    assert "share of model 45%" in text


def test_words_for_the_edges(tmp_path):
    """Censoring, losing to nothing and splits by cell are said in words."""
    by_cell = SplitRecipe(kind="random", version="1", parameters=(("folds", 2),))
    records = [
        record(fit(size=100), 0.70, split=by_cell),
        record(fit(size=300), 0.71, split=by_cell),
        record(fit(HVG, genes=None), 0.75, split=by_cell),
        record(Baseline(name="majority"), 0.30, split=by_cell),
    ]
    board = board_of(tmp_path, records)
    text = render_markdown(board)
    row = row_of(text, "mae")
    assert row[2] == "–"
    assert row[4] == "not-assessed × inconclusive"
    assert row[5] == "<= 100 (5 %); –"
    assert row[6].endswith("over hvg; worse")
    assert "RANDOM BY CELL" in text
    lines = "\n".join(report(tmp_path, grid(records)))
    assert "random by cell" in lines
    assert "<= 100" in lines


def test_a_curve_without_scores_says_what_happened(tmp_path):
    text = render_markdown(board_of(tmp_path, [failed(fit(size=100)), record(fit(HVG, genes=None), 0.7)]))
    assert row_of(text, "mae")[3:] == ["failed", "not judged: no trained run has a score", "–", "–", "0"]
    assert row_of(text.split("## Failures")[1].split("##")[0], "1 ")[1:] == [
        "oom",
        "fit",
        "mae(width=32)",
        "typing on kang",
        "no memory left",
    ]


def test_pruned_pairs_are_grouped_by_reason(tmp_path):
    empty = {"task": None, "sampler": None, "corpus": None}
    pruned = [
        vars(Pruned(**{**empty, "model": m, "dataset": d}, reason="no GPU")) for m in "ab" for d in "xyz"
    ]
    text = render_markdown(board_of(tmp_path, pruned=pruned))
    assert row_of(text.split("## Pruned")[1], "6 ") == ["6", "a, b", "all", "all", "all", "x, y, z", "no GPU"]


HOSTILE = "<script>alert(1)</script>|| [x](http://evil) `*_a_*\n# big\x1b[31m\u202e ![i](j) <!-- "


def test_hostile_text_stays_text(tmp_path):
    """Names, reasons and notes of guests make no cell, tag, link, image, emphasis or heading."""
    model = Choice(name=HOSTILE, version=HOSTILE)
    records = [record(fit(model, size=100), 0.7), failed(fit(model, size=300), HOSTILE)]
    data = [
        {
            "name": HOSTILE,
            "kind": "corpus",
            "digest": "e" * 64,
            "n_cells": 5,
            "n_available": 5,
            "notes": [HOSTILE],
        }
    ]
    broken = {"found": [], "broken": [{"name": HOSTILE, "distribution": HOSTILE, "reason": HOSTILE}]}
    board = board_of(tmp_path, records, data=data, plugins=broken)
    plain = render_markdown(board_of(tmp_path / "plain", [record(fit(size=100), 0.7), failed(fit(size=300))]))
    text = render_markdown(board)
    tokens = list(flat(MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)))
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "em_open", "code_block"}
    assert not {"\x1b", "\u202e"} & set(text)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings[:4] == [line for line in plain.splitlines() if line.startswith("#")][:4]
    for table in tables_of(tokens):
        assert len(set(table)) == 1
    assert any("alert(1)" in token.content for token in tokens if token.type == "text")
    assert "\x1b" not in "\n".join(report(tmp_path, grid(records, data=data, plugins=broken)))


def flat(tokens):
    for token in tokens:
        yield token
        yield from flat(token.children or ())


def tables_of(tokens):
    """Return, for each table, the number of cells in each row."""
    tables = []
    for token in tokens:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append(0)
        elif token.type in ("td_open", "th_open"):
            tables[-1][-1] += 1
    return tables


@pytest.mark.parametrize("text", ["a|b", "*x*", "_x_", "[a](b)", "a_b", "\\|", "1 < 2 & 3", "~~x~~", "`x`"])
def test_escaped_text_reads_as_written(text):
    (inline,) = [t for t in MarkdownIt().parse(f"x {escape(text)} x") if t.type == "inline"]
    assert "".join(child.content for child in inline.children) == f"x {text} x"
    assert all(child.type in ("text", "text_special") for child in inline.children)


def test_digits():
    """Three digits of the largest value; no negative zero; thousands grouped."""
    assert [decimals([v]) for v in (0.95, 1.0, 0.04, 5.2, 1500, 0)] == [3, 3, 4, 2, 0, 3]
    assert decimals([]) == 3
    assert number(-0.0001, 3, "+") == "+0.000"
    assert number(1234.5, 1) == "1,234.5"


def published(path, records, to, **more):
    store = filled(path, records)
    report(path, grid(records, **more))
    return publish(store, None, to)


def test_publishing_twice_makes_one_version(tmp_path):
    """Times, devices and provenance do not count; the second call says so."""
    to = tmp_path / "leaderboard" / "published"
    version, message = published(tmp_path / "a", standard(), to)
    assert version == "v0001"
    assert message.startswith("Published")
    later = [replace(r, finished="2027", environment={"numpy": "3"}) for r in standard()]
    version, message = published(tmp_path / "b", later, to, harness={"version": "9"})
    assert version == "v0001"
    assert message.startswith("Nothing new")
    assert sorted(p.name for p in (to / "quick").iterdir()) == ["v0001"]


def test_a_version_holds_its_number_and_its_files(tmp_path):
    to = tmp_path / "leaderboard" / "published"
    published(tmp_path / "a", standard(), to)
    folder = to / "quick" / "v0001"
    assert sorted(p.name for p in folder.iterdir()) == [
        "BOARD.md", "board.json", "board.tex", "citations.bib", "index.html", "scores.csv", "scores.parquet",
    ]  # fmt: skip
    assert read_board(folder)["version"] == "v0001"
    assert (folder / "BOARD.md").read_text().startswith("# Board of the suite quick v0001\n")


def shifted(by):
    first, *others = standard()
    return [replace(first, outcome=replace(first.outcome, metrics={"micro_f1": 0.50 + by})), *others]


def test_tolerance_decides_about_a_new_version(tmp_path):
    """Half the tolerance is the same; ten times the tolerance is the next version, the old one untouched."""
    to = tmp_path / "leaderboard" / "published"
    published(tmp_path / "a", standard(), to)
    before = {p: p.read_bytes() for p in (to / "quick" / "v0001").iterdir()}
    assert published(tmp_path / "b", shifted(5e-7), to)[0] == "v0001"
    assert published(tmp_path / "c", shifted(1e-5), to)[0] == "v0002"
    assert {p: p.read_bytes() for p in (to / "quick" / "v0001").iterdir()} == before


@pytest.mark.parametrize(
    "records",
    [standard()[:-1], [*standard()[:-3], record(fit(size=300, seed=2), 0.8), *standard()[-2:]]],
    ids=["a job less", "a failure mended"],
)
def test_other_jobs_make_a_new_version(tmp_path, records):
    to = tmp_path / "leaderboard" / "published"
    published(tmp_path / "a", standard(), to)
    assert published(tmp_path / "b", records, to)[0] == "v0002"


def test_versions_are_never_overwritten(tmp_path):
    """Whatever lies where the next version would go stays as it is, and nothing half-made is left."""
    to = tmp_path / "leaderboard" / "published"
    (to / "quick" / "v0001").mkdir(parents=True)
    (to / "quick" / "v0001" / "note").write_text("mine")
    with pytest.raises(HarnessError, match="never overwritten"):
        published(tmp_path / "a", standard(), to)
    assert [p.name for p in (to / "quick").iterdir()] == ["v0001"]
    assert (to / "quick" / "v0001" / "note").read_text() == "mine"


def test_suites_have_numbers_of_their_own_and_share_the_readme(tmp_path):
    to = tmp_path / "leaderboard" / "published"
    published(tmp_path / "a", standard(), to)
    published(tmp_path / "b", shifted(0.1), to)
    assert published(tmp_path / "c", standard(), to, suite={"name": "real"})[0] == "v0001"
    readme = (tmp_path / "leaderboard" / "README.md").read_text()
    assert "## Suite quick, v0002" in readme
    assert "(published/quick/v0002/BOARD.md)" in readme
    assert "## Suite real, v0001" in readme
    assert "### typing on kang" in readme
    assert row_of(readme.split("## Suite real")[0], "mae")[2] == "0.600"


def test_no_readme_outside_a_leaderboard_folder(tmp_path):
    published(tmp_path / "a", standard(), tmp_path / "elsewhere" / "boards")
    assert not (tmp_path / "elsewhere" / "README.md").exists()


@pytest.mark.parametrize(
    ("records", "more", "word"),
    [
        (standard(), {"trial": True}, "trial"),
        ([failed(fit(size=100))], {}, "no job"),
        ([], {}, "no job"),
    ],
)
def test_trials_and_empty_boards_are_refused(tmp_path, records, more, word):
    to = tmp_path / "leaderboard" / "published"
    with pytest.raises(Misuse, match=word):
        published(tmp_path / "a", records, to, **more)
    assert not to.exists()


def test_a_trial_is_marked(tmp_path):
    records = standard()
    assert "trial" in render_markdown(board_of(tmp_path, records, trial=True)).splitlines()[2]
    assert "TRIAL" in report(tmp_path, grid(records, trial=True))[0]


def test_complaints_about_boards_are_sentences(tmp_path):
    store = filled(tmp_path, standard())
    with pytest.raises(Misuse, match="no board yet"):
        stored_board(store, None)
    report(tmp_path, grid(standard()))
    with pytest.raises(Misuse, match="Did you mean"):
        stored_board(store, "quik")
    with pytest.raises(Misuse, match="cannot name a folder"):
        report(tmp_path, grid(standard(), suite={"name": "../up"}))
    (store.boards / "quick" / "board.json").write_text("{")
    with pytest.raises(Misuse, match="cannot be read"):
        stored_board(store, "quick")
    (store.boards / "quick" / "board.json").write_text("{}")
    with pytest.raises(Misuse, match="is no board: it has no schema_version, suite, scores, tables"):
        stored_board(store, "quick")


def test_same_scores_is_symmetric_about_missing_metrics(tmp_path):
    one, two = board_of(tmp_path / "a"), board_of(tmp_path / "b")
    del two["scores"][0]["metrics"]["micro_f1"]
    assert same_scores(one, one)
    assert not same_scores(one, two)
    assert not same_scores(two, one)
