"""The stream of images in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sisr.base.ordered import map_completed, map_ordered


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_are_in_the_order_of_the_items(threads: int) -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.01 if item % 3 == 0 else 0)
        return item * item

    assert list(map_ordered(slow_first, range(20), threads)) == [n * n for n in range(20)]


def test_a_result_does_not_wait_for_an_older_one() -> None:
    others = threading.Event()

    def first_is_last(item: int) -> int:
        if item == 0:
            assert others.wait(10)
        return item

    found = []
    for result in map_completed(first_is_last, range(20), 2, ahead=1):
        found.append(result)
        if len(found) == 19:
            others.set()
    assert found[-1] == 0
    assert sorted(found) == list(range(20))


@pytest.mark.parametrize("function", [map_ordered, map_completed])
def test_items_are_taken_as_they_are_needed(function: Callable[..., Any]) -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    results = function(lambda item: item, items(), 2)
    assert sorted(next(results) for _ in range(3)) == [0, 1, 2]
    assert len(taken) <= 5
    results.close()


@pytest.mark.parametrize("function", [map_ordered, map_completed])
def test_first_error_is_raised_and_stops_the_rest(function: Callable[..., Any]) -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def fails(item: int) -> int:
        with lock:
            begun.append(item)
        if item == 2:
            raise ValueError("item 2")
        return item

    with pytest.raises(ValueError, match="item 2"):
        list(function(fails, range(100), 2))
    assert len(begun) <= 6
