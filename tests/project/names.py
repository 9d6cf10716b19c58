"""Which names a tree of sources defines, and which it uses, as its text says it.

A name is used if anything that has this name is used, wherever that is: so what is found unused is unused. Names that
somebody else calls are none of these: those of Python itself, what a decorator registers, and what a class overrides
of a base that lies outside the tree.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_WORD = re.compile(r"[A-Za-z_]\w*")
# Blocks of C, which stay, or else docstrings and comments.
_NO_CODE = re.compile(r'(extern from \*:\s+""".*?""")|""".*?"""|#[^\n]*', re.DOTALL)
# These change a function, and leave it to others to use it.
_TRANSPARENT = frozenset(
    {
        "abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager",
        "dataclass", "final", "iterates_in_c", "overload", "property", "runtime_checkable", "setter", "staticmethod",
    }
)  # fmt: skip
# Bases outside the tree that call nothing of a subclass by its name.
_BASES_WITHOUT_HOOKS = frozenset(
    {"ABC", "Enum", "Exception", "Generic", "NamedTuple", "RuntimeError", "TypedDict", "ValueError"}
)
# Python, pytest, and walks of syntax trees find these by their names.
_CALLED_BY_OTHERS = re.compile(r"__\w+__|_+|test_\w+|Test\w+|pytest\w+|visit_\w+")


class Definition(NamedTuple):
    """Where a name is defined."""

    path: Path
    line: int
    name: str


def words_in(text: str) -> list[str]:
    """All words of a text, in order."""
    return _WORD.findall(text)


def _last_name(node: ast.expr) -> str:
    """The last part of a dotted name, without what is called or subscripted."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def classes_without_hooks(trees: Iterable[ast.Module]) -> set[str]:
    """Classes of which nothing is called by its name from outside the tree, since all their bases are such classes."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(map(_last_name, node.bases))
    plain = {*bases, *_BASES_WITHOUT_HOOKS}
    while with_hooks := {name for name in plain & bases.keys() if not bases[name] <= plain}:
        plain -= with_hooks
    return plain


def definitions_in(path: Path, tree: ast.Module, plain_classes: Collection[str]) -> Iterator[Definition]:
    """Functions, classes, methods, constants and attributes that a module defines.

    Args:
        path: The file.
        tree: What is in it.
        plain_classes: What `classes_without_hooks` found in the whole tree of sources.
    """
    for line, name in _defined(tree.body, plain_classes, in_function=False):
        if not _CALLED_BY_OTHERS.fullmatch(name):
            yield Definition(path, line, name)


def _defined(body: list[ast.stmt], plain_classes: Collection[str], in_function: bool) -> Iterator[tuple[int, str]]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if all(_last_name(each) in _TRANSPARENT for each in node.decorator_list):
                yield node.lineno, node.name
            bases = {_last_name(base) for base in node.bases} if isinstance(node, ast.ClassDef) else set()
            if bases <= set(plain_classes):
                yield from _defined(node.body, plain_classes, in_function=not isinstance(node, ast.ClassDef))
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            for each in ast.walk(target) if isinstance(node, (ast.Assign, ast.AnnAssign)) and target else ():
                if isinstance(each, ast.Attribute) and _last_name(each.value) == "self":
                    yield node.lineno, each.attr
                elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and not in_function:
                    yield node.lineno, each.id
        for inner in ("body", "orelse", "finalbody", "handlers"):
            yield from _defined(getattr(node, inner, []), plain_classes, in_function)


def uses_in(tree: ast.Module) -> Iterator[str]:
    """The names that a module reads, and words of its strings, which may be names of attributes."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {id(node.body[0]) for node in ast.walk(tree) if isinstance(node, documented) and node.body}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and not isinstance(node.ctx, ast.Store):
            yield _last_name(node)
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Expr) and (id(node) in docstrings or isinstance(node.value, ast.Constant)):
            # Nothing but a docstring.
            continue
        elif isinstance(node, ast.stmt | ast.expr):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.Constant) and isinstance(child.value, str):
                    yield from words_in(child.value)


def without_comments(source: str) -> str:
    """A Cython source without its comments and docstrings; blocks of C stay."""
    return _NO_CODE.sub(lambda found: found[1] or "", source)


def definitions_in_cython(path: Path, source: str) -> Iterator[Definition]:
    """Classes, functions, attributes, variables and members of enums, and functions and macros of C."""
    in_enum = False
    for number, line in enumerate(without_comments(source).splitlines(), 1):
        in_enum = line.startswith("cdef enum") or (in_enum and not line[:1].isalpha())
        declared = re.match(r"\s*(?:cdef|def|ctypedef) (?!extern|enum|struct)(.+)", line)
        names = re.findall(r"static [^;({]*?\*?(ndstream_\w+)\(|#define (NDSTREAM_\w+)", line)
        found = [name or macro for name, macro in names]
        if declared is not None:
            found += [words_in(part)[-1] for part in re.split(r"[(:=]", declared[1])[0].split(",")]
        elif in_enum and not line.startswith("cdef"):
            found += words_in(line)
        yield from (Definition(path, number, name) for name in found if not _CALLED_BY_OTHERS.fullmatch(name))
