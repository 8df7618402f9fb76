"""Many things at once: the same pure function on all cores, and much plain data without delay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def over(items: Iterable[Item], function: Callable[[Item], Result], *, alone: int) -> Iterator[Result]:
    """Return what a function says of every item, in their order.

    Other processes, one per further core, begin at once, whether or not anybody waits for their answers yet.
    This process does its share, from the last item on, while it waits for one that is not there yet.

    Parameters
    ----------
    items
        May be handed to other processes, like the function and its results.
    alone
        Up to how many items one process does them all: others take a second to start.
    """
    waiting = list(items)
    if len(waiting) <= alone:
        return map(function, waiting)
    from loky import cpu_count, get_reusable_executor

    if (helpers := cpu_count() - 1) < 1:
        return map(function, waiting)
    executor = get_reusable_executor(max_workers=helpers, env=ONE_THREAD)
    return _answers(waiting, function, [executor.submit(function, item) for item in waiting])


def _answers(
    items: Sequence[Item], function: Callable[[Item], Result], begun: Sequence[Future[Result]]
) -> Iterator[Result]:
    own: dict[int, Result] = {}
    last = len(items) - 1
    try:
        for i, answer in enumerate(begun):
            while not answer.done() and begun[last].cancel():
                own[last] = function(items[last])
                last -= 1
            yield own.pop(i) if i in own else answer.result()
    finally:
        for answer in begun:
            answer.cancel()


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's collector of cycles off: it would look again and again through a million of new objects.

    What is made meanwhile should hold no cycles, as plain data does; counting references frees the rest.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
