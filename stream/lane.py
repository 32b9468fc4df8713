"""Lane: one device, the networks opened on it, and the one thread that runs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from engines.base import Engine
from engines.errors import InferenceFailed
from stream.answer import Answer
from stream.backlog import Backlog, Call, Crops, Urgency, Work
from stream.faces.finder import Detector
from stream.faces.options import FacesOptions
from stream.types import CropScore, FaceCrop, FaceDetection, Floats, Pixels

T = TypeVar("T")

_THREAD = threading.local()
"""`lane` in the thread of a lane: which networks the work that runs there may call."""


class Models(Protocol):
    """The networks of one device; `stream.networks.Networks` is one."""

    @property
    def detector(self) -> Engine:
        """Scores crops."""

    @property
    def engine_name(self) -> str:
        """Which runtime they run on."""

    @property
    def engines(self) -> tuple[Engine, ...]:
        """All of them, the detector first."""

    def cascade(self, options: FacesOptions, pause: Callable[[], None]) -> Detector:
        """Finds faces; calls `pause` now and then in a search, which takes long."""

    def close(self) -> None:
        """Release them; a second call does nothing."""


class Lane:
    """Runs work one by one on its thread, in `Backlog`'s order, and scores crops in batches.

    The thread takes its next work by itself: the event loop, which other streams keep busy, is
    not waited for in between. It starts with the first work and ends with `close`.
    """

    def __init__(self, models: Models, *, max_batch: int, batching: bool, name: str) -> None:
        self.models = models
        self._backlog = Backlog(max_batch=max_batch, batching=batching)
        self._changed = threading.Condition()
        self.name = name
        self._thread: threading.Thread | None = None
        self._running = 0
        self._gives_way = False
        self._closed = False
        self._busy_s = 0.0

    @property
    def load(self) -> int:
        """Works that wait or run. It grows in `call` and `score` before they first wait, so that
        whoever chooses the lane with the least to do sees what was just put on each.
        """
        with self._changed:
            return len(self._backlog) + self._running

    @property
    def waiting(self) -> int:
        """Live works that wait, the one that runs not among them."""
        with self._changed:
            return self._backlog.waiting(Urgency.LIVE)

    @property
    def busy_s(self) -> float:
        """How long the thread has worked so far, in seconds."""
        return self._busy_s

    async def call(
        self, work: Callable[[], T], urgency: Urgency = Urgency.LIVE, *, nests: bool = False
    ) -> T:
        """Run `work` in the lane's thread, in turn; give what it gives or raise what it raises.
        What `nests` may be run within other work that gives way.

        Cancelling withdraws work that waits, and lets work in flight finish.
        """
        answer = Answer[T]()
        self._put(Call(work, answer, nests), urgency)
        return await answer

    async def score(
        self, crops: Sequence[FaceCrop], urgency: Urgency = Urgency.LIVE
    ) -> list[CropScore]:
        """Score one stream's crops, in order.

        Raises: InferenceFailed when the engine fails on the batch that they were in. Cancelling
        drops the answer; a batch in flight runs on for the others in it.
        """
        answer = Answer[list[CropScore]]()
        self._put(Crops(crops, answer), urgency)
        return await answer

    def score_at_once(self, crops: Sequence[FaceCrop]) -> list[CropScore] | None:
        """Score crops from within work that runs in the lane's thread; None, and they are to wait
        for their turn and a batch, where live work waits for an accelerator. On a processor a batch
        gains little, and what waits may be a search that takes as long as ten scores.

        Raises: InferenceFailed.
        """
        if not crops:
            return []
        if self.models.detector.device != "cpu" and self.waiting:
            return None
        return self._infer(crops)

    def give_way(self) -> None:
        """Run the live work that waits next, if it nests, from within work that runs in the lane's
        thread and takes long. Does nothing within what it runs.
        """
        if self._gives_way:
            return
        with self._changed:
            group = self._backlog.take_nesting()
            self._running += len(group)
        if not group:
            return
        self._gives_way = True
        self._run(group)
        self._gives_way = False
        with self._changed:
            self._running -= len(group)

    async def succeed(self, models: Models) -> None:
        """Let `models` take over between two works, and close those that served."""

        def take_over() -> None:
            served, self.models = self.models, models
            served.close()

        await self.call(take_over)

    def close(self) -> None:
        """Wait for what was put in, then end the thread. Blocks: call it off the event loop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def _put(self, work: Work, urgency: Urgency) -> None:
        with self._changed:
            if self._closed or not self._backlog.put(work, urgency):
                problem = "it is closed" if self._closed else "too much work waits for it"
                raise InferenceFailed(self.name, problem)
            if self._thread is None:
                # A daemon, or a program that never came to `close` could not exit.
                self._thread = threading.Thread(target=self._live, name=self.name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def _live(self) -> None:
        _THREAD.lane = self
        while group := self._next():
            started_s = time.perf_counter()
            self._run(group)
            del group  # or an idle lane would keep its last picture
            self._busy_s += time.perf_counter() - started_s
            with self._changed:
                self._running = 0

    def _next(self) -> tuple[Work, ...]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._backlog) or self._closed)
            group = self._backlog.take()
            self._running = len(group)
            return group

    def _run(self, group: tuple[Work, ...]) -> None:
        wanted = [work for work in group if not work.answer.withdrawn]
        if not wanted:
            return
        first = wanted[0]
        if isinstance(first, Call):
            first.answer.settle(first.run)
        else:
            self._score([work for work in wanted if isinstance(work, Crops)])

    def _score(self, members: list[Crops]) -> None:
        try:
            scores = self._infer([crop for member in members for crop in member.crops])
        except Exception as exc:  # handed to whoever waits: this is the thread's edge
            for member in members:
                member.answer.fail(exc)
            members.clear()  # or the error would hold this frame, and this frame the error
            return
        start = 0
        for member in members:
            member.answer.give(scores[start : start + len(member.crops)])
            start += len(member.crops)

    def _infer(self, crops: Sequence[FaceCrop]) -> list[CropScore]:
        outputs = self.models.detector.infer(np.stack([crop.pixels for crop in crops]))
        pairs = zip(outputs["logit"], outputs["heatmap"], strict=True)
        return [CropScore(float(logit), heatmap) for logit, heatmap in pairs]


class LaneCascade:
    """MTCNN on the networks of whichever lane runs the work that asks; a `Detector`.

    A stream's looks may so go to any device, and networks may be replaced between two looks. A
    search, as long as ten looks, gives way to other streams' looks.

    Raises: AssertionError where it is called outside a lane's thread.
    """

    def __init__(self, options: FacesOptions) -> None:
        self._options = options

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        """Every face in the picture."""
        return self._here().detect(pixels)

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        """The face in each of the boxes (N, 4), or None."""
        return self._here().refine(pixels, boxes)

    def _here(self) -> Detector:
        lane: Lane | None = getattr(_THREAD, "lane", None)
        assert lane is not None, "faces are looked for in a lane's thread: use Scheduler.call"
        return lane.models.cascade(self._options, lane.give_way)
