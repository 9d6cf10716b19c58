"""Text from a server or a file that does nothing to a terminal but appear on it."""

from __future__ import annotations

_REPLACED: dict[int, str] = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
# Before a line feed it does nothing. By itself it would let text overwrite what is on the line.
_REPLACED[ord("\r")] = ""


def without_controls(text: str) -> str:
    """Replace control characters, other than tabs and line feeds, by U+FFFD; carriage returns are left out.

    Example:
        >>> without_controls("a\\x1b[31mb\\n")
        'a\ufffd[31mb\\n'
    """
    return text.translate(_REPLACED)
