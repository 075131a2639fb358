"""Work on a stream of images in threads, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, ahead: int = 0
) -> Iterator[Result]:
    """``map(function, items)`` with at most ``threads`` items in work; results in the order of the items.

    ``ahead`` more items may wait, so that no thread is idle while the oldest item takes long.

    Meant for decoding, resizing and encoding, in which Pillow, NumPy and zlib release the interpreter lock.
    The first exception is raised in its turn; items that have not begun by then never do.
    """
    return _map(function, items, threads, ahead, lambda waiting: waiting[:1])


def map_completed(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, ahead: int = 0
) -> Iterator[Result]:
    """As :func:`map_ordered`, but each result as soon as it is there: none waits for an older, longer one."""
    return _map(
        function, items, threads, ahead, lambda waiting: [*wait(waiting, return_when=FIRST_COMPLETED).done]
    )


def _map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    ahead: int,
    choose: Callable[[list[Future[Result]]], list[Future[Result]]],
) -> Iterator[Result]:
    """``choose``: which of the items in work, oldest first, to wait for and hand on next."""
    most = max(1, threads)
    with ThreadPoolExecutor(max_workers=most) as pool:
        waiting: list[Future[Result]] = []

        def chosen() -> Iterator[Result]:
            for future in choose(waiting):
                waiting.remove(future)
                yield future.result()

        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= most + ahead:
                    yield from chosen()
            while waiting:
                yield from chosen()
        finally:
            for future in waiting:
                future.cancel()
