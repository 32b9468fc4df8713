"""The evaluation needs the train extra; without it these tests are left out."""

from __future__ import annotations

from importlib.util import find_spec

NEEDED = ("torch", "timm", "sklearn", "matplotlib", "jinja2", "h5py")

collect_ignore_glob = (
    []
    if all(find_spec(name) for name in NEEDED)
    else ["test_*.py", "measures/test_*.py", "report/test_*.py"]
)
