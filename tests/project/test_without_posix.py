"""What ndstream needs of POSIX, it needs to follow files alone: all else works where there is none, as on Windows.

A process in which POSIX is taken away is not Windows. It shows that nothing asks for what Windows lacks.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
NAMES_OF_OS = (
    "O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC chown chroot ctermid fchmod fchown fdatasync "
    "fork forkpty fstatvfs getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getresuid getsid "
    "getuid initgroups killpg lchown lockf mkfifo mknod nice openpty pathconf posix_fadvise posix_fallocate "
    "posix_spawn posix_spawnp pread preadv pwrite pwritev readv register_at_fork sched_getaffinity sched_yield "
    "sendfile setpgid setsid setuid statvfs sync sysconf ttyname uname wait wait3 wait4 writev"
)
NAMES_OF_SIGNAL = "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 alarm setitimer sigwait"

WITHOUT_POSIX = f"""
# The standard library chooses what it is by the system that it is imported on, and asyncio by that of the first loop.
import asyncio, asyncio.subprocess, concurrent.futures, multiprocessing, queue, shutil, socket, subprocess, tempfile
import importlib, os, pkgutil, signal, sys, threading, types
asyncio.new_event_loop().close()
for library in LIBRARIES:
    try:
        importlib.import_module(library)
    except ImportError:
        pass

sys.platform = "win32"
for name in {MODULES!r}:
    sys.modules[name] = None
for module, names in ((os, {NAMES_OF_OS!r}), (signal, {NAMES_OF_SIGNAL!r})):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)

locked = []

def locking(descriptor, *_):
    locked.append(os.lseek(descriptor, 0, os.SEEK_CUR))

sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
"""


LIBRARIES = ("click", "dask", "fsspec", "httpx", "pandas", "rich", "starlette", "tenacity", "uvicorn")
"""Those of the extras. They are no part of what is shown, and choose by the system as well."""


def run(program: str, folder: Path, libraries: tuple[str, ...] = ()) -> list[str]:
    command = [sys.executable, "-c", f"LIBRARIES = {libraries!r}\n{WITHOUT_POSIX}{program}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    program = f"""
import ndstream
modules = [module.name for module in pkgutil.walk_packages(ndstream.__path__, "ndstream.")]
for name in modules:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The library of an extra may be missing.
        if error.name in {MODULES!r}:
            raise
print(len(modules))
"""
    [count] = run(program, tmp_path, LIBRARIES)
    assert int(count) > 100


def test_what_a_name_that_windows_lacks_would_do_is_seen(tmp_path: Path) -> None:
    program = """
for attempt in ("import resource", "import fcntl", "os.pread", "signal.SIGPIPE"):
    try:
        exec(attempt)
    except (ImportError, AttributeError) as error:
        print(type(error).__name__)
"""
    assert run(program, tmp_path) == ["ModuleNotFoundError", "ModuleNotFoundError", "AttributeError", "AttributeError"]


def test_streams_are_read_sync_async_and_ahead(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n")
    program = """
import ndstream
from pathlib import Path

async def chunks():
    yield b"data: 3\\n\\n"

async def main():
    return [value async for value in ndstream.stream(chunks(), format="sse", prefetch=2)]

log = Path("log")
print(*ndstream.ndjson(log), *ndstream.ndjson(log, prefetch=2), *asyncio.run(main()))
print(ndstream.llm.collect(b'{"response":"Hi","done":true}').text)
"""
    assert run(program, tmp_path) == ["1 2 1 2 3", "Hi"]


def test_logs_are_read_checked_mended_and_replayed_with_checkpoints_and_dead_letters(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"t":1}\n{bad}\n{"t":2}\n{"t":3')
    program = """
from ndstream import logs

with logs.read("log", checkpoint="place", dead_letters="bad") as stream:
    print(*stream)
print(min(locked) > 2**30, list(logs.read("log", checkpoint="place", on_error="skip")))
with logs.redrive("bad", fix=lambda letter: b"[]") as values:
    print(list(values))
print(logs.check("log").tail, logs.repair_tail("log").status, logs.check("log").tail)
seen = []
logs.replay("log", seen.append, by="t", speed=1000, on_error="skip")
print(seen)
"""
    assert run(program, tmp_path) == [
        "{'t': 1} {'t': 2}",
        "True []",
        "[[], []]",
        "interrupted repaired complete",
        "[{'t': 1}, {'t': 2}]",
    ]


def test_following_says_why_it_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    program = """
from ndstream import logs

try:
    logs.follow("log")
except NotImplementedError as error:
    print(error)
"""
    [reason] = run(program, tmp_path)
    assert "cannot be followed on Windows" in reason
    assert "read, check and replay work" in reason


def test_the_command_line_reads_checks_and_ends_with_its_status(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n")
    program = """
from ndstream._cli import main
statuses = []
for arguments in (["cat", "log"], ["check", "log"], ["cat", "-f", "log"], ["cat", "missing"]):
    sys.argv = ["ndstream", *arguments]
    try:
        main.main()
    except SystemExit as end:
        statuses.append(end.code)
sys.stdout.flush()
print(statuses)
"""
    *_, statuses = run(program, tmp_path, ("click", "rich"))
    assert statuses == "[0, 0, 2, 1]"
