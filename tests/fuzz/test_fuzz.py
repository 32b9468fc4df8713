"""A short run of ``make fuzz``."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.__main__ import CONFIGURATION, round_of
from tests.program import served


def test_a_few_requests_by_the_document_find_no_fault_and_no_answer_that_is_not_in_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fuzz.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    with served("--config", str(file)) as address:
        assert round_of(address, 1, 3, "--phases", "examples,fuzzing", "--max-examples", "3") == 0
