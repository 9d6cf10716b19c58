"""The content of a message as a list of parts, and where servers of the chat family put thoughts."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import dicts_of, text_of, written_text_of

# Servers disagree on the name, and some send several for a while: the first one that says something counts.
THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
# Lists of the same, which some servers send alone. What is encrypted or signed in them is no text.
_LISTS_OF_THOUGHTS = ("reasoning_details", "thinking_blocks")
_THINKING_PARTS = frozenset({"thinking", "reasoning"})
_TEXT_PARTS = frozenset({"", "text", "output_text"})
_TEXT_NAMES = ("text", "thinking", "summary", "content", "reasoning")


def texts_in_parts(parts: Any) -> tuple[str, str]:
    """The text and the thoughts in a list of parts."""
    text, thinking = [], []
    for part in parts if isinstance(parts, list) else dicts_of(parts):
        if not isinstance(part, dict):
            # A list may have texts in place of parts.
            text.append(written_text_of(part))
            continue
        kind = text_of(part.get("type"))
        if kind in _TEXT_PARTS:
            text.append(text_of(part.get("text")))
        elif kind in _THINKING_PARTS:
            thinking.append(_words_in(part))
    return "".join(text), "".join(thinking)


def thoughts_in(message: dict[str, Any]) -> str:
    """The thoughts in a message or a delta, beside its content."""
    for name in THOUGHTS:
        if name in message:
            words = written_text_of(message[name]) or _words_of_all(message[name])
            if words:
                return words
    for name in _LISTS_OF_THOUGHTS:
        if name in message:
            words = _words_of_all(message[name])
            if words:
                return words
    return ""


def _words_of_all(thoughts: Any) -> str:
    """The words of a list of thoughts, or of one: Envoy's gateway has an object with the text and its signature."""
    return "".join(_words_in(each) for each in dicts_of(thoughts))


def _words_in(part: dict[str, Any], levels: int = 3) -> str:
    """The words of a thought: text, or a list of parts that have it."""
    for name in _TEXT_NAMES:
        value = part.get(name)
        if isinstance(value, str) and value:
            return value
        if levels and isinstance(value, (list, dict)) and value:
            return "".join(_words_in(each, levels - 1) for each in dicts_of(value))
    return ""
