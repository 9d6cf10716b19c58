"""Compile the core of the folder that this runs in, with a change to what Cython has parsed."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from Cython.Compiler import Options, Pipeline
from Cython.Compiler.Errors import CompileError

from mutants.cython_tree import DECLARATIONS

_parse_stage = Pipeline.parse_stage_factory
_new_error = CompileError.__init__


def declare() -> None:
    """Declare in the sources what the change calls."""
    core = Path("src/_core.pyx")
    core.write_text(core.read_text().replace("cimport cython\n", f"cimport cython\n{DECLARATIONS}", 1))


def compile_core(change: Callable[[Any], None]) -> set[tuple[str, int]]:
    """Compile in place; the files and lines where Cython refuses the changed tree, none if it was compiled."""
    wrong: set[tuple[str, int]] = set()

    def changed_parse_stage(context: Any) -> Any:
        parse = _parse_stage(context)

        def parse_and_change(source: Any) -> Any:
            tree = parse(source)
            change(tree)
            return tree

        return parse_and_change

    def noted(error: Any, position: Any = None, message: str = "") -> None:
        if position is not None:
            source, line, _ = position
            wrong.add((f"src/{Path(source.filename).name}", line))
        _new_error(error, position, message)

    # To a `switch`, a number that has to equal two constants at once is one that equals either.
    Options.get_directive_defaults()["optimize.use_switch"] = False
    Pipeline.parse_stage_factory = changed_parse_stage
    CompileError.__init__ = noted
    try:
        sys.argv = ["setup.py", "-q", "build_ext", "--inplace", "--force"]
        runpy.run_path("setup.py", run_name="__main__")
    except (CompileError, SystemExit):
        if not wrong:
            raise
        return wrong
    return set()
