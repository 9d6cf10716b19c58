"""Mutants of Python sources: ``a < b`` becomes ``a <= b if _at_(17) else a < b``."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import TypeVar

from mutants.mutant import Numbering

Syntax = TypeVar("Syntax", bound=ast.AST)

AT = "_at_"

COMPARISONS: dict[type[ast.cmpop], tuple[str, str, type[ast.cmpop]]] = {
    ast.Lt: ("<", "<=", ast.LtE),
    ast.LtE: ("<=", "<", ast.Lt),
    ast.Gt: (">", ">=", ast.GtE),
    ast.GtE: (">=", ">", ast.Gt),
    ast.Eq: ("==", "!=", ast.NotEq),
    ast.NotEq: ("!=", "==", ast.Eq),
    ast.Is: ("is", "is not", ast.IsNot),
    ast.IsNot: ("is not", "is", ast.Is),
    ast.In: ("in", "not in", ast.NotIn),
    ast.NotIn: ("not in", "in", ast.In),
}
ARITHMETIC: dict[type[ast.operator], tuple[str, str, type[ast.operator]]] = {
    ast.Add: ("+", "-", ast.Sub),
    ast.Sub: ("-", "+", ast.Add),
    ast.Mult: ("*", "+", ast.Add),
    ast.Div: ("/", "*", ast.Mult),
    ast.FloorDiv: ("//", "*", ast.Mult),
    ast.Mod: ("%", "*", ast.Mult),
    ast.LShift: ("<<", ">>", ast.RShift),
    ast.RShift: (">>", "<<", ast.LShift),
    ast.BitAnd: ("&", "|", ast.BitOr),
    ast.BitOr: ("|", "&", ast.BitAnd),
}
# Comparisons whose own change is the negation.
NEGATED_BY_CHANGE = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


def with_mutants(file: str, source: str, numbering: Numbering) -> str:
    """The source with the mutants that have a number."""
    return with_import(_Walk(file, source, numbering).visit(ast.parse(source)))


def with_import(tree: ast.Module) -> str:
    """The source of a tree that calls `at`."""
    after = next(
        (index for index, statement in enumerate(tree.body) if not _stays_first(statement, index)), len(tree.body)
    )
    tree.body.insert(after, ast.parse(f"from active_mutant import at as {AT}").body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


def _stays_first(statement: ast.stmt, index: int) -> bool:
    is_docstring = index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")


class _Walk(ast.NodeTransformer):
    def __init__(self, file: str, source: str, numbering: Numbering) -> None:
        self._file = file
        self._lines = source.splitlines()
        self._numbering = numbering
        self._names: list[str] = []
        self._in_function = False

    # What is not code that runs, or is run for types alone.

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        if node.guard is not None:
            node.guard = self._negated(self.visit(node.guard), node.guard)
        node.body = self._statements(node.body)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            self.generic_visit(node)
        return node

    # Scopes.

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        in_function, self._in_function = self._in_function, False
        self._names.append(node.name)
        node.body = self._statements(node.body)
        self._names.pop()
        self._in_function = in_function
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if any("overload" in ast.unparse(decorator) for decorator in node.decorator_list):
            return node
        self._names.append(node.name)
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        in_function, self._in_function = self._in_function, True
        node.body = self._statements(node.body)
        self._in_function = in_function
        self._names.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    # Statements.

    def _statements(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(statement) for statement in statements]

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node
        return self._conditional(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._conditional(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self._conditional(node)

    def _conditional(self, node: ast.If | ast.While | ast.IfExp) -> ast.AST:
        pristine = copy.deepcopy(node.test)
        self.generic_visit(node)
        node.test = self._negated(node.test, pristine)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        pristine = copy.deepcopy(node.ifs)
        self.generic_visit(node)
        node.ifs = [self._negated(test, before) for test, before in zip(node.ifs, pristine, strict=True)]
        return node

    def _negated(self, test: ast.expr, pristine: ast.expr) -> ast.expr:
        is_negated_by_change = isinstance(pristine, ast.Compare) and isinstance(pristine.ops[0], NEGATED_BY_CHANGE)
        is_not = isinstance(pristine, ast.UnaryOp) and isinstance(pristine.op, ast.Not)
        if is_negated_by_change or is_not or isinstance(pristine, ast.Constant):
            return test
        negated = ast.UnaryOp(ast.Not(), copy.deepcopy(pristine))
        return self._either(test, pristine, [("condition is negated", negated)])

    def visit_Return(self, node: ast.Return) -> ast.AST:
        pristine = copy.deepcopy(node)
        self.generic_visit(node)
        if pristine.value is None or _is_none(pristine.value):
            return self._deleted(node, pristine)
        if not isinstance(pristine.value, ast.Constant) or isinstance(pristine.value.value, str):
            assert node.value is not None
            node.value = self._either(node.value, pristine.value, [("returns None", ast.Constant(None))])
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        pristine = copy.deepcopy(node)
        self.generic_visit(node)
        value = pristine.value.value if isinstance(pristine.value, ast.Await) else pristine.value
        return self._deleted(node, pristine) if isinstance(value, ast.Call) else node

    def visit_Assign(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        pristine = copy.deepcopy(node)
        node.value = self.visit(node.value)
        changed: ast.stmt = node
        if isinstance(pristine, ast.AugAssign) and type(pristine.op) in ARITHMETIC:
            before, after, operator = ARITHMETIC[type(pristine.op)]
            other = ast.AugAssign(pristine.target, operator(), pristine.value)
            if number := self._number(node, f"{before}= becomes {after}="):
                changed = ast.If(at(number), [other], [changed])
        return self._deleted(changed, pristine) if self._in_function else changed

    visit_AugAssign = visit_Assign
    visit_AnnAssign = visit_Assign

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        pristine = copy.deepcopy(node)
        self.generic_visit(node)
        return self._deleted(node, pristine)

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        return self._deleted(node, node)

    def visit_Break(self, node: ast.Break) -> ast.AST:
        number = self._number(node, "break becomes continue")
        return ast.If(at(number), [ast.Continue()], [node]) if number else node

    def visit_Continue(self, node: ast.Continue) -> ast.AST:
        number = self._number(node, "continue becomes break")
        return ast.If(at(number), [ast.Break()], [node]) if number else node

    def _deleted(self, statement: ast.stmt, pristine: ast.stmt) -> ast.stmt:
        number = self._number(pristine, "statement is left out")
        return ast.If(at(number), [ast.Pass()], [statement]) if number else statement

    # Expressions.

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return self._changed(node, _other_comparisons)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        return self._changed(node, _other_connective)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return self._changed(node, _without_operator)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return self._changed(node, _other_arithmetic)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return self._changed(node, _other_constants)

    def _changed(self, node: ast.expr, changes: object) -> ast.expr:
        assert callable(changes)
        pristine = copy.deepcopy(node)
        self.generic_visit(node)
        return self._either(node, pristine, list(changes(pristine)))

    def _either(self, node: ast.expr, place: ast.expr, changes: list[tuple[str, ast.expr]]) -> ast.expr:
        for change, changed in changes:
            if number := self._number(place, change):
                node = ast.IfExp(at(number), changed, node)
        return node

    def _number(self, place: ast.expr | ast.stmt, change: str) -> int:
        function = ".".join(self._names) or "module"
        return self._numbering.number(
            self._file, function, change, self._lines, place.lineno, at_import=not self._in_function
        )


def at(number: int) -> ast.expr:
    """The call that asks whether the mutant is active, and tells that its place was reached."""
    return ast.Call(ast.Name(AT, ast.Load()), [ast.Constant(number)], [])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _other_comparisons(node: ast.Compare) -> Iterator[tuple[str, ast.expr]]:
    for index, operator in enumerate(node.ops):
        before, after, other = COMPARISONS[type(operator)]
        changed = copy.deepcopy(node)
        changed.ops[index] = other()
        yield f"{before} becomes {after}", changed


def _other_connective(node: ast.BoolOp) -> Iterator[tuple[str, ast.expr]]:
    is_and = isinstance(node.op, ast.And)
    changed = ast.BoolOp(ast.Or() if is_and else ast.And(), copy.deepcopy(node.values))
    yield "and becomes or" if is_and else "or becomes and", changed


def _without_operator(node: ast.UnaryOp) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield "not is left out" if isinstance(node.op, ast.Not) else "- is left out", copy.deepcopy(node.operand)


def _other_arithmetic(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    if type(node.op) in ARITHMETIC:
        before, after, other = ARITHMETIC[type(node.op)]
        yield f"{before} becomes {after}", ast.BinOp(copy.deepcopy(node.left), other(), copy.deepcopy(node.right))


def _other_constants(node: ast.Constant) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node.value, bool):
        yield f"{node.value} becomes {not node.value}", ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield f"{node.value} becomes one more", ast.Constant(node.value + 1)
        if node.value:
            yield f"{node.value} becomes one less", ast.Constant(node.value - 1)
