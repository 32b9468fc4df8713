"""Malformed, hostile and odd files: a clear 4xx or a right answer each, in bounded memory."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from stream.networks import Networks
from stream.types import FaceState
from tests.stream.files.malformed import Odd, as_file, corpus, small
from tests.stream.files.site import Site, site
from tests.stream.files.test_routes import IMAGE, VIDEO, ended

AT_ONCE: Final = 4
REFUSED: Final = {400, 413, 415, 422}
MOST_BYTES: Final = 500 << 20
OWN: Final = os.getpid()
COMMAND: Final = Path("/proc/self/cmdline").read_bytes()


def resident_bytes(pid: int) -> int:
    """Of a process and all below it; what they share counts for each.

    A child of this process counts from its program's start on: before that it is this one again.
    """
    process = Path(f"/proc/{pid}")
    try:
        if pid != OWN and (process / "cmdline").read_bytes() == COMMAND:
            return 0
        pages = int((process / "statm").read_text().split()[1])
        threads = list((process / "task").iterdir())
        below = [int(child) for one in threads for child in (one / "children").read_text().split()]
    except OSError:  # it has ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(resident_bytes, below))


@contextmanager
def peak_above_idle() -> Iterator[list[int]]:
    """How far the resident memory rises meanwhile: one number, once it is over."""
    over, found = threading.Event(), [0]
    idle = peak = resident_bytes(OWN)

    def look() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, resident_bytes(OWN))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()
        found[0] = max(peak, resident_bytes(OWN)) - idle


def test_every_odd_file_gets_a_clear_refusal_or_a_right_answer_in_bounded_memory(
    networks: Networks,
) -> None:
    files = corpus()
    assert len(files) >= 200
    asyncio.run(check_all(networks, files))  # without asyncio's debug mode: it takes twice as long


async def check_all(networks: Networks, files: list[Odd]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def check(here: Site, odd: Odd) -> str | None:
        async with room:
            return await fault(here, odd)

    async with site(networks) as here:
        assert await fault(here, Odd("warm-up", "image", as_file(small(), "PNG"), True)) is None
        with peak_above_idle() as risen:
            faults = await asyncio.gather(*(check(here, odd) for odd in files))
        assert not [one for one in faults if one]
        assert risen[0] <= MOST_BYTES, f"{risen[0] >> 20} MB"
        assert here.service.jobs.free == here.service.examiner.options.jobs
        assert await fault(here, Odd("afterwards", "image", as_file(small(), "PNG"), True)) is None


async def fault(here: Site, odd: Odd) -> str | None:
    """What is wrong with how the server takes `odd`; None if nothing is."""
    media_type = {"Content-Type": f"{odd.kind}/whatever"}
    answer = await here.send(IMAGE if odd.kind == "image" else VIDEO, odd.data, headers=media_type)
    if answer.status_code == 200:
        return _picture_fault(odd, answer)
    if answer.status_code == 202:
        return await _job_fault(here, odd, answer)
    if answer.status_code not in REFUSED or odd.right or len(answer.json()["detail"]) < 20:
        return f"{odd.name}: {answer.status_code} {answer.text}"
    return None


def _picture_fault(odd: Odd, answer: httpx.Response) -> str | None:
    (picture,) = answer.json()["pictures"]
    result = picture["result"]
    states = {face["state"] for face in result["faces"]}
    if odd.right and (len(result["faces"]) != 1 or result["faces"][0]["reasons"] == []):
        return f"{odd.name}: {len(result['faces'])} faces"
    return f"{odd.name}: {states}" if states - {FaceState.UNDECIDED} else None


async def _job_fault(here: Site, odd: Odd, answer: httpx.Response) -> str | None:
    body = await ended(here, f"/v1/jobs/{answer.json()['id']}")
    if body["state"] == "done":
        return None
    refused = body["state"] == "failed" and body["problem_status"] in REFUSED
    return None if refused and not odd.right else f"{odd.name}: {body}"
