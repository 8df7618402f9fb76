"""Splits: chosen from facts, drawn from labels, the same for every model."""

import json
import os
import subprocess
import sys
from itertools import combinations

import anndata
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from harness import splits
from harness.contracts.cards import TaskCard
from harness.contracts.task import Split
from harness.errors import NotApplicable
from harness.records import SplitRecipe, as_parameters

CONTEXTS = ("held_out_context", "few_shot", "unseen_perturbation", "unseen_both", "combinations")
SEED = 3


def labels(*counts):
    return np.array([name for name, n in counts for _ in range(n)], dtype=object)


def facts(**columns):
    levels = {
        role: {str(k): int(v) for k, v in zip(*np.unique(c.astype(str), return_counts=True), strict=True)}
        for role, c in columns.items()
    }
    return levels, splits.crosstabs_of(columns)


def chosen(kind, columns, **options):
    return splits.choose(kind, *facts(**columns), options)


def drawn(kind, columns, **options):
    recipe = chosen(kind, columns, **options)
    assert isinstance(recipe, SplitRecipe), recipe
    return splits.draw(recipe, columns, len(next(iter(columns.values()))), SEED)


def three_donors():
    cell_type = labels(("A", 30), ("B", 30), ("C", 30))
    donor = np.array(["d1", "d2", "d3"] * 30, dtype=object)
    return {"cell_type": cell_type, "donor": donor}


def screen(cells, role="context"):
    """Return the columns of a screen: (perturbation, group) -> cells."""
    rows = [condition for condition, n in cells.items() for _ in range(n)]
    perturbation, group = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    return {"perturbation": perturbation, role: group}


def crossed(perturbations, groups, n=12, role="context"):
    return screen({(p, g): n for p in ("control", *perturbations) for g in groups}, role)


def sides(split, columns, fold, role="context"):
    """Return the treated conditions that a fold tests and teaches, as pairs of labels."""
    perturbation, group = columns["perturbation"], columns[role]
    both = []
    for mask in (split.tested(fold), split.training(fold)):
        there = mask & (perturbation != "control")
        both.append(set(zip(perturbation[there], group[there], strict=True)))
    return both


def both_sides(split, columns, role="context"):
    """Return what each fold tests and teaches."""
    return [sides(split, columns, fold, role) for fold in range(split.n_folds)]


def parts(name):
    return frozenset(name.split("+")) - {"control"}


# -- classes -------------------------------------------------------------------------------------------


def test_donors_are_held_out_together_where_there_are_three():
    """The only role divides the cells, and no donor is in two folds."""
    columns = three_donors()
    recipe = chosen("grouped", columns)
    assert (recipe.kind, dict(recipe.parameters)) == ("grouped", {"role": "donor", "folds": 3})
    split = drawn("grouped", columns)
    assert split.unit_kind == "donor"
    for name in ("d1", "d2", "d3"):
        assert len(set(split.fold[columns["donor"] == name])) == 1
    assert sorted(set(split.fold)) == [0, 1, 2]


def test_the_coarsest_role_is_the_one_with_fewest_groups():
    """Donors within batches are held out with their batch; two studies are too few unasked."""
    columns = {
        "cell_type": np.array(["A", "B"] * 120, dtype=object),
        "donor": np.repeat([f"d{i}" for i in range(12)], 20).astype(object),
        "batch": np.repeat([f"b{i}" for i in range(4)], 60).astype(object),
        "study": np.repeat(["s0", "s1"], 120).astype(object),
    }
    assert dict(chosen("grouped", columns).parameters) == {"role": "batch", "folds": 4}
    assert dict(chosen("leave_one_group_out", columns).parameters) == {"role": "study"}
    assert dict(chosen("grouped", columns, role="donor").parameters) == {"role": "donor", "folds": 5}
    assert dict(chosen("grouped", columns, role="study").parameters) == {"role": "study", "folds": 2}
    columns["tissue"] = np.array([f"t{i[1:]}" for i in columns["batch"]], dtype=object)
    assert dict(chosen("grouped", columns).parameters)["role"] == "tissue"


def test_samples_of_one_donor_are_not_torn_apart():
    """Where batches lie within donors, the donor is coarser, whatever the roles are called."""
    columns = {
        "cell_type": np.array(["A", "B"] * 60, dtype=object),
        "donor": np.repeat([f"d{i}" for i in range(4)], 30).astype(object),
        "batch": np.repeat([f"b{i}" for i in range(8)], 15).astype(object),
    }
    assert dict(chosen("grouped", columns).parameters)["role"] == "donor"


def test_classes_in_one_group_only_are_left_out_and_counted():
    """A class that no other donor can teach is not tested, and the notes name it."""
    cell_type = labels(("A", 30), ("B", 30), ("rare", 9), ("local", 12))
    donor = np.array(["d1", "d2", "d3"] * 23 + ["d1"] * 12, dtype=object)
    split = drawn("grouped", {"cell_type": cell_type, "donor": donor})
    assert split.notes == {"cells_left_out": 21, "classes_left_out": ["local", "rare"]}
    assert (split.fold[np.isin(cell_type, ["rare", "local"])] == -1).all()


def test_labels_confounded_with_their_library_are_split_by_cell():
    """Where every class is its own batch no grouping is possible; asked for by name it is refused."""
    cell_type = labels(("A", 30), ("B", 30), ("C", 30))
    columns = {"cell_type": cell_type, "batch": cell_type}
    assert chosen("grouped", columns).kind == "random"
    assert "could not be learnt from the rest" in chosen("grouped", columns, role="batch")
    assert "no group can be left out" in chosen("leave_one_group_out", columns)


def test_a_split_by_cell_says_that_it_is_one():
    """Scores of a random split can be told from those of a grouped one."""
    split = drawn("random", three_donors())
    assert split.unit_kind == "cell"
    assert "comparison with published scores only" in split.notes["by_cell"]
    assert set(split.fold) == {0, 1}
    assert set(drawn("random", three_donors(), folds=4).fold) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("kind", "columns", "options", "words"),
    [
        ("grouped", {"cell_type": labels(("A", 30), ("B", 3))}, {}, "nothing to tell apart"),
        ("random", {"cell_type": labels(("A", 30), ("B", 3))}, {}, "nothing to tell apart"),
        ("groupd", three_donors(), {}, 'the split "groupd" is unknown. Did you mean "grouped"?'),
        ("grouped", three_donors(), {"role": "tissue"}, 'cannot be divided by "tissue"'),
        ("grouped", three_donors(), {"role": "tissue"}, "roles that divide it: donor"),
        (
            "held_out_context",
            three_donors(),
            {},
            'no role "perturbation", by which this split divides it; it has cell_type, donor',
        ),
        ("grouped", three_donors(), {"fold": 3}, 'no option "fold". Did you mean "folds"?'),
        ("grouped", three_donors(), {"folds": 1}, 'a whole number from 2 to 10, and "1" was given'),
        ("grouped", three_donors(), {"folds": True}, '"True" was given'),
        ("grouped", three_donors(), {"role": 3}, "the name of a role"),
        ("held_out_dose", crossed("AB", "12345", role="dose"), {"dose": "top"}, '"inner" or "extreme"'),
        (
            "leave_one_group_out",
            {"cell_type": labels(("A", 30), ("B", 30)), "donor": labels(("d1", 60))},
            {"role": "donor"},
            "all cells are of one donor",
        ),
    ],
)
def test_a_split_that_cannot_be_made_gives_a_sentence(kind, columns, options, words):
    """Unknown kinds, roles and options, and facts that forbid it, are told apart."""
    reason = chosen(kind, columns, **options)
    assert isinstance(reason, str)
    assert words in reason


def test_options_that_a_kind_has_no_use_for_are_ignored():
    """A task may offer several kinds: the options of the others change no address."""
    columns = three_donors()
    plain = chosen("grouped", columns)
    assert chosen("grouped", columns, shots=5, dose="inner", role=None) == plain
    assert chosen("grouped", columns, seed=1) != plain


def test_left_out_groups_agree_with_scikit_learn():
    """Every group is a fold: the partition of LeaveOneGroupOut, and of GroupKFold with as many folds."""
    rng = np.random.default_rng(0)
    columns = {
        "cell_type": rng.choice(["A", "B", "C"], 300).astype(object),
        "study": rng.choice(["s1", "s2", "s3", "s4"], 300).astype(object),
    }
    split = drawn("leave_one_group_out", columns)
    groups = columns["study"].astype(str)
    tests = [test for _, test in LeaveOneGroupOut().split(groups, groups=groups)]
    assert split.n_folds == len(tests) == 4
    for number, test in enumerate(tests):
        np.testing.assert_array_equal(np.flatnonzero(split.tested(number)), test)
        np.testing.assert_array_equal(split.training(number), ~split.tested(number))
    ours = {tuple(np.flatnonzero(split.tested(number))) for number in range(4)}
    assert ours == {tuple(test) for _, test in GroupKFold(4).split(groups, groups=groups)}


TYPES = st.sampled_from(["A", "B", "C", "D"])
GROUPS = st.sampled_from([f"g{i}" for i in range(9)])
CLASS_TABLES = st.dictionaries(st.tuples(TYPES, GROUPS), st.sampled_from([1, 4, 10, 15]), min_size=1)


@settings(max_examples=100, deadline=None)
@given(CLASS_TABLES, st.sampled_from(["grouped", "leave_one_group_out", "random"]), st.integers(0, 2**32 - 1))
def test_what_facts_allow_can_be_drawn_of_classes(table, kind, seed):
    """No group is on both sides, every tested class is taught, and the order of cells changes nothing."""
    made = screen(table, "donor")
    columns = {"cell_type": made["perturbation"], "donor": made["donor"]}
    recipe = chosen(kind, columns, role=None if kind == "grouped" else "donor", folds=4)
    if isinstance(recipe, str):
        return
    split = splits.draw(recipe, columns, len(made["donor"]), seed)
    assert split.n_folds >= 2
    assert set(range(split.n_folds)) <= set(split.fold) <= set(range(-1, split.n_folds))
    for fold in range(split.n_folds):
        tested, taught = split.tested(fold), split.training(fold)
        assert not (tested & taught).any()
        assert set(columns["cell_type"][tested]) <= set(columns["cell_type"][taught])
        if recipe.kind != "random":
            assert not set(columns["donor"][tested]) & set(columns["donor"][taught])
    if recipe.kind != "random":
        order = np.random.default_rng(0).permutation(len(split.fold))
        other = splits.draw(recipe, {role: c[order] for role, c in columns.items()}, len(order), seed)
        np.testing.assert_array_equal(other.fold, split.fold[order])


def test_a_class_of_two_donors_is_taught_even_where_chance_puts_them_together():
    """With twelve donors in two folds, pairs of donors with a class of their own are kept apart."""
    table = {(f"T{pair}", f"d{2 * pair + i}"): 10 for pair in range(6) for i in range(2)}
    made = screen(table | {("common", f"d{i}"): 10 for i in range(12)}, "donor")
    columns = {"cell_type": made["perturbation"], "donor": made["donor"]}
    recipe = chosen("grouped", columns, folds=2)
    for seed in range(30):
        split = splits.draw(recipe, columns, len(made["donor"]), seed)
        for name in set(columns["cell_type"]):
            assert len(set(split.fold[columns["cell_type"] == name])) > 1


@settings(max_examples=60, deadline=None)
@given(CLASS_TABLES, st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_familiar_cells_are_of_taught_groups_and_not_taught(table, folds, seed):
    """Cells set apart are tested by a model that has met their group and class, but not them."""
    made = screen(table, "donor")
    columns = {"cell_type": made["perturbation"], "donor": made["donor"]}
    recipe = chosen("grouped", columns, role="donor", folds=folds, in_distribution=True)
    if isinstance(recipe, str):
        return
    plain = splits.draw(chosen("grouped", columns, role="donor", folds=folds), columns, 0, seed)
    split = splits.draw(recipe, columns, len(made["donor"]), seed)
    np.testing.assert_array_equal(split.fold, plain.fold)
    for fold in range(split.n_folds):
        familiar, taught = split.in_distribution == fold, split.training(fold)
        assert not (familiar & (taught | split.tested(fold))).any()
        np.testing.assert_array_equal(taught | familiar, plain.training(fold))
        assert set(columns["cell_type"][plain.training(fold)]) == set(columns["cell_type"][taught])


def test_a_fifth_of_every_class_is_familiar_ground():
    """With 20 cells of a class in each of 5 donors, a fold sets about 16 of the other 80 apart."""
    columns = {
        "cell_type": np.array(["A", "B"] * 100, dtype=object),
        "donor": np.repeat([f"d{i}" for i in range(5)], 40).astype(object),
    }
    split = drawn("grouped", columns, in_distribution=True)
    for fold in range(5):
        for name in "AB":
            apart = (split.in_distribution == fold) & (columns["cell_type"] == name)
            assert 11 <= apart.sum() <= 20
            assert (split.training(fold) & (columns["cell_type"] == name)).sum() == 80 - apart.sum()
    digests = {splits.split_digest(one) for one in (split, drawn("grouped", columns))}
    assert len(digests) == 2
    order = np.random.default_rng(0).permutation(200)
    for mask in ("tested", "training"):
        np.testing.assert_array_equal(getattr(split.taken(order), mask)(2), getattr(split, mask)(2)[order])


def test_where_folds_cannot_keep_classes_apart_every_group_is_a_fold():
    """A class for each pair of 5 donors: 2 folds put 3 donors, and thus 3 classes, together."""
    pairs = combinations([f"d{i}" for i in range(5)], 2)
    made = screen({(f"T{number}", donor): 10 for number, pair in enumerate(pairs) for donor in pair}, "donor")
    split = drawn("grouped", {"cell_type": made["perturbation"], "donor": made["donor"]}, folds=2)
    assert split.n_folds == 5


# -- perturbations: by hand ----------------------------------------------------------------------------


def test_contexts_are_held_out_one_by_one():
    """Every context is a fold; its treated cells are taught in the other one, controls in both."""
    columns = crossed(["drug"], ["x", "y"])
    split = drawn("held_out_context", columns)
    np.testing.assert_array_equal(split.fold, [-1] * 24 + [0] * 12 + [1] * 12)
    np.testing.assert_array_equal(split.training(0), [True] * 24 + [False] * 12 + [True] * 12)
    np.testing.assert_array_equal(split.training(1), [True] * 24 + [True] * 12 + [False] * 12)
    assert (split.unit_kind, set(split.units)) == ("context", {"x", "y"})


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            {("control", "x"): 20, ("drug", "x"): 20, ("control", "y"): 5, ("drug", "y"): 35},
            "control cells",
        ),
        (
            {("control", "x"): 20, ("drug", "x"): 20, ("control", "y"): 35, ("drug", "y"): 5},
            "no perturbation",
        ),
    ],
)
def test_contexts_without_controls_or_treated_cells_cannot_be_held_out(cells, words):
    """The sentence says which of the two is missing."""
    assert words in chosen("held_out_context", screen(cells))


def test_what_was_measured_in_one_context_alone_is_not_tested_but_taught():
    """An effect that nobody else shows is not asked for where contexts are held out."""
    columns = screen({(p, g): 12 for p in ("control", "A") for g in "xy"} | {("B", "x"): 12, ("A", "z"): 9})
    split = drawn("held_out_context", columns)
    assert sides(split, columns, 0) == [{("A", "x")}, {("A", "y"), ("A", "z")}]
    assert sides(split, columns, 1) == [{("A", "y")}, {("A", "x"), ("B", "x"), ("A", "z")}]


def test_another_role_can_be_the_context():
    """A lab, a donor or a batch is held out like a cell line."""
    columns = crossed(["drug"], ["lab1", "lab2", "lab3"], role="study")
    split = drawn("held_out_context", columns, role="study")
    assert (split.n_folds, split.unit_kind) == (3, "study")


def test_unseen_perturbations_are_dealt_out_and_take_their_combinations_with_them():
    """Six singles in three folds of two; A+B is nowhere tested, and taught only where neither is held out."""
    columns = crossed(["A", "B", "C", "D", "E", "F", "A+B"], ["x", "y"])
    split = drawn("unseen_perturbation", columns, folds=3)
    assert split.n_folds == 3
    for fold in range(3):
        tested, taught = sides(split, columns, fold)
        held = {name for name, _ in tested}
        assert len(held) == 2
        assert tested == {(p, g) for p in held for g in "xy"}
        seen = {p for p in "ABCDEF" if p not in held} | ({"A+B"} if not held & {"A", "B"} else set())
        assert taught == {(p, g) for p in seen for g in "xy"}
    assert "as many controls: 2; 3 are needed" in chosen("unseen_perturbation", crossed(["A", "B"], "xy"))


def test_folds_of_single_perturbations_agree_with_scikit_learn():
    """With a fold for each, the test sets are those of LeaveOneGroupOut over treated cells."""
    columns = crossed(["A", "B", "C", "D"], ["x", "y"])
    split = drawn("unseen_perturbation", columns, folds=4)
    treated = np.flatnonzero(columns["perturbation"] != "control")
    groups = columns["perturbation"][treated].astype(str)
    theirs = {tuple(treated[test]) for _, test in LeaveOneGroupOut().split(groups, groups=groups)}
    assert {tuple(np.flatnonzero(split.tested(fold))) for fold in range(4)} == theirs


def test_unseen_both_leaves_out_what_shares_either():
    """4 perturbations x 3 contexts, each alone in its fold: 1 condition is tested, 3 x 2 are taught."""
    columns = crossed(["A", "B", "C", "D"], ["x", "y", "z"])
    split = drawn("unseen_both", columns, folds=4)
    assert split.n_folds == 12
    for fold in range(12):
        [(name, context)], taught = sides(split, columns, fold)
        assert taught == {(p, c) for p in set("ABCD") - {name} for c in set("xyz") - {context}}
        neither = ~split.tested(fold) & ~split.training(fold)
        assert neither.sum() == 12 * (3 + 2)


def test_unseen_both_needs_something_that_shares_neither():
    """In one context alone, holding it out leaves nothing to learn from."""
    assert "left to learn from" in chosen("unseen_both", crossed("ABCD", "x"))


def combined():
    """Singles A, B, C, D in one context; pairs of them, and pairs with E and F, which stand in no single."""
    names = ["A", "B", "C", "D", "A+B", "C+D", "A+C", "E+A", "E+F", "control+D", "B+A"]
    return crossed(names, ["x"])


@pytest.mark.parametrize(
    ("seen", "tested"),
    [
        (0, {"A+B", "B+A", "C+D", "A+C", "E+A", "E+F"}),
        (1, {"A+B", "B+A", "C+D", "A+C", "E+A"}),
        (2, {"A+B", "B+A", "C+D", "A+C"}),
    ],
)
def test_combinations_meet_as_many_of_their_parts_as_asked(seen, tested):
    """Pairs with both, one or no part taught alone; the other parts are taught in no perturbation at all."""
    columns = combined()
    split = drawn("combinations", columns, seen=seen, folds=2)
    found = [sides(split, columns, fold) for fold in range(split.n_folds)]
    assert {name for test, _ in found for name, _ in test} == tested
    for test, taught in found:
        for pair in (parts(name) for name, _ in test):
            alone = {part for part in pair if any(parts(name) == {part} for name, _ in taught)}
            anywhere = {part for part in pair if any(part in parts(name) for name, _ in taught)}
            assert len(alone) == seen
            assert anywhere == alone
            assert not any(pair <= parts(name) for name, _ in taught)


def test_combinations_that_need_the_opposite_are_tested_apart():
    """All pairs of 5 with one part met: a fold is a cut, and 2 cuts cannot tell 5 parts apart (2^2 < 5)."""
    names = "ABCDE"
    columns = crossed([*names, *("+".join(pair) for pair in combinations(names, 2))], ["x"])
    split = drawn("combinations", columns, seen=1, folds=2)
    assert split.n_folds >= 3
    assert sum(len(sides(split, columns, fold)[0]) for fold in range(split.n_folds)) == 10
    assert "as many controls: 0;" in chosen("combinations", crossed("ABC", "x"))
    alone = crossed(["A", "C+D"], ["x"])
    assert "as many controls: 1;" in chosen("combinations", alone, seen=2)


def test_a_larger_combination_gives_a_smaller_one_away():
    """A+B+C is not taught where A+B is tested, though both A and B are."""
    columns = crossed(["A", "B", "C", "A+B", "A+B+C"], ["x"])
    split = drawn("combinations", columns, seen=2, folds=2)
    found = {
        frozenset(p for p, _ in test): {p for p, _ in taught} for test, taught in both_sides(split, columns)
    }
    assert found[frozenset({"A+B"})] == {"A", "B", "C"}


def test_nothing_is_tested_that_leaves_nothing_to_learn_from():
    """With A and B both unmet there is no condition left but those with them."""
    assert "1; none of these has 0 parts" in chosen("combinations", crossed(["A", "B", "A+B"], ["x"]), seen=0)
    assert drawn("combinations", crossed(["A", "B", "C", "A+B"], ["x"]), seen=0).n_folds == 1


def test_names_with_another_separator_are_told_apart():
    """What stands between parts is an option; without one no name is a combination."""
    columns = crossed(["A", "B", "C", "A_B"], ["x"])
    assert isinstance(chosen("combinations", columns), str)
    assert {p for p, _ in sides(drawn("combinations", columns, separator="_"), columns, 0)[0]} == {"A_B"}
    whole = crossed(["A+1", "B+1", "C+1"], ["x"])
    assert isinstance(chosen("unseen_perturbation", whole), str)
    assert drawn("unseen_perturbation", whole, separator="").n_folds == 3


def test_doses_between_and_beyond():
    """Of the doses 0.1, 1, 10 (sorted as numbers) inner is 1 and the extreme 10; the others teach."""
    columns = crossed(["A", "B"], ["0.1", "1", "10"], role="dose")
    for part, dose in (("inner", "1"), ("extreme", "10")):
        split = drawn("held_out_dose", columns, dose=part)
        assert split.n_folds == 2
        tests = set()
        for fold in range(2):
            [(name, tested)], taught = sides(split, columns, fold, "dose")
            tests.add(name)
            assert tested == dose
            assert taught == {(p, d) for p in "AB" for d in ("0.1", "1", "10")} - {(name, tested)}
        assert tests == {"A", "B"}


def test_every_inner_dose_is_tested_once_and_one_at_a_time():
    """Five doses have three inner ones, each in a fold that teaches the perturbation's four others."""
    doses = ["1", "3", "10", "30", "100"]
    columns = crossed(["A", "B"], doses, role="dose")
    split = drawn("held_out_dose", columns)
    assert split.n_folds == 3
    seen = [condition for fold in range(3) for condition in sides(split, columns, fold, "dose")[0]]
    assert sorted(seen) == sorted((p, d) for p in "AB" for d in doses[1:-1])
    for fold in range(3):
        tested, taught = sides(split, columns, fold, "dose")
        assert len({name for name, _ in tested}) == len(tested)
        assert len(taught) == 10 - len(tested)


def test_doses_written_in_two_ways_are_one_dose():
    """ "1" and "1.0" are held out together, and two doses are too few."""
    cells = {("control", "0"): 12, **{("A", d): 12 for d in ("0.1", "1", "1.0", "10")}}
    columns = screen(cells, "dose")
    tested, taught = sides(drawn("held_out_dose", columns), columns, 0, "dose")
    assert (tested, taught) == ({("A", "1"), ("A", "1.0")}, {("A", "0.1"), ("A", "10")})
    few = screen({c: n for c, n in cells.items() if c[1] != "10"}, "dose")
    assert chosen("held_out_dose", few).endswith("above 0; the most is 2")
    untreated = screen(cells | {("A", "0"): 12, ("A", "10"): 3}, "dose")
    assert chosen("held_out_dose", untreated).endswith("above 0; the most is 2")
    words = screen(cells | {("A", "high"): 12}, "dose")
    assert "doses are numbers" in chosen("held_out_dose", words)


def test_few_shots_are_among_the_many_and_tests_stay_the_same():
    """Of 9 perturbations 4 are kept for shots; however many are shown, the same 5 are tested."""
    columns = crossed("ABCDEFGHI", ["x", "y"])
    found = {shots: drawn("few_shot", columns, shots=shots) for shots in (0, 1, 4)}
    for fold, context in enumerate("xy"):
        tests, shown = [], []
        for shots, split in found.items():
            tested, taught = sides(split, columns, fold)
            here = {name for name, where in taught if where == context}
            assert len(here) == shots
            assert not here & {name for name, _ in tested}
            assert len(taught) == 9 + shots
            tests.append(tested)
            shown.append(here)
        assert tests[0] == tests[1] == tests[2]
        assert len(tests[0]) == 5
        assert shown[0] < shown[1] < shown[2]
    reason = chosen("few_shot", columns, shots=5)
    assert "no context has more than 9 that were measured elsewhere too, of which 4" in reason
    assert drawn("few_shot", crossed([f"p{i}" for i in range(40)], "xy"), shots=20).n_folds == 2


# -- perturbations: any table --------------------------------------------------------------------------

NAMES = ["control", "A", "B", "C", "D", "E", "A+B", "B+A", "C+D", "A+C", "E+F", "A+B+C", "control+D"]


def tables(groups):
    """Draw how many cells each perturbation has in each group: none, too few, or enough."""
    conditions = [(name, group) for name in NAMES for group in groups]
    counts = [st.sampled_from([12, 12, 3] if name == "control" else [0, 3, 10, 12]) for name, _ in conditions]
    drawn = st.tuples(*counts).map(lambda cells: dict(zip(conditions, cells, strict=True)))
    return drawn.map(lambda table: {condition: n for condition, n in table.items() if n})


TABLES = tables(["x", "y", "z"])
DOSED = tables(["0", "0.5", "1", "1.0", "3", "10"])
OPTIONS = st.fixed_dictionaries(
    {
        "folds": st.integers(2, 5),
        "seen": st.integers(0, 2),
        "shots": st.integers(0, 2),
        "dose": st.sampled_from(["inner", "extreme"]),
        "seed": st.integers(0, 100),
    }
)


def promise_of(kind, tested, taught, options):
    """Assert what a kind promises of one fold, from names alone."""
    one = {part for name, _ in tested for part in parts(name)}
    groups = {group for _, group in tested}
    if kind in ("held_out_context", "few_shot", "unseen_both"):
        assert len(groups) == 1
        here = {condition for condition in taught if condition[1] in groups}
        assert len(here) == (options["shots"] if kind == "few_shot" else 0)
    if kind in ("unseen_perturbation", "unseen_both"):
        assert not one & {part for name, _ in taught for part in parts(name)}
    if kind == "combinations":
        for name, group in tested:
            met = {part for part in parts(name) if any(part in parts(other) for other, _ in taught)}
            alone = {p for p in parts(name) if any(parts(o) == {p} and g == group for o, g in taught)}
            assert met == alone
            assert len(alone) == options["seen"]
            assert not any(parts(name) <= parts(other) for other, _ in taught)


@pytest.mark.parametrize("kind", CONTEXTS)
@settings(max_examples=60, deadline=None)
@given(table=TABLES, options=OPTIONS)
def test_what_facts_allow_can_be_drawn_of_perturbations(kind, table, options):
    """On any table: choosing and drawing agree, and what is held out is on no other side."""
    columns = screen(table)
    recipe = chosen(kind, columns, **options)
    if isinstance(recipe, str):
        wanted = dict(splits.KINDS[kind][1]) | options
        parameters = {name: wanted[name] for name in splits.KINDS[kind][1]}
        forced = SplitRecipe(
            kind=kind, version="1", parameters=as_parameters(parameters), seed=options["seed"]
        )
        with pytest.raises(NotApplicable, match="^" + recipe[:20]):
            splits.draw(forced, columns, len(columns["context"]), SEED)
        return
    split = splits.draw(recipe, columns, len(columns["context"]), SEED)
    controls = columns["perturbation"] == "control"
    assert (split.fold[controls] == -1).all()
    assert set(range(split.n_folds)) <= set(split.fold) <= set(range(-1, split.n_folds))
    for fold in range(split.n_folds):
        tested, taught = sides(split, columns, fold)
        assert tested
        assert taught
        assert not tested & taught
        assert split.training(fold)[controls].all()
        assert all(table[condition] >= 10 and table["control", condition[1]] >= 10 for condition in tested)
        promise_of(kind, tested, taught, options)


@settings(max_examples=60, deadline=None)
@given(table=DOSED, part=st.sampled_from(["inner", "extreme"]), folds=st.integers(2, 5))
def test_what_facts_allow_can_be_drawn_of_doses(table, part, folds):
    """On any table: the dose held out is taught of no cell of that perturbation, and lies where it should."""
    columns = screen(table, "dose")
    recipe = chosen("held_out_dose", columns, dose=part, folds=folds)
    if isinstance(recipe, str):
        return
    split = splits.draw(recipe, columns, len(columns["dose"]), SEED)
    for fold in range(split.n_folds):
        tested, taught = sides(split, columns, fold, "dose")
        assert tested
        for name, dose in tested:
            known = {float(d) for p, d in taught if p == name}
            assert float(dose) not in known
            assert min(known) < float(dose)
            assert (max(known) > float(dose)) == (part == "inner")


@pytest.mark.parametrize("kind", CONTEXTS)
def test_the_order_of_the_cells_changes_nothing(kind):
    """The same conditions in other rows have the same folds and lessons."""
    columns = crossed(["A", "B", "C", "D", "A+B", "C+D", "A+E"], ["x", "y", "z"])
    options = {"shots": 2, "seen": 1}
    split = drawn(kind, columns, **options)
    order = np.random.default_rng(5).permutation(len(split.fold))
    other = drawn(kind, {role: c[order] for role, c in columns.items()}, **options)
    expected = split.taken(order)
    np.testing.assert_array_equal(other.fold, expected.fold)
    np.testing.assert_array_equal(other.taught, expected.taught)
    np.testing.assert_array_equal(other.units, expected.units)


@pytest.mark.parametrize("kind", ["few_shot", "unseen_perturbation", "unseen_both", "combinations"])
def test_another_seed_of_the_recipe_draws_another_split(kind):
    """The recipe alone decides: whoever knows it draws the same folds."""
    columns = crossed(["A", "B", "C", "D", "E", "F", "A+B", "C+D", "A+E", "E+F"], ["x", "y"])
    digests = {
        seed: {splits.split_digest(drawn(kind, columns, seed=seed, shots=2, seen=1, folds=2)) for _ in "12"}
        for seed in range(4)
    }
    assert all(len(found) == 1 for found in digests.values())
    assert len(set.union(*digests.values())) > 1


# -- what a split says ---------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_split_and_another_seed_another():
    """A split is reproduced from its recipe alone."""
    cell_type = labels(("A", 40), ("B", 40))
    recipe = SplitRecipe(kind="random", version="1", parameters=as_parameters({"folds": 2}))
    drawn = [splits.draw(recipe, {"cell_type": cell_type}, 80, seed) for seed in (1, 1, 2)]
    digests = [splits.split_digest(split) for split in drawn]
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_sees_what_is_taught():
    """Two splits that test the same cells having learnt from others are not the same split."""
    fold = np.array([0, 0, 1, 1])
    units = fold.astype(object)
    split = Split(fold=fold, n_folds=2, units=units, unit_kind="donor")
    taught = np.array([[False, False, True, True], [True, True, False, False]])
    same = Split(fold=fold, n_folds=2, units=units, unit_kind="donor", taught=taught)
    less = Split(fold=fold, n_folds=2, units=units, unit_kind="donor", taught=taught & [1, 0, 1, 1])
    np.testing.assert_array_equal(split.training(0), same.training(0))
    digests = {splits.split_digest(one) for one in (split, same, less)}
    assert len(digests) == 3


def test_training_cannot_be_altered_through_what_was_handed_out():
    """A task that writes into its training mask spoils nobody else's."""
    split = drawn("held_out_context", crossed(["drug"], ["x", "y"]))
    split.training(0)[:] = False
    assert split.training(0).any()


def test_a_card_lets_its_parameters_decide():
    """The kind is filled in like needs; parameters that begin with split_ are its options."""
    card = TaskCard(
        name="t",
        version="1",
        entry="x:T",
        split="{split}",
        parameters={"split": "grouped", "split_role": None, "split_folds": 4, "neighbours": 5},
    )
    assert card.split_with(card.parameters) == ("grouped", {"role": None, "folds": 4})
    assert card.split_with({**card.parameters, "split": "random"})[0] == "random"
    plain = TaskCard(name="t", version="1", entry="x:T", split="whole", parameters={"neighbours": 5})
    assert plain.split_with(plain.parameters) == ("whole", {})


def test_choosing_imports_no_science_and_depends_on_no_hash_seed():
    """Planning stays light, and another process draws the same perturbations."""
    program = """
import json, sys
from harness import splits
from harness.splits.perturbations import divide
table = {p: {g: 12 for g in "xyz"} for p in ("control", *"ABCDEFG", "A+B", "C+D")}
found = []
for kind in ("unseen_both", "few_shot", "combinations"):
    recipe = splits.choose(kind, {}, {"perturbation|context": table}, {"shots": 2, "seen": 1})
    found.append([sorted(fold.tested) for fold in divide(recipe, table)[1]])
assert not {"numpy", "sklearn", "pandas"} & set(sys.modules)
print(json.dumps(found))
"""
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert all(json.loads(answers.pop()))


# -- real data -----------------------------------------------------------------------------------------


def real(shared, name, **roles):
    file = shared / "data" / f"{name}.h5ad"
    if not file.is_file():
        pytest.skip(f'the real data set "{file}" is absent')
    obs = anndata.read_h5ad(file, backed="r").obs
    return {role: obs[column].astype(str).to_numpy(dtype=object) for role, column in roles.items()}


def test_donors_of_kang_are_held_out(shared):
    """Eight donors in five folds, none on both sides; one perturbation is too few to be unseen."""
    columns = real(shared, "kang_ifnb", cell_type="cell_type", donor="donor", perturbation="perturbation")
    columns["context"] = columns["cell_type"]
    assert dict(chosen("grouped", columns).parameters) == {"role": "donor", "folds": 5}
    split = drawn("grouped", columns)
    assert all(
        len(set(split.fold[(columns["donor"] == d) & (split.fold >= 0)])) == 1 for d in set(split.units)
    )
    contexts = drawn("held_out_context", columns)
    assert contexts.n_folds == 9  # eight types and "unassigned"; Eryth and pDC have too few cells
    assert "as many controls: 1; 3 are needed" in chosen("unseen_perturbation", columns)
    assert "no perturbation" not in chosen("held_out_context", columns, role="donor").label
    assert drawn("held_out_context", columns, role="donor").n_folds == 8
    assert "more than 1 that were measured elsewhere too, of which 0" in chosen("few_shot", columns, shots=1)
    assert '"dose"' in chosen("held_out_dose", columns)


def test_cell_lines_and_doubles_of_crispr(shared):
    """Four lines share nine perturbations; of fifteen doubles in K562 five have both parts measured alone."""
    columns = real(shared, "crispr_4lines", perturbation="perturbation", context="cell_type")
    split = drawn("held_out_context", columns)
    assert split.n_folds == 4
    for fold in range(4):
        assert len(sides(split, columns, fold)[0]) == 9
    for seen, doubles in ((0, 15), (1, 8), (2, 5)):
        split = drawn("combinations", columns, seen=seen)
        tested = [c for fold in range(split.n_folds) for c in sides(split, columns, fold)[0]]
        assert len(tested) == len(set(tested)) == doubles
        assert {context for _, context in tested} == {"K562"}
    both = drawn("unseen_both", columns)
    assert both.n_folds == 20
    assert drawn("unseen_perturbation", columns).n_folds == 5
    assert drawn("few_shot", columns, shots=1).n_folds == 4
    assert "no context has more than 9 that were measured elsewhere too, of which 4" in chosen(
        "few_shot", columns, shots=5
    )
