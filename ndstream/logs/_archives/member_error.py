"""Why a member cannot be decompressed further, as far as a decompressor knows: it has no path and no offset."""

from __future__ import annotations


class MemberError(Exception):
    """What is wrong with a member.

    Attributes:
        reason: One of the reasons of `LogFileError`.
    """

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason
