"""A table of losses becomes a scaling law; what it cannot tell is withheld with the reason."""

import numpy as np
import pytest

from harness.checks.scaling import Run, describe, read_losses, scaling
from harness.errors import Misuse

HEAD = "regime,cells,seed,mse"
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)


def row(cells, seed, mse, regime="rich"):
    return f"{regime},{cells},{seed},{mse}"


def world(law, sizes=SIZES, seeds=3, sd=0.003):
    """Runs of a law with multiplicative noise."""
    rng = np.random.default_rng(3)
    return [row(n, seed, law(n) * np.exp(sd * rng.normal())) for n in sizes for seed in range(seeds)]


GOOD = world(lambda n: 1 + 20 * n**-0.5)


@pytest.fixture
def table(tmp_path):
    def write(lines, head=HEAD):
        path = tmp_path / "runs.csv"
        path.write_text("\n".join([head, *lines]) + "\n")
        return path

    return write


def complaint(path, *axes, **options):
    with pytest.raises(Misuse) as found:
        read_losses(path, "mse", axes or ("cells",), **options)
    return str(found.value)


def fitted(path, **options):
    return scaling(read_losses(path, "mse", ("cells",)), ("cells",), **{"replicates": 20} | options)


def test_rows_become_runs(table):
    """Place, loss and the other columns; the line counts the head."""
    first = read_losses(table(["rich,100,0, 2.5 ", *GOOD[1:]]), "mse", ("cells",))[0]
    assert (first.line, first.sizes, first.loss) == (2, (100.0,), 2.5)
    assert first.others == {"regime": "rich", "seed": "0"}


def test_only_the_rows_asked_for_are_read(table):
    """Several texts of one column are alternatives; what is wrong in other rows is nobody's business."""
    lines = [*GOOD, row("?", 0, "?", "poor")]
    assert len(read_losses(table(lines), "mse", ("cells",), {"regime": ["rich"]})) == len(GOOD)
    two = read_losses(table(GOOD), "mse", ("cells",), {"regime": ["rich"], "seed": ["0", "2"]})
    assert {run.others["seed"] for run in two} == {"0", "2"}


BAD_ROWS = [
    (row("many", 0, 1.5), '"cells" is "many", which is no number'),
    (row(0, 0, 1.5), '"cells" is "0"; a number above 0 is needed (leave untrained out)'),
    (row(10, 0, -1), '"mse" is "-1"; a number above 0'),
    (row(10, 0, "nan"), '"mse" is "nan"; leave missing runs out'),
    (row(10, 0, ""), '"mse" is empty'),
    ("rich,10", '"mse" is empty'),
    (row(10, 0, 1.5) + ",more", "more fields than the first line names"),
    (row(100, 1, 1.5), "this run stands in line 3 already"),
]


@pytest.mark.parametrize(("bad", "words"), BAD_ROWS)
def test_a_bad_row_is_named(table, bad, words):
    """With file and line."""
    said = complaint(table([*GOOD, bad]))
    assert said.startswith(f"runs.csv:{len(GOOD) + 2}: ")
    assert words in said


def test_equal_runs_without_seeds_are_told_by_their_loss(table):
    """Without a column of seeds only a row that is there twice, loss and all, is one run."""
    lines = [line.partition(",")[2].partition(",") for line in GOOD]
    lines = [f"{cells},{rest.partition(',')[2]}" for cells, _, rest in lines]
    assert len(read_losses(table(lines, "cells,mse"), "mse", ("cells",))) == len(GOOD)
    assert "stands in line 2 already" in complaint(table([*lines, lines[0]], "cells,mse"))


BAD_TABLES = [
    ([], {}, "there is no run"),
    (GOOD, {"where": {"regime": ["poor", "none"], "seed": ["0"]}}, "no run with regime = poor or none and"),
    (GOOD, {"where": {"regim": ["rich"]}}, ':1: there is no column "regim". Did you mean "regime"?'),
    (GOOD[:3], {}, '"cells" is 100 in every row: no law can be fitted along it'),
    (GOOD[:9], {}, "3 different settings of cells in 9 runs are too few; the law needs 4 in 6"),
    (GOOD[::3], {}, "5 different settings of cells in 5 runs are too few; the law needs 4 in 6"),
    ([row(n, 0, 2) for n in SIZES], {}, "every loss is 2: there is nothing to fit"),
]


@pytest.mark.parametrize(("lines", "options", "words"), BAD_TABLES)
def test_a_table_without_a_law_is_refused(table, lines, options, words):
    assert words in complaint(table(lines), **options)


def test_axes_are_columns_of_their_own(table):
    assert "different columns, not mse, cells, mse" in complaint(table(GOOD), "cells", "mse")
    assert 'no column "genes"' in complaint(table(GOOD), "genes")


def test_the_truth_is_found(table):
    """E = 1, A = 20 and a = .5 from fifteen noisy runs, the limit also within its intervals."""
    found = fitted(table(GOOD))
    assert (found.runs, found.points, found.ranges) == (15, 5, {"cells": (100, 1_000_000)})
    for law in (found.least_squares, found.huber):
        assert law.limit.value == pytest.approx(1, abs=0.01)
        assert law.exponents["cells"].value == pytest.approx(0.5, abs=0.01)
        assert law.amplitudes["cells"] == pytest.approx(20, rel=0.05)
    for limit in (found.profile, found.least_squares.limit):
        assert limit.low < 1 < limit.high
    assert found.one_axis.answer == "offset"
    assert found.one_axis.held_out.predicted == pytest.approx(1.02, abs=0.02)


@pytest.mark.parametrize(
    ("law", "answer"), [(lambda n: 1.5, "flat"), (lambda n: 2 - 0.1 * np.log10(n), "log-linear")]
)
def test_other_laws_are_answers_too(table, law, answer):
    """No effect of size, and no sign of saturation: there is then no exponent and no limit, nor its bits."""
    found = fitted(table(world(law)), gene_mean=2)
    assert (found.one_axis.answer, found.one_axis.rises) == (answer, False)
    assert sum(found.one_axis.weights.values()) == pytest.approx(1)
    assert found.huber.exponents["cells"].reason == f"the losses are {answer}"
    assert (found.huber.amplitudes["cells"], found.published) == (None, None)
    for limit in (found.least_squares.limit, found.huber.limit, found.profile):
        assert (limit.value, limit.low, limit.reason) == (None, None, f"the losses are {answer}")
    assert list(found.bits) == ["best"]


def test_losses_that_rise_have_no_exponent(table):
    """Towards a limit from below: the families call it an offset, and the law of losses does not hold."""
    found = fitted(table(world(lambda n: 1.4 - 2 * n**-0.5)))
    assert (found.one_axis.answer, found.one_axis.rises) == ("offset", True)
    told = (
        found.least_squares.exponents["cells"],
        found.least_squares.limit,
        found.huber.limit,
        found.profile,
    )
    for each in told:
        assert (each.value, each.reason) == (None, "the losses do not fall along cells")
    assert list(found.bits) == ["best"]


def test_losses_that_rise_without_a_limit_are_said_to(table):
    found = fitted(table(world(lambda n: 1 + 0.1 * np.log10(n))))
    assert (found.one_axis.answer, found.one_axis.rises) == ("log-linear", True)
    assert found.profile.value is None


def two_axes(law, points, sd):
    """Fit runs of a law in n and m, two at each point."""
    rng = np.random.default_rng(1)
    runs = [
        Run(line=2, sizes=(n, m), loss=law(n, m) * np.exp(sd * rng.normal()), others={})
        for n, m in points
        for _ in range(2)
    ]
    return scaling(runs, ("n", "m"), replicates=20)


def test_of_axes_that_move_together_one_is_to_be_left_out():
    """m = 3 n: each could be left out, not both; neither has an exponent, because they move together."""
    points = [(n, 3 * n) for n in np.logspace(2, 6, 7)]
    found = two_axes(lambda n, m: 1.4 + 20 * n**-0.5, points, sd=0.003)
    for law in (found.least_squares, found.huber):
        assert all("moves together with another one" in each.reason for each in law.exponents.values())
        assert law.limit.value is None
        assert law.limit.reason.count("leave it out") == 1
        assert "do not fall" not in law.limit.reason


def test_of_axes_that_stand_for_each_other_one_is_to_be_left_out_first():
    """Correlated by .976, of one effect, 20 % noise: either will do, so that neither exponent is told."""
    points = [(n, n * (2 if place % 2 else 0.5)) for place, n in enumerate(np.logspace(2, 6, 7))]
    found = two_axes(lambda n, m: 1.4 + 20 * (n * m) ** -0.25, points, sd=0.2).least_squares
    assert [exponent.value for exponent in found.exponents.values()] == [None, None]
    first, second = sorted(found.exponents, key=lambda axis: "either" in found.exponents[axis].reason)
    assert found.exponents[first].reason == f"without {first} the law fits no worse (AICc); leave it out"
    assert found.exponents[second].reason.endswith(
        f"fits no worse (AICc) either, but leave {first} out first"
    )


def test_no_exponent_below_one_and_a_half_decades(table):
    """Nor an amplitude or the published alpha, from which it could be read; the limit stays."""
    found = fitted(table(world(lambda n: 1 + 20 * n**-0.5, (100, 300, 900, 2_000))))
    law = found.least_squares
    assert (law.exponents["cells"].value, law.amplitudes["cells"]) == (None, None)
    assert "1.30 decades" in law.exponents["cells"].reason
    assert law.limit.value is not None
    assert (found.published, "published" in found.bits) == (None, False)


def test_single_runs_have_a_profile_and_no_bootstrap(table):
    found = fitted(table([*GOOD[::3], row(10**7, 0, 1.006)]))
    assert "one run" in found.least_squares.limit.reason
    assert found.profile.low < found.profile.value < found.profile.high
    assert found.lack_of_fit.f is None


def test_bits_by_hand(table):
    """MSE 1: 0.5 log2(2 pi e) = 2.0471 bits, 0.5 log2(4) = 1 below a gene mean of 4. 1 nat: 1 / ln 2 bits."""
    lines = [*GOOD[:-3], *[row(10**6, seed, 1 + (seed - 1) / 500) for seed in range(3)]]  # the best mean is 1
    mse = fitted(table(lines), gene_mean=4)
    nats = fitted(table(lines), kind="nats", gene_mean=1 + np.log(2))
    assert mse.bits["best"].loss.value == pytest.approx(1)
    for found, bits in ((mse, 2.0471), (nats, 1.4427)):
        assert found.bits["best"].bits.value == pytest.approx(bits, abs=5e-5)
        assert found.bits["best"].gained.value == pytest.approx(1)


def test_bits_keep_the_interval_of_the_limit(table):
    """Ends are those of E, turned round where bits below the gene mean grow with a smaller E."""
    found = fitted(table(GOOD), gene_mean=3)
    bits, profile = found.bits["limit"], found.profile
    for end in ("low", "high"):
        assert getattr(bits.bits, end) == pytest.approx(2.0471 + np.log2(getattr(profile, end)) / 2, abs=5e-5)
    assert bits.gained.low == pytest.approx(np.log2(3 / profile.high) / 2)
    assert bits.gained.low < bits.gained.value < bits.gained.high


def test_a_law_without_a_limit_has_no_lowest_bits(table):
    """The profile of a pure power law reaches 0, whose bits are minus infinity: null in JSON."""
    found = fitted(table(world(lambda n: 5 * n**-0.2, sd=0.05)))
    assert (found.profile.low, found.bits["limit"].bits.low) == (0, -np.inf)
    assert describe(found)["bits"]["limit"]["bits"]["low"] is None


def test_runs_that_differ_in_more_than_their_seed_are_pointed_out(table):
    """A column that tells runs of equal size apart; not one that goes with the size, nor names of runs."""
    lines = [f"{line},{'AB'[i % 2]},{line.split(',')[1]} cells,run {i}" for i, line in enumerate(GOOD)]
    assert fitted(table(lines, HEAD + ",batch,label,name")).mixed == {"batch": ("A", "B")}


def test_what_is_mixed_stands_in_the_order_of_the_table(table):
    """Whatever the hashes of the names: eight columns would agree by chance once in 40,320 orders."""
    columns = list("hbgdcfea")
    lines = [line + f",{'AB'[i % 2]}" * len(columns) for i, line in enumerate(GOOD)]
    assert list(fitted(table(lines, ",".join([HEAD, *columns]))).mixed) == columns
