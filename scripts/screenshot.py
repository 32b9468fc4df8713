"""Make the README's pictures of the page: docs/overlay.png and docs/overlay-dark.png.

    python scripts/screenshot.py                   start the demo and picture it, light and dark
    python scripts/screenshot.py --url ADDRESS     picture a server that runs already
    python scripts/screenshot.py --phone FILE.png  also a phone's view, for one's own eyes

The picture is taken once a face's line is 19 s long: by then the demo clip has shown its
untouched and most of its face-swapped stretch.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
DESKTOP: Final = {"width": 1280, "height": 880}
PHONE: Final = {"width": 360, "height": 780}
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync")

ENOUGH: Final = """least => [...document.querySelectorAll('[data-testid=face]')].some((card) =>
  card.dataset.present === 'true' && card.querySelector('canvas').dataset.spanS >= least
  && document.querySelector('[data-testid=stage]').dataset.stale === 'false')"""


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo on a free port; gives its address, stops it at the end."""
    command = [sys.executable, "run_stream.py", "demo", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield next(
                line.removeprefix("Overlay: ").strip()
                for line in process.stdout or ()
                if line.startswith("Overlay: ")
            )
        except StopIteration:
            raise SystemExit("the demo did not start: see its message above") from None
        finally:
            process.terminate()


def shoot(browser: Browser, url: str, file: Path, scheme: str, seconds: float, phone: bool) -> None:
    """Open `url`, wait for a face whose line is `seconds` long, and write `file`."""
    context = browser.new_context(
        viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=2 if phone else 1,
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(ENOUGH, arg=seconds, timeout=120_000)
    page.screenshot(path=file, full_page=phone)
    context.close()
    print(file)


def main() -> None:
    """Parse the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Make the README's pictures of the page.")
    parser.add_argument("--url", help="a running server; without it the demo is started")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder (docs)")
    parser.add_argument("--seconds", type=float, default=19, help="length of the line first (19)")
    parser.add_argument("--phone", type=Path, metavar="FILE", help="also picture a phone's view")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is missing: sudo apt install chromium")
    if arguments.url:
        picture(arguments.url, chromium, arguments)
        return
    with demo() as url:
        picture(url, chromium, arguments)


def picture(url: str, chromium: str, arguments: argparse.Namespace) -> None:
    """Take every picture asked for from the server at `url`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for scheme, name in (("light", "overlay.png"), ("dark", "overlay-dark.png")):
            shoot(browser, url, arguments.out / name, scheme, arguments.seconds, phone=False)
        if arguments.phone:
            shoot(browser, url, arguments.phone, "light", arguments.seconds / 4, phone=True)
        browser.close()


if __name__ == "__main__":
    main()
