"""``python -m benchmarks NAME [--engine …] [--device …] [--json FILE] [--check]``.

Exit codes: 0 measured (and, with ``--check``, every figure is met); 1 a figure fell short; 2 the
benchmark cannot run here, or usage.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

BENCHMARKS: Final[dict[str, str]] = {
    "engines": "benchmarks.engines:main",
    "files": "benchmarks.files:main",
    "glass": "benchmarks.glass:main",
    "latency": "benchmarks.latency:main",
    "offline": "benchmarks.offline:main",
    "parity": "benchmarks.parity:main",
    "peers": "benchmarks.peers:main",
    "regress": "benchmarks.regress:main",
    "scaling": "benchmarks.scaling:main",
    "soak": "benchmarks.soak:main",
    "streams": "benchmarks.streams:main",
    "uploads": "benchmarks.uploads:main",
    "webrtc": "benchmarks.webrtc:main",
}
"""Name -> "module:function", imported when named; a function takes the rest of the command line
(`benchmarks.report.parser` has the common options) and gives the exit code."""


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark that the first argument names; give its exit code."""
    if not arguments or arguments[0] not in BENCHMARKS:
        print("usage: python -m benchmarks NAME [options], where NAME is one of: ", end="")
        print(", ".join(BENCHMARKS))
        return 0 if arguments and arguments[0] in {"-h", "--help"} else 2
    module, _, function = BENCHMARKS[arguments[0]].partition(":")
    return int(getattr(import_module(module), function)(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
