"""Planning: every combination becomes a job or a sentence, from cards and facts alone."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from harness.contracts.cards import Metric, ModelCard, SamplerCard, TaskCard
from harness.corpus import Facts
from harness.errors import Misuse
from harness.plan import describe, make_plan
from harness.records import Baseline, Embed, Fit
from harness.registry import Found, Registry
from harness.suite import Suite


class Known:
    """Facts by name."""

    def __init__(self, *facts):
        self.corpora = {f.name: f for f in facts if f.kind == "corpus"}
        self.datasets = {f.name: f for f in facts if f.kind == "dataset"}


def facts(name, kind="dataset", genes=("a", "b", "c", "d"), roles=("cell_type", "donor"), **change):
    levels = {role: {f"{role}{i}": 40 for i in range(3)} for role in roles}
    tabs = {
        f"{one}|{two}": {level: dict.fromkeys(levels[two], 10) for level in levels[one]}
        for one in roles
        for two in roles
        if one != two
    }
    values = {
        "name": name,
        "kind": kind,
        "digest": f"digest-{name}",
        "n_cells": 120,
        "symbols": tuple(genes),
        "ensembl": None,
        "gene_digest": "genes-" + "".join(genes),
        "levels": levels,
        "crosstabs": tabs,
        "marked": {},
        "related": {},
        "warnings": (),
        "species": "human",
        "min_overlap": 0.5,
        "marked_as": (name,) if kind == "dataset" else (),
    }
    return Facts(**{**values, **change})


def registry(**change):
    shelves = {
        "models": [
            ModelCard(name="net", version="1", entry="x:Net", parameters={"width": 4}),
            ModelCard(name="ref", version="1", entry="x:Ref", pretrains=False, deterministic=True),
        ],
        "samplers": [SamplerCard(name="random", version="1", entry="x:Random")],
        "tasks": [
            TaskCard(
                name="typing",
                version="1",
                entry="x:Typing",
                needs=frozenset({"cell_type>=2"}),
                metrics=(Metric(name="f1"),),
                split="grouped",
                baselines=("majority",),
            )
        ],
    }
    made = {
        kind: {
            card.name: Found(card=card, distribution="ours", version="1")
            for card in [*cards, *change.get(kind, [])]
        }
        for kind, cards in shelves.items()
    }
    return Registry(**made)


def suite(**change):
    values = {
        "name": "s",
        "corpora": ("corpus",),
        "datasets": ("cells",),
        "models": ("net", "ref"),
        "samplers": ("random",),
        "tasks": ("typing",),
        "sizes": (10, 20),
        "seeds": (0, 1),
    }
    return Suite.model_validate({**values, **change})


KNOWN = Known(facts("corpus", "corpus"), facts("cells"))


def plan(known=KNOWN, guests=None, device="cpu", **change):
    return make_plan(suite(**change), registry(**(guests or {})), known, device)


def test_the_grid_is_counted_by_hand():
    """2 sizes x 2 seeds trained, 2 seeds untrained, 1 deterministic reference, 1 baseline."""
    arms = [job.arm for job in plan().jobs]
    assert (arms.count("trained"), arms.count("untrained")) == (4, 2)
    assert (arms.count("reference"), arms.count("baseline")) == (1, 1)
    assert len({job.address for job in plan().jobs}) == 8
    assert plan().pruned == ()


def test_parameters_are_spelled_out():
    """A default that is written down and one that is not are the same model."""
    spelled = plan(models=[{"name": "net", "parameters": {"width": 4}}, "ref"])
    assert spelled.addresses == plan().addresses
    other = plan(models=[{"name": "net", "parameters": {"width": 5}}, "ref"])
    assert set(other.addresses) & set(plan().addresses) == {
        job.address for job in plan().jobs if job.arm in ("reference", "baseline")
    }


def reasons(found):
    return {pruned.reason for pruned in found.pruned}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (lambda: plan(sizes=(10, 500)), "the corpus corpus has 120 cells to draw from, fewer than 500"),
        (
            lambda: plan(Known(facts("corpus", "corpus"), facts("cells", roles=("donor",)))),
            'the data set cells lacks "cell_type>=2", which typing needs',
        ),
        (
            lambda: plan(Known(facts("corpus", "corpus", genes="abcd"), facts("cells", genes="axyz"))),
            "a model pretrained on corpus knows 25% of the genes of cells, and at least 50% are needed",
        ),
        (
            lambda: plan(
                models=("labelled",),
                guests={
                    "models": [
                        ModelCard(name="labelled", version="1", entry="x:L", needs=frozenset({"corpus:dose"}))
                    ]
                },
            ),
            'the corpus corpus lacks "corpus:dose", which labelled needs',
        ),
        (
            lambda: plan(
                models=("big",),
                guests={
                    "models": [ModelCard(name="big", version="1", entry="x:B", needs=frozenset({"gpu"}))]
                },
            ),
            "big needs a CUDA device and this run has none",
        ),
        (
            lambda: plan(
                models=("extra",),
                guests={
                    "models": [
                        ModelCard(
                            name="extra", version="1", entry="x:E", requires={"no_such_module": "more[x]"}
                        )
                    ]
                },
            ),
            "not installed: pip install 'more[x]'",
        ),
        (
            lambda: plan(
                models=("dumb",),
                guests={"models": [ModelCard(name="dumb", version="1", entry="x:D", offers=frozenset())]},
            ),
            'typing wants "embed" of a model and dumb offers nothing',
        ),
    ],
)
def test_what_cannot_be_run_gets_a_sentence(found, words):
    """Every difference between needs and offers is said in words."""
    assert words in reasons(found())


def test_a_task_that_makes_cells_asks_the_model_and_others_its_embedding():
    """Every model that embeds can be asked either way; an address names the fit or the embedding."""
    altering = TaskCard(
        name="altering", version="1", entry="x:A", metrics=(Metric(name="m"),), makes_cells=True
    )
    jobs = plan(tasks=("typing", "altering"), guests={"tasks": [altering]}).jobs
    assert {type(job.subject) for job in jobs if job.task.name == "typing"} == {Embed, Baseline}
    assert {type(job.subject) for job in jobs if job.task.name == "altering"} == {Fit}
    assert len({job.fit for job in jobs if job.fit}) == 7  # both tasks ask the same fits


def test_a_plugin_pruned_everywhere_is_named_with_its_distribution():
    """Nobody waits for a result that will never come."""
    hopeless = ModelCard(name="hopeless", version="1", entry="x:H", needs=frozenset({"corpus:protein"}))
    guests = {"models": [hopeless]}
    found = plan(models=("net", "hopeless"), guests=guests)
    (lost,) = found.pruned_everywhere(registry(**guests))
    assert (lost["kind"], lost["name"], lost["distribution"]) == ("model", "hopeless", "ours 1")
    assert '"corpus:protein"' in lost["reason"]


def test_marked_cells_of_all_data_sets_are_left_out_of_every_fit():
    """Leakage by construction: what is evaluated is never trained on, and counts as not available."""
    corpus = facts("corpus", "corpus", marked={"cells": 30, "elsewhere": 5})
    found = plan(Known(corpus, facts("cells")), sizes=("all",))
    draws = {job.draw.excluded: job.draw.size for job in found.jobs if job.draw}
    assert draws == {("cells",): 90}
    described, _ = describe(found, registry(), Known(corpus, facts("cells")))["data"]
    assert (described["n_cells"], described["n_available"]) == (120, 90)


def test_what_is_akin_to_a_data_set_is_noted():
    """Other cells of its donors cannot be left out by cell; the board says so, for the data sets asked."""
    akin = {"cells": "another lane of the same donor", "others": "not asked here"}
    known = Known(facts("corpus", "corpus", related=akin), facts("cells"))
    corpus, _ = describe(plan(known), registry(), known)["data"]
    assert "related to cells: another lane of the same donor" in corpus["notes"]
    assert not any("others" in note for note in corpus["notes"])


def test_the_untrained_control_is_shared_by_all_samplers_and_corpora_of_one_gene_list():
    """One fit joins every curve of its model."""
    other = SamplerCard(name="other", version="1", entry="x:Other")
    known = Known(facts("corpus", "corpus"), facts("twin", "corpus"), facts("cells"))
    found = plan(
        known, guests={"samplers": [other]}, samplers=("random", "other"), corpora=("corpus", "twin")
    )
    assert sum(job.arm == "untrained" for job in found.jobs) == 2
    assert sum(job.arm == "trained" for job in found.jobs) == 2 * 2 * 2 * 2


def test_the_order_of_wishes_changes_no_address():
    """Addresses do not depend on how a suite is written."""
    assert set(plan(models=("ref", "net"), seeds=(1, 0), sizes=(20, 10)).addresses) == set(plan().addresses)


def test_jobs_of_one_fit_stand_together():
    """A worker keeps what it has open."""
    second = registry().tasks["typing"].card
    tasks = [replace(second, name="typing2")]
    found = plan(guests={"tasks": tasks}, tasks=("typing", "typing2"))
    fits = [job.fit.address for job in found.jobs if job.fit]
    assert sum(one != two for one, two in pairwise(fits)) == len(set(fits)) - 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models": ("nett",)}, 'the model "nett" is not installed. Did you mean "net"?'),
        ({"samplers": ("randm",)}, 'the sampler "randm" is not installed. Did you mean "random"?'),
        (
            {"models": [{"name": "net", "parameters": {"widht": 3}}]},
            'the model "net" has no parameter "widht". Did you mean "width"?',
        ),
    ],
)
def test_a_wrong_name_in_a_suite_is_misuse(change, words):
    """Badly asked is not the same as asked and impossible."""
    with pytest.raises(Misuse) as caught:
        plan(**change)
    assert words in str(caught.value)


def test_a_value_that_a_card_does_not_list_is_misuse():
    """Said when the suite is planned, not by every job when it runs."""
    card = replace(
        registry().tasks["typing"].card, parameters={"probe": "knn"}, choices={"probe": ("knn", "mlp")}
    )
    asked = [{"name": "typing", "parameters": {"probe": "mlp"}}]
    assert plan(guests={"tasks": [card]}, tasks=asked).jobs
    with pytest.raises(Misuse, match='takes no "nkn" as its parameter "probe"; it takes "knn", "mlp"'):
        plan(guests={"tasks": [card]}, tasks=[{"name": "typing", "parameters": {"probe": "nkn"}}])


def test_planning_imports_no_science():
    """A plan of any size is made without the libraries that will run it."""
    heavy = ["torch", "scanpy", "anndata", "sklearn", "pandas", "scipy", "numpy", "h5py"]
    code = f"import sys, harness.plan, harness.suite; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_needs_that_a_parameter_names(tmp_path):
    """The role and the number of levels come from the suite; the reason names both."""
    card = SamplerCard(
        name="few",
        version="1",
        entry="x:Few",
        needs=frozenset({"corpus:{by}>={groups}"}),
        parameters={"by": "donor", "groups": 2},
    )
    found = plan(
        guests={"samplers": [card]},
        samplers=(
            {"name": "few", "sweep": {"groups": [1, 2, 90]}},
            {"name": "few", "parameters": {"by": "lab"}},
        ),
    )
    assert {dict(job.draw.sampler.parameters)["groups"] for job in found.jobs if job.draw} == {1, 2}
    assert [pruned.reason for pruned in found.pruned] == [
        'the corpus corpus lacks "corpus:donor>=90", which few needs',
        'the corpus corpus lacks "corpus:lab>=2", which few needs',
    ]


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"1")
    return folder


PUBLISHED = ModelCard(name="big", version="1", entry="x:Big", published=True)


def test_a_model_with_published_weights_is_a_row_of_its_own(weights):
    """Constant over sizes and seeds; its address sees the content of the folder, not its place."""
    (job,) = published(weights)
    assert (job.arm, job.draw, job.fit.genes, job.fit.seed) == ("pretrained", None, None, 0)
    assert job.describe()["weights"]["name"] == "v1"
    assert str(weights) not in str(job.describe())
    elsewhere = weights.rename(weights.with_name("v2"))
    assert published(elsewhere)[0].address == job.address
    (elsewhere / "weights.bin").write_bytes(b"2")
    assert published(elsewhere)[0].address != job.address


def published(folder):
    found = plan(guests={"models": [PUBLISHED]}, models=({"name": "big", "weights": folder},))
    return [job for job in found.jobs if job.arm != "baseline"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"name": "net", "weights": "v1"}, 'the model "net" takes over no published weights'),
        ({"name": "big", "weights": "nowhere"}, '"nowhere", which is not a folder with files in it'),
    ],
)
def test_weights_that_cannot_be_taken_over(wish, words):
    """Said before anything runs."""
    with pytest.raises(Misuse) as caught:
        plan(guests={"models": [PUBLISHED]}, models=(wish,))
    assert words in str(caught.value)


def test_a_sampler_may_have_sizes_of_its_own():
    """In place of the suite's."""
    few = SamplerCard(name="few", version="1", entry="x:Few")
    found = plan(guests={"samplers": [few]}, samplers=("random", {"name": "few", "sizes": [5, "all"]}))
    sizes = {(job.draw.sampler.name, job.draw.size) for job in found.jobs if job.draw}
    assert sizes == {("random", 10), ("random", 20), ("few", 5), ("few", 120)}


def test_a_sampler_may_have_a_corpus_to_itself():
    """The other samplers do not meet it."""
    few = SamplerCard(name="few", version="1", entry="x:Few")
    known = Known(facts("corpus", "corpus"), facts("own", "corpus", genes="abce"), facts("cells"))
    wishes = ("random", {"name": "few", "corpora": ["own"]})
    found = make_plan(suite(samplers=wishes), registry(samplers=[few]), known)
    drawn = {(job.draw.sampler.name, job.draw.corpus.name) for job in found.jobs if job.draw}
    assert drawn == {("random", "corpus"), ("few", "own")}
    assert len({job.fit.genes for job in found.jobs if job.arm == "untrained"}) == 2


def test_oracles_are_planned_like_baselines():
    """One job each, by name, without a model."""
    known = Known(facts("corpus", "corpus"), facts("cells", roles=("cell_type", "donor", "batch")))
    found = plan(
        known,
        {"tasks": [replace(divided_task(), oracles=("duplicate",))]},
        tasks=[{"name": "divided"}],
        models=("ref",),
    )
    assert sorted(job.subject.name for job in found.jobs if not job.fit) == ["duplicate", "majority"]


def divided_task(**parameters):
    return TaskCard(
        name="divided",
        version="1",
        entry="x:Divided",
        needs=frozenset({"cell_type>=2"}),
        metrics=(Metric(name="f1"),),
        split="{split}",
        parameters={"split": "grouped", "split_role": None, "split_folds": 5, **parameters},
        baselines=("majority",),
    )


def test_a_parameter_of_the_task_decides_the_split():
    """One suite asks the same task on several splits: each is a recipe of its own, or a reason."""
    known = Known(facts("corpus", "corpus"), facts("cells", roles=("cell_type", "donor", "batch")))
    wishes = [
        {"name": "divided", "parameters": parameters}
        for parameters in (
            {"split_role": "donor"},
            {"split": "leave_one_group_out", "split_role": "batch"},
            {"split": "random", "split_folds": 2},
            {"split": "held_out_context"},
            {"split": "by_moon"},
        )
    ]
    found = plan(known, {"tasks": [divided_task()]}, tasks=wishes, models=("ref",))
    assert {job.split.label for job in found.jobs} == {
        "grouped(folds=3, role=donor)",
        "leave_one_group_out(role=batch)",
        "random(folds=2)",
    }
    assert any('no role "perturbation"' in reason for reason in reasons(found))
    assert any(reason.startswith('the split "by_moon" is unknown. Known: ') for reason in reasons(found))
