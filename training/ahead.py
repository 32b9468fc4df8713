"""Work done ahead in threads, in order and within bounds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def done_ahead(
    jobs: Iterable[Callable[[], T]], threads: int, most: int
) -> Generator[T, None, None]:
    """Give the jobs' results in their order; at most `most` wait for whoever takes them.

    Once nobody takes any more, those that have not begun are given up. A job's error is raised
    in its place.
    """
    waiting: list[Future[T]] = []
    with ThreadPoolExecutor(threads, "ahead") as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) >= most:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
