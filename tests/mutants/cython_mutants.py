"""Mutants of the compiled core, all in one build: ``a < b`` becomes ``(a <= b) if at(17) else (a < b)``.

The change is made in Cython's own tree, behind its parser and before anything else: places in functions without the GIL
and in inline ones are as good as others. C inside the sources is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from Cython.Compiler import Nodes
from Cython.Compiler.ExprNodes import (
    BoolBinopNode,
    BoolNode,
    CondExprNode,
    FloatNode,
    IntNode,
    NoneNode,
    NotNode,
    PrimaryCmpNode,
    SimpleCallNode,
    binop_node,
)

from mutants.cython_tree import TreeWalk, at, copied
from mutants.mutant import Numbering

COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "is": "is_not", "is_not": "is", "in": "not_in", "not_in": "in",
}  # fmt: skip
NEGATED_BY_CHANGE = {"==", "!=", "is", "is_not", "in", "not_in"}
ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
}  # fmt: skip
NUMBERS = {"int", "Py_ssize_t", "size_t", "long long", "unsigned long long", "long", "double"}
OBJECTS = {"object", "bytes", "str", "tuple", "dict", "list", ""}


def insert_mutants(tree: Any, numbering: Numbering) -> None:
    """Change the tree of the module into one with the mutants that have a number."""
    _Walk(numbering).children(tree)


class _Walk(TreeWalk):
    def __init__(self, numbering: Numbering) -> None:
        super().__init__()
        self._numbering = numbering
        self._names: list[str] = []
        # The expressions of which only the truth counts.
        self._truths: dict[int, Any] = {}
        # What makes a wrong result of the function, None where nothing does.
        self._wrong_result: Callable[[Any], tuple[str, Any] | None] = lambda value: None
        self._returns_truth = False
        self._returns_status = False

    def visit(self, node: Any) -> Any:
        """The node with its mutants; which method knows its class is found by the class's name."""
        for kind in type(node).__mro__:
            method = getattr(self, f"visit_{kind.__name__}", None)
            if method is not None:
                return method(node)
        self.children(node)
        return node

    # What is no code that runs.

    def as_it_is(self, node: Any) -> Any:
        return node

    visit_CEnumDefNode = visit_CStructOrUnionDefNode = visit_CImportStatNode = visit_FromCImportStatNode = as_it_is
    visit_FromImportStatNode = visit_AmpersandNode = visit_JoinedStrNode = visit_CDefExternNode = as_it_is

    # Scopes.

    def visit_CClassDefNode(self, node: Any) -> Any:
        self._names.append(node.class_name)
        self.children(node)
        self._names.pop()
        return node

    def visit_CFuncDefNode(self, node: Any) -> Any:
        declarator = node.declarator
        while not isinstance(declarator, Nodes.CFuncDeclaratorNode):
            declarator = declarator.base
        is_pointer = not isinstance(node.declarator, Nodes.CFuncDeclaratorNode)
        return_type = getattr(node.base_type, "name", None)
        self._returns_truth = return_type == "bint" and not is_pointer
        # An int that is -1 for an error says nothing else.
        is_status = return_type == "int" and declarator.exception_value is not None
        self._returns_status = is_status
        self._wrong_result = lambda value: None if is_pointer or is_status else _wrong_c_result(return_type, value)
        return self._function(node, declarator.base.name)

    def visit_DefNode(self, node: Any) -> Any:
        self._returns_truth = self._returns_status = False
        self._wrong_result = _wrong_object
        return self._function(node, node.name)

    def visit_PropertyNode(self, node: Any) -> Any:
        self.children(node)
        return node

    def _function(self, node: Any, name: str) -> Any:
        self._names.append(name)
        self.body_of_function(node)
        self._names.pop()
        return node

    # Statements.

    def visit_ExprStatNode(self, node: Any) -> Any:
        pristine = copied(node)
        self.children(node)
        return self._deleted(node) if isinstance(pristine.expr, SimpleCallNode) else node

    def visit_SingleAssignmentNode(self, node: Any) -> Any:
        if type(node.rhs).__name__ in ("ImportNode", "LambdaNode"):
            return node
        self.children(node)
        return self._deleted(node) if self.in_function else node

    visit_CascadedAssignmentNode = visit_SingleAssignmentNode

    def visit_InPlaceAssignmentNode(self, node: Any) -> Any:
        pristine = copied(node)
        self.children(node)
        changed = node
        if node.operator in ARITHMETIC:
            other = ARITHMETIC[node.operator]
            if number := self._number(node, f"{node.operator}= becomes {other}="):
                pristine.operator = other
                changed = _statement_if(node.pos, number, pristine, node)
        return self._deleted(changed)

    def visit_RaiseStatNode(self, node: Any) -> Any:
        self.children(node)
        return self._deleted(node)

    visit_ReraiseStatNode = visit_RaiseStatNode

    def visit_ReturnStatNode(self, node: Any) -> Any:
        if node.value is None:
            return self._deleted(node)
        if self._returns_status and isinstance(node.value, IntNode):
            return node
        pristine = copied(node.value)
        if self._returns_truth:
            self._only_truth_counts(node.value)
        self.children(node)
        wrong = self._wrong_result(pristine)
        if wrong is not None:
            change, changed = wrong
            if number := self._number(node, change):
                value = _truth_of(node.value) if self._returns_truth else node.value
                node.value = _expression_if(node.pos, number, changed, value)
        return node

    def visit_BreakStatNode(self, node: Any) -> Any:
        number = self._number(node, "break becomes continue")
        return _statement_if(node.pos, number, Nodes.ContinueStatNode(node.pos), node) if number else node

    def visit_ContinueStatNode(self, node: Any) -> Any:
        number = self._number(node, "continue becomes break")
        return _statement_if(node.pos, number, Nodes.BreakStatNode(node.pos), node) if number else node

    def _deleted(self, node: Any) -> Any:
        number = self._number(node, "statement is left out")
        return _statement_if(node.pos, number, Nodes.PassStatNode(node.pos), node) if number else node

    def visit_IfClauseNode(self, node: Any) -> Any:
        pristine = copied(node.condition)
        self._only_truth_counts(node.condition)
        self.children(node)
        node.condition = self._negated(node.condition, pristine)
        return node

    visit_WhileStatNode = visit_IfClauseNode

    def visit_CondExprNode(self, node: Any) -> Any:
        pristine = copied(node.condition)
        self._only_truth_counts(node.condition)
        for name in ("condition", "true_val", "false_val"):
            setattr(node, name, self.visit(getattr(node, name)))
        node.condition = self._negated(node.condition, pristine)
        return node

    def _negated(self, test: Any, pristine: Any) -> Any:
        if isinstance(pristine, NotNode | BoolNode) or (
            isinstance(pristine, PrimaryCmpNode) and pristine.operator in NEGATED_BY_CHANGE
        ):
            return test
        number = self._number(pristine, "condition is negated")
        negated = NotNode(pristine.pos, operand=pristine)
        return _expression_if(pristine.pos, number, negated, _truth_of(test)) if number else test

    def _only_truth_counts(self, node: Any) -> None:
        self._truths[id(node)] = node
        if isinstance(node, BoolBinopNode):
            self._only_truth_counts(node.operand1)
            self._only_truth_counts(node.operand2)

    # Expressions.

    def visit_PrimaryCmpNode(self, node: Any) -> Any:
        return self._changed(node, _other_comparison)

    def visit_BoolBinopNode(self, node: Any) -> Any:
        return self._changed(node, _other_connective)

    def visit_NotNode(self, node: Any) -> Any:
        self._only_truth_counts(node.operand)
        return self._changed(node, _without_operator)

    def visit_UnaryMinusNode(self, node: Any) -> Any:
        return self._changed(node, _without_operator)

    def visit_NumBinopNode(self, node: Any) -> Any:
        return self._changed(node, _other_arithmetic)

    def visit_IntNode(self, node: Any) -> Any:
        return self._changed(node, _other_numbers)

    visit_FloatNode = visit_IntNode

    def visit_BoolNode(self, node: Any) -> Any:
        return self._changed(node, _other_truth)

    def _changed(self, node: Any, changes: Callable[[Any], Iterator[tuple[str, Any]]]) -> Any:
        pristine = copied(node)
        only_truth_counts = id(node) in self._truths
        self.children(node)
        for change, changed in changes(pristine):
            if number := self._number(pristine, change):
                if only_truth_counts:
                    changed, node = _truth_of(changed), _truth_of(node)
                node = _expression_if(pristine.pos, number, changed, node)
        return node

    def _number(self, node: Any, change: str) -> int:
        file, lines = self.file_and_lines(node)
        function = ".".join(self._names) or "module"
        return self._numbering.number(file, function, change, lines, node.pos[1], at_import=not self.in_function)


def _expression_if(pos: Any, number: int, changed: Any, node: Any) -> Any:
    return CondExprNode(pos, condition=at(pos, number), true_val=changed, false_val=node)


def _truth_of(node: Any) -> Any:
    """A bint of it: Cython mixes up the types of conditional expressions whose sides are numbers and truths."""
    return NotNode(node.pos, operand=NotNode(node.pos, operand=node))


def _statement_if(pos: Any, number: int, changed: Any, node: Any) -> Any:
    clause = Nodes.IfClauseNode(pos, condition=at(pos, number), body=changed)
    return Nodes.IfStatNode(pos, if_clauses=[clause], else_clause=node)


def _wrong_object(value: Any) -> tuple[str, Any] | None:
    if isinstance(value, NoneNode | BoolNode | IntNode):
        return None
    return "returns None", NoneNode(value.pos)


def _wrong_c_result(return_type: str | None, value: Any) -> tuple[str, Any] | None:
    if return_type == "bint":
        is_constant = isinstance(value, BoolNode)
        return None if is_constant else ("result is negated", NotNode(value.pos, operand=value))
    if return_type in NUMBERS:
        one_more = binop_node(value.pos, "+", value, IntNode(value.pos, value="1"))
        return None if isinstance(value, IntNode) else ("result is one more", one_more)
    return _wrong_object(value) if return_type in OBJECTS or return_type is None else None


def _other_comparison(node: Any) -> Iterator[tuple[str, Any]]:
    other = COMPARISONS[node.operator]
    changed = copied(node)
    changed.operator = other
    yield f"{node.operator} becomes {other}".replace("_", " "), changed
    if node.cascade is not None:
        other = COMPARISONS[node.cascade.operator]
        changed = copied(node)
        changed.cascade.operator = other
        yield f"second {node.cascade.operator} becomes {other}", changed


def _other_connective(node: Any) -> Iterator[tuple[str, Any]]:
    other = "or" if node.operator == "and" else "and"
    yield (
        f"{node.operator} becomes {other}",
        BoolBinopNode(node.pos, operator=other, operand1=copied(node.operand1), operand2=copied(node.operand2)),
    )


def _without_operator(node: Any) -> Iterator[tuple[str, Any]]:
    yield f"{'not' if isinstance(node, NotNode) else '-'} is left out", copied(node.operand)


def _other_arithmetic(node: Any) -> Iterator[tuple[str, Any]]:
    if node.operator in ARITHMETIC:
        other = ARITHMETIC[node.operator]
        changed = binop_node(node.pos, other, copied(node.operand1), copied(node.operand2))
        yield f"{node.operator} becomes {other}", changed


def _other_numbers(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, FloatNode):
        yield f"{node.value} becomes one more", FloatNode(node.pos, value=repr(float(node.value) + 1))
    elif str(node.value).isdigit() and not node.unsigned and not node.longness:
        value = int(node.value)
        yield f"{value} becomes one more", IntNode(node.pos, value=str(value + 1))
        if value:
            yield f"{value} becomes one less", IntNode(node.pos, value=str(value - 1))


def _other_truth(node: Any) -> Iterator[tuple[str, Any]]:
    yield f"{node.value} becomes {not node.value}", BoolNode(node.pos, value=not node.value)
