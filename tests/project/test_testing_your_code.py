"""The tests on the page about testing one's own code pass, and fail if the code they test goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "testing-your-code.md").read_text()
PROGRAM = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))


def run(program: str, folder: Path) -> str:
    (folder / "test_page.py").write_text(program)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    assert f"{PROGRAM.count('def test_')} passed" in run(PROGRAM, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('with ndstream.ndjson(source) as orders:\n        return sum(order["amount"] for', "LINES"),
        (
            "ndstream.ndjson(source) as orders:\n        return sum(",
            'ndstream.ndjson(source, on_error="skip") as orders:\n        return sum(',
        ),
    ],
)
def test_the_tests_of_the_page_find_code_that_is_wrong(right: str, wrong: str, tmp_path: Path) -> None:
    lines = (
        "import json\n    if True:\n"
        "        orders = [json.loads(line) for chunk in source for line in chunk.splitlines()]\n"
        '        return sum(order["amount"] for'
    )
    broken = PROGRAM.replace(right, wrong.replace("LINES", lines), 1)
    assert broken != PROGRAM
    assert " failed" in run(broken, tmp_path)
