"""The page when its server goes away and comes back, in Chromium."""

from __future__ import annotations

import threading
from typing import Any

from doubles.chat_server import Server

from .browsing import DONE, ask, ended, last_text, line, opened
from .serving_page import serving_page


def test_the_page_reconnects_when_the_server_is_started_again_and_the_cut_reply_goes_on(
    browser: Any, model: Server
) -> None:
    model.left.clear()
    model.chunks, model.clean_end = [line("Hello th"), threading.Event()], True
    arguments = ("--url", f"{model.url}/api/chat", "--model", "m")
    with browser.new_context() as context:
        with serving_page(*arguments) as served:
            page = opened(context, served.url)
            ask(page)
            page.locator(".reply .text", has_text="Hello th").wait_for()
            served.kill()
            reply = ended(page, "cut")
            page.get_by_text("Connection lost, trying again").wait_for()
            assert last_text(page) == "Hello th"
        model.chunks = [line("ere"), DONE]
        with serving_page(*arguments, port=served.port):
            page.get_by_text("Connected again, the server was restarted").wait_for()
            reply.get_by_role("button", name="Go on").click()
            ended(page, "complete")
            assert last_text(page) == "Hello there"


def test_a_prompt_that_found_no_server_is_sent_when_it_is_back(browser: Any, model: Server) -> None:
    arguments = ("--url", f"{model.url}/api/chat", "--model", "m")
    model.chunks = [line("here"), DONE]
    with browser.new_context() as context:
        with serving_page(*arguments) as served:
            page = opened(context, served.url)
        ask(page)
        ended(page, "cut")
        with serving_page(*arguments, port=served.port):
            ended(page, "complete")
            assert last_text(page) == "here"


def test_a_server_that_stops_says_so_on_the_page(browser: Any, model: Server) -> None:
    model.chunks = [line("Hello th"), threading.Event()]
    with (
        serving_page("--url", f"{model.url}/api/chat", "--model", "m") as served,
        browser.new_context() as context,
    ):
        page = opened(context, served.url)
        ask(page)
        page.locator(".reply .text", has_text="Hello th").wait_for()
        served.stop()
        assert ended(page, "cut").locator(".message").inner_text() == "The server of this page was stopped."


def test_the_conversation_is_there_after_a_reload_and_a_reply_that_was_left_is_cut(page: Any, model: Server) -> None:
    model.chunks = [line("one"), DONE]
    ask(page, "first")
    ended(page, "complete")
    model.chunks = [line("tw"), threading.Event()]
    ask(page, "second")
    page.locator(".reply .text", has_text="tw").wait_for()
    page.reload()
    assert page.locator("article").count() == 4
    assert last_text(page) == "tw"
    assert ended(page, "cut").get_by_role("button", name="Go on").is_visible()
    page.get_by_role("button", name="New chat").click()
    page.reload()
    assert page.locator("article").count() == 0
