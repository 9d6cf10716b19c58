"""Replies on the page, in Chromium: tokens, Stop, errors, cuts, thoughts and tool calls."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from doubles.chat_server import Server

from .browsing import DONE, PATIENCE, ask, ended, last_text, line


def test_tokens_are_shown_while_the_reply_goes_on_and_figures_at_its_end(page: Any, model: Server) -> None:
    go_on = threading.Event()
    model.chunks = [line("Hel"), line("lo "), go_on, line("there"), DONE]
    ask(page)
    page.locator(".reply .text", has_text="Hello").wait_for()
    assert page.get_by_role("button", name="Stop").is_visible()
    go_on.set()
    reply = ended(page, "complete")
    assert last_text(page) == "Hello there"
    figures = reply.locator(".figures").inner_text()
    assert re.match(r"Complete\s*·\s*2 tokens\s*·\s*first after \d+\.\d\d s\s*·\s*\d+\.\d\d s in all", figures), figures
    assert page.get_by_role("button", name="Send").is_visible()
    assert page.errors == []


def test_the_conversation_goes_along(page: Any, model: Server) -> None:
    model.chunks = [line("one"), DONE]
    ask(page, "first")
    ended(page, "complete")
    ask(page, "second")
    page.locator("article.reply[data-verdict=complete]").nth(1).wait_for()
    assert model.requests[1].body["messages"] == [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "second"},
    ]


@pytest.mark.parametrize("how", ["button", "key"])
def test_stop_ends_the_request_of_the_model(how: str, page: Any, model: Server) -> None:
    model.chunks = [line("So "), threading.Event()]
    ask(page)
    page.locator(".reply .text", has_text="So").wait_for()
    if how == "button":
        page.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    assert model.left.wait(PATIENCE / 1000)
    reply = ended(page, "stopped")
    assert reply.get_by_role("button", name="Go on").is_visible()
    assert page.evaluate("document.activeElement.id") == "prompt"


def test_stop_before_the_first_token_ends_the_request_as_well(page: Any, model: Server) -> None:
    model.chunks = [threading.Event()]
    ask(page)
    page.get_by_role("button", name="Stop").click()
    assert model.left.wait(PATIENCE / 1000)
    assert ended(page, "stopped").get_by_role("button", name="Try again").is_visible()


def test_a_page_that_is_closed_ends_the_request_of_the_model(page: Any, model: Server) -> None:
    model.chunks = [line("So "), threading.Event()]
    ask(page)
    page.locator(".reply .text", has_text="So").wait_for()
    page.close()
    assert model.left.wait(PATIENCE / 1000)


def test_a_refusal_is_an_error_in_the_words_of_the_server_and_can_be_tried_again(page: Any, model: Server) -> None:
    model.status, model.chunks = 404, [b'{"error":"model \'m\' not found"}']
    ask(page)
    reply = ended(page, "error")
    assert reply.locator(".message").inner_text() == "The model's server answered 404: model 'm' not found"
    model.status, model.chunks = 200, [line("here"), DONE]
    reply.get_by_role("button", name="Try again").click()
    ended(page, "complete")
    assert last_text(page) == "here"
    assert model.requests[1].body["messages"] == [{"role": "user", "content": "hello"}]


def test_an_error_in_the_middle_of_a_reply_is_an_error(page: Any, model: Server) -> None:
    model.chunks = [line("Hel"), b'{"error":"out of memory"}\n']
    ask(page)
    reply = ended(page, "error")
    assert reply.locator(".message").inner_text() == "Out of memory"
    assert last_text(page) == "Hel"


def test_a_cut_is_marked_as_cut_and_the_reply_can_be_gone_on_with(page: Any, model: Server) -> None:
    model.chunks, model.clean_end = [line("Hello th")], False
    ask(page)
    reply = ended(page, "cut")
    assert "Cut off" in reply.inner_text()
    model.chunks, model.clean_end = [line("ere"), DONE], True
    reply.get_by_role("button", name="Go on").click()
    ended(page, "complete")
    assert last_text(page) == "Hello there"
    messages = model.requests[1].body["messages"]
    assert messages[:2] == [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello th"}]
    assert messages[2]["role"] == "user"
    # The whole reply is one turn of what is asked next.
    ask(page, "next")
    page.locator("article.reply[data-verdict=complete]").nth(1).wait_for()
    assert model.requests[2].body["messages"][1] == {"role": "assistant", "content": "Hello there"}


def test_thoughts_are_folded_away_and_tool_calls_are_shown(page: Any, model: Server) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Rome"}}}
    model.chunks = [line(message={"thinking": "hmm"}), line("Let me look."), line(message={"tool_calls": [call]}), DONE]
    ask(page)
    reply = ended(page, "complete")
    thoughts = reply.locator("details.thoughts")
    assert not thoughts.locator(".text").is_visible()
    thoughts.get_by_text("Thoughts").click()
    thoughts.get_by_text("hmm").wait_for()
    assert reply.get_by_text("Asks for the tool weather").is_visible()
    assert reply.locator("details.call .text").text_content() == '{"city":"Rome"}'


def test_copy_gives_the_text_as_the_model_wrote_it(page: Any, model: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    model.chunks = [line("- **a** `b`\n"), DONE]
    ask(page)
    ended(page, "complete").get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "- **a** `b`\n"


def test_a_stream_that_merely_ends_is_cut(page: Any) -> None:
    """As a proxy between them may end it, which no server here does."""
    body = 'data: {"type":"text-delta","id":"0","delta":"Hel"}\n\ndata: {"type":"text-de'
    page.route("**/api/chat", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    ask(page)
    assert "was closed before the reply was complete" in ended(page, "cut").inner_text()
    assert last_text(page) == "Hel"
