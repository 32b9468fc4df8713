"""ONNX Runtime's CUDA and TensorRT providers, as far as they can be told without a GPU.

The sessions of `GpuRuntime` really run, on the processor: batches, bindings and caches are true,
what the providers compute is not tried here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.base import Engine
from engines.canary import check_canary
from engines.errors import EngineUnavailable, ModelMismatch
from engines.onnxruntime_cuda import EXCLUDE, SIZES, OnnxRuntimeCudaEngine
from engines.onnxruntime_tensorrt import OnnxRuntimeTensorRtEngine
from engines.spec import ModelSpec
from engines.table import build_needed, open_engine
from stream.config import REPOSITORY
from tests.engines.gpu_runtime import CPU, GpuRuntime

WEIGHTS = REPOSITORY / "weights"
CUDA, TENSORRT = "onnxruntime-cuda", "onnxruntime-tensorrt"
PROVIDERS = {CUDA: "CUDAExecutionProvider", TENSORRT: "TensorrtExecutionProvider"}
Install = Callable[..., GpuRuntime]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(engine: str, **how: Any) -> GpuRuntime:
        runtime = GpuRuntime(PROVIDERS[engine], **how)
        monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
        return runtime

    return put


def opened(name: str, model: str, cache: Path | None = None) -> Engine:
    return open_engine(name, WEIGHTS / f"{model}.json", device="cuda:1", cache=cache)


def crops(count: int, side: int = 24) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", [CUDA, TENSORRT])
@pytest.mark.parametrize("count", [1, 3, 8, 33, 70])
def test_batches_that_are_filled_up_or_parted_give_the_same(
    install: Install, name: str, count: int
) -> None:
    with open_engine("onnxruntime", WEIGHTS / "rnet.json") as reference:
        expected = reference.infer(crops(count))
    install(name)
    with opened(name, "rnet") as engine:
        assert (engine.provider, engine.device) == (PROVIDERS[name], "cuda:1")
        first = engine.infer(crops(count))
        engine.infer(255 - crops(count))
    for key, values in first.items():
        np.testing.assert_allclose(values, expected[key], atol=1e-5)


@pytest.mark.parametrize("name", [CUDA, TENSORRT])
def test_pictures_of_any_size_run_without_memory_of_their_own(install: Install, name: str) -> None:
    runtime = install(name)
    with opened(name, "pnet") as engine:
        for count, height, width in [(1, 12, 12), (2, 33, 50)]:
            outputs = engine.infer(np.zeros((count, height, width, 3), np.uint8))
            assert outputs["probability"].shape[0] == count
    assert runtime.places == []


def test_fixed_models_are_captured_for_each_size_when_opened(install: Install) -> None:
    runtime = install(CUDA)
    with opened(CUDA, "rnet"):
        assert runtime.graphs == [f"gpu_graph_id={size}" for size in SIZES]
        assert set(runtime.places) == {("cuda", 1)}
        assert runtime.preloaded == 1
    [[(provider, options)]] = runtime.asked
    assert provider == "CUDAExecutionProvider"
    assert (options["device_id"], options["enable_cuda_graph"]) == ("1", "1")
    assert options["use_tf32"] == "0"


def test_a_model_that_cannot_be_captured_runs_without_graphs(install: Install) -> None:
    runtime = install(CUDA, captures=False)
    with opened(CUDA, "rnet") as engine:
        engine.infer(crops(2))
    assert [asked[0][1]["enable_cuda_graph"] for asked in runtime.asked] == ["1", "0"]


@pytest.mark.parametrize("name", [CUDA, TENSORRT])
def test_a_silent_fall_at_the_start_is_refused(install: Install, name: str, tmp_path: Path) -> None:
    install(name).reported = [CPU]
    for cache in (None, tmp_path / "cache"):
        with pytest.raises(EngineUnavailable, match=f"{CPU} runs in place of {PROVIDERS[name]}"):
            opened(name, "rnet", cache)
    assert build_needed(name, WEIGHTS / "rnet.json", cache=tmp_path / "cache") == (name == TENSORRT)


def test_a_fall_while_running_is_seen_by_the_canary(install: Install) -> None:
    runtime = install(CUDA)
    with opened(CUDA, "rnet") as engine:
        first = check_canary(engine, lambda: 0.0)
        assert first.ok, first.problem
        runtime.reported = [CPU]
        found = check_canary(engine, lambda: 0.0, first)
    assert found.problem == f"canary: {CPU} runs in place of CUDAExecutionProvider"


@pytest.mark.parametrize("name", [CUDA, TENSORRT])
def test_the_package_for_processors_is_told_from_the_one_for_gpus(
    install: Install, name: str
) -> None:
    install(name).available = [CPU]
    with pytest.raises(EngineUnavailable) as caught:
        opened(name, "rnet")
    assert caught.value.problem.endswith(f"has no {PROVIDERS[name]}")
    assert caught.value.remedy == EXCLUDE


@pytest.mark.parametrize("name", [CUDA, TENSORRT])
def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineUnavailable, match=r"is missing; pip install .*\[gpu\]") as caught:
        opened(name, "rnet")
    assert caught.value.engine == name


@pytest.mark.parametrize("kind", [OnnxRuntimeCudaEngine, OnnxRuntimeTensorRtEngine])
def test_bytes_that_are_no_model_are_a_mismatch(
    install: Install, kind: type[OnnxRuntimeCudaEngine], tmp_path: Path
) -> None:
    install(kind.name)
    file = tmp_path / "rnet.onnx"
    file.write_bytes(b"not a model")
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    with pytest.raises(ModelMismatch, match="cannot open it") as caught:
        kind(spec, file, device="cuda:0", threads=1)
    assert "\n" not in str(caught.value)


def test_the_fall_back_of_the_package_itself_is_off(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    off: list[None] = []
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "disable_fallback", lambda session: off.append(None)
    )
    install(CUDA)
    opened(CUDA, "rnet").close()
    assert len(off) == 1


def test_tensorrt_builds_once_into_the_cache(install: Install, tmp_path: Path) -> None:
    runtime = install(TENSORRT)
    cache, rnet = tmp_path / "cache", WEIGHTS / "rnet.json"
    assert build_needed(TENSORRT, rnet, device="cuda:1", cache=cache)
    assert build_needed(TENSORRT, rnet, device="cuda:1")
    opened(TENSORRT, "rnet", cache).close()
    assert not build_needed(TENSORRT, rnet, device="cuda:1", cache=cache)
    assert build_needed(TENSORRT, rnet, device="cuda:0", cache=cache), "another GPU"
    opened(TENSORRT, "rnet", cache).close()
    [build, first, second] = [asked[0][1] for asked in runtime.asked]
    assert build["trt_timing_cache_enable"] == "True"
    assert "building-" in build["trt_engine_cache_path"]
    assert first == second
    assert first["trt_timing_cache_enable"] == "False", "an entry is not written in use"
    assert Path(first["trt_engine_cache_path"]).is_dir()


def test_tensorrt_is_given_profile_and_precision(install: Install) -> None:
    runtime = install(TENSORRT)
    opened(TENSORRT, "detector").close()
    (provider, options), (second, _) = runtime.asked[0]
    assert (provider, second) == (PROVIDERS[TENSORRT], PROVIDERS[CUDA])
    shapes = [options[f"trt_profile_{which}_shapes"] for which in ("min", "opt", "max")]
    assert shapes == [f"crops:{count}x160x160x3" for count in (1, 8, 32)]
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == ("False", "False")
    assert "trt_engine_cache_enable" not in options


@pytest.mark.parametrize(
    ("precision", "fp16", "int8"), [("fp16", "True", "False"), ("int8", "False", "True")]
)
def test_tensorrt_computes_in_the_precision_of_the_spec(
    install: Install, precision: Any, fp16: str, int8: str
) -> None:
    runtime = install(TENSORRT)
    spec = replace(ModelSpec.load(WEIGHTS / "rnet.json"), precision=precision)
    OnnxRuntimeTensorRtEngine(spec, WEIGHTS / "rnet.onnx", device="cuda:0", threads=1).close()
    options = runtime.asked[0][0][1]
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == (fp16, int8)
