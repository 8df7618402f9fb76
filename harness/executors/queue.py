"""Which order a slot takes next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from harness.stages import Order


class OrderQueue:
    """Orders grouped by data set: a slot stays on its data set, then takes over the fullest one left.

    A worker pays for imports and compilation once per data set, so it should keep the one it has. Within a
    data set the first order is taken whose fit no other slot is busy with, so that two slots do not wait for
    each other's fits in turn.
    """

    def __init__(self, orders: Sequence[Order]) -> None:
        self._groups: dict[str, deque[Order]] = {}
        for order in orders:
            self._groups.setdefault(order.job.dataset.digest, deque()).append(order)
        self._taken: set[str] = set()
        self._busy: dict[int, Order] = {}
        self._lock = threading.Lock()

    def next(self, slot: int) -> Order | None:
        """Return an order of the slot's last data set, else of an untouched one, else of the fullest one."""
        with self._lock:
            last = self._busy.pop(slot, None)
            if not self._groups:
                return None
            digest = last.job.dataset.digest if last else ""
            digest = digest if digest in self._groups else self._pick()
            self._taken.add(digest)
            group = self._groups[digest]
            order = self._free(group)
            group.remove(order)
            if not group:
                del self._groups[digest]
            self._busy[slot] = order
            return order

    def _free(self, group: deque[Order]) -> Order:
        busy = {fit.address for order in self._busy.values() if (fit := order.job.fit)}
        free = (order for order in group if not (fit := order.job.fit) or fit.address not in busy)
        return next(free, group[0])

    def _pick(self) -> str:
        return max(self._groups, key=lambda digest: (digest not in self._taken, len(self._groups[digest])))
