"""A release is refused, with the reason, where it would be another one than it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="releases are made by a shell script")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a commit, and as much of this one as a release looks at first."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    commit(folder)
    # Where the Python that runs this is the only one, nothing has to be named python3.
    monkeypatch.setenv("PATH", os.pathsep.join([str(python3(tmp_path / "python").parent), os.environ["PATH"]]))
    return folder


def python3(folder: Path) -> Path:
    return script(folder / "python3", f'exec "{sys.executable}" "$@"')


def commit(folder: Path) -> None:
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as it is"]):
        settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *settings, *arguments], cwd=folder, check=True)


def refusal(project: Path, **environment: str) -> str:
    command = ["bash", ".ci/release", str(project / "out")]
    ran = subprocess.run(
        command, cwd=project, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 1
    assert not (project / "out").exists()
    return ran.stderr


def test_changes_that_are_not_committed_are_no_part_of_a_release(project: Path) -> None:
    (project / "forgotten.py").write_text("")
    assert "not committed" in refusal(project)


def test_a_version_without_an_entry_in_the_changelog_is_not_released(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n")
    commit(project)
    assert "CHANGELOG.md has no entry for" in refusal(project)


def test_a_tool_that_is_missing_is_named(project: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    python3(tools)
    for name in ("bash", "dirname", "git", "realpath", "sed"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    assert "a release needs cc, which is not installed" in refusal(project, PATH=str(tools))


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").exists(), reason="this Python is without its headers"
)
def test_a_python_that_pyenv_has_and_has_not_switched_on_is_found(tmp_path: Path) -> None:
    script(tmp_path / "shims" / "python3.10", "exit 127")
    theirs = script(tmp_path / "pyenv" / "versions" / "3.10.1" / "bin" / "python3.10", f'exec "{sys.executable}" "$@"')
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'shims'}{os.pathsep}{os.environ['PATH']}",
        "PYENV_ROOT": str(tmp_path / "pyenv"),
    }
    ran = subprocess.run([ROOT / ".ci" / "pythons"], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[0] == str(theirs)
    assert "python3.10 " not in ran.stderr
