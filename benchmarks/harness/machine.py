"""The machine and the versions that figures were measured with, in general terms."""

from __future__ import annotations

import os
import platform
import re
import sysconfig
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ndstream

Facts = dict[str, str]

LIBRARIES = (
    "orjson", "msgspec", "httpx", "httpx-sse", "httpx2", "openai", "anthropic", "ollama",
    "sseclient-py",
)  # fmt: skip


def facts(libraries: Sequence[str] = LIBRARIES) -> Facts:
    return {
        "date": date.today().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": _system(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {_build()}",
        "libraries": ", ".join(f"{name} {_version(name)}" for name in libraries),
        "ndstream": ndstream.__version__,
    }


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _build() -> str:
    configured = str(sysconfig.get_config_var("CONFIG_ARGS"))
    flags = str(sysconfig.get_config_var("PY_CORE_CFLAGS"))
    optimised = "--enable-optimizations" in configured or "-fprofile-use" in flags
    linked = "--with-lto" in configured or "-flto" in flags
    return (
        f"{platform.python_compiler()}, {'with' if optimised else 'without'} profile-guided optimisation, "
        f"{'with' if linked else 'without'} link-time optimisation"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
