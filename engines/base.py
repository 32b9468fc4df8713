"""The Engine protocol: one opened model on one device."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec

Outputs = Mapping[str, NDArray[np.float32]]


class Engine(Protocol):
    """An opened, warmed model.

    Threads: `infer` is called by one thread at a time (the inference thread of its device), and
    releases the GIL while the runtime works. `close` is called once, after the last `infer`.
    """

    @property
    def spec(self) -> ModelSpec:
        """What the model takes and gives."""

    @property
    def provider(self) -> str:
        """The runtime's execution provider that is really in use, as the runtime reports it."""

    @property
    def device(self) -> str:
        """The device that it runs on: ``cpu``, ``cuda:0``."""

    def infer(self, batch: NDArray[Any]) -> Outputs:
        """Run the model on uint8 or float32 pixels of the 0-255 scale, RGB, NHWC.

        The batch is brought to the spec's layout, dtype and normalisation first. A batch of 0
        gives outputs of batch 0 without a call to the runtime; every batch size up to the
        memory's limit is accepted.

        Raises: ValueError for a batch of another shape; InferenceFailed when the runtime fails.
        """

    def close(self) -> None:
        """Release the runtime's memory; a second call does nothing."""

    def __enter__(self) -> Engine: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
