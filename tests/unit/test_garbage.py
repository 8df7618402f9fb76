"""The collector of cycles, off for a while."""

import gc

import pytest

from harness.garbage import uncollected


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
