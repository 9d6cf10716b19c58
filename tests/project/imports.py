"""Who imports whom inside a package, as its source says it.

Every import counts: those at the top, those inside functions, and those for types alone. A name that a package
re-exports stands for the module that it comes from; a package that is imported as a whole stands for all that it
re-exports. That Python runs a package's `__init__` before any of its modules is no import of its re-exports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Import(NamedTuple):
    """A module; the name that is taken from it, if one is; and the name that this one gets."""

    module: str
    name: str | None = None
    local_name: str | None = None


def imports_between(package: Path, core: Path | None = None) -> dict[str, set[str]]:
    """The modules of a package, each with the modules of it that it imports; `__init__` are left out.

    Args:
        package: The folder of the package.
        core: The folder of the Cython sources of its compiled module ``_core``.
    """
    found: dict[str, list[Import]] = {}
    packages = set()
    for path in sorted(package.rglob("*.py*")):
        if path.suffix not in (".py", ".pyi"):
            continue
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        name = ".".join(parts)
        if path.stem == "__init__":
            parts = parts[:-1]
            name = ".".join(parts)
            packages.add(name)
        within = parts if name in packages else parts[:-1]
        found.setdefault(name, []).extend(_imports(ast.parse(path.read_text()), within))
    if core is not None:
        for path in sorted(core.glob("*.p*")):
            found.setdefault(f"{package.name}._core", []).extend(_cython_imports(path.read_text()))

    def modules(module: str, name: str | None) -> set[str]:
        whole = f"{module}.{name}"
        if name is not None and whole in found:
            return modules(whole, None)
        if module not in packages:
            return {module} & found.keys()
        wanted = [each for each in found[module] if name in (None, each.local_name)]
        return set().union(*(modules(each.module, each.name) for each in wanted if each[:2] != (module, name)))

    return {
        module: set().union(*(modules(each.module, each.name) for each in imports)) - {module}
        for module, imports in found.items()
        if module not in packages
    }


def _imports(tree: ast.Module, within: tuple[str, ...]) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = within[: len(within) + 1 - node.level] if node.level else ()
            module = ".".join((*start, *([node.module] if node.module else [])))
            yield from (Import(module, alias.name, alias.asname or alias.name) for alias in node.names)


def _cython_imports(source: str) -> Iterator[Import]:
    for module, names in re.findall(r"^\s*from ([\w.]+) c?import (.+)$", source, re.MULTILINE):
        yield from (Import(module, name.split()[0]) for name in names.strip("()").split(",") if name.strip())
    for module in re.findall(r"^\s*c?import ([\w.]+)", source, re.MULTILINE):
        yield Import(module)
