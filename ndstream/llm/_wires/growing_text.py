"""Text that comes in pieces, and once more as a whole at the end: the whole wins, and is never made up of both."""

from __future__ import annotations

from ndstream.llm._lenient_readers import joined


class GrowingText:
    """A text so far.

    Attributes:
        pieces: Its pieces, in the order in which they came.
        revised: Whether the whole that the server said at the end does not begin with the pieces before it.
    """

    __slots__ = ("pieces", "revised")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.revised = False

    @property
    def text(self) -> str:
        return joined(self.pieces)

    def set_final(self, text: str) -> str:
        """Let a whole text count in place of the pieces; an empty one says nothing.

        Returns:
            What it adds to the text so far. Empty if it does not go on with it: what was handed out cannot be taken
            back, and what no server sent is not handed out.

        Example:
            >>> growing = GrowingText()
            >>> growing.pieces.append("Hel")
            >>> growing.set_final("Hello"), growing.set_final("Help"), growing.text, growing.revised
            ('lo', '', 'Help', True)
        """
        # What does not begin with the first piece is no whole, and costs no look at the others.
        if not text:
            return ""
        known = self.text if not self.pieces or text.startswith(self.pieces[0]) else None
        if text == known:
            return ""
        if known is not None and text.startswith(known):
            added = text[len(known) :]
            self.pieces.append(added)
            return added
        self.pieces[:] = [text]
        self.revised = True
        return ""
