"""Walking over what Cython has parsed, and the call that is put into it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from Cython.Compiler.ExprNodes import IntNode, NameNode, SimpleCallNode
from Cython.Compiler.Nodes import Node

# Children that are no code, or that code is assigned to.
NO_CODE = {"decorators", "annotation", "return_type_annotation", "base_type", "lhs", "lhs_list", "target"}

# Reached places count in a file that every process maps, as in `active_mutant.py`.
DECLARATIONS = '''
cdef extern from *:
    """
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    static int no_mutants[65536];
    static volatile int *mutants = no_mutants;
    __attribute__((constructor)) static void map_mutants(void) {
        const char *path = getenv("NDSTREAM_MUTANTS");
        int file = path ? open(path, O_RDWR) : -1;
        void *mapped = file < 0 ? MAP_FAILED : mmap(0, sizeof no_mutants, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED) mutants = (volatile int *)mapped;
    }
    static inline int at_mutant(int number) {
        mutants[number] = 1;
        return mutants[0] == number;
    }
    """
    bint at_mutant(int number) noexcept nogil
'''


class TreeWalk:
    """Visits the parts of a tree that are code which runs; each may be replaced by what its visit returns."""

    def __init__(self) -> None:
        self.in_function = False
        self._lines: dict[str, list[str]] = {}

    def visit(self, node: Any) -> Any:
        """What takes the place of the node; subclasses say what."""
        raise NotImplementedError

    def children(self, node: Any) -> None:
        """Visit the children of the node that are code."""
        for name in node.child_attrs or ():
            child = getattr(node, name)
            if name in NO_CODE or child is None:
                continue
            if isinstance(child, list):
                child[:] = [self.visit(one) if isinstance(one, Node) else one for one in child]
            elif isinstance(child, Node):
                setattr(node, name, self.visit(child))

    def body_of_function(self, node: Any) -> None:
        """Visit what calls of the function run."""
        in_function, self.in_function = self.in_function, True
        node.body = self.visit(node.body)
        self.in_function = in_function

    def file_and_lines(self, node: Any) -> tuple[str, list[str]]:
        """The file in which the node stands, and its lines."""
        source = node.pos[0]
        file = f"src/{Path(source.filename).name}"
        if file not in self._lines:
            self._lines[file] = source.get_lines()
        return file, self._lines[file]


def at(pos: Any, number: int) -> Any:
    """The call that asks whether the mutant is active, and tells that its place was reached."""
    argument = IntNode(pos, value=str(number))
    return SimpleCallNode(pos, function=NameNode(pos, name="at_mutant"), args=[argument])


def copied(node: Any) -> Any:
    """The same code once more; the description of its source is shared."""
    return copy.deepcopy(node, {id(node.pos[0]): node.pos[0]})
