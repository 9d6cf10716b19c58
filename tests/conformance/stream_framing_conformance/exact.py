"""JSON values in a form in which everything that JSON tells apart differs."""

from __future__ import annotations


def exact(value: object) -> str:
    """A form of a value in which 1, 1.0 and True differ, as 0.0 and -0.0 do, and the order of keys.

    A loop, since comparing values a thousand levels deep would exhaust the stack of older Pythons.
    """
    parts: list[str] = []
    rest: list[tuple[bool, object]] = [(False, value)]
    while rest:
        literal, item = rest.pop()
        if literal:
            parts.append(str(item))
        elif isinstance(item, list):
            rest.append((True, "]"))
            rest.extend(part for each in reversed(item) for part in ((True, ","), (False, each)))
            parts.append("[")
        elif isinstance(item, dict):
            rest.append((True, "}"))
            for key, each in reversed(item.items()):
                rest.extend([(True, ","), (False, each), (True, ":"), (False, key)])
            parts.append("{")
        else:
            parts.append(f"{type(item).__name__} {item!r}")
    return "".join(parts)
