"""The stream of images in threads."""

from __future__ import annotations

import threading
import time

import pytest
from sisr.ordered import map_ordered


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_are_in_the_order_of_the_items(threads: int) -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.01 if item % 3 == 0 else 0)
        return item * item

    assert list(map_ordered(slow_first, range(20), threads)) == [n * n for n in range(20)]


def test_items_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    results = map_ordered(lambda item: item, items(), 2)  # type: ignore[arg-type]
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 5
    results.close()


def test_first_error_is_raised_and_stops_the_rest() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def fails(item: int) -> int:
        with lock:
            begun.append(item)
        if item == 2:
            raise ValueError("item 2")
        return item

    results = map_ordered(fails, range(100), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2"):
        next(results)
    assert len(begun) <= 4
