"""TensorRtRtxEngine: buffers, parts and caches over stand-ins for the GPU; refusals for real."""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rtx: Any = pytest.importorskip("tensorrt_rtx", reason="needs the tensorrt-rtx extra")
pytest.importorskip("onnxruntime")
runtime: Any = pytest.importorskip("cuda.bindings.runtime", reason="needs the tensorrt-rtx extra")

from engines.base import Engine  # noqa: E402  after the skips
from engines.build_cache import BuildCache  # noqa: E402
from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch  # noqa: E402
from engines.rtx_builder import build_engine  # noqa: E402
from engines.rtx_graph import ENGINE, INSTALL  # noqa: E402
from engines.rtx_store import ENGINE_FILE, refusal  # noqa: E402
from engines.spec import ModelSpec, sha256_of  # noqa: E402
from engines.table import open_engine  # noqa: E402
from engines.tensorrt_rtx import TensorRtRtxEngine, filled_up  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402
from tests.gpu_doubles import NO_DRIVER, OUT_OF_MEMORY, FakeCuda, FakeRtx  # noqa: E402

WEIGHTS = REPOSITORY / "weights"
BUILT: dict[tuple[str, tuple[str, ...]], bytes] = {}


def build_once(spec: ModelSpec, weights: Path, capabilities: tuple[str, ...]) -> bytes:
    """The real engine; the same one is built once for all tests."""
    if (key := (spec.name, capabilities)) not in BUILT:
        BUILT[key] = build_engine(spec, weights, capabilities)
    return BUILT[key]


def use(monkeypatch: pytest.MonkeyPatch, model: str, **gpu: str) -> tuple[FakeCuda, FakeRtx]:
    spec = ModelSpec.load(WEIGHTS / f"{model}.json")
    cuda, fake = FakeCuda(**gpu), FakeRtx(rtx, spec, (WEIGHTS / spec.file).read_bytes())
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", fake)
    monkeypatch.setattr("engines.rtx_store.build_engine", build_once)
    return cuda, fake


def opened(name: str, cache: Path | None = None) -> Engine:
    return open_engine(ENGINE, WEIGHTS / f"{name}.json", device="cuda:0", cache=cache)


@pytest.mark.parametrize("count", [0, 1, 3, 32, 75])
def test_any_batch_gives_what_the_model_gives(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    use(monkeypatch, "rnet")
    crops = np.random.default_rng(count).integers(0, 256, (count, 24, 24, 3), np.uint8)
    with open_engine("onnxruntime", WEIGHTS / "rnet.json") as engine:
        expected = engine.infer(crops)
    with opened("rnet") as engine:
        outputs = engine.infer(crops)
        assert (engine.provider, engine.device) == ("TensorRT-RTX", "cuda:0")
    for name, values in expected.items():
        np.testing.assert_allclose(outputs[name], values, atol=1e-5)


def test_batches_are_filled_up_and_parted_so_that_few_sizes_occur(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, fake = use(monkeypatch, "rnet")
    with opened("rnet") as engine:
        fake.shapes.clear()
        for count in (1, 3, 5, 32, 70):
            engine.infer(np.zeros((count, 24, 24, 3), np.uint8))
    assert [shape[0] for shape in fake.shapes] == [1, 4, 8, 32, 32, 32, 8]
    assert filled_up(33, 48) == 48


def test_free_sides_take_any_size_up_to_the_profiles_most(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fake = use(monkeypatch, "pnet")
    with opened("pnet") as engine:
        for height, width in ((12, 12), (217, 385)):
            outputs = engine.infer(np.zeros((2, height, width, 3), np.uint8))
            assert outputs["boxes"].shape[:2] == (2, 4)
        with pytest.raises(InferenceFailed, match=r"more than the \(1, 3, 1296, 2304\)"):
            engine.infer(np.zeros((1, 1300, 64, 3), np.uint8))
    assert fake.config.cuda_graph_strategy == rtx.CudaGraphStrategy.DISABLED


def test_fixed_sizes_run_as_cuda_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fake = use(monkeypatch, "onet")
    opened("onet").close()
    assert fake.config.cuda_graph_strategy == rtx.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE


def test_results_are_the_callers_own_and_closing_gives_the_memory_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda, _ = use(monkeypatch, "rnet")
    with opened("rnet") as engine:
        first = engine.infer(np.zeros((2, 24, 24, 3), np.uint8))["probability"]
        before = first.copy()
        engine.infer(np.full((2, 24, 24, 3), 255, np.uint8))
        np.testing.assert_array_equal(first, before)
        assert cuda.held
    assert (cuda.held, cuda.streams) == ({}, 0)


def test_what_cuda_refuses_while_running_is_told_and_the_engine_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda, _ = use(monkeypatch, "rnet")
    with opened("rnet") as engine:
        cuda.fails["cudaMemcpyAsync"] = OUT_OF_MEMORY
        with pytest.raises(InferenceFailed, match="cudaMemcpyAsync: out of memory"):
            engine.infer(np.zeros((1, 24, 24, 3), np.uint8))
        cuda.fails.clear()
        assert len(engine.infer(np.zeros((1, 24, 24, 3), np.uint8))["probability"]) == 1


def test_memory_that_is_not_there_gives_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, _ = use(monkeypatch, "rnet")
    cuda.fails["cudaMallocHost"] = OUT_OF_MEMORY
    with pytest.raises(EngineUnavailable, match="out of memory; free some of the GPU's memory"):
        opened("rnet")
    assert cuda.streams == 0


# -- what is kept between two starts ------------------------------------------------------------


def test_engine_and_kernels_are_kept_for_the_next_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, fake = use(monkeypatch, "rnet")
    opened("rnet", tmp_path).close()
    assert fake.offered == []
    monkeypatch.setattr("engines.rtx_store.build_engine", None)  # a second build would fail
    opened("rnet", tmp_path).close()
    assert fake.offered == [b"kernels of this GPU"]


def test_a_stale_engine_in_the_cache_is_built_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, "rnet")
    opened("rnet", tmp_path).close()
    stale = next(tmp_path.rglob(ENGINE_FILE))
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    foreign = build_once(spec, WEIGHTS / "rnet.onnx", ("12.0",))
    assert stale.read_bytes() != foreign
    stale.write_bytes(foreign)
    with caplog.at_level(logging.WARNING):
        opened("rnet", tmp_path).close()
    assert "built anew" in caplog.text
    assert next(tmp_path.rglob(ENGINE_FILE)).read_bytes() != foreign


def test_an_engine_that_the_cache_holds_whole_but_the_release_refuses_is_built_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, "rnet")
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    foreign = build_once(spec, WEIGHTS / "rnet.onnx", ("12.0",))
    with monkeypatch.context() as patch:
        patch.setattr("engines.rtx_store.build_engine", lambda *_: foreign)
        with pytest.raises(RuntimeError, match="never"):
            _fill_cache(patch, tmp_path)
    with caplog.at_level(logging.WARNING):
        opened("rnet", tmp_path).close()
    assert "built for compute capability 12.0, the GPU has 8.6; it is built anew" in caplog.text


def _fill_cache(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Open up to the cache's first build, and no further."""

    def stop(*_: object) -> None:
        raise RuntimeError("never")

    patch.setattr("engines.rtx_store.refusal", stop)
    opened("rnet", folder)


def test_kernels_that_cannot_be_kept_cost_the_next_start_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, "rnet")
    engine = opened("rnet", tmp_path)

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(BuildCache, "replace", refuse)
    with caplog.at_level(logging.WARNING):
        engine.close()
    assert "are not kept: disk full" in caplog.text


# -- refusals -----------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """R-Net's engine for one capability, as the export leaves it."""
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    file = tmp_path / "rnet.rtx"
    file.write_bytes(build_once(spec, WEIGHTS / "rnet.onnx", ("8.6",)))
    replace(spec, file=file.name, format=ENGINE, sha256=sha256_of(file)).save(
        tmp_path / "rnet.json"
    )
    return tmp_path / "rnet.json"


def test_a_built_engine_is_opened_where_it_fits_and_refused_elsewhere(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    use(monkeypatch, "rnet")
    with open_engine(ENGINE, built, device="cuda:0") as engine:
        assert len(engine.infer(np.zeros((2, 24, 24, 3), np.uint8))["probability"]) == 2
    use(monkeypatch, "rnet", capability="8.9")
    with pytest.raises(ModelMismatch, match=r"built for .* 8\.6, the GPU has 8\.9") as caught:
        open_engine(ENGINE, built, device="cuda:0")
    assert "python -m export mtcnn --format tensorrt-rtx --capabilities 8.9" in caught.value.remedy


def test_the_runtime_has_the_last_word_on_an_engine(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    _, fake = use(monkeypatch, "rnet")
    reasons = rtx.EngineInvalidityDiagnostics
    fake.validity = (rtx.EngineValidity.INVALID, int(reasons.OLD_CUDA_DRIVER))
    with pytest.raises(ModelMismatch, match=r"refuses it \(old_cuda_driver\)"):
        open_engine(ENGINE, built, device="cuda:0")


def test_an_engine_of_another_release_is_stale(built: Path) -> None:
    engine = bytearray(built.with_suffix(".rtx").read_bytes())
    engine[25] = 6  # 1.6.1.116
    problem = refusal(rtx, None, bytes(engine), "8.6")
    assert problem == f"release 1.6.1.116 built it, {rtx.__version__} is installed"


def test_a_gpu_that_it_has_no_kernels_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "rnet", name="NVIDIA H100", capability="9.0")
    with pytest.raises(EngineUnavailable, match=r"NVIDIA H100 has compute capability 9\.0") as e:
        opened("rnet")
    assert e.value.remedy == "use --engine onnxruntime-tensorrt"


def test_without_a_driver_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, _ = use(monkeypatch, "rnet")
    cuda.fails["cudaGetDeviceCount"] = NO_DRIVER
    with pytest.raises(EngineUnavailable, match="driver version is insufficient") as caught:
        opened("rnet")
    assert "install NVIDIA's driver" in caught.value.remedy


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "rnet")
    with pytest.raises(EngineUnavailable, match=r"there is no cuda:3, only 1 device\(s\)"):
        open_engine(ENGINE, WEIGHTS / "rnet.json", device="cuda:3")


def test_this_machine_answers_for_itself() -> None:
    """Without stand-ins: a machine with an RTX GPU opens the model, any other says why not."""
    try:
        opened("rnet").close()
    except EngineUnavailable as exc:
        answer = exc.problem
    else:
        answer = "no GPU can be used, were it another machine"
    assert "no GPU can be used" in answer or "compute capability" in answer


def test_the_stand_in_has_the_functions_of_the_real_bindings() -> None:
    names = [name for name in vars(FakeCuda()) if name.startswith("cuda")]
    assert not [name for name in names if not hasattr(runtime, name)]


@pytest.mark.parametrize("package", ["tensorrt_rtx", "cuda"])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    use(monkeypatch, "rnet")
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    importlib.invalidate_caches()
    with pytest.raises(EngineUnavailable, match="is missing") as caught:
        opened("rnet")
    assert caught.value.remedy == INSTALL


def test_weights_in_another_format_name_the_export(tmp_path: Path) -> None:
    spec = replace(ModelSpec.load(WEIGHTS / "rnet.json"), format="torch")
    with pytest.raises(ModelMismatch, match="python -m export mtcnn --format tensorrt-rtx"):
        TensorRtRtxEngine(spec, tmp_path / "rnet.pt2", device="cuda:0", threads=1)


def test_the_processor_is_no_gpu() -> None:
    with pytest.raises(EngineUnavailable, match="cannot run on 'cpu'; use --device cuda:0"):
        open_engine(ENGINE, WEIGHTS / "rnet.json")
