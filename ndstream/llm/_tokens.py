"""How many tokens a reply took, counted in one way over all servers.

Servers differ in what a count includes. Here `input` includes what was read from a cache and `output` includes
reasoning, whatever the server's own fields do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ndstream.llm._metrics import number_of


@dataclass(frozen=True)
class Tokens:
    """Counts of tokens; None if the server does not say.

    Attributes:
        input: Tokens of the prompt, those read from or written to a cache included.
        cached_input: Of these, tokens that were read from a cache.
        output: Tokens that were generated, reasoning included.
        reasoning: Of these, tokens of reasoning.
        total: The server's total; the sum of input and output if it gives both but no total.

    Example:
        >>> Tokens.of(input=3, output=2).total
        5
    """

    input: int | None = None
    cached_input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    total: int | None = None

    @classmethod
    def of(cls, **counts: Any) -> Tokens:
        """Counts as a server wrote them; what is no number is left out."""
        known = {name: count for name, value in counts.items() if (count := count_of(value)) is not None}
        if "total" not in known and "input" in known and "output" in known:
            known["total"] = known["input"] + known["output"]
        return cls(**known)


def count_of(value: Any) -> int | None:
    """The value if it is a count, else None. Cohere counts in floats."""
    number = number_of(value)
    return None if number is None or number < 0 else int(number)


def sum_of(*values: Any) -> int | None:
    """The sum of the counts among these; None if none of them is one."""
    counts = [count for value in values if (count := count_of(value)) is not None]
    return sum(counts) if counts else None


def first_of(*values: Any) -> Any:
    """The first of these that is a count; None if none of them is."""
    return next((value for value in values if count_of(value) is not None), None)
