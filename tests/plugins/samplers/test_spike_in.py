"""A stated share from one source, exact sizes, and the rest as a random sample draws it."""

import numpy as np
import pytest

from harness import ArrayCells, NotApplicable, PlainRun
from harness_plugins.samplers.spike_in.sampler import SpikeIn


def corpus(main=80, screen=20):
    sources = np.array(["atlas"] * main + ["screen"] * screen, dtype=object)
    return ArrayCells(counts=np.zeros((len(sources), 1)), genes=["g"], columns={"source": sources})


@pytest.mark.parametrize(("share", "wanted"), [(0, 0), (0.1, 2), (0.5, 10), (1, 20)])
def test_the_share_is_exact(share, wanted):
    """Of 20 cells; by default from the smaller source."""
    rows = SpikeIn(share=share).draw(corpus(), 20, PlainRun(seed=1))
    assert len(set(rows.tolist())) == 20
    assert int((rows >= 80).sum()) == wanted


def test_the_source_can_be_named():
    """Half of the cells from the larger source."""
    rows = SpikeIn(share=0.5, from_source="atlas").draw(corpus(), 20, PlainRun())
    assert int((rows < 80).sum()) == 10


def test_a_small_draw_is_part_of_a_larger_one():
    """For the same seed and share."""
    small, large = (set(SpikeIn(share=0.5).draw(corpus(), n, PlainRun(seed=2))) for n in (10, 40))
    assert small < large


@pytest.mark.parametrize(
    ("parameters", "size", "words"),
    [
        ({"share": 0.5}, 42, '20 cells in the source "screen", fewer than the 21'),
        ({"share": 0.0}, 81, "80 cells in the other sources, fewer than the 81"),
        ({"from_source": "lab"}, 5, 'no source "lab" for a fit to see; it has atlas, screen'),
    ],
)
def test_what_cannot_be_drawn_is_said(parameters, size, words):
    """With the number that there is."""
    with pytest.raises(NotApplicable, match=words):
        SpikeIn(**parameters).draw(corpus(), size, PlainRun())


def test_a_share_is_from_0_to_1():
    """Anything else is a mistake in the suite."""
    with pytest.raises(ValueError, match="share is 2; a number from 0 to 1"):
        SpikeIn(share=2)
