"""The examples of the page on logs that go on print what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "following-logs.md"
EXAMPLES = re.findall(r"```python\n(.*?)# prints: (.*?)\n```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize(("program", "expected"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_it_says(program: str, expected: str, tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert " ".join(ran.stdout.split()) == expected


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python") == 4
