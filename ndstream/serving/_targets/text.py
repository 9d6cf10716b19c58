"""Plain text: the text of the first choice and nothing else. An error breaks the transfer off, which has no words."""

from __future__ import annotations

from ndstream.serving._targets.parts import Part
from ndstream.serving._targets.target import Target


class TextTarget(Target):
    """The text of a reply in UTF-8.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"H","done":false}\\n{"response":"i","done":true}\\n')
        >>> target = TextTarget()
        >>> target.take(reply) + target.complete(reply)
        b'Hi'
    """

    name = "text"
    content_type = "text/plain; charset=utf-8"
    heartbeat = b""
    other_choices = "drop"
    interleaves_calls = True
    breaks_on_failure = True
    survives_bad_call = True

    def write_text(self, part: Part, text: str) -> None:
        # Half of a surrogate pair can stand in JSON, but not in UTF-8.
        self.write(text.encode(errors="replace"))
