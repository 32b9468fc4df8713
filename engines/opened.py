"""OpenedEngine: what every engine does alike, round the one call that its runtime makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engines.base import Outputs
from engines.errors import InferenceFailed
from engines.preprocess import model_input
from engines.spec import ModelSpec, TensorSpec


class OpenedEngine(ABC):
    """Meets `engines.base.Engine`; a runtime adds `_run` and `_release`."""

    def __init__(self, spec: ModelSpec, *, provider: str, device: str) -> None:
        self._spec = spec
        self._provider = provider
        self._device = device
        self._closed = False

    @property
    def spec(self) -> ModelSpec:
        """What the model takes and gives."""
        return self._spec

    @property
    def provider(self) -> str:
        """What the runtime itself says that it runs on."""
        return self._provider

    @property
    def device(self) -> str:
        """The device that it runs on: ``cpu``, ``cuda:0``."""
        return self._device

    def infer(self, batch: NDArray[Any]) -> Outputs:
        """Run the model; see `engines.base.Engine.infer`."""
        values = model_input(batch, self._spec)
        if len(values) == 0:
            return {tensor.name: _empty(tensor) for tensor in self._spec.outputs}
        if self._closed:
            raise InferenceFailed(self._spec.name, "the engine is closed")
        try:
            results = self._run(values)
        except Exception as exc:  # the runtimes' errors share no root but Exception
            raise InferenceFailed(self._spec.name, str(exc)) from exc
        names = (tensor.name for tensor in self._spec.outputs)
        arrays = (np.asarray(result, np.float32) for result in results)
        return dict(zip(names, arrays, strict=True))

    def close(self) -> None:
        """Release the runtime's memory; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    @abstractmethod
    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Run on at least one sample in the spec's layout and dtype; outputs in the spec's order,
        each the caller's own memory. Whatever it raises becomes InferenceFailed.
        """

    @abstractmethod
    def _release(self) -> None:
        """Let go of the runtime's objects; called once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _empty(tensor: TensorSpec) -> NDArray[np.float32]:
    inner = [size if isinstance(size, int) else 0 for size in tensor.shape[1:]]
    return np.empty((0, *inner), np.float32)
