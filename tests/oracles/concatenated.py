"""What the decoder of concatenated JSON has to say about a whole stream, written as plainly as the rules read.

A regular expression cuts the whole stream into tokens, and the rules are walked over these. Like the
other oracles it shares nothing with the core.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from oracles.answer import BOM, NO_LIMIT, SPACE, Answer, Bad, decode, preview

TOKEN = re.compile(
    rb"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\]|\\.)*\\?(?P<quote>"?))
    |(?P<open>[\[{])
    |(?P<close>[\]}])
    |(?P<separator>[,:])
    |(?P<word>[^ \t\r\n"\[\]{},:]+)""",
    re.DOTALL | re.VERBOSE,
)
NAMES = [b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity"]
BEGINS_NUMBER, BEGINS_NAME = b"-0123456789", b"tfnNI"


class Token(NamedTuple):
    kind: str
    begin: int
    end: int
    text: bytes


def is_scalar(word: bytes) -> bool:
    return word in NAMES or re.fullmatch(rb"[-0-9][-+.eE0-9]*", word) is not None


def tokens_of(data: bytes, start: int) -> list[Token]:
    found = []
    for match in TOKEN.finditer(data, start):
        kind = match.lastgroup or ""
        if kind in ("string", "quote"):
            kind = "string" if match["quote"] else "unclosed"
        found.append(Token(kind, *match.span(), match[0]))
    return found


class Walk:
    """A walk over the tokens of a stream; `at` is the next one."""

    def __init__(
        self,
        data: bytes,
        loads: Callable[[bytes], Any],
        limit: int,
        items: bool,
        contains: bytes | None,
        done: bytes | None,
    ) -> None:
        self.data = data
        self.loads = loads
        self.limit = limit
        self.items = items
        self.contains = contains
        self.done = done
        self.answer = Answer(line=None)
        self.answer.offset = len(BOM) if data.startswith(BOM) else 0
        self.tokens = tokens_of(data, self.answer.offset)
        self.at = 0

    def run(self) -> Answer:
        while not self.stops():
            token = self.tokens[self.at]
            if token.kind == "space":
                self.skip()
            elif self.items and token.text == b"[":
                self.skip()
                self.answer.array_closed = False
                self.array()
            else:
                self.frame()
        return self.answer

    def stops(self) -> bool:
        return self.answer.done or self.answer.was_cut or self.at == len(self.tokens)

    def skip(self) -> None:
        self.answer.offset = self.tokens[self.at].end
        self.at += 1

    def array(self) -> None:
        """The elements of an array, after its bracket."""
        due, first = True, True  # whether an element is due, and whether that is the first
        while not self.stops():
            token = self.tokens[self.at]
            if token.kind == "space":
                self.skip()
                continue
            if token.kind == "close":
                if token.text != b"]" or (due and not first):
                    self.bad(token.begin, token.end)
                self.skip()
                self.answer.array_closed = token.text == b"]"
                return
            if token.text == b",":
                if due:
                    self.bad(token.begin, token.end)
                self.skip()
                due, first = True, False
            else:
                self.frame(in_array=True, allowed=due)
                due = first = False
        if not self.answer.done and not self.answer.was_cut:
            self.cut(self.answer.offset, self.answer.offset)

    def frame(self, in_array: bool = False, allowed: bool = True) -> None:
        """The value or the stray text that begins with the next token."""
        first = self.at
        begin, word = self.tokens[first].begin, self.tokens[first].text
        kind = self.tokens[first].kind
        if allowed and kind in ("open", "string", "unclosed"):
            closed = self.pass_value()
            end = self.tokens[self.at - 1].end
            if self.fits(begin, end, closed):
                if closed:
                    self.value(begin, end)
                else:
                    self.cut(begin, end)
            elif not closed:
                self.over_long_tail(in_array)
            return
        if allowed and kind == "word" and word[:1] in [bytes([one]) for one in BEGINS_NUMBER + BEGINS_NAME]:
            self.at += 1
            end = self.tokens[first].end
            at_end = end == len(self.data)
            if not self.fits(begin, end, ended=not at_end):
                if at_end:
                    self.over_long_tail(in_array)
                return
            if at_end and in_array:
                self.cut(begin, end)
                return
            if is_scalar(word):
                self.value(begin, end, unterminated=at_end)
                return
            if at_end and word != self.done and any(name.startswith(word) for name in NAMES):
                self.cut(begin, end)
                return
            self.at = first
        end = self.stray_element() if in_array else self.stray_text()
        at_end = end == len(self.data)
        if not self.fits(begin, end, ended=not at_end):
            if at_end:
                self.over_long_tail(in_array)
        elif at_end and in_array:
            self.cut(begin, end)
        else:
            text = self.data[begin:end].rstrip(SPACE)
            if text == self.done:
                self.answer.offset, self.answer.done = end, True
            elif at_end and text.startswith(b"\0"):
                self.answer.offset = begin
                self.answer.cut("nul_tail", text, begin, None, 0)
            else:
                self.bad(begin, end)

    def fits(self, begin: int, end: int, ended: bool) -> bool:
        """Whether the frame is within the limit, and else its error."""
        if end - begin <= self.limit:
            return True
        self.answer.offset = begin
        shown = preview(self.data[begin:end], self.limit)
        self.answer.error("FrameTooLargeError", "too_large", shown, begin, None)
        if ended:
            self.answer.offset = end
        return False

    def over_long_tail(self, in_array: bool) -> None:
        """The end of the stream came in a frame that was reported already."""
        self.at = len(self.tokens)
        if in_array:
            self.cut(self.answer.offset, self.answer.offset)

    def pass_value(self) -> bool:
        """Go past the value that begins here; whether it is closed."""
        depth = 0
        while self.at < len(self.tokens):
            kind = self.tokens[self.at].kind
            self.at += 1
            depth += (kind == "open") - (kind == "close")
            if kind == "unclosed":
                return False
            if depth == 0:
                return True
        return False

    def stray_text(self) -> int:
        """Where the stray text ends that begins here, outside arrays."""
        after_space, words = False, self.tokens[self.at].kind == "word"
        self.at += 1
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "space":
                line_end = re.search(rb"[\r\n]", token.text)
                if line_end:
                    # What is left of the token is white space still.
                    return token.begin + line_end.start()
            elif token.kind in ("open", "string", "unclosed"):
                return token.begin
            elif token.kind == "word":
                if token.text[0] in BEGINS_NUMBER and (after_space or not words):
                    return token.begin
                if token.text[0] in BEGINS_NAME and not words:
                    return token.begin
                words = True
            after_space = token.kind == "space"
            self.at += 1
        return len(self.data)

    def stray_element(self) -> int:
        """Where the stray text ends that begins here, in an array."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if depth == 0 and (token.kind == "close" or token.text == b","):
                return token.begin
            depth += (token.kind == "open") - (token.kind == "close")
            self.at += 1
        return len(self.data)

    def value(self, begin: int, end: int, unterminated: bool = False) -> None:
        frame = self.data[begin:end]
        if self.done is not None and frame == self.done:
            self.answer.offset, self.answer.done = end, True
            return
        if self.contains is not None and self.contains not in frame:
            self.answer.offset = end
            return
        value = decode(frame, self.loads)
        if unterminated and isinstance(value, Bad) and value.reason != "rejected":
            self.cut(begin, end)
            return
        self.answer.offset = end
        if isinstance(value, Bad):
            self.answer.error("DecodeError", value.reason, frame, begin, None, value.position)
        else:
            self.answer.unterminated = unterminated
            self.answer.value(value)

    def cut(self, begin: int, end: int) -> None:
        self.answer.offset = begin
        self.answer.cut("unfinished", self.data[begin:end], begin, None, end - begin)

    def bad(self, begin: int, end: int) -> None:
        """Report stray text, which ends here."""
        self.answer.offset = end
        text = self.data[begin:end].rstrip(SPACE)
        reason, position = "invalid_json", 0
        if text.startswith(BOM):
            reason = "byte_order_mark"
        elif text.startswith(b"\0") or bytes(8) in text:
            reason, position = "nul_run", text.index(0)
        else:
            try:
                text.decode()
            except UnicodeDecodeError as error:
                reason, position = "invalid_utf8", error.start
        self.answer.error("DecodeError", reason, text, begin, None, position)


def concatenated(
    data: bytes,
    *,
    loads: Callable[[bytes], Any] = orjson.loads,
    max_frame_size: int | None = None,
    items: bool = False,
    contains: bytes | None = None,
    done: bytes | None = None,
    require_done: bool = False,
) -> Answer:
    answer = Walk(data, loads, max_frame_size or NO_LIMIT, items, contains, done).run()
    return answer.no_sentinel(len(data)) if require_done else answer
