"""Networks: the four models of one device, opened and warmed before anything is served."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Final

from engines.table import AUTO, choose_engine, open_engine
from engines.trial import fastest_engine
from stream.config import EngineConfig
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions

log = logging.getLogger(__name__)

MOST_THREADS: Final = 4
"""More threads than this gain nothing on networks of this size and starve the decoders."""


class Networks:
    """MTCNN's three networks and the detector on one engine and device; a context manager.

    All of them are called by their lane's thread alone, so streams share them.

    Raises (on making): EngineUnavailable, ModelMismatch.
    """

    def __init__(self, config: EngineConfig) -> None:
        threads = config.threads or min(os.cpu_count() or 1, MOST_THREADS)
        self.engine_name = _engine_name(config, threads)
        log.info("networks: %s on %s, %d threads", self.engine_name, config.device, threads)
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
                for model in ("detector", "pnet", "rnet", "onet")
            )
            self._opened = opened.pop_all()

    def __enter__(self) -> Networks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def cascade(self, options: FacesOptions) -> Cascade:
        """MTCNN over these engines."""
        return Cascade(self._pnet, self._rnet, self._onet, options)


def _engine_name(config: EngineConfig, threads: int) -> str:
    if config.name != AUTO:
        return choose_engine(config.name, config.device)[0]
    return fastest_engine(
        config.device,
        config.weights,
        threads=threads,
        cache=config.cache,
        # Of a processor that decoders share, time of all cores is what runs out; and what others
        # do meanwhile does not count.
        timer=time.process_time if config.device == "cpu" else time.perf_counter,
    )


def open_networks(config: EngineConfig) -> tuple[Networks, ...]:
    """Open the networks once for each of the devices that `config.device` names, or none.

    The caller closes them. Processor cores are shared among the devices, at least one each.

    Raises: EngineUnavailable, ModelMismatch.
    """
    devices = config.device.split(",")
    threads = config.threads or min(MOST_THREADS, max(1, (os.cpu_count() or 1) // len(devices)))
    with ExitStack() as opened:
        networks = tuple(
            opened.enter_context(
                Networks(config.model_copy(update={"device": device, "threads": threads}))
            )
            for device in devices
        )
        opened.pop_all()
        return networks
