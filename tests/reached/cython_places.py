"""The compiled core, telling each statement and each way of a branch."""

from __future__ import annotations

from typing import Any

from Cython.Compiler import Nodes
from Cython.Compiler.ExprNodes import BoolNode, ComprehensionNode, CondExprNode, GeneratorExpressionNode

from mutants.cython_tree import TreeWalk, at, copied
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


class _Walk(TreeWalk):
    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    def visit(self, node: Any) -> Any:
        # The loop of a comprehension is one expression to Cython.
        if isinstance(node, Nodes.CDefExternNode | ComprehensionNode | GeneratorExpressionNode):
            return node
        if isinstance(node, Nodes.CFuncDefNode | Nodes.DefNode):
            self.body_of_function(node)
            return node
        if not self.in_function:
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
        file, lines = self.file_and_lines(node)
        return self._places.add(file, lines, node.pos[1], way)


def _has_default(declarator: Any) -> bool:
    while declarator is not None:
        if getattr(declarator, "default", None) is not None:
            return True
        declarator = getattr(declarator, "base", None)
    return False
