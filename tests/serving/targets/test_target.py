"""What holds for every target, shown by one that writes down what it is asked to write."""

from __future__ import annotations

import pytest

import ndstream
from inputs.cuts import cuts
from ndstream import llm
from ndstream.llm._delta import FullDelta
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._targets.outcome import Failure, Summary
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target
from serving.made_replies import DONE, call, chunk, reply


class Recorder(Target):
    """Writes a word for each step, and shows the pieces of a text or of arguments joined."""

    name = "recorder"

    def write_start(self) -> None:
        self.write(f"start({self.model}) ".encode())

    def write_text_start(self, part: Part) -> None:
        self.write(f"text{part.index}( ".encode())

    def write_text(self, part: Part, text: str) -> None:
        assert text
        self.write(f"{text} ".encode())

    def write_text_end(self, part: Part) -> None:
        self.write(b") ")

    def write_thinking_start(self, part: Part) -> None:
        self.write(f"thinking{part.index}( ".encode())

    def write_thinking(self, part: Part, text: str) -> None:
        assert text
        self.write(f"{text} ".encode())

    def write_thinking_end(self, part: Part) -> None:
        self.write(b") ")

    def write_call_start(self, part: CallPart) -> None:
        self.write(f"call{part.index}#{part.number}:{part.call.name}( ".encode())

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        assert fragment
        self.write(f"{part.number}:{fragment} ".encode())

    def write_call_end(self, part: CallPart) -> None:
        self.write(f"){part.number} ".encode())

    def write_call_error(self, part: CallPart) -> None:
        self.write(f"bad){part.number} ".encode())

    def write_end(self, summary: Summary) -> None:
        self.write(f"end({summary.finish_reason},{summary.input_tokens},{summary.output_tokens})".encode())

    def write_error(self, failure: Failure) -> None:
        self.write(f"error({failure.kind})".encode())

    def write_abort(self) -> None:
        self.write(b"abort")


class Interleaving(Recorder):
    interleaves_calls = True


class Surviving(Recorder):
    survives_bad_call = True


class Writing(Recorder):
    other_choices = "write"

    def write_text(self, part: Part, text: str) -> None:
        self.write(f"{self.choice}:{text} ".encode())


class Dropping(Recorder):
    other_choices = "drop"


def run(target: Target, chunks: list[bytes]) -> str:
    """What a target writes for a whole reply."""
    reader = ReplyReader(None, None, None)
    target.answer = reader.answer
    written = b"".join(target.take(reader.feed(chunk)) for chunk in chunks)
    written += target.take(reader.finish())
    if target.failure is not None:
        return written.decode()
    ending = reader.answer.ending
    assert ending is not None
    if ending.verdict == "complete":
        written += target.complete(reader.answer)
    else:
        written += target.fail(Failure("cut", ending.error.kind if ending.error else "truncated"))
    return written.decode()


ROME = '{"city":"Rome"}'
WEATHER = call(0, "c1", "weather")
END = "end(stop,3,2)"
END_CALLS = "end(tool_calls,3,2)"


@pytest.mark.parametrize(
    ("frames", "written"),
    [
        ([], f"start(tiny) {END}"),
        ([chunk(text="a"), chunk(text="b")], f"start(tiny) text0( a b ) {END}"),
        (
            [chunk(thinking="hm"), chunk(text="a"), chunk(thinking="so"), chunk(text="b")],
            f"start(tiny) thinking0( hm ) text1( a ) thinking2( so ) text3( b ) {END}",
        ),
        ([chunk(thinking="hm", text="a")], f"start(tiny) thinking0( hm ) text1( a ) {END}"),
        (
            [chunk(text="a"), chunk(calls=[WEATHER]), chunk(calls=[call(arguments=ROME)])],
            f"start(tiny) text0( a ) call1#0:weather( 0:{ROME} )0 {END_CALLS}",
        ),
        ([chunk(calls=[WEATHER])], f"start(tiny) call0#0:weather( 0:{{}} )0 {END_CALLS}"),
    ],
)
def test_parts_start_and_end_in_order_however_the_reply_is_cut(frames: list[bytes], written: str) -> None:
    data = reply(*frames)
    for kind in (Recorder, Interleaving):
        for name, chunks in cuts(data, two_way_most=200):
            assert run(kind(), chunks) == written, name


def test_a_call_waits_for_its_name() -> None:
    frames = [chunk(calls=[call(0, "c1", None, '{"a"')]), chunk(calls=[call(0, None, "f", ":1}")])]
    for kind in (Recorder, Interleaving):
        assert run(kind(), [reply(*frames)]) == f'start(tiny) call0#0:f( 0:{{"a":1}} )0 {END_CALLS}'


def test_two_calls_that_interleave_wait_for_each_other_unless_the_format_interleaves() -> None:
    frames = [
        chunk(calls=[call(0, "c1", "f", '{"a"'), call(1, "c2", "g", '{"b"')]),
        chunk(calls=[call(0, arguments=":1}")]),
        chunk(calls=[call(1, arguments=":2}")]),
    ]
    for _, chunks in cuts(reply(*frames), two_way_most=200):
        assert run(Recorder(), chunks) == (
            f'start(tiny) call0#0:f( 0:{{"a" 0::1}} )0 call1#1:g( 1:{{"b":2}} )1 {END_CALLS}'
        )
        assert run(Interleaving(), chunks) == (
            f'start(tiny) call0#0:f( 0:{{"a" call1#1:g( 1:{{"b" 0::1}} 1::2}} )0 )1 {END_CALLS}'
        )


def test_text_after_a_call_is_a_new_part() -> None:
    frames = [chunk(text="a"), chunk(calls=[call(0, "c1", "f", "{}")]), chunk(text="b")]
    assert run(Recorder(), [reply(*frames)]) == f"start(tiny) text0( a ) call1#0:f( 0:{{}} )0 text2( b ) {END_CALLS}"


def test_a_call_that_is_no_json_is_an_error_unless_the_format_survives_it() -> None:
    data = [reply(chunk(calls=[call(0, "c1", "f", '{"a":')]))]
    assert run(Recorder(), data) == 'start(tiny) call0#0:f( 0:{"a": bad)0 error(malformed)'
    assert run(Surviving(), data) == f'start(tiny) call0#0:f( 0:{{"a": bad)0 {END_CALLS}'


def test_a_call_without_a_name_is_an_error() -> None:
    for kind in (Recorder, Interleaving, Surviving):
        assert run(kind(), [reply(chunk(calls=[call(0, "c1", None, "{}")]))]) == "start(tiny) error(malformed)"


def test_a_call_that_changes_after_its_end_was_sent_is_an_error() -> None:
    answer = llm.collect(reply(chunk(text="a")))
    for kind in (Recorder, Interleaving):
        tool_call = llm.ToolCall("c1")
        tool_call.name = "f"
        tool_call.add_arguments('{"a":1}')
        tool_call.close()
        target = kind(model="m")
        written = target.take([FullDelta({}, tool_calls=[tool_call])])
        tool_call.add_arguments(" }")
        written += target.take([FullDelta({}, tool_calls=[tool_call])]) + target.complete(answer)
        assert written == b'start(m) call0#0:f( 0:{"a":1} )0 error(malformed)'


class Telling(Recorder):
    def write_error(self, failure: Failure) -> None:
        self.write(f"error({failure.message})".encode())


def test_a_call_that_is_cut_in_a_whole_reply_is_said_to_be_cut_and_one_that_is_no_json_is_said_to_be_none() -> None:
    answer = llm.collect(reply(chunk(text="a")))
    for complete, what in ((False, "were cut off"), (True, "are not JSON")):
        tool_call = llm.ToolCall("c1")
        tool_call.name = "f"
        tool_call.add_arguments("[1]" if not complete else "[1")
        tool_call.close(complete=complete)
        target = Telling(model="m")
        written = target.take([FullDelta({}, tool_calls=[tool_call])]) + target.complete(answer)
        assert written.endswith(f"error(the upstream sent a tool call whose arguments {what})".encode()), written


class Refusing(Recorder):
    def write_end(self, summary: Summary) -> None:
        raise ndstream.EncodeError("no", field="value")


def test_an_end_that_cannot_be_written_is_an_error() -> None:
    target = Refusing(model="m")
    written = target.take([FullDelta({}, text="a")]) + target.complete(llm.collect(reply(chunk(text="a"))))
    assert written == b"start(m) text0( a ) error(malformed)"
    assert isinstance(target.error, ndstream.EncodeError)


def test_a_cut_ends_what_is_open_and_is_an_error() -> None:
    assert run(Recorder(), [chunk(text="a")]) == "start(tiny) text0( a ) error(truncated)"
    assert run(Recorder(), [chunk(calls=[call(0, "c1", "f", '{"a"')])]) == (
        'start(tiny) call0#0:f( 0:{"a" bad)0 error(truncated)'
    )
    assert run(Recorder(), []) == "start(unknown) error(truncated)"


def test_an_end_without_a_reason_is_a_cut() -> None:
    assert run(Recorder(), [chunk(text="a"), chunk()]).endswith("error(truncated)")


def test_an_error_of_the_server_is_an_error() -> None:
    data = [chunk(text="a"), b'data: {"error":{"message":"busy","code":503}}\n\n', DONE]
    assert run(Recorder(), data) == "start(tiny) text0( a ) error(overloaded)"


def test_a_second_choice_is_refused_dropped_or_written() -> None:
    data = [reply(chunk(text="a"), chunk(text="x", choice=1), chunk(text="b"))]
    assert run(Recorder(), data) == "start(tiny) text0( a ) error(server)"
    assert run(Dropping(), data) == f"start(tiny) text0( a b ) {END}"
    assert run(Writing(), data) == f"start(tiny) text0( 0:a text0( 1:x 0:b ) ) {END}"


def test_a_stopped_reply_ends_what_is_open() -> None:
    reader = ReplyReader(None, None, None)
    target = Recorder()
    target.answer = reader.answer
    written = target.take(reader.feed(chunk(text="a") + chunk(calls=[call(0, "c1", "f", '{"a"')])))
    reader.stop()
    assert (written + target.abort()).decode() == 'start(tiny) text0( a ) call1#0:f( 0:{"a" bad)0 abort'


def test_the_model_may_be_named_by_the_user() -> None:
    assert run(Recorder(model="mine"), [reply()]) == f"start(mine) {END}"
