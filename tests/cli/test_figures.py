"""The table of how much was read."""

from __future__ import annotations

import pytest

from ndstream._cli.figures import write_figures
from ndstream.logs import FileReport, Report


@pytest.mark.parametrize(("number", "rows"), [(1, 1), (2, 3), (40, 41), (41, 1)])
def test_each_file_has_a_row_unless_they_are_too_many_to_look_at(
    number: int, rows: int, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [FileReport(f"{index}.log", lines=2, values=2, bytes=4) for index in range(number)]
    write_figures(Report(files), 1.0, "table")
    lines = capfd.readouterr().err.splitlines()
    assert sum(".log" in line or " files " in line for line in lines) == rows
    assert any(f" {4 * number} " in line for line in lines)
