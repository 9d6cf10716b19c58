"""What ``ndstream chat`` shows of a reply, and how that ends."""

from __future__ import annotations

import pytest

from doubles.chat_server import (
    CHAT,
    DONE,
    OLLAMA,
    TEXT,
    Server,
    chat_chunk,
    run,
    sse,
)


@pytest.mark.parametrize(("path", "chunks"), [("", OLLAMA), ("/v1", CHAT)], ids=["ollama", "openai"])
def test_standard_output_holds_the_text_and_nothing_else(
    server: Server, capsys: pytest.CaptureFixture[str], path: str, chunks: list[bytes]
) -> None:
    server.chunks = chunks
    status, out, err = run(capsys, "--url", server.url + path, "hi")
    assert (status, out) == (0, TEXT + "\n")
    assert err.startswith("\ncomplete (stop), 4 tokens, first after ")
    assert ("2.0 tokens/s (server)" in err) == (chunks is OLLAMA)
    assert err.rstrip().endswith("(server)" if chunks is OLLAMA else "tokens/s (overall)")


def test_thoughts_go_to_standard_error_and_cannot_steer_it(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.chunks = [
        *sse(
            chat_chunk(reasoning_content="hm"),
            chat_chunk(reasoning_content="\x1b]0;\x9b"),
            chat_chunk(content="Hi"),
        ),
        *sse(chat_chunk("stop")),
        DONE,
    ]
    status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
    assert (status, out) == (0, "Hi\n")
    assert err.startswith("hm\ufffd]0;\ufffd\n\n\ncomplete")


def test_the_figures_stand_clear_of_thoughts_that_no_text_follows_and_of_nothing_at_all(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for said, before in (([chat_chunk(reasoning_content="hm")], "hm\n\n"), ([], "")):
        server.chunks = [*sse(*said, chat_chunk("stop")), DONE]
        status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
        assert (status, out) == (0, "")
        assert err.startswith(f"{before}complete (stop), ")


def test_text_that_ends_its_line_gets_no_second_line_end(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.chunks = [*sse(chat_chunk(content="Hi\n"), chat_chunk("stop")), DONE]
    assert run(capsys, "--url", server.url + "/v1", "hi")[1] == "Hi\n"


def test_an_error_in_mid_stream_is_one_line_behind_what_came(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.chunks = [*sse(chat_chunk(content="Hi"), {"error": {"message": "out\nof\x1b memory", "code": 500}})]
    status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
    assert (status, out) == (1, "Hi\n")
    *_, verdict, last = err.splitlines()
    assert verdict.startswith("error, 1 delta")
    assert last == "ndstream: the server reported an error: out of\ufffd memory"


@pytest.mark.parametrize("clean_end", [True, False], ids=["clean end", "connection lost"])
def test_a_reply_that_stops_short_is_cut_off_not_complete(
    server: Server, capsys: pytest.CaptureFixture[str], clean_end: bool
) -> None:
    server.chunks = CHAT[:2]
    server.clean_end = clean_end
    status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
    assert (status, out) == (1, TEXT[:5] + "\n")
    *_, verdict, last = err.splitlines()
    assert verdict.startswith("truncated, 1 delta")
    assert last.startswith("ndstream: the reply is cut off: ")
    assert ("end of stream" if clean_end else "IncompleteRead") in last


def test_the_first_choice_alone_is_shown(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    second = chat_chunk(content="no")
    second["choices"][0]["index"] = 1
    server.chunks = [*sse(chat_chunk(content="yes"), second, chat_chunk("stop")), DONE]
    status, out, _ = run(capsys, "--url", f"{server.url}/v1", "hi")
    assert (status, out) == (0, "yes\n")
