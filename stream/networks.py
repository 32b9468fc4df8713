"""Networks: the four models of one device, opened and warmed before anything is served."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Final

from engines.base import Engine
from engines.errors import EngineUnavailable
from engines.precision import FLOAT, detector_of
from engines.table import AUTO, build_needed, choose_engine, open_engine
from engines.trial import fastest_engine
from stream.config import EngineConfig
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions

log = logging.getLogger(__name__)

CASCADE: Final = ("pnet", "rnet", "onet")
MOST_THREADS: Final = 4
"""More threads than this gain nothing on networks of this size and starve the decoders."""

CORES_PER_THREAD: Final = 2
"""Half the cores are left to decoders and the event loop. Threads wait for one another at each
layer: two threads on two cores took 1.1 to 2 times the processor time of one."""


class Networks:
    """MTCNN's three networks and the detector on one engine and device; a context manager.

    All of them are called by their lane's thread alone, so streams share them.

    Raises (on making): EngineUnavailable, ModelMismatch.
    """

    def __init__(self, config: EngineConfig) -> None:
        threads = config.threads or _threads(devices=1)
        detector = detector_of(config.weights, config.precision, config.name, config.device)
        self.engine_name = _engine_name(config, threads, detector)
        with ExitStack() as opened:
            self.detector, self._pnet, self._rnet, self._onet = (
                opened.enter_context(
                    open_engine(
                        self.engine_name,
                        config.weights / f"{model}.json",
                        device=config.device,
                        threads=threads,
                        cache=config.cache,
                    )
                )
                for model in (detector, *CASCADE)
            )
            self._opened = opened.pop_all()
        log.info(
            "networks: %s on %s, %d threads, the detector in %s",
            self.engine_name, config.device, threads, self.detector.spec.precision,
        )  # fmt: skip

    def __enter__(self) -> Networks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release all four; a second call does nothing."""
        self._opened.close()

    @property
    def engines(self) -> tuple[Engine, ...]:
        """All four, the detector first."""
        return self.detector, self._pnet, self._rnet, self._onet

    def cascade(self, options: FacesOptions, pause: Callable[[], None] = lambda: None) -> Cascade:
        """MTCNN over these engines."""
        return Cascade(self._pnet, self._rnet, self._onet, options, pause)


def _engine_name(config: EngineConfig, threads: int, detector: str) -> str:
    if config.name != AUTO:
        return choose_engine(config.name, config.device)[0]
    return fastest_engine(
        config.device,
        config.weights,
        threads=threads,
        cache=config.cache,
        detector=detector,
        # Of a processor that decoders share, time of all cores is what runs out; and what others
        # do meanwhile does not count.
        timer=time.process_time if config.device == "cpu" else time.perf_counter,
    )


def open_networks(config: EngineConfig, *, patient: bool = False) -> tuple[Networks, ...]:
    """Open the networks once for each of the devices that `config.device` names, or none.

    The caller closes them. Threads are shared among the devices, at least one each. Where
    an engine has to be built for minutes first, a stand-in is opened unless the caller is
    `patient`: the networks' `engine_name` is then another than was asked for.

    Raises: EngineUnavailable, ModelMismatch.
    """
    devices = config.device.split(",")
    threads = config.threads or _threads(len(devices))
    with ExitStack() as opened:
        networks = tuple(
            opened.enter_context(
                _open(config.model_copy(update={"device": device, "threads": threads}), patient)
            )
            for device in devices
        )
        opened.pop_all()
        return networks


def _threads(devices: int) -> int:
    return min(MOST_THREADS, max(1, (os.cpu_count() or 1) // (CORES_PER_THREAD * devices)))


def _open(config: EngineConfig, patient: bool) -> Networks:
    # What has to be built first does not take part in the trial of ``auto``.
    if patient or config.name == AUTO or not _to_build(config):
        return Networks(config)
    for stand_in, device in (("onnxruntime-cuda", config.device), ("onnxruntime", "cpu")):
        try:
            return Networks(config.model_copy(update={"name": stand_in, "device": device}))
        except EngineUnavailable as exc:
            log.info("while %s is built, %s cannot stand in: %s", config.name, stand_in, exc)
    return Networks(config)  # nothing else runs here: the start takes as long as the build


def _to_build(config: EngineConfig) -> bool:
    return any(
        build_needed(
            config.name,
            config.weights / f"{model}.json",
            device=config.device,
            cache=config.cache,
        )
        for model in (FLOAT, *CASCADE)
    )
