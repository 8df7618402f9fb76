"""The frozen words: what an address and a seed depend on, and what not."""

import json
from dataclasses import replace

import pytest

from harness.errors import Misuse
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
    Record,
    SplitRecipe,
    as_parameters,
    seed_for,
)

CORPUS = Data(name="corpus", digest="c" * 64)
DATASET = Data(name="cells", digest="d" * 64)


def draw(**change):
    values = {"corpus": CORPUS, "sampler": Choice(name="random", version="1"), "size": 100, "seed": 0}
    return Draw(**{**values, **change})


def fit(sample=None, **change):
    values = {
        "model": Choice(name="pca", version="1", parameters=as_parameters({"n_components": 5})),
        "draw": sample,
        "budget": Budget(unit="steps", amount=10) if sample else None,
        "genes": "g" * 64,
        "seed": 0,
        "precision": "float32",
        "device": "cpu",
    }
    return Fit(**{**values, **change})


def job(subject=None, **change):
    values = {
        "subject": subject or Embed(fit=fit(draw()), dataset=DATASET),
        "dataset": DATASET,
        "task": Choice(name="typing", version="1"),
        "split": SplitRecipe(kind="random", version="1"),
    }
    return Job(**{**values, **change})


CHANGES = [
    ("sample", lambda: job(Embed(fit=fit(draw(size=101)), dataset=DATASET))),
    ("sample", lambda: job(Embed(fit=fit(draw(seed=1)), dataset=DATASET))),
    ("sample", lambda: job(Embed(fit=fit(draw(excluded=("x",))), dataset=DATASET))),
    (
        "sample",
        lambda: job(Embed(fit=fit(draw(sampler=Choice(name="random", version="2"))), dataset=DATASET)),
    ),
    ("fit", lambda: job(Embed(fit=fit(draw(), seed=1), dataset=DATASET))),
    ("fit", lambda: job(Embed(fit=fit(draw(), device="cuda"), dataset=DATASET))),
    ("fit", lambda: job(Embed(fit=fit(draw(), budget=Budget(unit="epochs", amount=10)), dataset=DATASET))),
    ("embed", lambda: job(Embed(fit=fit(draw()), dataset=replace(DATASET, digest="e" * 64)))),
    ("score", lambda: job(task=Choice(name="typing", version="2"))),
    ("score", lambda: job(split=SplitRecipe(kind="random", version="1", seed=1))),
]
ORDER = ["sample", "fit", "embed", "score"]


@pytest.mark.parametrize(("first", "changed"), CHANGES)
def test_a_change_moves_its_own_stage_and_all_later_ones(first, changed):
    """Resuming recomputes from the first stage that a change touches, and nothing before it."""
    before, after = (one.describe()["addresses"] for one in (job(), changed()))
    moved = [stage for stage in ORDER if before[stage] != after[stage]]
    assert moved == ORDER[ORDER.index(first) :]


def test_names_of_data_are_for_people():
    """Renaming a corpus or a data set in a catalogue recomputes nothing."""
    renamed = replace(DATASET, name="other")
    other = Embed(fit=fit(draw(corpus=replace(CORPUS, name="other"))), dataset=renamed)
    assert job(other, dataset=renamed).address == job().address


def test_untrained_control_belongs_to_no_corpus_and_no_sampler():
    """One untrained fit joins every curve of its model: its address knows the gene list alone."""
    control = fit()
    assert control.arm == "untrained"
    assert job(Embed(fit=control, dataset=DATASET)).describe()["size"] == 0
    assert fit(genes=None).arm == "reference"
    assert fit(genes="h" * 64).address != control.address


def test_sampler_seed_does_not_know_the_size():
    """Nested prefixes stay nested: the same permutation at every size."""
    seeds = {seed_for(job(Embed(fit=fit(draw(size=n)), dataset=DATASET)), "sampler") for n in (10, 20, 30)}
    assert len(seeds) == 1


def test_split_seed_is_the_same_for_all_models():
    """All models, samplers, sizes, seeds and baselines meet the same split."""
    subjects = [
        Embed(fit=fit(draw()), dataset=DATASET),
        Embed(fit=fit(draw(size=7, seed=3), seed=3), dataset=DATASET),
        Embed(fit=fit(model=Choice(name="other", version="9")), dataset=DATASET),
        Baseline(name="majority_class"),
    ]
    assert len({seed_for(job(subject), "split") for subject in subjects}) == 1
    assert seed_for(job(), "split") != seed_for(job(task=Choice(name="other", version="1")), "split")


def test_seeds_of_two_purposes_differ():
    """No two parts of a job share their random numbers."""
    purposes = ("sampler", "model", "validation", "split", "metric")
    assert len({seed_for(job(), purpose) for purpose in purposes}) == len(purposes)


def test_a_baseline_has_no_model_seed():
    """Asking for the seed of something that is not there is an error, not a number."""
    with pytest.raises(ValueError, match="no model"):
        seed_for(job(Baseline(name="majority_class")), "model")


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(status="ok", metrics={"f1": 0.5}, undefined={"r": "constant"}, split_digest="s"),
        Outcome(
            status="failed",
            failure=Failure(kind="oom", reason="too big", stage="fit", stage_address="f" * 64),
        ),
    ],
)
def test_record_survives_json(outcome):
    """What the ledger writes it reads back unchanged."""
    record = Record(
        job=job().describe(),
        outcome=outcome,
        task={"primary": "f1"},
        plugins={"model": "some 1.0"},
        environment={"torch": "2"},
    )
    again = Record.from_json(json.loads(json.dumps(record.to_json())))
    assert again.outcome == outcome
    assert again.address == job().address


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], object(), [1, {}]])
def test_a_parameter_is_a_plain_value_or_a_list_of_them(value):
    """Anything else could not be hashed the same way everywhere."""
    with pytest.raises(Misuse, match=r'the parameter "width" is .*accepted are a number, a text, true'):
        as_parameters({"width": value})
