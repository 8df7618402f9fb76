"""What a verifier believes: every forgery is refused with its reason, and an honest bundle is not."""

import json
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.digest import canonical
from harness.errors import Misuse
from harness.records import Failure, Job, Outcome, Record
from harness.store import Store
from harness.submission import (
    choose,
    inspect,
    keep,
    look_here,
    open_bundle,
    pack,
    possible_threads,
    repeat,
    threads_of,
)
from harness.submission.archive import Refused
from harness.submission.content import CONFORMANCE, GRID, LOCKS, MANIFEST, RECORDS, entry, make_manifest

TRAINED = 3
"""Place of a record of a trained model."""


def findings(world, forgery, tmp_path):
    """Return about -> what is wrong, of a forged bundle that can be read."""
    with open_bundle(forgery.write(tmp_path / "forged.zip")) as content:
        return {f.about: f.wrong for f in inspect(content, world.here) if f.wrong}


def unreadable(forgery, tmp_path):
    """Return why a forged bundle is refused before anything in it is looked at."""
    path = forgery.write(tmp_path / "forged.zip")
    with pytest.raises(Refused) as refusal, open_bundle(path):
        pass
    assert refusal.value.exit_code == 1
    return str(refusal.value)


def trained(forgery):
    return next(record for record in forgery.records if record.job["arm"] == "trained")


# -- an honest bundle ------------------------------------------------------------------------------------


def test_an_honest_bundle_passes(world):
    """Nothing is wrong with it, and something was looked at every time."""
    with open_bundle(world.bundle) as content:
        found = inspect(content, world.here)
    assert [finding.wrong for finding in found] == [()] * 7
    assert {finding.about: finding.looked_at for finding in found} == {
        "claims of the manifest": 1,
        "jobs of the suite": 5,
        "records": 5,
        "stored scores": 5,
        "aggregates and identities": 5,
        "splits": 5,
        "conformance": 3,
    }


def test_the_forgers_tools_are_honest_by_themselves(world, forgery, tmp_path):
    """Resealing without a change gives a bundle that passes: what is refused below is the change."""
    assert findings(world, forgery.seal(), tmp_path) == {}


def test_the_same_results_give_the_same_digest(world, tmp_path, monkeypatch):
    """A bundle is cited by its digest; what is in it does not depend on when it was written."""
    monkeypatch.setattr("harness.submission.packing.conformance", lambda *_: {})
    made = [
        pack(tmp_path / name, world.grid, world.here.plan, world.here.registry, world.store)
        for name in ("one.zip", "other.zip")
    ]
    assert made[0]["digest"] == made[1]["digest"]
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_bundle_names_no_path_of_the_machine(world, forgery):
    """Neither tracebacks nor folders travel."""
    folder = str(world.bundle.parent).encode()
    assert not [name for name, content in forgery.files.items() if folder in content]


def test_repairs_and_tracebacks_stay_at_home(world, tmp_path, monkeypatch):
    """A store that mended itself is no forgery, and where it lies is nobody's business."""
    monkeypatch.setattr("harness.submission.packing.conformance", lambda *_: {})
    store = Store(tmp_path / "mended")
    with open_bundle(world.bundle) as content:
        keep(content, store)
        first, second, *_ = content.records
    mended = replace(first.outcome, notes={**first.outcome.notes, "recomputed": ["/home/me/x is damaged"]})
    failure = Failure(kind="oom", reason="no memory", stage="fit", stage_address="f", traceback="/home/me/x")
    store.append([replace(first, outcome=mended)])
    store.append([replace(second, outcome=Outcome(status="failed", failure=failure))])
    here = world.here
    pack(tmp_path / "b.zip", world.grid, here.plan, here.registry, store)
    with open_bundle(tmp_path / "b.zip") as content:
        found = {finding.about: finding.wrong for finding in inspect(content, here) if finding.wrong}
        assert b"/home/me" not in content.archive.read(RECORDS)
    assert found.keys() == {"conformance"}


def test_the_locks_name_every_distribution(forgery):
    """With versions, as pip reads them."""
    lines = forgery.files[LOCKS].decode().splitlines()
    assert f"numpy=={np.__version__}" in lines
    assert all(line.count("==") == 1 for line in lines)


def test_a_second_run_of_honest_jobs_agrees(world, tmp_path):
    """All of them, in an empty store, to the last digit on the same machine."""
    store = Store(tmp_path / "again")
    with open_bundle(world.bundle) as content:
        chosen = choose(content, 99, seed=0)
        found = repeat(chosen, content, world.here, world.executor(store), store, {})
    assert len(found) == 5
    assert [one.wrong for one in found] == [()] * 5
    assert max(max(one.largest.values()) for one in found) == 0
    assert sum(1 for _ in store.blobs.folder.rglob("units.safetensors")) == 5


def test_jobs_are_chosen_by_the_seed(world):
    """k of them, distinct, the same for the same seed; every job has its turn."""
    with open_bundle(world.bundle) as content:
        assert [r.address for r in choose(content, 2, 7)] == [r.address for r in choose(content, 2, 7)]
        assert len({record.address for record in choose(content, 3, 1)}) == 3
        drawn = {choose(content, 1, seed)[0].address for seed in range(60)}
    assert drawn == {record.address for record in content.scored}


def test_jobs_get_the_threads_that_they_had(world):
    """The last bits of a fit depend on them."""
    with open_bundle(world.bundle) as content:
        costs = {"fit": {"threads": 3}, "score": {"threads": 1}}
        record = replace(content.records[0], outcome=replace(content.records[0].outcome, costs=costs))
    assert threads_of([record]) == 3
    assert threads_of([]) == 1
    assert [possible_threads(said, 4) for said in (3, 10**9, -3, 0)] == [3, 4, 1, 1]


def test_what_was_verified_can_be_kept(world, tmp_path):
    """The store then has the records, and the scores with the seal of whoever computed them."""
    store = Store(tmp_path / "kept")
    with open_bundle(world.bundle) as content:
        keep(content, store)
        records = content.records
    assert store.ledger.records() == {record.address: record for record in records}
    assert store.health().complaints == ()
    for record in records:
        assert store.blobs.made_with("score", record.address) == world.store.blobs.made_with(
            "score", record.address
        )
        assert store.units(record.address).names == world.store.units(record.address).names


def test_the_verifier_plans_for_itself(world, tmp_path):
    """From the suite in the bundle and the data that are here: the same jobs come out."""
    with open_bundle(world.bundle) as content:
        here = look_here(content, Store(tmp_path), catalogues=[world.bundle.parent / "catalogue.yaml"])
        assert here.jobs.keys() == world.here.jobs.keys()
        assert here.grid(content)["environment"] == world.grid["environment"]
        assert inspect(content, here)[1].passed


# -- what cannot be submitted ------------------------------------------------------------------------------


def test_what_is_unfinished_is_not_submitted(world, tmp_path):
    """A bundle answers a whole suite, so that nobody leaves out what went badly."""
    with pytest.raises(Misuse, match="5 of 5 jobs have no result yet"):
        pack(tmp_path / "b.zip", world.grid, world.here.plan, world.here.registry, Store(tmp_path / "none"))
    assert not (tmp_path / "b.zip").exists()


def test_a_trial_is_not_submitted(world, tmp_path):
    """Its numbers are of a few cells."""
    with pytest.raises(Misuse, match="trial"):
        pack(
            tmp_path / "b.zip",
            {**world.grid, "trial": True},
            world.here.plan,
            world.here.registry,
            world.store,
        )


def test_a_bundle_is_never_overwritten(world):
    """Another name is asked for."""
    with pytest.raises(Misuse, match="is there already"):
        pack(world.bundle, world.grid, world.here.plan, world.here.registry, world.store)


# -- forged files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [GRID, RECORDS, LOCKS, CONFORMANCE])
def test_an_edited_file_is_refused(forgery, tmp_path, name):
    """Its digest is not the one in the manifest."""
    forgery.files[name] += b" "
    assert f'"{name}" is not the file that the manifest names' in unreadable(forgery, tmp_path)


def test_an_edited_manifest_is_refused(forgery, tmp_path):
    """Its own digest stands in it."""
    manifest = forgery.json(MANIFEST)
    manifest["claims"]["environments"][0]["device"] = "a larger processor"
    forgery.put(MANIFEST, manifest)
    assert "the manifest was edited" in unreadable(forgery, tmp_path)


def test_a_manifest_that_claims_otherwise_is_refused(world, forgery, tmp_path):
    """Even with the right digest: every claim is drawn from the records again."""
    manifest = forgery.json(MANIFEST)
    manifest["claims"]["environments"][0]["device"] = "a larger processor"
    forgery.put(MANIFEST, make_manifest(manifest["files"], {**manifest["claims"], "rank": 1}))
    (wrong,) = findings(world, forgery, tmp_path).values()
    assert "the manifest claims other environments than the bundle holds" in wrong[0]
    assert 'claims "rank", which nothing in the bundle bears out' in wrong[1]


@pytest.mark.parametrize(
    "change", [{"suite": None}, {"suite": 3}, {"data": []}, {"outcomes": {"ok": "5"}}, {"environments": [3]}]
)
def test_claims_of_another_form_are_refused(forgery, tmp_path, change):
    """One that is absent too: nobody looks for it later on in vain."""
    claims = {**forgery.json(MANIFEST)["claims"], **change}
    forgery.claim({name: value for name, value in claims.items() if value is not None})
    assert "manifest.json does not have the form" in unreadable(forgery, tmp_path)


def test_a_file_that_the_manifest_does_not_name_is_refused(forgery, tmp_path):
    """Or one that is gone."""
    address = forgery.records[0].address
    manifest = forgery.json(MANIFEST)
    del manifest["files"][LOCKS]
    forgery.put(MANIFEST, manifest)
    assert 'does not name "locks.txt"' in unreadable(forgery, tmp_path)
    forgery.label()
    del forgery.files[f"scores/{address}/units.safetensors"]
    assert f'has no "scores/{address}/units.safetensors"' in unreadable(forgery, tmp_path)


def test_other_formats_and_no_json_are_refused(forgery, tmp_path):
    """Without a traceback, deep nesting and NaN too."""
    for content, says in [
        (b'{"format": 1}', "is not of format 3"),
        (b"[]", "is not of format 3"),
        (b'{"format": 3, "files": 3}', "does not have the form that it should have"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1e999}', "1e999 is no number"),
        (b'{"a": 1' + b"0" * 400 + b"}", "is larger than any number here"),
        (b'{"a": "\\ud800"}', "is not JSON that can be read"),
        (b"[" * 60_000, "is not JSON"),
    ]:
        forgery.files[MANIFEST] = content
        assert says in unreadable(forgery, tmp_path)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda record: record.pop("outcome"), "is no record"),
        (lambda record: record.update(more=1), "is no record"),
        (lambda record: record["outcome"].update(status="excellent"), "is no record"),
        (lambda record: record["outcome"].update(metrics={"micro_f1": "high"}), "is no record"),
        (lambda record: record["job"].pop("addresses"), "is no record"),
        (lambda record: record["job"].pop("model"), "is no record"),
        (lambda record: record["job"].update(size="many"), "is no record"),
        (lambda record: record["job"].update(task="typing"), "is no record"),
        (lambda record: record["job"].update(model=None, baseline=None), "neither a model nor a baseline"),
        (
            lambda record: record["job"].update(model={"name": "m", "version": "1"}, baseline="b"),
            "a model and a baseline",
        ),
        (lambda record: record["outcome"].update(metrics={"micro_f1": "0.5"}), "is no record"),
        (lambda record: record["outcome"].update(status="missing", metrics={}), "never recorded"),
        (lambda record: record["outcome"].update(status="failed"), "it has no failure"),
        (lambda record: record["outcome"].update(status="not-applicable"), "it has no reason"),
        (lambda record: record["outcome"].update(status="not-applicable", reason="r"), "it has scores"),
    ],
)
def test_a_line_that_is_no_record_is_refused(forgery, tmp_path, edit, says):
    """By its number."""
    lines = [json.loads(line) for line in forgery.files[RECORDS].splitlines()]
    edit(lines[1])
    forgery.files[RECORDS] = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    found = unreadable(forgery.claim(forgery.json(MANIFEST)["claims"]), tmp_path)
    assert "line 2 of records.jsonl" in found
    assert says in found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (GRID, b"[]"),
        (GRID, b'{"suite": {"name": "mine"}}'),
        (CONFORMANCE, b"3"),
        (CONFORMANCE, b'{"model pca": {"version": "1", "findings": [{"check": "c"}]}}'),
    ],
)
def test_a_document_of_another_form_is_refused(forgery, tmp_path, name, content):
    """By its name, not by a traceback later on."""
    forgery.files[name] = content
    listed = {**forgery.json(MANIFEST)["files"], name: entry(content)}
    forgery.put(MANIFEST, make_manifest(listed, forgery.json(MANIFEST)["claims"]))
    assert f"{name} does not have the form that it should have" in unreadable(forgery, tmp_path)


def test_a_job_stands_once_and_with_its_scores(forgery, tmp_path):
    """Two records of a job, scores of no job and a job without its scores are refused."""
    records = forgery.records
    forgery.records = [*records, records[0]]
    assert f"a second record of the job {records[0].address}" in unreadable(forgery.label(), tmp_path)
    forgery.records = records[1:]
    assert "stored scores and no record" in unreadable(forgery.label(), tmp_path)
    forgery.records = records
    for name in [name for name in forgery.files if records[0].address in name]:
        del forgery.files[name]
    assert f"the job {records[0].address} has no stored scores" in unreadable(forgery.label(), tmp_path)


def test_where_there_is_no_bundle(tmp_path):
    """Badly asked is not refused."""
    with pytest.raises(Misuse, match="there is no bundle"), open_bundle(tmp_path / "none.zip"):
        pass


# -- forged scores -----------------------------------------------------------------------------------------


def test_a_score_that_is_forged_in_the_records_alone(world, forgery, tmp_path):
    """The stored scores say otherwise."""
    record = trained(forgery)
    forgery.change(record.address, metrics={**record.outcome.metrics, "micro_f1": 0.99})
    found = findings(world, forgery.label(), tmp_path)
    assert "its record tells other metrics than its stored scores" in found["stored scores"][0]


def test_stored_scores_that_are_forged_without_their_seal(world, forgery, tmp_path):
    """What a store sealed when the job was finished does not change."""
    record = trained(forgery)
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "macro_f1": 0.75})
    found = findings(world, forgery.label(), tmp_path)
    assert '"scores.json" does not have the digest under which it was sealed' in found["stored scores"][0]


def test_a_forged_score_is_not_the_mean_of_its_units(world, forgery, tmp_path):
    """Every seal is right, and the aggregate is recomputed from the scores by unit."""
    record = trained(forgery)
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "micro_f1": 0.99})
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert '"micro_f1" is 0.99; it is declared as the weighted mean of its unit scores' in wrong[0]


def test_a_forged_score_beyond_its_range(world, forgery, tmp_path):
    """And one that contradicts others."""
    record = trained(forgery)
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "balanced_accuracy": 1.7})
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert '"balanced_accuracy" is 1.7; its declared range is 0 to 1' in wrong[0]
    forgery = world.forgery()
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "micro_f1_gap": -0.9})
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert '"micro_f1_gap == in_distribution_micro_f1 - micro_f1" is declared' in wrong[0]


def test_units_that_do_not_fit(world, forgery, tmp_path):
    """Forged scores by unit outside of the range, though their mean fits."""
    record = trained(forgery)
    stored = forgery.units(record.address)
    units, weights = stored.values["micro_f1"].copy(), stored.weights
    units[0] += 40 / weights[0]
    units[1] -= 40 / weights[1]
    forgery.change_units(record.address, "micro_f1", units)
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert '"micro_f1" of a unit is' in wrong[0]


def test_a_consistent_forgery_is_found_by_running_the_job_again(world, forgery, tmp_path):
    """Score, units and every seal agree: only the job itself tells."""
    record = trained(forgery)
    value, units = record.outcome.metrics["brier_score"], forgery.units(record.address).values["brier_score"]
    forgery.change_units(record.address, "brier_score", units / 2)
    forgery.change_scores(record.address, metrics={**record.outcome.metrics, "brier_score": value / 2})
    assert findings(world, forgery.seal(), tmp_path) == {}
    store, forged = Store(tmp_path / "again"), [trained(forgery)]
    with open_bundle(tmp_path / "forged.zip") as content:
        (one,) = repeat(forged, content, world.here, world.executor(store), store, {})
        (wide,) = repeat(forged, content, world.here, world.executor(store), store, {"": 2.0})
        (named,) = repeat(forged, content, world.here, world.executor(store), store, {"brier_score": 2.0})
    assert f"brier_score is {value / 2:.6g} in the bundle and {value:.6g} here" in one.wrong[0]
    assert "where 1e-06 is allowed" in one.wrong[0]
    assert one.wrong[1:] == ("the scores of brier_score by unit are others here",)
    assert one.largest["brier_score"] == pytest.approx(value / 2)
    assert one.largest["micro_f1"] == 0
    assert wide.wrong == named.wrong == ()


def test_forged_units_are_found_by_running_the_job_again(world, forgery, tmp_path):
    """Noise taken out of the units narrows intervals; the mean stays."""
    record = trained(forgery)
    stored = forgery.units(record.address)
    flat = np.full(3, np.average(stored.values["brier_score"], weights=stored.weights))
    assert not np.allclose(stored.values["brier_score"], flat)
    forgery.change_units(record.address, "brier_score", flat)
    assert findings(world, forgery.seal(), tmp_path) == {}
    store = Store(tmp_path / "again")
    with open_bundle(tmp_path / "forged.zip") as content:
        (one,) = repeat([record], content, world.here, world.executor(store), store, {})
    assert one.wrong == ("the scores of brier_score by unit are others here",)


def test_a_job_that_fails_here_is_told(world, tmp_path):
    """Nothing is compared, nothing passes."""

    class Failing:
        def run(self, orders):
            for order in orders:
                yield order, Outcome(status="not-applicable", reason="no donors")

    with open_bundle(world.bundle) as content:
        (one,) = repeat(choose(content, 1, 0), content, world.here, Failing(), Store(tmp_path), {})
    assert one.wrong == ("the bundle says ok; here it is not-applicable (no donors)",)


OOM = Failure(kind="oom", reason="no\nmemory", stage="fit", stage_address="f")
NAN = Failure(kind="nan", reason="not finite", stage="fit", stage_address="f")
FAILED = Outcome(status="failed", failure=OOM)


def again(world, forgery, tmp_path, found=None):
    """Return what is wrong with the hidden job of a forged bundle when it is run again, or comes to this."""

    class Known:
        def run(self, orders):
            for order in orders:
                yield order, found

    store, address = Store(tmp_path / "again"), trained(world.forgery()).address
    with open_bundle(forgery.seal().write(tmp_path / "forged.zip")) as content:
        hidden = [record for record in choose(content, 99, seed=0) if record.address == address]
        executor = Known() if found else world.executor(store)
        ((one),) = repeat(hidden, content, world.here, executor, store, {})
    return one.wrong


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        (FAILED, "the bundle says failed (oom: no?memory); here it is ok; oom may be the machine's, and is"),
        (Outcome(status="failed", failure=NAN), "the bundle says failed (nan: not finite); here it is ok"),
        (Outcome(status="not-applicable", reason="no donors"), "the bundle says not-applicable (no donors)"),
    ],
)
def test_a_bad_run_that_is_hidden_is_found_by_running_it_again(world, forgery, tmp_path, hidden, says):
    """A score that became a failure, resealed with care: only the job itself tells, and it is drawn."""
    forgery.hide(trained(forgery).address, hidden)
    assert findings(world, forgery.seal(), tmp_path) == {}
    (sentence,) = again(world, forgery, tmp_path)
    assert sentence.startswith(says)


@pytest.mark.parametrize(
    ("said", "found", "borne_out"),
    [
        (OOM, OOM, True),
        (OOM, NAN, True),
        (NAN, NAN, True),
        (NAN, replace(NAN, kind="crash"), True),
        (NAN, OOM, False),
    ],
)
def test_a_failure_is_borne_out_by_a_failure(world, forgery, tmp_path, said, found, borne_out):
    """But no short memory here bears out a model that is said to have failed by itself."""
    forgery.hide(trained(forgery).address, Outcome(status="failed", failure=said))
    wrong = again(world, forgery, tmp_path, Outcome(status="failed", failure=found))
    assert (wrong == ()) is borne_out
    assert borne_out or wrong[0].startswith("it fails otherwise here: failed (oom: no?memory)")


# -- swapped splits, other jobs ----------------------------------------------------------------------------


def test_a_swapped_split_is_drawn_again(world, forgery, tmp_path):
    """A record that says which split it had, and had another one."""
    record = trained(forgery)
    forgery.change_scores(record.address, split_digest="5" * 64)
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert "its split is not the one that grouped" in wrong[0]
    assert "draws from cells" in wrong[0]


def test_another_split_recipe_is_no_job_of_the_suite(world, forgery, tmp_path):
    """A split with a luckier seed gives other addresses, however carefully they are worked out."""
    lucky = [replace(job, split=replace(job.split, seed=job.split.seed + 1)) for job in world.here.plan.jobs]
    moved = {job.address: new for job, new in zip(world.here.plan.jobs, lucky, strict=True)}
    forgery.records = [
        replace(r, job=json.loads(canonical(moved[r.address].describe()))) for r in forgery.records
    ]
    for old, new in moved.items():
        for name in [name for name in forgery.files if old in name]:
            forgery.files[name.replace(old, new.address)] = forgery.files.pop(name)
    wrong = findings(world, forgery.seal(), tmp_path)["jobs of the suite"]
    assert "the suite has no such job here; its split is" in wrong[0]
    assert len(wrong) == 6
    assert wrong[-1] == "and 5 more of this kind"


def test_many_strangers_are_told_in_one_look(world, forgery, tmp_path, monkeypatch):
    """The plan is described once for all of them, not once for each."""
    counted = []
    describe = Job.describe
    monkeypatch.setattr(Job, "describe", lambda job: counted.append(job) or describe(job))
    strange = [
        replace(r, job={**r.job, "seed": n, "addresses": {**r.job["addresses"], "score": f"{n:064}"}})
        for n, r in enumerate([trained(forgery)] * 30)
    ]
    forgery.records = [
        *forgery.records,
        *(replace(r, outcome=Outcome(status="not-applicable", reason="none")) for r in strange),
    ]
    wrong = findings(world, forgery.seal(), tmp_path)["jobs of the suite"]
    assert wrong[-1] == "and 25 more of this kind"
    assert len(counted) <= 2 * len(world.here.jobs)


def test_a_job_under_anothers_address_is_refused(world, forgery, tmp_path):
    """The good run of one seed cannot stand for another seed."""
    records = forgery.records
    first = trained(forgery)
    renamed = {**first.job, "seed": 9}
    forgery.records = [replace(r, job=renamed) if r.address == first.address else r for r in records]
    (wrong,) = findings(world, forgery.label(), tmp_path).values()
    assert "describes another job than its address stands for" in wrong[0]


def test_what_is_told_of_a_forgery_is_plain(world, forgery, tmp_path):
    """Whatever its records are called."""
    first = trained(forgery)
    model = {**first.job["model"], "name": "9\n```\x1b[2J"}
    renamed = {**first.job, "model": model, "addresses": {**first.job["addresses"], "score": "0" * 64}}
    forgery.records = [replace(r, job=renamed) if r.address == first.address else r for r in forgery.records]
    for name in [name for name in forgery.files if first.address in name]:
        forgery.files[name.replace(first.address, "0" * 64)] = forgery.files.pop(name)
    wrong = findings(world, forgery.label(), tmp_path)["jobs of the suite"]
    assert "9?```?[2J at size 30" in wrong[0]
    assert all(sentence.isprintable() for sentence in wrong)


def test_a_job_that_is_left_out_is_missed(world, forgery, tmp_path):
    """The worst seed, say."""
    gone = trained(forgery)
    forgery.records = [record for record in forgery.records if record.address != gone.address]
    for name in [name for name in forgery.files if gone.address in name]:
        del forgery.files[name]
    (wrong,) = findings(world, forgery.label(), tmp_path).values()
    (sentence,) = wrong
    assert sentence.startswith("pca on 30 random cells of corpus, seed 0: cell_type_classification")
    assert sentence.endswith("a job of the suite that has no record, neither score nor failure")


# -- edited records, plugins, environments -------------------------------------------------------------------


def test_other_library_versions_than_the_seals_are_refused(world, forgery, tmp_path):
    """The record names a version that did not make its scores."""
    first, *others = forgery.records
    environment = {**first.environment, "numpy": "1.0"}
    forgery.records = [replace(first, environment=environment), *others]
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert f'made with numpy {np.__version__}, and its record says "1.0"' in wrong[0]


def test_other_declarations_than_the_tasks_are_refused(world, forgery, tmp_path):
    """A range or a tolerance is the task's to declare, not the submitter's."""
    first, *others = forgery.records
    metrics = {**first.task["metrics"], "micro_f1": {**first.task["metrics"]["micro_f1"], "tolerance": 9.0}}
    forgery.records = [replace(first, task={**first.task, "metrics": metrics}), *others]
    (wrong,) = findings(world, forgery.seal(), tmp_path).values()
    assert "declares other metrics than the task declares here" in wrong[0]


def test_another_headline_than_the_tasks_is_refused(world, forgery, tmp_path):
    """Which metric is the primary one, and which baselines there are, decides what a board shows."""
    first, *others = forgery.records
    for name, value in (("primary", "macro_f1"), ("baselines", []), ("version", "0")):
        assert first.task[name] != value
        forgery.records = [replace(first, task={**first.task, name: value}), *others]
        (wrong,) = findings(world, forgery.seal(), tmp_path).values()
        assert f"declares other {name} than the task declares here" in wrong[0]


def test_a_trial_is_refused(world, forgery, tmp_path):
    """As a whole or in one record."""
    forgery.put(GRID, {**forgery.json(GRID), "trial": True})
    assert "is a trial on limited cells" in findings(world, forgery.label(), tmp_path)["jobs of the suite"][0]
    forgery = world.forgery()
    first, *others = forgery.records
    forgery.records = [replace(first, trial=True), *others]
    assert "it is of a trial" in findings(world, forgery.label(), tmp_path)["records"][0]


def test_a_plugin_that_breaks_a_check_is_refused(world, forgery, tmp_path):
    """So is one that was not checked, or in another version; a known failure passes."""
    report = forgery.json(CONFORMANCE)
    failed = {"check": "check_seed", "passed": False, "message": "two seeds, one result", "known": None}
    report["model pca"]["findings"].append(failed)
    report["sampler random"]["version"] = "0"
    del report["task cell_type_classification"]
    forgery.put(CONFORMANCE, report)
    wrong = findings(world, forgery.label(), tmp_path)["conformance"]
    assert "the model pca breaks check_seed: two seeds, one result" in wrong
    assert "the task cell_type_classification 2 has no conformance report" in wrong
    assert any(sentence.startswith("the sampler random") for sentence in wrong)
    failed["known"] = "it is told in the documents"
    report = world.forgery().json(CONFORMANCE)
    report["model pca"]["findings"].append(failed)
    forgery = world.forgery()
    forgery.put(CONFORMANCE, report)
    assert findings(world, forgery.label(), tmp_path) == {}


def test_a_suite_that_reaches_for_files_is_refused(world, forgery, tmp_path):
    """Weights are named, never a path of the verifier's; an unreadable suite is no traceback."""
    grid = forgery.json(GRID)
    for suite, says in [
        ({**grid["suite"], "models": [{"name": "scvi", "weights": "/etc"}]}, "names weights by a path"),
        ({**grid["suite"], "models": [{"name": "scvi", "weights": "../x"}]}, "names weights by a path"),
        ({**grid["suite"], "sizes": "many"}, "names no suite that can be read"),
        ("quick", "names no suite that can be read"),
    ]:
        forgery.put(GRID, {**grid, "suite": suite if isinstance(suite, dict) else {"name": suite}})
        forgery.label()
        path = forgery.write(tmp_path / "forged.zip")
        with open_bundle(path) as content, pytest.raises(Refused, match=says):
            look_here(content, Store(tmp_path))
    forgery.put(GRID, {**grid, "environment": {"device_kind": "abacus"}})
    path = forgery.label().write(tmp_path / "forged.zip")
    with open_bundle(path) as content, pytest.raises(Refused, match='computed on "abacus"'):
        look_here(content, Store(tmp_path))


def test_what_is_not_here_is_no_forgery(world, forgery, tmp_path):
    """A model that the verifier has not installed cannot be verified, which is told apart: exit code 2."""
    grid = forgery.json(GRID)
    forgery.put(GRID, {**grid, "suite": {**grid["suite"], "models": [{"name": "unheard_of"}]}})
    path = forgery.label().write(tmp_path / "forged.zip")
    catalogues = [world.bundle.parent / "catalogue.yaml"]
    with open_bundle(path) as content, pytest.raises(Misuse, match='model "unheard_of"') as found:
        look_here(content, Store(tmp_path), catalogues=catalogues)
    assert "the bundle cannot be verified here" in str(found.value)
    assert found.value.exit_code == 2


def test_every_member_has_a_plain_name(world):
    """As a bundle of ours is read with the same care."""
    with zipfile.ZipFile(world.bundle) as archive:
        assert all(not name.startswith("/") for name in archive.namelist())
        assert len(archive.namelist()) == 5 + 4 * 5
    assert Record.from_json(asdict(world.store.records()[0])) == world.store.records()[0]
