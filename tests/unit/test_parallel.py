"""Work that is shared among processes."""

import gc
import os
from functools import partial
from itertools import islice
from operator import call

import pytest
from loky import cpu_count, get_reusable_executor

from harness.parallel import over, uncollected
from harness.statistics import FAMILIES, curve, fitted_saturation


@pytest.mark.parametrize("alone", [5, 4])
def test_results_come_in_the_order_of_the_items(alone):
    """However many processes there are."""
    found = over(iter(range(1, 5)), partial(divmod, 12), alone=alone - 1)
    assert list(found) == [(12, 0), (6, 0), (4, 0), (3, 0)]


def test_few_items_stay_in_this_process():
    """Others take a second to start."""
    assert set(over([os.getpid] * 3, call, alone=3)) == {os.getpid()}


@pytest.mark.skipif(cpu_count() < 2, reason="there is one core, and with it one process")
def test_the_one_that_waits_works_too():
    """Many items are done by others from the first on and, while there is no answer yet, by this one."""
    who = "__import__('time').sleep(0.3) or __import__('os').getpid()"
    found = list(over([who] * 12, eval, alone=0))
    assert found[0] != os.getpid()
    assert found[-1] == os.getpid()


@pytest.mark.skipif(cpu_count() < 2, reason="there is one core, and with it one process")
@pytest.mark.parametrize("asked", [0, 1])
def test_nothing_goes_on_for_nobody(asked, tmp_path):
    """What was not begun when the answers are no longer wanted is not done, even if they never were."""
    marks = tmp_path / "marks"
    marks.touch()
    mark = f"__import__('time').sleep(0.1) or open({str(marks)!r}, 'a').write('x')"
    begun = over([mark] * 50, eval, alone=0)
    assert list(islice(begun, asked)) == [1] * asked
    begun.close()
    get_reusable_executor(reuse=True).submit(int).result()  # waits for all that still has its turn before
    assert asked <= len(marks.read_text()) < 50


def test_what_a_process_raises_is_raised_here():
    """An error is nobody's result."""
    with pytest.raises(ZeroDivisionError):
        list(over([1, 0], partial(divmod, 1), alone=1))


def test_errors_wait_for_their_turn():
    """The answers before one come first, whoever raised it."""
    found = over(["0", "1", "2", "1 / 0", "4"], eval, alone=0)
    assert list(islice(found, 3)) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_fits_travel_between_processes():
    """A family is known by its name there; its formulas need not travel."""
    sizes, values = [100, 100, 300, 300, 900, 900], [0.5, 0.6, 0.7, 0.7, 0.75, 0.8]
    (there, _) = over([0.1, 0.2], partial(fitted_saturation, sizes, values), alone=1)
    here = fitted_saturation(sizes, values, 0.1)
    assert there.reached == here.reached
    assert there.selection.fits["pow2"].family is FAMILIES["pow2"]
    assert curve(sizes, values).n_runs == 6


def test_the_collector_is_off_inside_and_as_before_outside():
    """Whatever happens inside, and however deep."""
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        1 / 0  # noqa: B018
    assert gc.isenabled()
