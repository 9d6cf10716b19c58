"""The command itself: arguments, help, the missing extra, and the exit status after a failure."""

from __future__ import annotations

import errno
import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ndstream
from ndstream._cli import main as command
from processes.commands import COMMAND, PATIENCE, environment, only_line, run


def test_python_m_ndstream_is_the_command() -> None:
    script = Path(sys.executable).with_name("ndstream")
    for arguments in (["--version"], ["cat", "--help"]):
        shown = [
            subprocess.run([*command, *arguments], capture_output=True, timeout=PATIENCE, env=environment(), check=True)
            for command in ([script], [sys.executable, "-m", "ndstream"])
        ]
        assert shown[0].stdout == shown[1].stdout != b""


@pytest.mark.parametrize(
    "arguments",
    [
        ["cat", "--checkpoint"],
        ["replay", "--by", "at", "--checkpoint"],
        ["redrive", "--still-bad"],
        ["redrive", "--driven"],
        ["repair", "--saved"],
    ],
)
def test_a_file_to_write_is_not_standard_output(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'1\n{"a')
    result = run(*arguments, "-", "log", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 2)
    assert f"'{arguments[-1]}': standard output (-) cannot be this file" in only_line(result.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer needs more addresses than that")
def test_out_of_memory_is_one_line_and_a_failure() -> None:
    script = 'ulimit -v 400000; head -c 1000000000 /dev/zero | tr "\\0" 1 | "$@"'
    result = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, "cat", "--max-frame-size", "0"],
        capture_output=True,
        timeout=PATIENCE,
        env=environment(),
    )
    assert (result.stdout, result.returncode) == (b"", 1)
    assert only_line(result.stderr).startswith("ndstream: out of memory; --max-frame-size ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing command. (try 'ndstream --help')"),
        (["dog"], "No such command 'dog'."),
        (["cat", "--format", "xml"], "'--format'"),
        (["cat", "--contains", ""], "'--contains'"),
        (["cat", "--contains", "a\nb"], "'--contains'"),
        (["cat", "--max-frame-size", "-1"], "'--max-frame-size'"),
        (["cat", "--colour"], "(try 'ndstream cat --help')"),
        (["demo", "--rate", "fast"], "'--rate'"),
    ],
)
def test_arguments_that_make_no_sense_are_one_line(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert (result.stdout, result.returncode) == (b"", 2)
    assert said in only_line(result.stderr)


def test_what_a_closed_standard_error_cannot_show_does_not_go_to_standard_output() -> None:
    for arguments in ("dog", "cat none"):
        result = subprocess.run(
            ["bash", "-c", f'"$@" {arguments} 2>&-', "bash", *COMMAND],
            capture_output=True,
            timeout=PATIENCE,
            env=environment(),
        )
        assert result.stdout == b""
        assert result.returncode in (1, 2)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from ndstream._cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "demo"], capture_output=True, timeout=PATIENCE, env=environment()
    )
    assert (result.stdout, result.returncode) == (b"", 1)
    assert 'pip install "ndstream[cli]"' in only_line(result.stderr)


def test_help_names_every_command_and_the_version_is_told() -> None:
    help = run("--help").stdout.decode()
    assert all(name in help for name in ("cat", "chat", "demo"))
    assert "Dead letters" in run("cat", "-h").stdout.decode()
    assert run("--version").stdout.decode() == f"ndstream {ndstream.__version__}\n"


def test_a_shell_can_complete_commands() -> None:
    result = subprocess.run(
        [*COMMAND],
        capture_output=True,
        timeout=PATIENCE,
        env=environment(_NDSTREAM_COMPLETE="bash_complete", COMP_WORDS="ndstream ca", COMP_CWORD="1"),
    )
    assert (result.stdout, result.returncode) == (b"plain,cat\n", 0)


def test_a_process_that_imports_the_main_module_runs_no_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Processes that `multiprocessing` starts do so."""
    importlib.reload(importlib.import_module("ndstream.__main__"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("is_closed", [False, True])
def test_an_output_that_fails_is_one_line_and_a_failure(
    is_closed: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: list[str]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "standard output")

    monkeypatch.setattr(command, "_run", fail)
    output = None if is_closed else io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    assert capfd.readouterr().err == "ndstream: standard output: No space left on device\n"
    # The interpreter would flush it once more.
    assert output is None or output.closed


def test_a_missing_module_of_the_package_itself_has_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ndstream._cli.check", None)
    monkeypatch.setattr(sys, "argv", ["ndstream", "check", "log"])
    with pytest.raises(ModuleNotFoundError, match="ndstream"):
        command.main()
