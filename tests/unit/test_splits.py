"""Splits: chosen from facts, drawn from labels, the same for every model."""

import numpy as np
import pytest

from harness import splits
from harness.records import SplitRecipe, as_parameters


def labels(*counts):
    return np.array([name for name, n in counts for _ in range(n)], dtype=object)


def facts(**columns):
    levels = {
        role: dict(zip(*np.unique(c.astype(str), return_counts=True), strict=True))
        for role, c in columns.items()
    }
    levels = {role: {str(k): int(v) for k, v in table.items()} for role, table in levels.items()}
    tabs = {f"{a}|{b}": splits.crosstab(columns[a], columns[b]) for a in columns for b in columns if a != b}
    return levels, tabs


def three_donors():
    cell_type = labels(("A", 30), ("B", 30), ("C", 30))
    donor = np.array(["d1", "d2", "d3"] * 30, dtype=object)
    return cell_type, donor


def test_donors_are_held_out_together_where_there_are_three():
    """The coarsest role that allows it divides the cells, and no donor is in two folds."""
    cell_type, donor = three_donors()
    recipe = splits.choose("grouped", *facts(cell_type=cell_type, donor=donor))
    assert (recipe.kind, dict(recipe.parameters)) == ("grouped", {"role": "donor", "folds": 3})
    split = splits.draw(recipe, {"cell_type": cell_type, "donor": donor}, 90, seed=1)
    assert split.unit_kind == "donor"
    for name in ("d1", "d2", "d3"):
        assert len(set(split.fold[donor == name])) == 1
    assert sorted(set(split.fold)) == [0, 1, 2]


def test_two_donors_fall_back_to_batches_then_to_cells():
    """With fewer than three donors the batches are tried; with neither the split is by cell, and says so."""
    cell_type, batch = three_donors()
    donor = np.array(["d1", "d2"] * 45, dtype=object)
    by_batch = splits.choose("grouped", *facts(cell_type=cell_type, donor=donor, batch=batch))
    assert dict(by_batch.parameters)["role"] == "batch"
    by_cell = splits.choose("grouped", *facts(cell_type=cell_type, donor=donor))
    assert by_cell.kind == "random"
    split = splits.draw(by_cell, {"cell_type": cell_type}, 90, seed=1)
    assert split.unit_kind == "cell"
    np.testing.assert_array_equal(np.bincount(split.fold), [45, 45])


def test_rare_classes_and_those_of_one_group_are_left_out_and_counted():
    """A class with 9 cells, or in one donor only, is not scored, and the notes name it."""
    cell_type = labels(("A", 30), ("B", 30), ("rare", 9), ("local", 12))
    donor = np.array(["d1", "d2", "d3"] * 23 + ["d1"] * 12, dtype=object)
    recipe = splits.choose("grouped", *facts(cell_type=cell_type, donor=donor))
    split = splits.draw(recipe, {"cell_type": cell_type, "donor": donor}, len(donor), seed=0)
    assert split.notes == {"cells_left_out": 21, "classes_left_out": ["local", "rare"]}
    assert (split.fold[np.isin(cell_type, ["rare", "local"])] == -1).all()


def test_labels_confounded_with_their_library_are_split_by_cell():
    """Where every class is its own batch no grouping is possible."""
    cell_type = labels(("A", 30), ("B", 30), ("C", 30))
    recipe = splits.choose("grouped", *facts(cell_type=cell_type, batch=cell_type))
    assert recipe.kind == "random"


def test_one_class_cannot_be_told_apart():
    """A split that cannot be made gives a sentence."""
    reason = splits.choose("grouped", *facts(cell_type=labels(("A", 30), ("B", 3))))
    assert isinstance(reason, str)
    assert "nothing to tell apart" in reason


def test_contexts_are_held_out_one_by_one():
    """Every context is a fold; the units are its perturbations."""
    context = labels(("x", 40), ("y", 40))
    perturbation = np.array((["control"] * 20 + ["drug"] * 20) * 2, dtype=object)
    levels, tabs = facts(perturbation=perturbation, context=context)
    recipe = splits.choose("held_out_context", levels, tabs)
    split = splits.draw(recipe, {"context": context, "perturbation": perturbation}, 80, seed=0)
    np.testing.assert_array_equal(split.fold, [0] * 40 + [1] * 40)


@pytest.mark.parametrize(
    ("perturbation", "words"),
    [
        (["control"] * 20 + ["drug"] * 20 + ["control"] * 5 + ["drug"] * 35, "control cells"),
        (["control"] * 20 + ["drug"] * 20 + ["control"] * 35 + ["drug"] * 5, "no perturbation"),
    ],
)
def test_contexts_without_controls_or_treated_cells_cannot_be_held_out(perturbation, words):
    """The sentence says which of the two is missing."""
    columns = {
        "perturbation": np.array(perturbation, dtype=object),
        "context": labels(("x", 40), ("y", 40)),
    }
    assert words in splits.choose("held_out_context", *facts(**columns))


def test_the_same_seed_draws_the_same_split_and_another_seed_another():
    """A split is reproduced from its recipe alone."""
    cell_type = labels(("A", 40), ("B", 40))
    recipe = SplitRecipe(kind="random", version="1", parameters=as_parameters({"folds": 2}))
    drawn = [splits.draw(recipe, {"cell_type": cell_type}, 80, seed) for seed in (1, 1, 2)]
    digests = [splits.split_digest(split) for split in drawn]
    assert digests[0] == digests[1] != digests[2]
