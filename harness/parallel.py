"""The same pure function over many things, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def over(items: Iterable[Item], function: Callable[[Item], Result], *, alone: int) -> list[Result]:
    """Return what a function says of every item, in their order.

    Parameters
    ----------
    items
        May be handed to other processes, like the function and its results.
    alone
        Up to how many items one process does them all: others take a second to start.
    """
    waiting = list(items)
    if len(waiting) <= alone:
        return [function(item) for item in waiting]
    from joblib import Parallel, delayed

    return list(Parallel(n_jobs=-1)(delayed(function)(item) for item in waiting))
