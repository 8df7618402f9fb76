"""``harness law``, end to end: from a table and words to numbers, sentences and exit codes."""

import csv
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from harness.cli.main import main

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "scaling_laws.md"


def harness_law(*words):
    """Return exit code, output and complaints of the command."""
    out, err = StringIO(), StringIO()
    argv = ["harness", "law", *map(str, words)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            return end.code or 0, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def report(*words):
    code, out, err = harness_law(*words)
    assert (code, err) == (0, "")
    return out


@pytest.fixture(scope="module")
def runs(shared):
    """The 18 canonical runs of arXiv 2602.15253."""
    return shared / "reference" / "kendiukhov2026_runs.csv"


@pytest.fixture(scope="module")
def asked(runs):
    return (runs, "--loss", "best_validation_mse", "--axis", "parameters", "--gene-mean", 1.8752)


@pytest.fixture(scope="module")
def published(asked):
    return json.loads(report(*asked, "--json", "--where", "genes=512", "--where", "regime=data-rich"))


def test_the_published_fit_and_its_edge(published):
    """c = 1.44376 and alpha = .26643, and that c is the edge of a grid."""
    grid = published["published"]
    assert (grid["c"], grid["alpha"]) == pytest.approx((1.44376, 0.26643), abs=5e-6)
    assert grid["at_edge"]
    assert "edge of the grid" in grid["caveat"]


def test_the_free_fits(published):
    """Least squares on log L: 1.4700 / .527; Huber: 1.4722 / .525; about 1.466-1.474 and .50-.56."""
    for name, known in {"least_squares": (1.4700, 0.527), "huber": (1.4722, 0.525)}.items():
        law = published[name]
        found = (law["limit"]["value"], law["exponents"]["parameters"]["value"])
        assert found == pytest.approx(known, abs=5e-4)
    limit, exponent = (published["least_squares"][key] for key in ("limit", "exponents"))
    assert (limit["low"], limit["high"]) == pytest.approx((1.466, 1.474), abs=0.003)
    exponent = exponent["parameters"]
    assert (exponent["low"], exponent["high"]) == pytest.approx((0.50, 0.56), abs=0.025)
    assert published["profile"]["low"] < 1.466 < 1.474 < published["profile"]["high"]


def test_the_headline(published):
    """AICc -48.7, -64.0 and -142.4: all weight on a finite limit, which equal runs do not contradict."""
    one = published["one_axis"]
    assert (one["answer"], one["held_out"]["size"]) == ("offset", 100_510_801)
    assert one["weights"]["log-linear"] == pytest.approx(np.exp((-142.4 + 64.0) / 2), rel=0.1)
    assert one["weights"]["flat"] == pytest.approx(np.exp((-142.4 + 48.7) / 2), rel=0.1)
    assert published["lack_of_fit"]["p"] > 0.05


def test_the_published_bits(published):
    """2.312 at the grid's edge and 2.325 at the free limit; the best model has .180 below the gene mean."""
    bits = {name: each["bits"]["value"] for name, each in published["bits"].items()}
    assert (bits["published"], bits["limit"]) == pytest.approx((2.312, 2.325), abs=5e-4)
    gained = {name: each["gained"]["value"] for name, each in published["bits"].items()}
    assert (gained["best"], gained["published"]) == pytest.approx((0.180, 0.189), abs=5e-4)


def test_the_published_path_by_likelihood(runs, tmp_path):
    """Losses as 0.5 ln(2 pi e MSE): c = 1.5915 nats, alpha = .182, 2.296 bits."""
    table = tmp_path / "nats.csv"
    with runs.open() as file:
        lines = [
            f"{run['parameters']},{0.5 * np.log(2 * np.pi * np.e * float(run['best_validation_mse']))}"
            for run in csv.DictReader(file)
        ]
    table.write_text("\n".join(["parameters,nll", *lines]))
    words = ("--loss", "nll", "--axis", "parameters", "--kind", "nats", "--replicates", 50, "--json")
    found = json.loads(report(table, *words))
    grid = found["published"]
    assert (grid["c"], grid["alpha"]) == pytest.approx((1.5915, 0.182), abs=5e-4)
    assert found["bits"]["published"]["bits"]["value"] == pytest.approx(2.296, abs=5e-4)


def test_people_get_the_same_in_words(asked):
    """The figures with their intervals, the edge, the prediction held out, how the bits are to be read."""
    out = report(*asked, "--replicates", 50)
    for words in (
        "18 runs of 6 settings, parameters 533 to 100,510,801",
        "offset: a finite limit",
        "1.44376 (the grid's edge)  0.26643",
        "c = 1.4438 is the edge of the grid",
        "Largest size held out (100,510,801)",
        "is not contradicted",
        "only bits below the gene mean are free of units",
    ):
        assert words in out
    assert re.search(r"least squares on log loss +1\.4700 \[1\.46\d+, 1\.47\d+\] +0\.527 \[", out)
    assert re.search(r"Huber 0\.001 on log loss +1\.4722 \[.+?\] +0\.525 \[", out)


HEAD = "genes,parameters,cells,seed,loss"


def two_axes(path, cells=(1e3, 1e4, 1e5, 1e6)):
    """Write runs of 1 + 8 parameters^-.35 + 12 cells^-.4 with noise of .2 %."""
    rng = np.random.default_rng(1)
    lines = [
        f"512,{n:.0f},{d:.0f},{seed},{(1 + 8 * n**-0.35 + 12 * d**-0.4) * np.exp(0.002 * rng.normal())}"
        for n in (1e3, 1e4, 1e5, 1e6)
        for d in cells
        for seed in (0, 1)
    ]
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path, "--loss", "loss", "--axis", "parameters", "--axis", "cells", "--replicates", 50


def test_two_axes_with_known_truth(tmp_path):
    """E = 1, .35 and .4 lie in the intervals; what one axis alone can be asked is not answered."""
    found = json.loads(report(*two_axes(tmp_path / "runs.csv"), "--json"))
    law = found["least_squares"]
    told = {"E": law["limit"], **law["exponents"]}
    for name, truth in {"E": 1, "parameters": 0.35, "cells": 0.4}.items():
        assert told[name]["low"] < truth < told[name]["high"]
        assert told[name]["value"] == pytest.approx(truth, rel=0.05)
    assert found["profile"]["low"] < 1 < found["profile"]["high"]
    assert (found["axes"], found["one_axis"], found["points"]) == (["parameters", "cells"], None, 16)


def test_an_axis_that_is_too_short_says_so(tmp_path):
    """The other axis keeps its exponent."""
    out = report(*two_axes(tmp_path / "runs.csv", cells=(1e3, 3e3, 9e3, 1e4)), "--kind", "other")
    assert "No exponent of cells: the sizes span 1.00 decades" in out
    assert "No exponent of parameters" not in out
    assert "bits" not in out


def test_an_axis_without_effect_has_no_exponent(tmp_path):
    """From 10^12 cells on the truth no longer falls by what the noise lets see."""
    out = report(*two_axes(tmp_path / "runs.csv", cells=(1e12, 1e13, 1e14)))
    assert re.search(
        r"No exponent of cells: (without cells the law fits no worse|the losses do not fall)", out
    )
    assert "No exponent of parameters" not in out
    assert "No E, and no bootstrap intervals: " in out
    assert "limit E" not in out


def test_losses_that_rise_are_said_to(tmp_path):
    """From 1.2 to 1.4: the headline says it, and there is no E, by any fit, and no bits of it."""
    lines = [
        f"512,1,{n:.0f},{seed},{1.4 - 2 * n**-0.5 + 0.001 * seed}"
        for n in (1e2, 1e3, 1e4, 1e5, 1e6)
        for seed in (0, 1)
    ]
    table = tmp_path / "runs.csv"
    table.write_text("\n".join([HEAD, *lines]))
    out = report(table, "--loss", "loss", "--axis", "cells", "--gene-mean", 2)
    assert "offset: a finite limit, but the losses rise with cells (weights by AICc: " in out
    assert "No E, and no bootstrap intervals: the losses do not fall along cells." in out
    assert re.search(r"^least squares on log loss +- +- +-$", out, re.MULTILINE)
    assert re.search(r"^profile of E +-$", out, re.MULTILINE)
    assert "limit E" not in out
    assert "best setting's mean" in out


def test_mixed_runs_are_pointed_out(tmp_path):
    """Where an axis was forgotten; on the side of the complaints, so that --json stays JSON."""
    path, *_ = two_axes(tmp_path / "runs.csv", cells=(1e5, 1e6))
    code, out, err = harness_law(path, "--loss", "loss", "--axis", "parameters", "--replicates", 50, "--json")
    assert (code, json.loads(out)["mixed"]) == (0, {"cells": ["100000", "1000000"]})
    assert 'differ in "cells" (100000, 1000000); --where cells=... keeps them apart' in err


@pytest.mark.parametrize(
    ("lines", "words", "complaint"),
    [
        (["1,10,10,0,2"], ["--axis", "sells"], ':1: there is no column "sells". Did you mean "cells"?'),
        (["1,10,10,0,low"], ["--axis", "cells"], ':2: "loss" is "low", which is no number'),
        (["1,10,10,0,2"], ["--axis", "cells"], '"cells" is 10 in every row'),
        (["1,10,10,0,2"], ["--axis", "cells", "--where", "genes"], '--where got "genes"; column=text'),
        (["1,10,10,0,2"], ["--axis", "cells", "--gene-mean", "-1"], '--gene-mean is "-1"'),
        (
            ["1,10,10,0,2"],
            ["--axis", "cells", "--kind", "other", "--gene-mean", "2"],
            '--gene-mean is "2", but nothing is told in bits of a loss of "--kind other"; say --kind mse',
        ),
        (["1,10,10,0,2"], [], "--axis"),
    ],
)
def test_misuse_is_a_sentence(tmp_path, lines, words, complaint):
    """Exit code 2, no traceback, nothing on the output."""
    table = tmp_path / "runs.csv"
    table.write_text("\n".join([HEAD, *lines]))
    code, out, err = harness_law(table, "--loss", "loss", *words)
    assert (code, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err


def test_a_table_that_is_none(tmp_path):
    assert harness_law(tmp_path / "absent.csv", "--loss", "a", "--axis", "b")[0] == 2


def test_the_page_names_what_json_has(published):
    """Every key of the object stands in the page's list, and no other."""
    listed = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert listed == list(published)
