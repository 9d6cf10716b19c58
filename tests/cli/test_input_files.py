"""Input files, as the commands know them before they read."""

from __future__ import annotations

from pathlib import Path

from ndstream._cli.input_files import is_regular, size_of


def test_only_a_regular_file_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"12345")
    assert (size_of(str(path)), is_regular(str(path))) == (5, True)
    for other in (tmp_path, tmp_path / "missing", "/dev/null", "-", f"http://localhost{path}"):
        assert (size_of(str(other)), is_regular(str(other))) == (0, False)
