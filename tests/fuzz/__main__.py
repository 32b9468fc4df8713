"""``python -m tests.fuzz``: schemathesis against the served OpenAPI document; exits 1 on a finding.

What it finds is printed with a curl command that does it again. It runs the program itself, with a
roster of its own; nothing that it adds leaves the machine, as only ``rtsp`` to loopback is allowed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from stream.config import REPOSITORY
from tests.program import served

CHECKS: Final = (
    "no_fault",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CONFIGURATION: Final = """\
streams = []
[source]
schemes = ["rtsp"]
hosts = ["127.0.0.1"]
max_streams = 4
[files]
clip_seconds = 5
"""


def main(argv: list[str] | None = None) -> int:
    """Run for as long as the command line says; give schemathesis's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args(argv)
    deadline_s = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fuzz.toml"
        file.write_text(CONFIGURATION, encoding="utf-8")
        with served("--config", str(file)) as address:
            return rounds(address, deadline_s)


def rounds(address: str, deadline_s: float) -> int:
    """Runs with one seed after the other until `deadline_s`, or the first with a finding."""
    seed = 0
    while (left_s := deadline_s - time.monotonic()) > 0:
        seed += 1
        if code := round_of(address, seed, left_s):
            return code
    return 0


def round_of(address: str, seed: int, most_s: float, *more: str) -> int:
    """One run of schemathesis; give its exit code."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}openapi.json"),
        *("--url", address, "--checks", ",".join(CHECKS), "--seed", str(seed)),
        *("--max-time", str(max(1, round(most_s))), "--request-timeout", "30"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color", *more),
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"}
    with tempfile.TemporaryDirectory() as folder:  # hypothesis keeps its examples where it runs
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), **hooks}
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
