"""Binding: an ONNX Runtime session with memory of its own for one batch size.

Addresses that never change are what a CUDA graph needs, and copies that are asked for by name are
the only ones made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec


class Binding:
    """Input and outputs of `session` for batches of `batch`, on `place` number `number`.

    `place` is ``cuda``, or ``cpu`` where only the processor's provider runs. Each batch size is a
    graph of its own: ONNX Runtime captures it at the first run and replays it afterwards.
    """

    def __init__(
        self, runtime: Any, session: Any, spec: ModelSpec, batch: int, place: str, number: int
    ) -> None:
        self._session = session
        tensor = spec.inputs[0]
        shape = [batch, *(int(size) for size in tensor.shape[1:])]
        self._blank = np.zeros(shape, tensor.dtype)
        self._input = runtime.OrtValue.ortvalue_from_numpy(self._blank.copy(), place, number)
        self._outputs = [
            runtime.OrtValue.ortvalue_from_shape_and_type(
                [batch, *output.shape[1:]], np.float32, place, number
            )
            for output in spec.outputs
        ]
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(tensor.name, self._input)
        for output, value in zip(spec.outputs, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(output.name, value)
        self._options = runtime.RunOptions()
        self._options.add_run_config_entry("gpu_graph_id", str(batch))

    def capture(self) -> None:
        """Run once on blank samples, so that no frame waits for what the first run does."""
        self.run(self._blank)

    def run(self, values: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        """Run up to `batch` samples; the rest of the batch is blank and left out again."""
        count = len(values)
        if count < len(self._blank):
            values = np.concatenate([values, self._blank[count:]])
        self._input.update_inplace(values)
        self._session.run_with_iobinding(self._binding, self._options)
        # Copies, also where the memory is the processor's own: the next run writes there.
        return [np.array(value.numpy()[:count]) for value in self._outputs]


def run_unbound(session: Any, spec: ModelSpec, values: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Run any shape: what a model with free sides gives is known only afterwards."""
    binding = session.io_binding()
    binding.bind_cpu_input(spec.inputs[0].name, values)
    for output in spec.outputs:
        binding.bind_output(output.name)
    session.run_with_iobinding(binding)
    results: list[NDArray[np.float32]] = binding.copy_outputs_to_cpu()
    return results
