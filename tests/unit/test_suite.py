"""Suites: read strictly, complained about with lines, narrowed and widened without changing the file."""

import pytest

from harness.errors import Misuse
from harness.suite import Suite, Wish, find_suite, packaged_suites, read_suite

GOOD = """
name: mine
datasets: [cells]
models: [pca, {name: net, parameters: {width: 8}}]
tasks: [typing]
sizes: [10, all]
budget: {epochs: 3}
"""


@pytest.fixture
def suite(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return read_suite(path)

    return write


def test_a_plugin_may_come_with_parameters(suite):
    """A bare name means the defaults."""
    found = suite(GOOD)
    assert found.models == (Wish(name="pca"), Wish(name="net", parameters={"width": 8}))
    assert found.sizes == (10, "all")
    assert (found.budget.epochs, found.budget.steps) == (3, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("tasks: [typing]", "task: [typing]"), ':5: the key "task" is unknown. Did you mean "tasks"?'),
        (
            ("sizes: [10, all]", "sizes: [0, all]"),
            ":6: sizes: a size is a number of cells from 1",
        ),
        (("sizes: [10, all]", "sizes: [10, some]"), ":6: sizes.1"),
        (("sizes: [10, all]", "sizes: [10, 10]"), ":6: sizes: every value may stand once"),
        (
            ("epochs: 3", "epochs: 3, steps: 4"),
            ":7: budget: a budget names either steps or epochs",
        ),
        (("datasets: [cells]", "datasets: []"), ":3: datasets"),
        (("name: mine", "name: ../up"), ":2: name"),
    ],
)
def test_a_wrong_suite_is_told_with_file_and_line(suite, tmp_path, change, words):
    """Misuse, exit code 2, no traceback."""
    with pytest.raises(Misuse) as caught:
        suite(GOOD.replace(*change))
    assert f"{tmp_path / 'mine.yaml'}{words}" in str(caught.value)


def test_all_complaints_come_at_once(suite):
    """Two mistakes are two lines."""
    with pytest.raises(Misuse) as caught:
        suite(GOOD.replace("[cells]", "[]").replace("epochs: 3", "epochs: -3"))
    assert len(str(caught.value).splitlines()) == 2


def test_everything_adds_what_is_not_named(suite):
    """--all keeps the suite's own parameters."""
    found = suite(GOOD).everything(["net", "other"], ["random"], ["guest_task"])
    assert [wish.name for wish in found.models] == ["pca", "net", "other"]
    assert found.models[1].parameters == {"width": 8}
    assert [wish.name for wish in found.tasks] == ["typing", "guest_task"]


def test_narrowing_keeps_parameters_and_checks_values(suite):
    """--model net means the suite's net; nonsense is refused as in the file."""
    found = suite(GOOD).narrowed(models=("net", "new"), sizes=(5,), seeds=None)
    assert found.models == (Wish(name="net", parameters={"width": 8}), Wish(name="new"))
    assert (found.sizes, found.seeds) == ((5,), (0,))


def test_packaged_suites_can_be_read():
    """What we ship is sound, and quick names its tasks."""
    suites = {name: read_suite(path) for name, path in packaged_suites().items()}
    assert {"quick", "real"} <= set(suites)
    assert all(isinstance(one, Suite) and one.name == name for name, one in suites.items())
    assert suites["quick"].tasks


def test_an_unknown_suite_proposes_a_near_one():
    """A slip of the hand is recognised."""
    with pytest.raises(Misuse, match=r'no suite "qick".* Did you mean "quick"'):
        find_suite("qick")


def test_a_sweep_is_one_wish_for_every_combination(suite):
    """Beside the parameters that stay."""
    found = suite(GOOD.replace("{width: 8}}", "{width: 8}, sweep: {depth: [1, 2], rate: [3, 4]}}"))
    assert [wish.parameters for wish in found.models[1:]] == [
        {"width": 8, "depth": depth, "rate": rate} for depth in (1, 2) for rate in (3, 4)
    ]
    assert found.narrowed(models=("net",)).models == found.models[1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("{width: 8}}", "{width: 8}, sweep: {width: [1]}}"),
            '"width" stands in the parameters and in the sweep',
        ),
        (("{width: 8}}", "{width: 8}, sweep: {depth: []}}"), "models.1.sweep.depth"),
        (
            ("tasks: [typing]", "tasks: [{name: typing, weights: x}]"),
            '"typing" cannot have weights; a model can',
        ),
        (("{width: 8}}", "{width: 8}, sizes: [4]}"), '"net" cannot have sizes; a sampler can'),
        (
            ("sizes: [10, all]", "samplers: [{name: random, sizes: [0]}]"),
            "a size is a number of cells from 1",
        ),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(suite, change, words):
    """With the line."""
    with pytest.raises(Misuse) as caught:
        suite(GOOD.replace(*change))
    assert words in str(caught.value)


def test_weights_lie_beside_the_suite_and_no_path_is_told(suite, tmp_path):
    """Relative to the suite's file; what is written down is the folder's name."""
    found = suite(GOOD.replace("{width: 8}}", "{width: 8}, weights: ours/v1}"))
    assert found.models[1].weights == tmp_path / "ours" / "v1"
    assert found.narrowed(models=("net",)).models[0].weights == tmp_path / "ours" / "v1"
    assert found.model_dump(mode="json")["models"][1]["weights"] == "v1"


def test_a_wish_may_be_called_something_short(suite):
    """Swept parameters stay in the name, so that no two are called alike."""
    found = suite(GOOD.replace("{width: 8}}", "{width: 8}, called: small net, sweep: {depth: [1, 2]}}"))
    assert [wish.called for wish in found.models] == ["", "small net(depth=1)", "small net(depth=2)"]


def test_sizes_from_the_command_line_are_those_of_all_samplers(suite):
    """Also of one that has its own."""
    found = suite(GOOD.replace("tasks:", "samplers: [{name: random, sizes: [7]}]\ntasks:"))
    assert found.samplers[0].sizes == (7,)
    assert found.narrowed(sizes=(5,)).samplers[0].sizes == ()
    assert found.narrowed(seeds=(5,)).samplers[0].sizes == (7,)


def test_no_two_are_called_alike(suite):
    """Neither two names of a suite's own, nor one of them like another plugin's."""
    for name in ("pca", "twin"):
        wishes = "[pca, {name: net, called: NAME}, {name: net, called: twin, parameters: {width: 8}}]"
        with pytest.raises(Misuse, match=f'two are called "{name}"'):
            suite(GOOD.replace("[pca, {name: net, parameters: {width: 8}}]", wishes.replace("NAME", name)))
