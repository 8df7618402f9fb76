"""Every check of models passes a good model and catches the one that breaks its promise."""

import pytest

from harness import ModelCard
from harness.conformance import checks_for, examine, models


def card(name, **more):
    return ModelCard(name=name, version="1", entry=f"guests_on_trial:{name}", **more)


CAUGHT = [
    ("check_untrained_control", card("NeedsFit"), "KeyError"),
    ("check_same_seed_same_result", card("Unseeded"), "fitted twice with one seed"),
    ("check_other_seed_as_declared", card("Good", deterministic=True), "deterministic=True, with another"),
    ("check_other_seed_as_declared", card("Unvaried"), "its card must say deterministic=True"),
    ("check_cell_order", card("SortsCells"), "its cells in another order"),
    ("check_gene_order", card("SortsGenes"), "the data set's genes in another order"),
    ("check_gene_order", card("GenesByPosition", pretrains=False), "made anew for genes in another order"),
    ("check_input_not_altered", card("WritesIntoBatches"), "read-only"),
    ("check_input_not_altered", card("ForcesItsWayIn"), "altered a batch of counts"),
    ("check_one_cell", card("SqueezesOneCell"), "shape (4,)"),
    ("check_fit_on_one_cell", card("NeedsTwoCells"), "NaN or infinite"),
    ("check_empty_cells", card("DividesByTotal"), "the embedding of 14 of 120 cells is NaN"),
    ("check_duplicate_cells", card("NumbersCells"), "the same cells once more"),
    ("check_unmeasured_genes", card("WantsAllGenes"), "NaN or infinite"),
    ("check_count_formats", card("CountsStoredZeros"), "sparse with stored zeros"),
    ("check_cells_apart", card("CentresWhatItSees"), "its cells in several portions"),
    ("check_save_and_load", card("Forgets"), "saved and loaded"),
    ("check_save_and_load", card("RemembersInItsClass"), "loaded in another process"),
    ("check_weights_are_plain_data", card("Pickles"), '"more.npz", which is not made of plain arrays'),
    ("check_weights_are_plain_data", card("PicklesByAnotherName"), '"weights.bin", a pickle'),
    ("check_reconstruct", card("Good", offers=frozenset({"embed", "reconstruct"})), "must not offer it"),
    ("check_reconstruct", card("RestoresNothing", offers=frozenset({"embed", "reconstruct"})), "no gene"),
    ("check_fine_tune", card("LearnsByChance", offers=frozenset({"embed", "fine_tune"})), "twice with one"),
    ("check_fine_tune", card("SureOfAll", offers=frozenset({"embed", "fine_tune"})), "sum to 1"),
]


def check_called(name):
    return next(check for check in checks_for("model") if check.__name__ == name)


@pytest.mark.parametrize("check", models.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "guest",
    [card("Good"), card("Good", validation=0.1), card("Reference", pretrains=False, deterministic=True)],
    ids=["pretrained", "with-validation", "reference"],
)
def test_a_good_model_passes(guest, check):
    """Nothing is held against a model that keeps the contract."""
    finding = examine(check, guest, "model")
    assert finding.passed, finding.message


def test_a_length_that_looks_like_a_pickle_is_none():
    """A safetensors file begins with the length of its header, and so may begin as pickles do."""
    guest = card("WritesSafetensors")
    assert examine(check_called("check_weights_are_plain_data"), guest, "model").passed


@pytest.mark.parametrize(("check", "guest", "sentence"), CAUGHT, ids=[f"{c}-{g.name}" for c, g, _ in CAUGHT])
def test_a_broken_promise_is_caught(check, guest, sentence):
    """Each check fails the model that breaks what it checks, and says so."""
    finding = examine(check_called(check), guest, "model")
    assert not finding.passed
    assert sentence in finding.message


def test_axes_may_turn_with_the_genes():
    """A reference model with one axis per gene is the same embedding, its axes in another order."""
    finding = examine(check_called("check_gene_order"), card("OneAxisPerGene", pretrains=False), "model")
    assert finding.passed, finding.message


def test_every_check_can_fail():
    """There is a culprit for every check of models."""
    assert {check for check, _, _ in CAUGHT} == {check.__name__ for check in models.CHECKS}


def test_up_to_three_cells_are_shown():
    """A complaint about cells shows the worst of them, what they are and what they should be."""
    finding = examine(check_called("check_cell_order"), card("SortsCells"), "model")
    assert finding.message.count("; cell ") == 2
    assert finding.message.count(" is [") == 3
    assert finding.message.count("not [") == 3


def test_evaluation_cells_come_without_labels():
    """While embedding, a model of the checks sees no label, as with the real host."""
    finding = examine(check_called("check_one_cell"), card("LooksForLabels"), "model")
    assert finding.passed, finding.message


def test_declared_corpus_columns_reach_the_fit():
    """A card that needs a role which the toy cells lack is not held to fail."""
    finding = examine(
        check_called("check_one_cell"), card("Good", needs=frozenset({"corpus:protein"})), "model"
    )
    assert finding.passed
    assert finding.message == 'does not apply: the toy cells have no role "protein"'
