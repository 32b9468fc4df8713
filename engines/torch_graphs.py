"""CudaGraphs: a torch callable recorded once for each of a few batch sizes, then replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

MOST: Final = 32
"""Samples in the largest graph; a larger batch runs without one, where launches weigh little."""
WARM_UPS: Final = 3
"""Calls before a recording, as torch's documentation asks: libraries allocate in the first."""


class CudaGraphs:
    """`call`, with batches filled up to 1, 2, 4, 8, 16 or 32 samples.

    A graph reads and writes the same memory each time: what is given is copied there, and what
    comes out is valid until the next call.

    Threads: one at a time.
    """

    def __init__(self, torch: Any, call: Callable[[Any], Sequence[Any]]) -> None:
        self._torch = torch
        self._call = call
        self._recorded: dict[int, tuple[Any, Any, Sequence[Any]]] = {}

    def __call__(self, given: Any) -> Sequence[Any]:
        """Run on a batch that lies on the GPU."""
        count = len(given)
        if count > MOST:
            return self._call(given)
        size = 1 << (count - 1).bit_length()
        if size not in self._recorded:
            self._recorded[size] = self._record(given, size)
        graph, held, results = self._recorded[size]
        held[:count].copy_(given)
        graph.replay()
        return [result[:count] for result in results]

    def _record(self, given: Any, size: int) -> tuple[Any, Any, Sequence[Any]]:
        cuda = self._torch.cuda
        held = self._torch.zeros((size, *given.shape[1:]), dtype=given.dtype, device=given.device)
        aside = cuda.Stream()
        aside.wait_stream(cuda.current_stream())
        with cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._call(held)
        cuda.current_stream().wait_stream(aside)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            results = self._call(held)
        return graph, held, results
