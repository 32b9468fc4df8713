"""Routes for files: pictures are answered at once, clips become jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Final, Protocol

from fastapi import Depends, FastAPI, Request, Response, WebSocket

from stream.access import SUBPROTOCOL, Access, presented_token
from stream.files.errors import FileError
from stream.files.examiner import Examiner
from stream.files.jobs import Job, JobAnswer, Jobs, JobStatus, Place
from stream.files.options import FilesOptions
from stream.files.result import PictureAnswer, PictureAnswers, PictureResult
from stream.files.uploads import RAW, Intake, drain, received
from stream.guard import GUARDED, guard
from stream.problems import FOREIGN_SITE, UNAUTHORISED, answers, problem
from stream.pump import Farewell, send_all
from stream.refusals import Full, Refusal, Unknown

REFUSED: Final = (400, 408, 413, 415, 422, 503)
RETRY_AFTER_S: Final = 5
ENDED: Final = Farewell(1000, "the job has ended")
_FILE: Final = {"type": "string", "format": "binary"}


class Files(Protocol):
    """What the routes need of the service."""

    @property
    def examiner(self) -> Examiner:
        """Analyses pictures."""

    @property
    def jobs(self) -> Jobs:
        """Analyses clips."""


def install(app: FastAPI, files: Files, access: Access) -> None:
    """Add the routes to `app`; the owner alone may use them."""
    guarded = [Depends(guard(access, lambda token, request: access.owns(token)))]
    _add_pictures(app, files, guarded)
    _add_clips(app, files, guarded)
    _add_jobs(app, files, guarded)
    _add_progress(app, files, access)


def _add_pictures(app: FastAPI, files: Files, guarded: list[Any]) -> None:
    room = _Room()

    @app.post(
        "/v1/analyze/image",
        dependencies=guarded,
        responses=answers(*GUARDED, *REFUSED),
        openapi_extra=_body("image/*", many=True),
    )
    async def analyze_image(request: Request, heatmap: bool = False) -> PictureAnswers:
        """Analyse one or several pictures; `heatmap=true` adds heat maps as PNG.

        A picture that cannot be read is answered by its problem, beside the others' results; where
        none can be read the whole request fails.
        """
        options = files.examiner.options
        intake = Intake("image/", options.pictures, options.picture_bytes, options.spool)
        async with room.taken(request, options), _sent(request, intake) as sent:
            pictures = [await _picture(files.examiner, file, heatmap) for file in sent]
        errors = [one for one in pictures if isinstance(one, FileError)]
        if len(errors) == len(pictures):
            raise errors[0]
        return PictureAnswers(pictures=tuple(map(_answer, pictures)))


def _add_clips(app: FastAPI, files: Files, guarded: list[Any]) -> None:
    @app.post(
        "/v1/analyze/video",
        dependencies=guarded,
        status_code=202,
        responses=answers(*GUARDED, *REFUSED),
        openapi_extra=_body("video/*", many=False),
    )
    async def analyze_video(request: Request, response: Response) -> JobStatus:
        """Analyse one clip: the answer comes once its first picture is decoded, and `Location` is
        where the result will be.
        """
        jobs, options = files.jobs, files.examiner.options
        intake = Intake("video/", 1, options.clip_bytes, options.spool)
        try:
            with jobs.place() as place:
                job = await _submitted(request, intake, jobs, place)
        except Full:
            await drain(request)
            raise
        # Relative to the address that was asked, which a proxy in front may have put a prefix to.
        response.headers["Location"] = f"../jobs/{job.id}"
        return jobs.status(job)


async def _submitted(request: Request, intake: Intake, jobs: Jobs, place: Place) -> Job:
    async with _sent(request, intake) as sent:
        job = await jobs.submit(place, sent[0])
        sent.clear()  # the job closes it
    return job


def _add_jobs(app: FastAPI, files: Files, guarded: list[Any]) -> None:
    refused = answers(*GUARDED, 404, 422)

    @app.get("/v1/jobs/{job_id}", dependencies=guarded, responses=refused)
    async def job(job_id: str) -> JobAnswer:
        """How far a clip is, and its result."""
        return files.jobs.answer(_found(files.jobs, job_id))

    @app.delete("/v1/jobs/{job_id}", dependencies=guarded, status_code=204, responses=refused)
    async def cancel_job(job_id: str) -> Response:
        """End a job, and forget it and its result."""
        files.jobs.cancel(_found(files.jobs, job_id))
        return Response(status_code=204)


def _add_progress(app: FastAPI, files: Files, access: Access) -> None:
    @app.websocket("/v1/jobs/{job_id}/progress")
    async def progress(socket: WebSocket, job_id: str) -> None:
        job = files.jobs.get(job_id) if access.owns(presented_token(socket.headers)) else None
        if (refusal := _refusal(access, socket, job)) is not None:
            await socket.send_denial_response(refusal)
            return
        assert job is not None
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)

        async def send(status: JobStatus) -> None:
            await socket.send_text(status.model_dump_json())

        await send_all(socket, files.jobs.follow(job), send, ENDED)


def _refusal(access: Access, socket: WebSocket, job: Job | None) -> Response | None:
    if not access.may_come_from(socket.headers):
        return problem(403, FOREIGN_SITE)
    if not access.owns(presented_token(socket.headers)):
        return problem(401, UNAUTHORISED, {"WWW-Authenticate": "Bearer"})
    return problem(404, _UNKNOWN) if job is None else None


_UNKNOWN: Final = "there is no such job: results are kept for a while only"


def _found(jobs: Jobs, job_id: str) -> Job:
    job = jobs.get(job_id)
    if job is None:
        raise Unknown(_UNKNOWN)
    return job


class _Room:
    """How many requests with pictures are under way."""

    def __init__(self) -> None:
        self._taken = 0

    @asynccontextmanager
    async def taken(self, request: Request, options: FilesOptions) -> AsyncIterator[None]:
        """Room for one of them.

        Raises: Full.
        """
        if self._taken >= options.uploads:
            await drain(request)
            raise Full("as many pictures as may be are being analysed", RETRY_AFTER_S)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


@asynccontextmanager
async def _sent(request: Request, intake: Intake) -> AsyncIterator[list[BinaryIO]]:
    """The request's files; those that are left in the list are closed on leaving."""
    try:
        files = await received(request, intake)
    except Refusal:
        await drain(request)
        raise
    try:
        yield files
    finally:
        for file in files:
            file.close()


async def _picture(examiner: Examiner, file: BinaryIO, heatmap: bool) -> PictureResult | FileError:
    try:
        return await examiner.picture(file, heatmaps=heatmap)
    except FileError as exc:
        return exc


def _answer(picture: PictureResult | FileError) -> PictureAnswer:
    if isinstance(picture, FileError):
        return PictureAnswer(result=None, problem=str(picture), problem_status=picture.status)
    return PictureAnswer(result=picture, problem=None, problem_status=None)


def _body(kind: str, *, many: bool) -> dict[str, Any]:
    name = "files" if many else "file"
    part = {"type": "array", "items": _FILE, "minItems": 1} if many else _FILE
    form = {"type": "object", "properties": {name: part}, "required": [name]}
    return {
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": _FILE},
                RAW: {"schema": _FILE},
                "multipart/form-data": {"schema": form},
            },
        }
    }
