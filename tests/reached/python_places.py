"""Python sources that tell each statement and each way of a branch: ``_at_(17)`` before the one, in the other."""

from __future__ import annotations

import ast
from typing import Any

from mutants.python_mutants import at, with_import
from reached.place import Places


def with_places(file: str, source: str, places: Places) -> str:
    """The source, telling its places."""
    tree = ast.parse(source)
    tree = _Walk(file, source, places).visit(tree)
    return with_import(tree)


class _Walk(ast.NodeTransformer):
    def __init__(self, file: str, source: str, places: Places) -> None:
        self._file = file
        self._lines = source.splitlines()
        self._places = places

    def visit_Module(self, node: ast.Module | ast.ClassDef) -> ast.AST:
        node.body = self._statements(node.body)
        return node

    visit_ClassDef = visit_Module

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if any("overload" in ast.unparse(decorator) for decorator in node.decorator_list):
            return node
        node.body = self._statements(node.body)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if _is_for_types(node):
            return node
        node.test = self.visit(node.test)
        node.body = [self._way(node, "if is true"), *self._statements(node.body)]
        node.orelse = [self._way(node, "if is false"), *self._statements(node.orelse)]
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        is_endless = isinstance(node.test, ast.Constant)
        node.test = self.visit(node.test)
        node.body = self._statements(node.body)
        if not is_endless:
            node.body.insert(0, self._way(node, "while is true"))
            node.orelse = [self._way(node, "while is false"), *self._statements(node.orelse)]
        return node

    def visit_For(self, node: ast.For | ast.AsyncFor) -> ast.AST:
        node.iter = self.visit(node.iter)
        node.body = [self._way(node, "for has another"), *self._statements(node.body)]
        node.orelse = [self._way(node, "for is exhausted"), *self._statements(node.orelse)]
        return node

    visit_AsyncFor = visit_For

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.body = self._either(node, "if is true", node.body)
        node.orelse = self._either(node, "if is false", node.orelse)
        return node

    def visit_Try(self, node: Any) -> Any:
        for name in ("body", "orelse", "finalbody"):
            setattr(node, name, self._statements(getattr(node, name)))
        for handler in node.handlers:
            handler.body = self._statements(handler.body)
        return node

    visit_TryStar = visit_Try

    def visit_With(self, node: ast.With | ast.AsyncWith) -> ast.AST:
        node.items = [self.visit(item) for item in node.items]
        node.body = self._statements(node.body)
        return node

    visit_AsyncWith = visit_With

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        line = node.body[0].lineno
        node.body = [self._tell(line, "case matches"), *self._statements(node.body)]
        return node

    def _statements(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        told: list[ast.stmt] = []
        for statement in statements:
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            is_declaration = isinstance(statement, ast.Global | ast.Nonlocal | ast.Pass) or (
                isinstance(statement, ast.AnnAssign) and statement.value is None
            )
            if not (is_text or is_future or is_declaration or _is_for_types(statement)):
                told.append(self._tell(statement.lineno, ""))
            told.append(self.visit(statement))
        return told

    def _tell(self, line: int, way: str) -> ast.stmt:
        return ast.Expr(at(self._places.add(self._file, self._lines, line, way)))

    def _way(self, node: ast.stmt | ast.expr, way: str) -> ast.stmt:
        return self._tell(node.lineno, way)

    def _either(self, node: ast.expr, way: str, value: ast.expr) -> ast.expr:
        number = self._places.add(self._file, self._lines, node.lineno, way)
        # The place tells itself; no number is ever active.
        return ast.IfExp(at(number), ast.Constant(None), value)


def _is_for_types(node: ast.stmt) -> bool:
    """Whether only type checkers go into it."""
    return isinstance(node, ast.If) and ast.unparse(node.test).lstrip("_") == "TYPE_CHECKING"
