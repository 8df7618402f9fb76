"""Perturbation response: a screen worked by hand, a simulated one, and real ones where they are there."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import harness
from harness import ArrayCells, ContractBroken, NotApplicable, PlainRun, splits
from harness.audit import audit
from harness.conformance import conform
from harness.contracts.guards import check_scores
from harness.corpus import open_cells, read_catalogue
from harness.measures import Screen, Study, log_normalise, measure_screen
from harness.measures.response import DECLARED
from harness.statistics import paired_difference
from harness.synthetic import World
from harness_plugins.tasks.perturbation_response import harness_tasks
from harness_plugins.tasks.perturbation_response.task import PerturbationResponse

RUN = PlainRun()
[CARD] = harness_tasks()
ROLES = ("perturbation", "context")
ALONE = ("pds", "centroid_accuracy", "pairwise_cosine")


def column(values):
    return np.array(list(values), dtype=object)


def drawn(cells, **parameters):
    """Return the task and the split that the host would draw."""
    wanted = {**CARD.parameters, **parameters}
    kind, options = CARD.split_with(wanted)
    levels = {
        role: dict(zip(*np.unique(labels.astype(str), return_counts=True), strict=True))
        for role, labels in cells.columns.items()
    }
    recipe = splits.choose(kind, levels, splits.crosstabs_of(cells.columns), options)
    assert not isinstance(recipe, str), recipe
    return PerturbationResponse(**wanted), splits.draw(recipe, cells.columns, cells.n_cells, 0)


def baselines(cells, *names, **parameters):
    """Return the scores of baselines and oracles by name."""
    task, split = drawn(cells, **parameters)
    return {name: task.baseline(name, cells, split, RUN) for name in names}


def components(cells, width=10):
    """Return the principal components of the log-normalised expression."""
    x = log_normalise(cells.rows(np.arange(cells.n_cells))).toarray()
    left, size, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return (left * size)[:, :width].astype(np.float32)


def rich(cells=2700, **knobs):
    """Return a screen with strong effects, and cells enough to see them."""
    strong = {"perturbations": 6, "null_share": 0.0, "gating": 0.0, "effect": 3.0}
    return World(**{"contexts": 3, "genes": 150, **strong, **knobs}).perturbed(cells).cells()


@pytest.fixture(scope="module")
def simulated():
    return rich(gating=0.34)


class TestByHand:
    """Three lines of cells, one drug that quadruples the first gene in every one of them."""

    rng = np.random.default_rng(0)
    line = np.repeat([0, 1, 2], 80)
    treated = np.tile([False, True], 120)
    rates = np.random.default_rng(1).gamma(2.0, 20.0, (3, 30))
    counts = rng.poisson(rates[line] * np.where(treated[:, None] & (np.arange(30) == 0), 4, 1))
    cells = ArrayCells(
        counts=counts,
        genes=[f"g{i}" for i in range(30)],
        columns={
            "perturbation": np.where(treated, "drug", "control").astype(object),
            "context": column("xyz")[line],
        },
    )

    @property
    def means(self):
        """Means of control and treated cells (lines x genes each)."""
        x = log_normalise(self.counts).toarray().astype(float)
        rows = [[(self.line == c) & (self.treated == t) for c in range(3)] for t in (False, True)]
        return np.array([[x[each].mean(axis=0) for each in side] for side in rows])

    def of(self, *names):
        return baselines(self.cells, *names)

    def test_baselines_are_what_they_say(self):
        """Means of log-expression, by context; effects count by treated cells, of which all have 40."""
        found = self.of("no_change", "perturbed_mean", "context_transfer")
        for who, scores in found.items():
            check_scores(scores, CARD, baseline=who)
        control, treated = self.means
        others = [[1, 2], [0, 2], [0, 1]]
        expected = {
            "no_change": control,
            "perturbed_mean": [treated[o].mean(axis=0) for o in others],
            "context_transfer": [
                control[c] + (treated - control)[o].mean(axis=0) for c, o in enumerate(others)
            ],
        }
        for name, answer in expected.items():
            error = ((np.asarray(answer) - treated) ** 2).mean(axis=1)
            np.testing.assert_allclose(found[name].units["mse"], error, rtol=1e-5, err_msg=name)
            assert found[name].values["mse"] == pytest.approx(error.mean(), rel=1e-5)
        assert list(found["no_change"].unit_names) == ["drug|x", "drug|y", "drug|z"]
        assert list(found["no_change"].clusters) == ["x", "y", "z"]

    def test_what_is_not_defined_has_a_reason(self):
        """No change has no delta; one perturbation cannot be told from others. Missing is never a zero."""
        found = self.of("no_change")["no_change"]
        for name in (
            *("pearson_delta", *ALONE, "private_auprc", "interaction_skill", "dose_response"),
            *("andcg", "enrichment_factor", "top1_regret", "best_scale", "energy_distance"),
        ):
            assert name not in found.values
            assert name not in found.units
            assert len(found.undefined[name]) > 20
        assert "constant" in found.undefined["pearson_delta"]
        assert "fewer than two perturbations" in found.undefined["pds"]
        assert "between cells" in found.undefined["energy_distance"]
        assert found.values.keys() | found.undefined.keys() == {metric.name for metric in CARD.metrics}

    def test_baselines_of_other_questions_say_so(self):
        """Doses, combinations and named targets are absent."""
        for name, reason in {
            "additive": "no combination",
            "matching": "no combination",
            "linear": "named after a measured gene",
            "nearest_targets": "named after a measured gene",
            "target_scaling": "named after a measured gene",
            "nearest_dose": "no other dose",
            "log_dose_line": "no other dose",
        }.items():
            with pytest.raises(NotApplicable, match=reason):
                self.of(name)

    def test_the_head_is_the_weighted_mean_of_lines_it_cannot_tell_apart(self):
        """An embedding without information predicts the mean of the other lines' treated cells."""
        task, split = drawn(self.cells)
        found = task.evaluate(np.ones((240, 2), np.float32), self.cells, split, RUN)
        same = task.baseline("perturbed_mean", self.cells, split, RUN)
        np.testing.assert_allclose(found.units["mse"], same.units["mse"], rtol=1e-9)

    def test_another_head_and_another_baseline_are_refused(self):
        """A sentence says what there is."""
        task, split = drawn(self.cells)
        with pytest.raises(ContractBroken, match='"forest" is unknown; accepted is "ridge"'):
            PerturbationResponse(head="forest").evaluate(None, self.cells, split, RUN)
        with pytest.raises(NotImplementedError):
            task.baseline("nobody", self.cells, split, RUN)

    def test_nothing_to_ask(self):
        """A split whose conditions have too few cells asks nothing."""
        task, split = drawn(self.cells)
        few = split.taken(np.arange(8))
        rows = {role: labels[:8] for role, labels in self.cells.columns.items()}
        alone = ArrayCells(counts=self.counts[:8], genes=self.cells.genes, columns=rows)
        with pytest.raises(NotApplicable, match="no condition with enough"):
            task.baseline("no_change", alone, few, RUN)


def test_the_card_reads_metrics_as_they_are_declared():
    """Direction, range, floor, and whether models are judged by it agree with the kernels' declarations; the
    primary one may rank."""
    for metric in CARD.metrics:
        how = DECLARED[metric.name]
        assert (metric.direction, metric.lower, metric.upper) == (how.direction, how.lower, how.upper)
        assert (metric.floor, metric.judged) == (how.floor, how.rankable), metric.name
    assert DECLARED[CARD.primary.name].rankable


CONTRADICTIONS = [
    ({"pds": 1.5}, '"pds" of a unit is 1.5'),
    ({"wmse": -0.1}, '"wmse" of a unit is -0.1'),
    ({"pearson_delta": -1.01}, '"pearson_delta" of a unit is -1.01'),
    ({"andcg": np.inf}, '"andcg" is inf'),
    ({"variance_ratio": -1.0}, '"variance_ratio" is -1'),
    ({"r2": 0.9, "pearson_r": 0.8}, '"r2 <= pearson_r ** 2" is declared for a unit, and the sides are 0.9'),
    ({"pearson_centroid": 0.999}, '"pearson_centroid <= max(pearson_centroid_small,'),
    ({"pearson_centroid": -0.999}, '"pearson_centroid >= min(pearson_centroid_small,'),
    ({"skill_context": 0.1}, '"skill_context == 0" is declared'),
]


def test_the_host_audits_what_the_card_declares(simulated):
    """Scores as they are found pass; numbers out of their range, beyond what another score allows, or other
    than a baseline must have, do not; nor does a value that is not the mean over the units."""
    scores = baselines(simulated, "context_transfer")["context_transfer"]
    said = partial(audit, declared=CARD.declared(), baseline="context_transfer")
    assert not said(scores.values, units=scores.units)
    for numbers, sentence in CONTRADICTIONS:
        units = {
            name: np.full(len(scores.unit_names), numbers[name]) for name in scores.units if name in numbers
        }
        found = said({**scores.values, **numbers}, units={**scores.units, **units})
        assert any(each.startswith(sentence) for each in found), (sentence, found)
    [mean] = said({**scores.values, "pds": 0.6}, units=scores.units)
    assert mean.startswith('"pds" is 0.6; it is declared as the mean of its unit scores')
    moved = audit(scores.values, CARD.declared(), units=scores.units, baseline="no_change")
    assert any(each.startswith('"variance_ratio == 0" is declared') for each in moved)


def test_moments_are_those_of_numpy(simulated):
    """Means and variances of conditions, and of the halves, which share no cell and make the whole."""
    x = log_normalise(simulated.counts)
    columns = simulated.columns
    screen: Screen = measure_screen([x[:1000], x[1000:]], columns["perturbation"], columns["context"])
    assert all(abs(a - b) <= 1 for a, b in zip(screen.halves[0].n, screen.halves[1].n, strict=True))
    for row in (0, 5):
        rows = x[screen.of_cell == row].toarray().astype(float)
        np.testing.assert_allclose(screen.whole.mean[row], rows.mean(axis=0), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(screen.whole.variance[row], rows.var(axis=0, ddof=1), rtol=1e-6, atol=1e-9)


def test_genes_are_tested_as_scipy_does(simulated):
    """Welch's t of a condition against all other cells of its context, and its p against the controls."""
    from scipy.stats import false_discovery_control, ttest_ind

    x = log_normalise(simulated.counts).toarray().astype(float)
    what, where = simulated.columns["perturbation"], simulated.columns["context"]
    screen = measure_screen([log_normalise(simulated.counts)], what, where)
    row = next(n for n, c in enumerate(screen.conditions) if c.perturbation != "control")
    name, _, context = screen.conditions[row]
    own, here = (what == name) & (where == context), where == context
    with np.errstate(all="ignore"):
        t = ttest_ind(x[own], x[here & ~own], equal_var=False).statistic
        p = ttest_ind(x[own], x[here & (what == "control")], equal_var=False).pvalue
    np.testing.assert_allclose(screen.against_rest(screen.whole)[row], np.nan_to_num(t), rtol=1e-5, atol=1e-8)
    adjusted = false_discovery_control(np.nan_to_num(p, nan=1.0))
    np.testing.assert_allclose(screen.against_control(screen.whole)[row], adjusted, rtol=1e-4, atol=1e-12)


def test_the_oracle_tops_every_ranked_metric(simulated):
    """With strong effects and cells enough; the head and all baselines are below."""
    names = (
        "no_change",
        "perturbed_mean",
        "context_transfer",
        "technical_duplicate",
        "interpolated_duplicate",
    )
    found = baselines(simulated, *names)
    task, split = drawn(simulated)
    found["head"] = task.evaluate(components(simulated), simulated, split, RUN)
    for metric in CARD.metrics:
        if not DECLARED[metric.name].rankable or metric.name not in found["technical_duplicate"].values:
            continue
        sign = 1 if metric.direction == "up" else -1
        best = max(sign * found[name].values[metric.name] for name in names[3:])
        for name in (*names[:3], "head"):
            if metric.name in found[name].values:
                assert best > sign * found[name].values[metric.name], f"{metric.name}: {name}"


def test_the_oracle_notes_what_each_metric_can_tell(simulated):
    """Where effects are strong the primary metric passes; scores that may never rank are listed."""
    notes = baselines(simulated, "technical_duplicate")["technical_duplicate"].notes
    assert notes["calibration"]["pearson_centroid"]["passes"]
    assert notes["calibration"]["wmse"]["discrimination"] > 0.9
    assert {"mse", "r2", "pearson_r", "pearson_delta"} <= set(notes["not_ranked"])
    assert not {"pearson_centroid", "wmse", "pds"} & set(notes["not_ranked"])
    half, whole = notes["reliability"]["half"], notes["reliability"]["whole"]
    assert whole == pytest.approx(2 * half / (1 + half))


class TestDifficulty:
    """Six of ten perturbations do nothing, and each is silent in two of six contexts."""

    @pytest.fixture(scope="class")
    def found(self):
        world = World(contexts=6, genes=300, depth=2000.0)
        population = world.perturbed(2250)
        names = ("no_change", "perturbed_mean", "context_transfer", "technical_duplicate")
        found = baselines(population.cells(), *names)
        gates = dict(zip(sorted({*population.truth["private"]}), population.truth["gates"], strict=True))
        idle = np.array(
            [
                name.split("|")[0] in population.truth["null"]
                or not gates[name.split("|")[0]][int(name[-1]) - 1]
                for name in found["no_change"].unit_names
            ]
        )
        return found, idle

    def test_strata_are_parts_of_the_primary_score(self, found):
        """Every unit is in one of three, 20 each, whatever the answer; their means make up the whole."""
        strata = [f"pearson_centroid_{size}" for size in ("small", "middle", "large")]
        for scores in found[0].values():
            of_units = np.array([scores.units[name] for name in strata])
            assert (np.isfinite(of_units).sum(axis=0) == 1).all()
            assert (np.isfinite(of_units).sum(axis=1) == 20).all()
            np.testing.assert_array_equal(np.nansum(of_units, axis=0), scores.units["pearson_centroid"])
            means = [scores.values[name] for name in strata]
            assert np.mean(means) == pytest.approx(scores.values["pearson_centroid"])

    def test_large_effects_are_those_that_were_planted(self, found):
        """The 16 conditions that do something are in the third of the largest, and are predictable there:
        what transfers is far better than no change, where among small ones nothing is better by much."""
        scores, idle = found
        large = np.isfinite(scores["no_change"].units["pearson_centroid_large"])
        assert (~idle).sum() == 16
        assert large[~idle].mean() > 0.9
        gap = {
            size: scores["context_transfer"].values[f"pearson_centroid_{size}"]
            - scores["no_change"].values[f"pearson_centroid_{size}"]
            for size in ("small", "large")
        }
        assert gap["large"] > 0.3 > 0.1 > gap["small"]

    def test_the_share_that_is_solved_is_noted(self, found):
        """In every answer alike: of what does nothing more than half is solved by an answer that is the same
        for all, of the others hardly any; the metric of the rest is over the rest alone."""
        scores, idle = found
        notes = {name: each.notes["difficulty"] for name, each in scores.items()}
        assert all(note == notes["no_change"] for note in notes.values())
        solved = notes["no_change"]["solved"]
        assert {"no_change", "perturbed_mean", "context_transfer"} == set(solved)
        rest = np.isfinite(scores["technical_duplicate"].units["pearson_centroid_unsolved"])
        assert notes["no_change"]["solved_by_any"] == pytest.approx(1 - rest.mean())
        assert notes["no_change"]["solved_by_any"] >= max(solved.values())
        assert (~rest)[idle].mean() > 0.5
        constant = [solved[name] for name in ("no_change", "perturbed_mean")]
        assert max(constant) < 0.8
        assert [stratum["units"] for stratum in notes["no_change"]["strata"].values()] == [20, 20, 20]

    def test_strata_follow_from_the_data_set_alone(self, found):
        """Another split asks about other units, and the thirds are of the same conditions."""
        cells = World(contexts=6, genes=300, depth=2000.0).perturbed(2250).cells()
        other = baselines(cells, "no_change", split="few_shot", split_shots=3)["no_change"]
        before = found[0]["no_change"]
        for size in ("small", "middle", "large"):
            name = f"pearson_centroid_{size}"
            inside = {
                unit for unit, v in zip(before.unit_names, before.units[name], strict=True) if np.isfinite(v)
            }
            asked = [
                unit for unit, v in zip(other.unit_names, other.units[name], strict=True) if np.isfinite(v)
            ]
            assert asked
            assert set(asked) <= inside
            mine, theirs = (each.notes["difficulty"]["strata"][name] for each in (other, before))
            assert (mine["smallest"], mine["largest"]) == (theirs["smallest"], theirs["largest"])
            assert mine["units"] == len(asked)


def test_the_likeness_of_true_effects_stands_beside_that_of_predicted_ones(simulated):
    """As scikit-learn's cosines have it: the mean over pairs of perturbations, and over contexts."""
    from sklearn.metrics.pairwise import cosine_similarity

    x, (what, where) = log_normalise(simulated.counts).toarray(), map(simulated.columns.get, ROLES)
    drugs, found = sorted(set(what) - {"control"}), []
    for context in sorted(set(where)):
        mean = {name: x[(what == name) & (where == context)].mean(axis=0) for name in [*drugs, "control"]}
        cosines = cosine_similarity([mean[drug] - mean["control"] for drug in drugs])
        found.append(cosines[np.triu_indices(len(drugs), 1)].mean())
    notes = baselines(simulated, "no_change")["no_change"].notes["difficulty"]
    assert notes["pairwise_cosine_of_truth"] == pytest.approx(np.mean(found), abs=1e-5)


def test_perturbations_are_ranked_towards_another_state(simulated):
    """A second measurement finds those that lead to another context's untreated cells, an answer that is the
    same for all is chance, and what transfers is between them."""
    found = baselines(simulated, "no_change", "perturbed_mean", "context_transfer", "technical_duplicate")
    values = {name: scores.values for name, scores in found.items()}
    for name in ("no_change", "perturbed_mean"):
        assert values[name]["andcg"] == pytest.approx(0)
        assert values[name]["enrichment_factor"] == pytest.approx(1)
    ladder = [values[n]["andcg"] for n in ("no_change", "context_transfer", "technical_duplicate")]
    assert ladder[0] < ladder[1] < ladder[2]
    regret = [values[n]["top1_regret"] for n in ("no_change", "context_transfer", "technical_duplicate")]
    assert regret[0] > regret[1] >= regret[2]


def test_without_effects_no_metric_passes():
    """Perturbations that do nothing: duplicates are noise, and no oracle can be told from no answer."""
    nothing = rich(null_share=1.0, shift=0.0, cells=1200)
    notes = baselines(nothing, "technical_duplicate")["technical_duplicate"].notes
    passing = [n for n, c in notes["calibration"].items() if c["passes"] and n not in notes["not_ranked"]]
    assert not passing


@pytest.mark.parametrize("name", ["head", "no_change", "perturbed_mean", "context_transfer"])
def test_nothing_of_the_tested_cells_reaches_a_prediction(simulated, name):
    """The treated cells of a fold may be anything: what is predicted of them stays the same."""
    from harness.measures import RESPONSE_BASELINES, RidgeHead

    columns, embedding = simulated.columns, components(simulated)
    _, split = drawn(simulated)
    spoiled = simulated.counts.toarray().copy()
    spoiled[split.fold == 1] = np.random.default_rng(0).poisson(5, (int((split.fold == 1).sum()), 150))
    noise = np.where((split.fold == 1)[:, None], 1e3, embedding).astype(np.float32)
    tables = []
    for counts, places in ((simulated.counts, embedding), (spoiled, noise)):
        screen = measure_screen([log_normalise(counts)], columns["perturbation"], columns["context"])
        study = Study.of(screen, split, simulated.genes)
        head = RidgeHead(places, screen, lambda counts=counts: [log_normalise(counts)])
        predict = head.predict if name == "head" else RESPONSE_BASELINES[name]
        tables.append(study.predictions(predict)[1])
    np.testing.assert_array_equal(*tables)


@pytest.mark.parametrize("kind", ["unseen_perturbation", "unseen_both", "few_shot"])
def test_other_splits_are_scored(simulated, kind):
    """Whatever is held out, every metric has a value or a reason, and effects that are shared help."""
    more = {"split_shots": 2} if kind == "few_shot" else {}
    task, split = drawn(simulated, split=kind, **more)
    head = task.evaluate(components(simulated), simulated, split, RUN)
    assert head.values.keys() | head.undefined.keys() == {metric.name for metric in CARD.metrics}
    if kind != "few_shot":
        assert "not taught" in head.undefined["skill_context"]
        assert head.values["pds"] == pytest.approx(
            0.5
        )  # of what was never met a frozen embedding knows nothing


def test_combinations_add_up():
    """Parts are taught in the same context: adding their effects beats their mean and doing nothing."""
    cells = rich(perturbations=4, combinations=4, contexts=2, cells=2400, interaction=0.0)
    names = ("no_change", "matching", "additive", "technical_duplicate")
    found = baselines(cells, *names, split="combinations")
    error = {name: scores.values["wmse"] for name, scores in found.items()}
    assert error["additive"] < error["matching"] < error["no_change"]
    assert found["additive"].values["interaction_skill"] == pytest.approx(0, abs=1e-6)
    task, split = drawn(cells, split="combinations")
    head = task.evaluate(components(cells), cells, split, RUN)
    assert head.values["wmse"] < error["no_change"]


def test_doses_are_interpolated():
    """A dose between two others lies on the line through them, nearer than either and than nothing."""
    cells = rich(perturbations=4, doses=(0.1, 0.3, 1.0, 3.0, 10.0), contexts=2, cells=3000)
    names = ("no_change", "nearest_dose", "log_dose_line", "technical_duplicate")
    found = baselines(cells, *names, split="held_out_dose")
    error = {name: scores.values["wmse"] for name, scores in found.items()}
    assert error["log_dose_line"] < error["nearest_dose"] < error["no_change"]
    assert found["log_dose_line"].values["dose_response"] > 0.9
    assert all("@" in name for name in found["no_change"].unit_names)
    task, split = drawn(cells, split="held_out_dose")
    head = task.evaluate(components(cells), cells, split, RUN)
    assert head.values["wmse"] < error["no_change"]


def targeted(cells=3000, **knobs):
    """Return a screen whose perturbations are named after genes: each after the one whose share in the
    programmes is most like the effect that was planted.
    """
    world = World(
        **{
            **{"genes": 100, "programmes": 3, "weakest": 1.0, "perturbations": 20, "contexts": 2},
            **{
                "null_share": 0.0,
                "gating": 0.0,
                "effect": 2.0,
                "private_genes": 0,
                "depth": 2000.0,
                "seed": 2,
            },
            **knobs,
        }
    )
    population = world.perturbed(cells)
    programmes = population.truth["W"] / np.linalg.norm(population.truth["W"], axis=1, keepdims=True)
    free, name = np.ones(world.genes, dtype=bool), {"control": "control"}
    planted = {key[0]: change for key, change in population.truth["delta"].items() if "+" not in key[0]}
    for drug in sorted(planted.keys() - {"control"}):  # the last dose is the highest
        along = (planted[drug] - population.truth["shift"]) @ population.truth["W"]
        gene = int(np.where(free, programmes @ along, -np.inf).argmax())
        free[gene], name[drug] = False, population.genes[gene]
    columns = {
        **population.obs,
        "perturbation": column(
            "+".join(name[part] for part in each.split("+")) for each in population.obs["perturbation"]
        ),
    }
    return ArrayCells(counts=population.counts, genes=population.genes, columns=columns)


class TestGeneEmbeddings:
    """Perturbations that were never taught are known by the genes that they target."""

    @pytest.fixture(scope="class")
    def cells(self):
        return targeted()

    @pytest.mark.parametrize("kind", ["unseen_perturbation", "unseen_both"])
    def test_unseen_perturbations_are_predicted_from_their_targets(self, cells, kind):
        """By the linear model, by neighbours, and by the head whose genes are embedded through the cells; an
        embedding without information leaves the head at the mean of all, which tells nothing apart."""
        names = ("perturbed_mean", "linear", "nearest_targets", "target_scaling", "technical_duplicate")
        found = baselines(cells, *names, split=kind)
        task, split = drawn(cells, split=kind)
        noise = np.random.default_rng(0).normal(size=(cells.n_cells, 10)).astype(np.float32)
        found["head"] = task.evaluate(components(cells), cells, split, RUN)
        found["noise"] = task.evaluate(noise, cells, split, RUN)
        found["constant"] = task.evaluate(np.ones((cells.n_cells, 3), np.float32), cells, split, RUN)
        told = {name: scores.values["centroid_accuracy"] for name, scores in found.items()}
        assert told["perturbed_mean"] == pytest.approx(0.5)
        assert told["constant"] == pytest.approx(0.5)
        informed = ("linear", "nearest_targets", "head")
        assert min(told[name] for name in informed) > 0.6
        assert told["noise"] == pytest.approx(0.5, abs=0.08)
        assert told["technical_duplicate"] > max(told[name] for name in informed)
        error = {name: scores.values["wmse"] for name, scores in found.items()}
        assert max(error[name] for name in informed) < 0.8 * error["perturbed_mean"]
        assert error["noise"] > 0.9 * error["perturbed_mean"]

    def test_names_of_other_genes_do_not_help(self, cells):
        """Dealt out at random among the perturbations, targets tell nothing."""
        drugs = sorted(set(cells.columns["perturbation"]) - {"control"})
        dealt = np.random.default_rng(1).permutation(drugs)
        other = dict(zip(drugs, dealt, strict=True)) | {"control": "control"}
        columns = {**cells.columns, "perturbation": column(other[n] for n in cells.columns["perturbation"])}
        mixed = ArrayCells(counts=cells.counts, genes=cells.genes, columns=columns)
        task, split = drawn(mixed, split="unseen_perturbation")
        head = task.evaluate(components(mixed), mixed, split, RUN)
        linear = baselines(mixed, "linear", split="unseen_perturbation")["linear"]
        for scores in (head, linear):
            assert scores.values["centroid_accuracy"] == pytest.approx(0.5, abs=0.12)

    def test_the_target_itself_never_counts(self, cells):
        """A prediction that is right about nothing but the targets has no discrimination score."""
        task, split = drawn(cells, split="unseen_perturbation")
        study = task.study(cells, split, RUN)
        place = {gene: number for number, gene in enumerate(cells.genes)}

        def only_targets(known, asked):
            profile = known.controls[asked.context].copy()
            profile[place[asked.perturbation]] = 0.0
            return profile

        found = study.scored(only_targets)
        assert found.values["pds"] == pytest.approx(0.5)
        assert found.values["auprc"] == pytest.approx(0)


SPLITS = {
    "held_out_context": {},
    "few_shot": {"split_shots": 2},
    "unseen_perturbation": {},
    "unseen_both": {},
    "combinations of seen parts": {"split": "combinations", "split_seen": 2},
    "combinations of one seen part": {"split": "combinations", "split_seen": 1},
    "combinations of unseen parts": {"split": "combinations", "split_seen": 0},
    "inner doses": {"split": "held_out_dose", "split_dose": "inner"},
    "the highest dose": {"split": "held_out_dose", "split_dose": "extreme"},
}


def parts(conditions):
    return {part for c in conditions for part in c.perturbation.split("+")}


def contexts(conditions):
    return {c.context for c in conditions}


def in_a_new_context(asked, taught, parameters):
    assert not contexts(asked) & contexts(taught)
    assert {c.perturbation for c in asked} <= {c.perturbation for c in taught}


def with_few_shots(asked, taught, parameters):
    here = [c for c in taught if c.context in contexts(asked)]
    assert len(contexts(asked)) == 1
    assert len(here) == parameters["split_shots"]


def unseen(asked, taught, parameters):
    assert not parts(asked) & parts(taught)


def unseen_in_a_new_context(asked, taught, parameters):
    unseen(asked, taught, parameters)
    assert not contexts(asked) & contexts(taught)


def of_seen_parts(asked, taught, parameters):
    for condition in asked:
        both = set(condition.perturbation.split("+"))
        assert len(both) == 2
        assert len(both & parts(taught)) == parameters["split_seen"]


def at_another_dose(asked, taught, parameters):
    for condition in asked:
        known = [float(c.dose) for c in taught if c.perturbation == condition.perturbation]
        assert min(known) < float(condition.dose)
        assert (max(known) > float(condition.dose)) == (parameters["split_dose"] == "inner")


ABOUT = {
    "held_out_context": in_a_new_context,
    "few_shot": with_few_shots,
    "unseen_perturbation": unseen,
    "unseen_both": unseen_in_a_new_context,
    "combinations": of_seen_parts,
    "held_out_dose": at_another_dose,
}


@pytest.fixture(scope="module")
def worlds():
    """A screen of pairs, and one of doses, of perturbations named after genes."""
    small = {"perturbations": 6, "contexts": 3, "cells": 1800, "genes": 80}
    doses = (0.1, 0.3, 1.0, 3.0, 10.0)
    return targeted(combinations=6, **small), targeted(doses=doses, **small | {"contexts": 1})


@pytest.mark.parametrize("name", SPLITS)
def test_every_split_is_scored(worlds, name):
    """Each split asks what it says and teaches nothing of it, every metric has a value or a reason, and a
    second measurement is better than no change."""
    parameters = {"split": name, **SPLITS[name]}
    cells = worlds[1] if "dose" in name else worlds[0]
    task, split = drawn(cells, **parameters)
    found = baselines(cells, "no_change", "technical_duplicate", **parameters)
    found["head"] = task.evaluate(components(cells), cells, split, RUN)
    for who, scores in found.items():
        check_scores(scores, CARD, baseline=who)
    assert found["technical_duplicate"].values["wmse"] < found["no_change"].values["wmse"]
    study = task.study(cells, split, RUN)
    for fold in study.folds:
        asked = {study.screen.conditions[row] for row in fold.asked}
        taught = set(fold.known.conditions)
        assert asked
        assert taught
        assert not asked & taught
        ABOUT[parameters["split"]](asked, taught, parameters)


GENERALISES = {
    **dict.fromkeys(("held_out_context", "few_shot", "unseen_both"), "context"),
    **dict.fromkeys(("unseen_perturbation", "combinations", "held_out_dose"), "perturbation"),
}


@pytest.mark.parametrize("name", SPLITS)
def test_what_generalises_is_resampled(worlds, name):
    """The context where it is new; else the perturbation, without its dose and over all contexts, so that one
    context is enough for an interval. Of 18 units that are new in both, 3 contexts, not 6 perturbations."""
    parameters = {"split": name, **SPLITS[name]}
    found = baselines(worlds[1] if "dose" in name else worlds[0], "no_change", "linear", **parameters)
    names = [unit.partition("|") for unit in found["no_change"].unit_names]
    of = {"context": [n[2] for n in names], "perturbation": [n[0].partition("@")[0] for n in names]}
    expected = of[GENERALISES[parameters["split"]]]
    assert list(found["no_change"].clusters) == expected
    assert len(set(expected)) > 1
    gain = paired_difference(*(found[n].units["wmse"] for n in ("linear", "no_change")), clusters=expected)
    assert gain.n_clusters == len(set(expected))
    assert gain.reason is None


def test_of_two_new_kinds_the_coarser_is_resampled():
    """Three perturbations in five contexts, none taught where or with what it is asked: three clusters."""
    cells = rich(perturbations=3, contexts=5, cells=2400, genes=60)
    found = baselines(cells, "no_change", split="unseen_both")["no_change"]
    assert len({name.partition("|")[2] for name in found.unit_names}) == 5
    assert list(found.clusters) == [name.partition("|")[0] for name in found.unit_names]
    assert len(set(found.clusters)) == 3


def test_what_is_not_taught_lacks_its_own_score_alone(simulated):
    """Where one of a context's perturbations is taught nowhere, there is no transfer to hold it against; the
    others, in the same fold, keep their scores to the last digit."""
    task, split = drawn(simulated)
    known = task.baseline("technical_duplicate", simulated, split, RUN)
    missing = known.unit_names[1]
    taught = split.taught.copy()
    taught[0, simulated.columns["perturbation"] == missing.partition("|")[0]] = False
    found = task.baseline("technical_duplicate", simulated, replace(split, taught=taught), RUN)
    assert found.unit_names == known.unit_names
    for name in ("skill_context", "pearson_context"):
        before, after = np.array(known.units[name]), np.array(found.units[name])
        assert np.isfinite(before).all()
        assert np.flatnonzero(np.isnan(after)).tolist() == [1]
        np.testing.assert_array_equal(np.delete(after, 1), np.delete(before, 1))
        assert name not in found.undefined
        assert found.notes["units_undefined"][name] == 1


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_that_cannot_be_made_is_pruned_with_a_reason(name):
    """One perturbation at one dose in one context allows none of them; the reason says what is missing."""
    label = np.repeat(["control", "drug"], 30).astype(object)
    columns = {
        "perturbation": label,
        "context": np.full(60, "x", dtype=object),
        "dose": np.where(label == "control", "0", "1").astype(object),
    }
    kind, options = CARD.split_with({**CARD.parameters, "split": name, **SPLITS[name]})
    levels = {
        role: dict(zip(*np.unique(of.astype(str), return_counts=True), strict=True))
        for role, of in columns.items()
    }
    reason = splits.choose(kind, levels, splits.crosstabs_of(columns), options)
    assert isinstance(reason, str)
    assert len(reason) > 40


def test_conformance():
    """The checks of every task pass."""
    assert all(finding.passed for finding in conform(CARD, "task"))


@pytest.mark.parametrize("name", ["kang_ifnb", "crispr_4lines", "gbm_panobinostat"])
def test_real_screens(shared, name):
    """On real cells the oracle has the best primary score, and one that can be told from no answer."""
    path = shared / "data" / f"{name}.h5ad"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared data")
    catalogue = Path(harness.__file__).parent / "catalogues" / "real.yaml"
    [entry] = [entry for entry in read_catalogue(catalogue, path.parent) if entry.name == name]
    cells = open_cells(entry, path, roles=("perturbation", "context"), limit=2000)
    task, split = drawn(cells)
    embedding = np.random.default_rng(0).normal(size=(cells.n_cells, 5)).astype(np.float32)
    primary = CARD.primary.name
    oracle = task.baseline("technical_duplicate", cells, split, RUN)
    rivals = [task.evaluate(embedding, cells, split, RUN)]
    rivals += [
        task.baseline(n, cells, split, RUN) for n in ("no_change", "perturbed_mean", "context_transfer")
    ]
    assert all(oracle.values[primary] > r.values.get(primary, -1) for r in rivals)
    assert all(metric in r.undefined for metric in ALONE for r in rivals) == (name != "crispr_4lines")
