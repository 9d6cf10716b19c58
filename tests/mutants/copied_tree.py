"""A copy of the project to change the sources in, with the tests that then run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Inside a copy this is still the project itself.
ROOT = Path(os.environ.get("NDSTREAM_COPY_OF", Path(__file__).resolve().parents[2]))
COPIED = (
    "src", "ndstream", "benchmarks", "docs", "examples", "pyproject.toml", "setup.py", "README.md", "LICENSE",
    "CHANGELOG.md", ".ci",
)  # fmt: skip


def copy_sources(tree: Path) -> None:
    """A new copy, without what is compiled."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tree / name)
    shutil.copy(Path(__file__).with_name("active_mutant.py"), tree)


def copy_tests(tree: Path) -> None:
    """The tests as they are now; they are copied each time, since new ones are why a command is run again."""
    shutil.rmtree(tree / "tests", ignore_errors=True)
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=ignored)
    modules = Path("tests", "serving", "clients", "node_modules")
    if (ROOT / modules).exists():
        (tree / modules).symlink_to(ROOT / modules)
    # What is recorded of servers is looked for beside the project.
    beside, link = ROOT.parent / "shared", tree.parent / "shared"
    if beside.exists() and not link.is_symlink():
        link.symlink_to(beside)


def build_in(tree: Path, module: str, *arguments: str) -> None:
    """Run a module of the tests that compiles the core of the copy; what it prints is beside the copy."""
    # What a change leaves unset is the same each time, and not what the compiler likes best.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "CFLAGS": "-w -ftrivial-auto-var-init=pattern"}
    command = [sys.executable, "-m", module, *arguments]
    with (tree.parent / "core.log").open("wb") as log:
        subprocess.run(command, cwd=tree, env=environment, stdout=log, stderr=log, check=True)


def pytest_in(tree: Path, numbers: Path, *arguments: str, **variables: str) -> int:
    """Run pytest in the copy, all its processes with the same file of numbers; its exit status."""
    paths = [str(tree), str(tree / "tests"), str(tree / "tests" / "conformance")]
    environment = {
        **os.environ,
        **variables,
        "NDSTREAM_COPY_OF": str(ROOT),
        "NDSTREAM_MUTANTS": str(numbers),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, check=False).returncode
