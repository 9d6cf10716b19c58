"""A missing real part is told at the end of the run, or fails it where real parts are required."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]

SUITE = """
import real_parts

def test_a_library():
    real_parts.library("no_such_library")

def test_a_command():
    real_parts.command("no-such-command", package="nginx")

def test_a_package_outside_the_list():
    try:
        real_parts.command("no-such-command", package="no-such-package")
    except AssertionError as error:
        assert "debian-packages.txt" in str(error)
"""


def test_every_part_is_asked_for_in_one_way() -> None:
    others = [path for path in TESTS.rglob("*.py") if path.name != pathlib.Path(__file__).name]
    assert [path.name for path in others if "importorskip" in path.read_text()] == []


@pytest.mark.parametrize(("required", "outcome"), [("", "1 passed, 2 skipped"), ("1", "2 failed, 1 passed")])
def test_a_missing_part_is_told_and_fails_if_parts_are_required(
    required: str, outcome: str, tmp_path: pathlib.Path
) -> None:
    suite = tmp_path / "test_parts.py"
    suite.write_text(SUITE)
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "NDSTREAM_REQUIRE_REAL_PARTS": required, "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    ran = subprocess.run([*command, str(suite)], capture_output=True, text=True, env=environment, check=False)
    assert outcome in ran.stdout, ran.stdout + ran.stderr
    assert "with no_such_library, which is missing; to get it: pip install 'ndstream[test]'" in ran.stdout
    assert "with no-such-command, which is missing; to get it: apt-get install nginx" in ran.stdout
