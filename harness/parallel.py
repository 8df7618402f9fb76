"""Many things at once: the same pure function on all cores, and much plain data without delay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def over(items: Iterable[Item], function: Callable[[Item], Result], *, alone: int) -> Iterator[Result]:
    """Return what a function says of every item, in their order.

    Other processes begin at once, whether or not anybody waits for their answers yet; where there are none,
    each item waits until it is asked for.

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
    from joblib import Parallel, delayed

    answers: Iterator[Result] = Parallel(n_jobs=-1, return_as="generator")(
        delayed(function)(item) for item in waiting
    )
    return answers


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
