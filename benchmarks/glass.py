"""From a picture in front of a browser's camera to its score on the same page.

Chromium publishes a scene whose frames carry their number, to the program in a process of its
own; the page draws each picture with its message, and the number in those pixels tells when it was
drawn into the scene. Browser, coder, server and networks share this machine's cores.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report import NOT_RUN, Report, Requirement, parser, percentiles
from benchmarks.rtc.program import quiet_clip, running
from benchmarks.rtc.scene import CLICK, FIRST, FPS, LOOK, SCENE, WIDTH_PX, off_px, scene

GLASS_MS: Final = 1000 / FPS + 120
FIRST_MS: Final = 2000.0
OFF: Final = 0.05
SETTLE_S: Final = 3
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync")


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("glass", __doc__ or "")
    made.add_argument("--seconds", type=float, default=30.0, help="of the scene (%(default)s)")
    options = made.parse_args(arguments)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is missing: sudo apt install chromium", file=sys.stderr)
        return 2
    report = Report("glass", {"seconds": options.seconds})
    with tempfile.TemporaryDirectory() as folder:
        clip = quiet_clip(Path(folder) / "quiet.mp4")
        engine = ("--engine", options.engine, "--device", options.device)
        # However busy the machine is, its one visitor is let in.
        with running(f"quiet={clip}", *engine, "--set", "webrtc.busy_age_ms=60000") as url:
            first_ms, samples = _watch(chromium, url, options.seconds)
    _tell(report, first_ms, samples)
    return report.finish(options.json, options.check, options.markdown)


def _watch(chromium: str, url: str, seconds: float) -> tuple[float, list[dict[str, Any]]]:
    """Milliseconds from click to first score, and what the page then showed."""
    from playwright.sync_api import sync_playwright  # of the test extra

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.goto(url)
        page.evaluate(SCENE, scene())
        page.evaluate(CLICK)
        page.wait_for_function(FIRST)
        first_ms = float(page.evaluate(FIRST))
        page.get_by_test_id("toggle-mirror").click()
        page.evaluate(LOOK, SETTLE_S)
        samples: list[dict[str, Any]] = page.evaluate(LOOK, seconds)
        browser.close()
    return first_ms, samples


def _tell(report: Report, first_ms: float, samples: list[dict[str, Any]]) -> None:
    own = [one for one in samples if one["exact"] and one["read"]]
    faced = [one for one in own if len(one["boxes"]) == 1]
    ages, offs = percentiles([one["ageMs"] for one in own]), percentiles([*map(off_px, faced)])
    shown = {"pictures": len(samples), "with their own message": len(own), "one face": len(faced)}
    report.show([shown | {"click to first score (ms)": first_ms}])
    report.show([{"": "glass to score to page (ms)"} | ages, {"": "box off its face (px)"} | offs])
    report.figures |= shown | {"first_ms": first_ms, "glass_ms": ages, "off_px": offs}
    if not faced:
        print(f"{NOT_RUN}: no picture was shown with a message and a face of its own")
    for name, value, limit in (
        ("glass to score to page p95, ms", ages["p95"], GLASS_MS),
        ("click to first score, ms", first_ms, FIRST_MS),
        ("box off its face, share of the width", _share(offs["max"]), OFF),
    ):
        actual = float("nan") if value is None else float(value)
        report.requirements.append(Requirement(name, actual, limit, at_least=False))


def _share(px: float | None) -> float | None:
    return None if px is None else px / WIDTH_PX
