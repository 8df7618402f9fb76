"""Which order a slot takes next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from harness.stages import Order


class OrderQueue:
    """Orders grouped by data set: a slot stays on its data set, then takes over the fullest one left.

    A worker pays for imports and compilation once per data set, so it should keep the one it has.
    """

    def __init__(self, orders: Sequence[Order]) -> None:
        self._groups: dict[str, deque[Order]] = {}
        for order in orders:
            self._groups.setdefault(order.job.dataset.digest, deque()).append(order)
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def next(self, last: str | None) -> Order | None:
        """Return an order of the data set ``last``, else of an untouched one, else of the fullest one."""
        with self._lock:
            if not self._groups:
                return None
            digest = last if last in self._groups else self._pick()
            self._taken.add(digest)
            group = self._groups[digest]
            order = group.popleft()
            if not group:
                del self._groups[digest]
            return order

    def _pick(self) -> str:
        return max(self._groups, key=lambda digest: (digest not in self._taken, len(self._groups[digest])))
