"""The same pure function over many things, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def over(items: Iterable[Item], function: Callable[[Item], Result], *, alone: int) -> Iterator[Result]:
    """Return what a function says of every item, in their order.

    Other processes begin at once, whether or not anybody waits for their answers yet.

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
