"""What a reply has handed out so far, in the order in which it came.

Wires whose message has several blocks put every text in here as it comes, wherever in the message it belongs: so the
deltas' texts add up to the text by construction. Only a server that takes text back makes a difference between them.
"""

from __future__ import annotations

from ndstream.llm._lenient_readers import joined


class OutputLog:
    """The texts and thoughts of a reply.

    Attributes:
        texts: The texts, in the order in which they came. The most frequent deltas are added here by the wire itself.
        thoughts: The thoughts, in the same way.
        refusals: The refusals, which are no text of the answer.
        text_revised: Whether the server said a final text that does not go on with its pieces.
        thinking_revised: The same of thoughts.
    """

    __slots__ = (
        "_new_texts", "_new_thoughts", "refusals", "text_revised", "texts", "thinking_revised", "thoughts",
    )  # fmt: skip

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        # What no delta has handed out yet.
        self._new_texts: list[str] = []
        self._new_thoughts: list[str] = []
        self.text_revised = False
        self.thinking_revised = False

    @property
    def text(self) -> str:
        """All texts that were handed out."""
        return joined(self.texts)

    @property
    def thinking(self) -> str:
        """All thoughts that were handed out."""
        return joined(self.thoughts)

    def add_text(self, text: str) -> None:
        if text:
            self.texts.append(text)
            self._new_texts.append(text)

    def add_thought(self, thought: str) -> None:
        if thought:
            self.thoughts.append(thought)
            self._new_thoughts.append(thought)

    def new(self) -> tuple[str, str]:
        """The text and the thoughts that came since this was last asked: those of one delta."""
        if not self._new_texts and not self._new_thoughts:
            return "", ""
        new = "".join(self._new_texts), "".join(self._new_thoughts)
        self._new_texts.clear()
        self._new_thoughts.clear()
        return new
