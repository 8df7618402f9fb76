"""A tidy table becomes curves; whatever is wrong with it gets a sentence with its row."""

import pytest

from harness.checks.table import read_table
from harness.errors import Misuse

HEAD = "task,model,dataset,sampler,metric,size,seed,value"


def row(size, seed, value, **change):
    names = {"task": "t", "model": "m", "dataset": "d", "sampler": "random", "metric": "micro_f1"} | change
    return ",".join([*names.values(), str(size), str(seed), str(value)])


GOOD = [row(0, 0, 0.3), row(0, 1, 0.31)] + [
    row(size, seed, 0.5 + size / 1000 + seed / 100) for size in (10, 100) for seed in (0, 1, 2)
]


@pytest.fixture
def table(tmp_path):
    def write(lines, head=HEAD):
        path = tmp_path / "results.csv"
        path.write_text("\n".join([head, *lines]) + "\n")
        return path

    return write


def complaint(path, **options):
    with pytest.raises(Misuse) as found:
        read_table(path, **options)
    return str(found.value)


def test_rows_become_curves(table):
    """Sizes, seeds, names, the metric's bound and direction; no corpus size without percentages."""
    (named,) = read_table(table(GOOD)).curves
    assert named.curve.runs == {0: [0.3, 0.31], 10: [0.51, 0.52, 0.53], 100: [0.6, 0.61, 0.62]}
    assert named.names["model"] == "m"
    assert (named.curve.direction, named.curve.bound, named.whole) == ("up", 1.0, None)


def test_untrained_rows_belong_to_every_curve(table):
    """Whatever sampler they name; and where a table repeats them for each, they count once."""
    other = [line.replace("random", "other") for line in GOOD[2:]]
    mine, theirs = read_table(table(GOOD + other)).curves
    assert mine.curve.runs[0] == theirs.curve.runs[0] == [0.3, 0.31]
    both = GOOD + [line.replace("random", "other") for line in GOOD]
    for named in read_table(table(both)).curves:
        assert named.curve.runs[0] == [0.3, 0.31]


def test_untrained_rows_that_disagree_are_refused(table):
    """The same control with another score is not averaged."""
    lines = [*GOOD, row(0, 1, 0.4, sampler="other")]
    assert "results.csv:10: the run of m, size 0, seed 1 stands in line 3 already" in complaint(table(lines))


def test_the_published_layout_is_accepted(table):
    """Percentages become sizes through the column of cells; 100 % anywhere tells the corpus."""
    head = "task,model,dataset,sampler,metric,percentage,seed,value,cells"
    runs = [(p, s, 0.5 + p / 1000 + s / 100, 40 * p) for p in (0, 1, 100) for s in (0, 1)]
    lines = [f"t,m,d,{sampler},R2,{p},{s},{v},{n}" for sampler in "ab" for p, s, v, n in runs if p < 100]
    lines += [f"t,m,d,b,R2,{p},{s},{v},{n}" for p, s, v, n in runs if p == 100]
    lines += [f"t,m,d,a,R2,10,{s},0.7,400" for s in (0, 1)]
    found = read_table(table(lines, head)).curves
    assert [(named.curve.sizes, named.whole) for named in found] == [((40, 400), 4000), ((40, 4000), 4000)]


def test_references_are_those_of_the_curve(table):
    """One number each for baseline, trivial answer and ceiling; a direction of one's own has no bound."""
    head = HEAD + ",direction,baseline,trivial,ceiling"
    lines = [line.replace("micro_f1", "my_loss") + ",down,0.9,1.2,0.1" for line in GOOD]
    (named,) = read_table(table(lines, head)).curves
    curve = named.curve
    assert (curve.direction, curve.bound) == ("down", None)
    assert (curve.baselines, curve.trivial, curve.ceiling) == ({"baseline": [0.9]}, 1.2, 0.1)


def test_losses_are_known_as_losses(table):
    """Of well-known metrics the direction needs no column."""
    (named,) = read_table(table([line.replace("micro_f1", "MSE") for line in GOOD])).curves
    assert (named.curve.direction, named.curve.bound) == ("down", 0.0)


def test_what_runs_cost_and_how_diverse_their_samples_are(table):
    """One number per run, in the order of the curve's runs; a size where one is missing has none."""
    costs = ["", "", "1", "2", "3", "30", "", "10"]
    lines = [f"{line},{cost},{80 if cost else ''}" for line, cost in zip(GOOD, costs, strict=True)]
    (named,) = read_table(table(lines[::-1], HEAD + ",gpu_hours,diversity")).curves
    assert named.measured == {"gpu_hours": {10: [1, 2, 3]}, "kwh": {}, "diversity": {10: [80, 80, 80]}}
    assert list(named.curve.runs[10]) == [0.51, 0.52, 0.53]


@pytest.mark.parametrize(
    ("cost", "words"),
    [("-1", '"kwh" is "-1"; a number from 0 on'), ("much", '"kwh" is "much", which is no number')],
)
def test_a_bad_cost_is_named(table, cost, words):
    said = complaint(table([*(f"{line}," for line in GOOD), row(100, 7, 0.5) + f",{cost}"], HEAD + ",kwh"))
    assert said.startswith("results.csv:10: ")
    assert words in said


BAD_ROWS = [
    (row("many", 0, 0.5), '"size" is "many", which is no number'),
    (row(-5, 0, 0.5), '"size" is "-5"; a whole number of cells from 0'),
    (row(10.5, 0, 0.5), '"size" is "10.5"; a whole number'),
    (row(10, 7, "good"), '"value" is "good", which is no number'),
    (row(10, 7, "nan"), '"value" is "nan"; leave missing runs out'),
    (row(10, 7, ""), '"value" is empty; leave missing runs out'),
    (row(10, "", 0.5), '"seed" is empty'),
    (row(10, 7, 0.5, model=""), '"model" is empty'),
    (row(10, 7, 0.5) + ",more", "more fields than the first line names"),
    (row(100, 2, 0.5), "size 100, seed 2 stands in line 9 already (0.62 there, 0.5 here)"),
    (row(10, 7, 0.5, metric="shininess"), 'the direction of "shininess" is unknown'),
]


@pytest.mark.parametrize(("bad", "words"), BAD_ROWS)
def test_a_bad_row_is_named(table, bad, words):
    """File, line, value and what is accepted."""
    said = complaint(table([*GOOD, bad]))
    assert said.startswith("results.csv:10: ")
    assert words in said


def test_columns_that_are_missing_are_named(table):
    """Each needed one; percentages without cells are not enough."""
    for column in ("task", "model", "dataset", "metric", "seed", "value"):
        assert f'there is no column "{column}"' in complaint(table(GOOD, HEAD.replace(column, "other")))
    said = complaint(table(GOOD, HEAD.replace("size", "percentage")))
    assert 'no column "size" or "cells"' in said
    assert "does not say of how many" in said


@pytest.mark.parametrize(
    ("directions", "words"),
    [
        ("sideways", '"direction" is "sideways"; "up"'),
        ("down", '"down" here and "up" in line 2; a metric has one'),
    ],
)
def test_directions_are_up_or_down_and_not_mixed(table, directions, words):
    """An unknown word, and two for one metric."""
    lines = [f"{line},up" for line in GOOD[:-1]] + [f"{GOOD[-1]},{directions}"]
    said = complaint(table(lines, HEAD + ",direction"))
    assert said.startswith("results.csv:9: ")
    assert words in said


def test_references_that_differ_within_a_curve_are_refused(table):
    """A curve has one ceiling."""
    lines = [f"{line},0.9" for line in GOOD[:-1]] + [f"{GOOD[-1]},0.8"]
    said = complaint(table(lines, HEAD + ",ceiling"))
    assert 'results.csv:9: "ceiling" is 0.8 here and 0.9 in line 4 of the same curve' in said


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [line for line in GOOD if ",100," not in line],
            "only one trained size (10 cells); a trend needs two",
        ),
        ([line for line in GOOD if ",0,0." in line], "only one seed at every size"),
        (GOOD[:2], "no trained run"),
        ([], "no trained run"),
    ],
)
def test_too_little_to_judge_is_said(table, lines, words):
    """One size, one seed, nothing trained, nothing at all."""
    assert words in complaint(table(lines))


def test_what_can_be_judged_is_judged(table):
    """A curve of one seed is named with its row and the others go on."""
    poor = [row(size, 0, 0.5, model="poor") for size in (10, 100)]
    found = read_table(table([*GOOD, *poor]))
    assert [named.names["model"] for named in found.curves] == ["m"]
    assert found.unjudged == (
        "results.csv:10: t / poor / d / micro_f1 / random: only one seed at every size; without a second "
        "nothing says how far chance goes",
    )


def test_many_complaints_are_cut(table):
    """The first ten, and how many more there are."""
    said = complaint(table([*GOOD, *(row(10, seed, "x") for seed in range(20, 40))]))
    assert said.count("\n") == 10
    assert said.endswith("... and 10 more")


def test_a_file_that_is_no_table(tmp_path):
    """Absent, or not text."""
    assert "cannot be read as a table" in complaint(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    assert "cannot be read as a table" in complaint(tmp_path / "binary.csv")
