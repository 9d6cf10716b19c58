"""Any order of calls: each decoder against a model that only remembers what was fed and what came out.

The model's judge is the oracle, on all that was fed since the last reset; until the stream is
finished it is another decoder, fed the same bytes at once.
"""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import ndstream
from inputs.cuts import Outcome, exact, kind_of, run, state_of
from inputs.strategies import CONCATENATED, JSONSEQ, NDJSON, SSE, Framing, cuts
from oracles.answer import comparable


def spread(data: bytes) -> tuple[memoryview, bytearray]:
    """The bytes as every second one of a buffer."""
    owner = bytearray(2 * len(data))
    owner[::2] = data
    return memoryview(owner)[::2], owner


# How a chunk may come, with what its owner may write to afterwards.
CARRIERS: dict[str, Callable[[bytes], tuple[Any, Any]]] = {
    "bytes": lambda data: (data, None),
    "bytearray": lambda data: (owner := bytearray(data), owner),
    "memoryview": lambda data: (memoryview(owner := bytearray(data)), owner),
    "spread memoryview": spread,
    "read-only memoryview": lambda data: (memoryview(data), None),
    "array": lambda data: (owner := array.array("B", data), owner),
}
# In the words of the caller: what is wrong, and what it gets.
MISUSES: dict[str, tuple[Callable[[Any], object], type[Exception]]] = {
    "str": (lambda decoder: decoder.feed("{}\n"), TypeError),
    "None": (lambda decoder: decoder.feed(None), TypeError),
    "list": (lambda decoder: decoder.feed([1, 2]), TypeError),
    "no chunk": (lambda decoder: decoder.feed(), TypeError),
    "init": (lambda decoder: decoder.__init__(max_frame_size=-1), ValueError),
    "done is read-only": (lambda decoder: setattr(decoder, "done", True), AttributeError),
    "offset is read-only": (lambda decoder: setattr(decoder, "offset", 0), AttributeError),
}


class DecoderMachine(RuleBasedStateMachine):
    framing: ClassVar[Framing]

    @initialize(data=st.data(), on_error=st.sampled_from(["raise", "raise", "skip", "call"]))
    def start(self, data: st.DataObject, on_error: str) -> None:
        self.options = data.draw(self.framing.options, "options")
        self.errors: list[ndstream.StreamError] = []
        self.skips = on_error != "raise"
        handler: Any = self.errors.append if on_error == "call" else on_error
        self.decoder = self.framing.decoder(**self.options, on_error=handler)
        self.forget()

    def forget(self) -> None:
        self.fed = b""
        self.finished = False
        self.taken: list[Outcome] = []
        self.last_offset = 0
        self.errors.clear()

    def take(self) -> bool:
        """One step; False where there is nothing to take."""
        try:
            value = exact(next(self.decoder))
        except StopIteration:
            return False
        except ndstream.StreamError as error:
            assert not self.skips
            self.errors.append(error)
            value = None
        self.taken.append(Outcome(value, None, (self.decoder.offset, self.decoder.frames, self.decoder.errors), None))
        return True

    @precondition(lambda self: not self.finished)
    @rule(data=st.data(), carrier=st.sampled_from(sorted(CARRIERS)))
    def feed(self, data: st.DataObject, carrier: str) -> None:
        for chunk in data.draw(cuts(data.draw(self.framing.streams))):
            given, owner = CARRIERS[carrier](chunk)
            assert self.decoder.feed(given) is self.decoder
            self.fed += chunk
            if isinstance(given, memoryview):
                given.release()
            if owner is not None:
                # The owner may use its buffer for something else, and may resize it.
                for index in range(len(owner)):
                    owner[index] = 0x22
                owner.extend(b"\n{}\n")

    @rule(most=st.integers(1, 5))
    def take_some(self, most: int) -> None:
        for _ in range(most):
            if not self.take():
                break

    @rule()
    def take_all(self) -> None:
        while self.take():
            pass
        assert not self.take()
        self.compare()

    def compare(self) -> None:
        """All was taken: the same must come out of a decoder that gets the bytes in one piece."""
        fresh = self.framing.decoder(**self.options)
        whole = run(fresh, [self.fed], finish=self.finished)
        expected = whole.outcomes
        if self.finished:
            assert comparable(expected) == self.framing.oracle(self.fed, **self.options).outcomes
        assert state_of(self.decoder) == whole.state
        if not self.skips:
            assert [(one.value, one.progress) for one in self.taken] == [(one.value, one.progress) for one in expected]
        values = [one.value for one in self.taken if one.value is not None]
        assert values == [one.value for one in expected if one.error is None]
        facts = [(kind_of(e), e.reason, e.frame, e.offset, e.line, e.position) for e in self.errors]
        if facts or not self.skips:
            assert facts == [one.error for one in expected if one.error]

    @rule()
    def finish(self) -> None:
        assert self.decoder.finish() is self.decoder
        self.finished = True

    @rule()
    def reset(self) -> None:
        self.decoder.reset()
        self.forget()
        assert state_of(self.decoder) == state_of(self.framing.decoder(**self.options))

    @rule(name=st.sampled_from(sorted(MISUSES)))
    def misuse(self, name: str) -> None:
        call, error = MISUSES[name]
        before = state_of(self.decoder)
        with pytest.raises((error, RuntimeError) if self.finished else error):
            call(self.decoder)
        assert state_of(self.decoder) == before

    @precondition(lambda self: self.finished)
    @rule(chunk=st.sampled_from([b"", b"1\n", bytearray(b"1\n")]))
    def feed_after_finish(self, chunk: bytes) -> None:
        with pytest.raises(RuntimeError, match="finish"):
            self.decoder.feed(chunk)

    @invariant()
    def the_decoder_never_goes_back(self) -> None:
        decoder = self.decoder
        assert self.last_offset <= decoder.offset <= len(self.fed)
        self.last_offset = decoder.offset
        assert 0 <= decoder.pending <= len(self.fed) - decoder.offset
        assert decoder.frames == sum(one.value is not None for one in self.taken)
        if self.errors:
            assert decoder.errors == len(self.errors)
        assert decoder._touched <= 4 * len(self.fed) + 64

    def teardown(self) -> None:
        if hasattr(self, "decoder"):
            self.decoder.finish()
            self.finished = True
            self.take_all()


class NDJSONMachine(DecoderMachine):
    framing = NDJSON


class SSEMachine(DecoderMachine):
    framing = SSE


class JSONSeqMachine(DecoderMachine):
    framing = JSONSEQ


class ConcatenatedMachine(DecoderMachine):
    framing = CONCATENATED


def machine_test(machine: type[RuleBasedStateMachine]) -> Any:
    case: Any = machine.TestCase
    case.settings = settings(settings(), stateful_step_count=30)
    return case


TestNDJSON = machine_test(NDJSONMachine)
TestSSE = machine_test(SSEMachine)
TestJSONSeq = machine_test(JSONSeqMachine)
TestConcatenated = machine_test(ConcatenatedMachine)
