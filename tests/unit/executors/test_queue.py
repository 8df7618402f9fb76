"""Which order a slot takes next."""

from collections import namedtuple
from types import SimpleNamespace

from harness.executors.queue import OrderQueue

Order = namedtuple("Order", "name job")


def order(name, dataset, fit=None):
    fit = SimpleNamespace(address=fit) if fit else None
    return Order(name, SimpleNamespace(dataset=SimpleNamespace(digest=dataset), fit=fit))


def taken(queue, *slots):
    return [found.name if (found := queue.next(slot)) else None for slot in slots]


def test_a_slot_stays_on_its_data_set():
    """Another slot begins another one; what is left is shared."""
    queue = OrderQueue([order("a1", "a"), order("a2", "a"), order("a3", "a"), order("b1", "b")])
    assert taken(queue, 0, 1, 0, 1, 0) == ["a1", "b1", "a2", "a3", None]


def test_slots_do_not_wait_for_each_others_fits():
    """The first order is taken whose fit nobody is busy with; where there is none, the first."""
    orders = [order(f"{data}{fit}", data, fit) for data in "ab" for fit in "xyz"]
    assert taken(OrderQueue(orders), 0, 1, 0, 1, 0, 1) == ["ax", "by", "az", "bx", "ay", "bz"]
    assert taken(OrderQueue([order("1", "a", "x"), order("2", "a", "x")]), 0, 1) == ["1", "2"]
