"""The compiled core, telling each statement and each way of a branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from Cython.Compiler import Nodes
from Cython.Compiler.ExprNodes import BoolNode, ComprehensionNode, CondExprNode, GeneratorExpressionNode

from mutants.cython_mutants import NO_CODE, at, copied
from reached.place import Places

STATEMENTS = (
    Nodes.BreakStatNode, Nodes.CascadedAssignmentNode, Nodes.ContinueStatNode, Nodes.DelStatNode, Nodes.ExprStatNode,
    Nodes.ForInStatNode, Nodes.IfStatNode, Nodes.InPlaceAssignmentNode, Nodes.RaiseStatNode, Nodes.ReraiseStatNode,
    Nodes.ReturnStatNode, Nodes.SingleAssignmentNode, Nodes.TryExceptStatNode, Nodes.TryFinallyStatNode,
    Nodes.WhileStatNode, Nodes.WithStatNode,
)  # fmt: skip


def insert_places(tree: Any, places: Places) -> None:
    """Change the tree of the module into one that tells its places."""
    _Walk(places).children(tree)


class _Walk:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._lines: dict[str, list[str]] = {}
        self._in_function = False

    def children(self, node: Any) -> None:
        for name in node.child_attrs or ():
            if name in NO_CODE:
                continue
            child = getattr(node, name)
            if isinstance(child, list):
                child[:] = [self.visit(one) for one in child]
            elif child is not None:
                setattr(node, name, self.visit(child))

    def visit(self, node: Any) -> Any:
        if not isinstance(node, Nodes.Node):
            return node
        # The loop of a comprehension is one expression to Cython.
        if isinstance(node, Nodes.CDefExternNode | ComprehensionNode | GeneratorExpressionNode):
            return node
        if isinstance(node, Nodes.CFuncDefNode | Nodes.DefNode):
            in_function, self._in_function = self._in_function, True
            node.body = self.visit(node.body)
            self._in_function = in_function
            return node
        if not self._in_function:
            self.children(node)
            return node
        if isinstance(node, Nodes.IfStatNode):
            for index, clause in enumerate(node.if_clauses):
                clause.condition = self.visit(clause.condition)
                way = "if is true" if index == 0 else "elif is true"
                clause.body = self._behind(clause, way, self.visit(clause.body))
            rest = self.visit(node.else_clause) if node.else_clause is not None else Nodes.PassStatNode(node.pos)
            node.else_clause = self._behind(node, "if is false", rest)
        elif isinstance(node, Nodes.WhileStatNode | Nodes.ForInStatNode):
            self._loop(node)
        elif isinstance(node, CondExprNode):
            self.children(node)
            node.true_val = self._either(node, "if is true", node.true_val)
            node.false_val = self._either(node, "if is false", node.false_val)
        else:
            self.children(node)
        has_code = isinstance(node, STATEMENTS) or (
            isinstance(node, Nodes.CVarDefNode) and any(_has_default(each) for each in node.declarators)
        )
        return self._behind(node, "", node) if has_code else node

    def _loop(self, node: Any) -> None:
        is_while = isinstance(node, Nodes.WhileStatNode)
        is_endless = is_while and isinstance(node.condition, BoolNode)
        self.children(node)
        if is_endless:
            return
        node.body = self._behind(node, "while is true" if is_while else "for has another", node.body)
        rest = node.else_clause or Nodes.PassStatNode(node.pos)
        node.else_clause = self._behind(node, "while is false" if is_while else "for is exhausted", rest)

    def _behind(self, place: Any, way: str, node: Any) -> Any:
        tell = Nodes.ExprStatNode(node.pos, expr=at(node.pos, self._number(place, way)))
        return Nodes.StatListNode(node.pos, stats=[tell, node])

    def _either(self, node: Any, way: str, value: Any) -> Any:
        # The place tells itself; no number is ever active.
        return CondExprNode(
            value.pos, condition=at(value.pos, self._number(node, way)), true_val=value, false_val=copied(value)
        )

    def _number(self, node: Any, way: str) -> int:
        source, line, _ = node.pos
        file = f"src/{Path(source.filename).name}"
        if file not in self._lines:
            self._lines[file] = source.get_lines()
        return self._places.add(file, self._lines[file], line, way)


def _has_default(declarator: Any) -> bool:
    while declarator is not None:
        if getattr(declarator, "default", None) is not None:
            return True
        declarator = getattr(declarator, "base", None)
    return False
