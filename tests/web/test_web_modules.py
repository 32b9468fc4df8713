"""The page's modules under node: what they compute, without a browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "stream" / "web"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is missing: the Debian package nodejs has it")
    return found


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_modules_pass_their_own_tests(node: str, file: Path) -> None:
    ran = subprocess.run([node, "--test", str(file)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]


def test_page_needs_nothing_from_outside_and_no_inline_code() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    for forbidden in ("style=", "onclick=", "<style", "javascript:", 'src="http', 'href="http'):
        assert forbidden not in page
    for file in [*WEB.glob("*.js"), *WEB.glob("*.css")]:
        text = file.read_text(encoding="utf-8")
        for forbidden in ("innerHTML", "insertAdjacentHTML", "eval(", "@import", "url(http"):
            assert forbidden not in text, file.name


def test_page_asks_only_for_files_that_are_there() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    assets = [part.split('"')[0] for part in page.split('"assets/')[1:]]
    assert assets
    assert all((WEB / name).is_file() for name in assets)
