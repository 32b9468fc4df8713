"""ONNX Runtime as it would be with a GPU: sessions really run, but on the processor."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

CPU = "CPUExecutionProvider"
Provider = tuple[str, dict[str, str]]


class GpuRuntime(ModuleType):
    """Notes the provider options that it is given; its sessions report `reported` first.

    `captures` says whether it takes a model for CUDA graphs.
    """

    def __init__(self, reported: str, *, captures: bool = True) -> None:
        super().__init__("onnxruntime")
        self.reported = [reported, CPU]
        self.captures = captures
        self.available = [reported, "CUDAExecutionProvider", CPU]
        self.asked: list[Sequence[Provider]] = []
        self.places: list[tuple[str, int]] = []
        self.graphs: list[str] = []
        self.preloaded = 0
        self.SessionOptions = onnxruntime.SessionOptions
        self.RunOptions = self._run_options
        self.OrtValue = SimpleNamespace(
            ortvalue_from_numpy=self._from_numpy, ortvalue_from_shape_and_type=self._from_shape
        )
        self.InferenceSession = self._open

    def get_available_providers(self) -> list[str]:
        return self.available

    def preload_dlls(self) -> None:
        self.preloaded += 1

    def _open(self, path: str, options: Any, providers: Sequence[Provider]) -> Any:
        self.asked.append(providers)
        if providers[0][1].get("enable_cuda_graph") == "1" and not self.captures:
            raise RuntimeError("This session cannot use the graph capture feature\nas requested")
        session = onnxruntime.InferenceSession(path, options, providers=[CPU])
        return _Session(session, self)

    def _run_options(self) -> Any:
        options = onnxruntime.RunOptions()
        note = self.graphs.append

        def entry(key: str, value: str) -> None:
            note(f"{key}={value}")

        return SimpleNamespace(real=options, add_run_config_entry=entry)

    def _from_numpy(self, values: Any, place: str, number: int) -> Any:
        self.places.append((place, number))
        return onnxruntime.OrtValue.ortvalue_from_numpy(values)

    def _from_shape(self, shape: Sequence[int], kind: Any, place: str, number: int) -> Any:
        self.places.append((place, number))
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, kind))


class _Session:
    """A real session under another provider's name."""

    def __init__(self, session: Any, runtime: GpuRuntime) -> None:
        self._session = session
        self._runtime = runtime
        self.disable_fallback = session.disable_fallback
        self.get_inputs = session.get_inputs
        self.get_outputs = session.get_outputs
        self.io_binding = session.io_binding

    def get_providers(self) -> list[str]:
        return self._runtime.reported

    def run_with_iobinding(self, binding: Any, options: Any = None) -> None:
        self._session.run_with_iobinding(binding, options.real if options else None)
