"""Many things at once: the same pure function on all cores, and much plain data without delay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Variables of the environment that tell libraries how many threads a process may have."""


def over(
    items: Iterable[Item], function: Callable[[Item], Result], *, alone: int
) -> Generator[Result, None, None]:
    """Return what a function says of every item, in their order; what it raises is raised in its turn.

    Other processes, one per further core, begin at once, whether or not anybody waits for their answers yet.
    This process does its share, from the last item on, while it waits for one that is not there yet. Close
    the generator where its answers are no longer wanted.

    Parameters
    ----------
    items
        May be handed to other processes, like the function and its results.
    alone
        Up to how many items one process does them all: others take a second to start.
    """
    waiting = list(items)
    helpers = _other_cores() if len(waiting) > alone else 0
    if not helpers:
        return (function(item) for item in waiting)
    from loky import get_reusable_executor

    one_thread = dict.fromkeys(THREAD_VARIABLES, "1")  # the others have a core each
    executor = get_reusable_executor(max_workers=helpers, env=one_thread)
    answers = _answers(waiting, function, [executor.submit(function, item) for item in waiting])
    next(answers)
    return cast("Generator[Result, None, None]", answers)


def _other_cores() -> int:
    from loky import cpu_count

    return int(cpu_count()) - 1


def _answers(
    items: Sequence[Item], function: Callable[[Item], Result], begun: Sequence[Future[Result]]
) -> Generator[Result | None, None, None]:
    """Yield nothing once, so that closing it ends the work even if nobody asked yet; then the answers."""
    own: dict[int, Future[Result]] = {}
    last = len(items) - 1
    try:
        yield None
        for i, answer in enumerate(begun):
            while not answer.done() and begun[last].cancel():
                own[last] = _done_here(function, items[last])
                last -= 1
            yield own.pop(i, answer).result()
    finally:
        for answer in begun:
            answer.cancel()


def _done_here(function: Callable[[Item], Result], item: Item) -> Future[Result]:
    done: Future[Result] = Future()
    try:
        done.set_result(function(item))
    except Exception as error:
        done.set_exception(error)
    return done


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
