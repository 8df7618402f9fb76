"""Two versions are told apart by cause; every number here was worked out by hand or by scipy."""

import json

import numpy as np
import pytest
from boards import DOWN, ENVIRONMENT, UP, baseline, board, score, seeds, table, version
from scipy import stats

from harness_leaderboard.diff import CAUSES, diff
from harness_leaderboard.paired import paired
from harness_leaderboard.places import moves
from harness_leaderboard.render_diff import render_diff

AGAIN = "2026-02-02"


def only_change(before, after, **more):
    """Return the one change between two runs."""
    (change,) = diff(version([before]), version([after], version="v0002", **more)).changes
    return change


@pytest.mark.parametrize(
    ("more", "cause", "detail"),
    [
        ({"model_version": "2"}, "plugin", "model pca 1 → 2"),
        ({"sampler_version": "2"}, "plugin", "sampler random 1 → 2"),
        ({"task_version": "2"}, "task", "task typing 1 → 2"),
        ({"model_parameters": [["n", 20]]}, "recipe", "model parameters [['n', 10]] → [['n', 20]]"),
        ({"split_seed": 1}, "recipe", "split"),
        ({"precision": "bfloat16"}, "recipe", "precision float32 → bfloat16"),
        ({"dataset_digest": "d2"}, "data", "dataset kang d1 → d2"),
        ({"corpus_digest": "c2"}, "data", "corpus atlas c1 → c2"),
        ({"excluded": ["kang"]}, "data", "cells left out [] → ['kang']"),
        ({"device": "cuda"}, "device", "device cpu → cuda"),
    ],
)
def test_what_an_address_depends_on_is_the_cause(more, cause, detail):
    """Whatever differs of it, and nothing else, though the environment differs too."""
    change = only_change(score(0.5), score(0.6, **more), environment={**ENVIRONMENT, "numpy": "2.2"})
    assert change.causes == (cause,)
    assert change.details[0].startswith(detail)
    assert change.gain == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("more", "finished", "causes", "details"),
    [
        ({"environment": {**ENVIRONMENT, "numpy": "2.2"}}, AGAIN, ("environment",), ("numpy 2.1 → 2.2",)),
        ({"commit": "def"}, AGAIN, ("environment",), ("harness commit abc → def",)),
        (
            {"environment": {**ENVIRONMENT, "device": "another"}},
            AGAIN,
            ("device",),
            ("device a processor → another",),
        ),
        ({}, AGAIN, ("noise",), ("nothing that was recorded differs",)),
    ],
)
def test_where_addresses_are_equal_it_is_the_circumstances_or_noise(more, finished, causes, details):
    """The same recipe with another value: what was recorded beside it tells, or nothing does."""
    change = only_change(score(0.5), score(0.6, finished=finished), **more)
    assert change.causes == causes
    assert change.details == details
    assert change.addresses[0] == change.addresses[1]
    assert set(change.causes) <= set(CAUSES)


def test_another_package_of_the_same_version_of_a_plugin_is_told():
    """A card whose version was not raised although its package moved on."""
    change = only_change(
        score(0.5), score(0.6, finished=AGAIN, plugins={"model": "ours 2", "task": "ours 1"})
    )
    assert change.causes == ("environment",)
    assert change.details == ("package of the model ours 1 → ours 2",)


def test_several_causes_stand_together():
    """They cannot be told apart, and are not."""
    assert only_change(score(0.5), score(0.6, model_version="2", dataset_digest="d2")).causes == (
        "plugin",
        "data",
    )


def test_what_did_not_change_is_no_change():
    """The same value; and one within the tolerance of its metric."""
    for value in (0.5, 0.5 + 9e-7):
        found = diff(version([score(0.5)]), version([score(value, model_version="2")]))
        assert found.changes == ()
        assert found.jobs == {"before": 1, "after": 1, "both": 1}
        assert found.standings[0].causes == {}


def test_losses_gain_when_they_fall():
    """The sign of a gain is that of better."""
    before, after = (score(0, metrics={"f1": 0.5, "loss": value}) for value in (2.0, 1.5))
    after["finished"] = AGAIN
    found = diff(version([before]), version([after]))
    assert [(change.metric, change.gain) for change in found.changes] == [("loss", 0.5)]


def test_what_is_lost_says_why():
    """Failed, not applicable, pruned, asked otherwise, or not asked at all."""
    before = [score(seed=seed) for seed in range(2)] + [
        score(model_name="failing", model_label="failing"),
        score(model_name="unfit", model_label="unfit"),
        score(model_name="pruned", model_label="pruned"),
        score(model_name="gone", model_label="gone"),
        score(model_name="resized", model_label="resized"),
        score(model_name="longer", model_label="longer"),
    ]
    failing = {**before[2], "status": "failed", "metrics": {}}
    unfit = {**before[3], "status": "not-applicable", "metrics": {}}
    resized = score(model_name="resized", model_label="resized", size=900)
    longer = score(model_name="longer", model_label="longer", budget={"unit": "steps", "amount": 900})
    pruned = {
        "model": "pruned",
        "sampler": None,
        "corpus": "atlas",
        "size": None,
        "task": "typing",
        "dataset": None,
        "reason": "it needs a GPU",
    }
    after = version(
        [before[0], failing, unfit, resized, longer],
        failures=[{"address": failing["addresses"]["score"], "reason": "no memory left"}],
        not_applicable=[{"address": unfit["addresses"]["score"], "reason": "no donors"}],
        pruned=[pruned],
    )
    found = diff(version(before), after)
    assert {one.job["model"]: one.reason for one in found.lost} == {
        "pca": "it is asked with other seeds",
        "failing": "no memory left",
        "unfit": "no donors",
        "pruned": "pruned: it needs a GPU",
        "gone": "it was not asked for, or has no result yet",
        "resized": "it is asked with other sizes",
        "longer": "it is asked with another budget",
    }
    assert [one.job["model"] for one in found.added] == ["resized", "longer"]


def test_other_seeds_are_a_cause_of_their_own():
    """Seeds 0, 1 give .5 and .7; version 2 of the model .6 and .8, and a third seed .1.

    The means fall from .6 to .5. Of that the model's new version did +.1, the new seed -.2.
    """
    found = diff(version(seeds(0.5, 0.7)), version(seeds(0.6, 0.8, 0.1, model_version="2")))
    (standing,) = found.standings
    assert standing.causes["plugin"] == {"pairs": 2, "gain": pytest.approx(0.1)}
    assert standing.causes["seeds"] == {"points": 1, "gain": pytest.approx(-0.2)}
    assert standing.test.mean == pytest.approx(0.1)
    assert len(found.added) == 1
    assert found.added[0].reason == "it is asked with other seeds"


def test_values_that_are_measured_otherwise_are_not_comparable():
    """Task, data, recipe: no; model, environment: yes."""
    for more, comparable in [
        ({"task_version": "2"}, False),
        ({"dataset_digest": "d2"}, False),
        ({"split_seed": 4}, False),
        ({"model_version": "2"}, True),
        ({"finished": AGAIN}, True),
    ]:
        (standing,) = diff(version([score(0.5)]), version([score(0.6, **more)])).standings
        assert standing.comparable is comparable, more


def test_models_arms_and_tasks_are_tested_apart():
    """Each with its own pairs; baselines too."""
    before = [*seeds(0.5, 0.6), *seeds(0.2, arm="untrained", corpus=None, sampler=None, size=0), baseline()]
    after = [{**s, "metrics": {"f1": s["metrics"]["f1"] + 0.1}, "finished": AGAIN} for s in before]
    found = diff(version(before), version(after))
    assert [(s.model, s.arm, s.test.n) for s in found.standings] == [
        ("majority", "baseline", 1),
        ("pca", "trained", 2),
        ("pca", "untrained", 1),
    ]


def test_untrained_controls_of_two_gene_lists_are_told_apart():
    """They share everything but the list; its digest may change without losing the pair."""
    alone = {"arm": "untrained", "corpus": None, "sampler": None, "size": 0, "budget": None}
    before = [score(0.2, genes="a", **alone), score(0.3, genes="b", **alone)]
    after = [score(0.4, genes="x", **alone), score(0.3, genes="b", **alone)]
    (change,) = diff(version(before), version(after)).changes
    assert change.causes == ("data",)
    assert change.details == ("genes a → x",)


def test_all_is_plain_data():
    """For programs."""
    found = diff(version(seeds(0.5, 0.7)), version(seeds(0.6, 0.9, model_version="2")))
    told = json.loads(json.dumps(found.describe(), allow_nan=False))
    assert told["standings"][0]["test"]["n"] == 2
    assert told["changes"][0]["causes"] == ["plugin"]


# -- the paired tests --------------------------------------------------------------------------------------


def test_paired_t_by_hand():
    """Gains 1, 2, 3: mean 2, sd 1, t = 2 sqrt(3) = 3.4641, df 2.

    For two degrees of freedom p = 1 - t / sqrt(t^2 + 2): two-sided 1 - 3.4641/3.7417 = 0.0742. The 95 %
    interval is 2 +- 4.3027 / sqrt(3).
    """
    found = paired([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.t_p == pytest.approx(1 - 3.4641016 / np.sqrt(14), abs=1e-6)
    assert found.low == pytest.approx(2 - 4.302653 / np.sqrt(3), abs=1e-5)
    assert found.high == pytest.approx(2 + 4.302653 / np.sqrt(3), abs=1e-5)
    assert found.wilcoxon_p is None


def test_wilcoxon_by_hand():
    """Six gains of one sign: the exact two-sided p is 2 / 2**6; five have none worth showing."""
    assert paired([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).wilcoxon_p == pytest.approx(2 / 64)
    assert paired([0.1, 0.2, 0.3, 0.4, 0.5]).wilcoxon_p is None


def test_a_drop_is_tested_against_its_margin():
    """As scipy's paired test of the two runs does, the later one raised by the margin."""
    generator = np.random.default_rng(0)
    before = generator.normal(size=9)
    after = before - 0.4 + 0.3 * generator.normal(size=9)
    for margin in (0.0, 0.2, 1.0):
        expected = stats.ttest_rel(after + margin, before, alternative="less").pvalue
        assert paired(after - before, margin).drop_p == pytest.approx(expected)


def test_pairs_without_spread_are_certain():
    """A deterministic model changes by the same amount everywhere, or not at all."""
    assert paired([-0.1, -0.1, -0.1], 0.05).drop_p == 0
    assert paired([-0.1, -0.1, -0.1], 0.2).drop_p == 1
    assert paired([0.0, 0.0]).t_p == 1
    assert paired([-0.1, -0.1]).t_p == 0
    assert paired([-0.1]).drop_p is None


# -- places ------------------------------------------------------------------------------------------------


def curve(name, mean, metric="f1", sampler="random"):
    return {
        "metric": metric,
        "label": name,
        "best_size": 100,
        "sizes": [{"size": 0, "mean": 0.0}, {"size": 100, "mean": mean}],
        "sampler": {"name": sampler, "label": sampler, "parameters": []},
        "corpus": {"name": "atlas"},
        "budget": {"unit": "steps", "amount": 100},
    }


def constant(name, mean, arm="reference"):
    return {"metric": "f1", "label": name, "arm": arm, "mean": mean}


def placed(curves, constants=(), **more):
    like = score(**more)
    metrics = {"f1": UP} if "loss" not in more else {"f1": DOWN}
    return board([like], tables=[table(like, curves, constants, metrics=metrics)])


def test_places_change():
    """A model that overtakes the reference, one that is new, one that stays."""
    old = placed([curve("a", 0.9), curve("b", 0.5)], [constant("hvg", 0.7), constant("truth", 1.0, "oracle")])
    new = placed([curve("a", 0.9), curve("b", 0.8), curve("c", 0.1)], [constant("hvg", 0.7)])
    found = {move.row.split()[0]: (move.before, move.after) for move in moves(old, new)}
    assert found == {"b": (3, 2), "hvg": (2, 3), "c": (None, 4)}


def test_a_board_of_one_model_is_placed_among_all():
    """Where the table is measured alike; in another table it stands alone."""
    old = placed([curve("a", 0.9), curve("b", 0.5)])
    (move,) = (move for move in moves(old, placed([curve("c", 0.6)])) if move.before is None)
    assert (move.row, move.after) == ("c (random of atlas, 100 steps)", 2)
    (alone,) = moves(old, placed([curve("c", 0.6)], task_version="2"))
    assert (alone.before, alone.after) == (None, 1)


def test_who_lost_the_value_lost_the_place():
    """The earlier value does not stand in for it: those behind move up; constants too."""
    old = placed([curve("a", 0.9), curve("b", 0.5)], [constant("hvg", 0.7)])
    undefined = {**curve("a", None), "best_size": None}
    new = placed([undefined, curve("b", 0.5)], [constant("hvg", None)])
    assert [(move.row.split()[0], move.before, move.after) for move in moves(old, new)] == [("b", 3, 1)]


# -- words -------------------------------------------------------------------------------------------------


def test_markdown_tells_all_of_it():
    """Gains with intervals, causes, what is lost, who was withdrawn; names are text."""
    evil = {"model_name": "<b>x</b>|y", "model_label": "<b>x</b>|y"}
    before = version([*seeds(0.5, 0.7), score(seed=5, **evil)])
    after = version(seeds(0.6, 0.9, model_version="2"), version="v0002", commit="def")
    text = render_diff(diff(before, after))
    assert text.startswith("# quick v0001 → quick v0002\n")
    assert "2 scored jobs in both, 0 added, 1 lost; 2 values changed." in text
    assert "+0.15 [" in text
    assert "plugin: +0.15" in text
    assert "model pca 1 → 2" in text
    assert "harness commit abc → def" in text
    assert "<b>" not in text
    unchanged = render_diff(diff(before, before))
    assert "2 others are unchanged." in unchanged
