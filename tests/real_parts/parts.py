"""How a test asks for a real part: a library of others, a command, a package of npm.

If the part is missing the test is skipped, and one line at the end of the run says what was not shown and how to get
it. If ``NDSTREAM_REQUIRE_REAL_PARTS`` is set in the environment, as `.ci/run` does, the test fails instead. The
recorded streams beside the project are no such part: a clone may well be without them.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from importlib import import_module
from typing import Any, NoReturn

import pytest

REQUIRED = bool(os.environ.get("NDSTREAM_REQUIRE_REAL_PARTS"))

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBIAN_PACKAGES = ROOT / ".ci" / "debian-packages.txt"
"""The one list of Debian packages that tests use, which `.ci/run` installs."""

NPM_PACKAGES = ROOT / "tests" / "serving" / "clients"
"""Where the list of packages of npm that tests use lies, and where `.ci/run` installs them."""


def library(module: str, get: str = "pip install 'ndstream[test]'") -> Any:
    """Import a library, or skip the test.

    Args:
        module: The module to import, dotted if it lies in a package.
        get: How to get it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing(error.name or module, get)


def command(name: str, package: str) -> str:
    """The path of a command, or skip the test.

    Args:
        name: The command.
        package: The Debian package that holds it, which has to be in the list that `.ci/run` installs.
    """
    assert package in DEBIAN_PACKAGES.read_text().splitlines(), f"add {package} to {DEBIAN_PACKAGES}"
    # Servers lie in a folder that is not in every user's PATH.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path) or missing(name, f"apt-get install {package}")


def npm_package(name: str) -> pathlib.Path:
    """The folder of a package of npm, or skip the test.

    Args:
        name: The package, which has to be in the list of those that `.ci/run` installs.
    """
    assert name in json.loads((NPM_PACKAGES / "package.json").read_text())["dependencies"], name
    folder = NPM_PACKAGES / "node_modules" / name
    return (
        folder
        if folder.is_dir()
        else missing(name, f"npm install --prefix {NPM_PACKAGES.relative_to(ROOT)} --no-package-lock")
    )


def missing(part: str, get: str) -> NoReturn:
    """Skip the test, or fail it if real parts are required.

    Args:
        part: What is missing.
        get: How to get it.
    """
    reason = f"nothing is shown with {part}, which is missing; to get it: {get}"
    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
