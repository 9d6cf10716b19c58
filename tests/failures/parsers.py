"""What stands in for orjson where memory fails: orjson itself, watched, or a parser that survives it.

orjson writes to null pointers where it gets no memory. So the allocations of ndstream fail with the standard
library's parser in its place, and those of orjson with a note that it is running, which outlives a crash.
"""

from __future__ import annotations

import json
import mmap
import sys
import types
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import orjson


def install(name: str, note: Path) -> None:
    """Put a parser in the place of orjson, before ndstream is imported.

    Args:
        name: "standard" for the standard library's, or "orjson" for orjson itself, watched.
        note: The file whose first byte is 1 while orjson runs.
    """
    module: Any = types.ModuleType("orjson")
    vars(module).update({name: value for name, value in vars(orjson).items() if not name.startswith("__")})
    if name == "standard":
        module.loads, module.dumps, module.JSONDecodeError = _loads, _dumps, JSONDecodeError
    else:
        note.write_bytes(b"\0")
        with note.open("r+b") as file:
            running = mmap.mmap(file.fileno(), 1)
        module.loads, module.dumps = _watched(orjson.loads, running), _watched(orjson.dumps, running)
    assert "ndstream" not in sys.modules
    sys.modules["orjson"] = module


def _loads(text: Any) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        raise JSONDecodeError("str is not valid UTF-8: surrogates not allowed", "", 0) from None


def _dumps(value: Any, default: Any = None, option: Any = None) -> bytes:
    return json.dumps(value, default=default, separators=(",", ":")).encode()


def _watched(function: Any, running: mmap.mmap) -> Any:
    def watched(*arguments: Any, **options: Any) -> Any:
        running[0] = 1
        try:
            return function(*arguments, **options)
        finally:
            running[0] = 0

    return watched
