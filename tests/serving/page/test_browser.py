"""The page in Chromium, with a server of a model that does what each test asks for."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import chromium
import real_parts
from chat_server import Server

from .serving_page import ServedPage, serving_page

PATIENCE = 30_000
"""Milliseconds after which a test that hangs is given up."""

KEY = "sk-secret-key-7d1f"


def line(text: str = "", **fields: Any) -> bytes:
    """A line of Ollama's."""
    message = {"role": "assistant", "content": text, **fields.pop("message", {})}
    return json.dumps({"model": "m", "message": message, "done": False, **fields}).encode() + b"\n"


DONE = line(done=True, done_reason="stop", eval_count=2, prompt_eval_count=1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    for module in ("starlette", "uvicorn", "httpx"):
        real_parts.library(module, chromium.GET)
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with Server().running() as server:
        yield server


@pytest.fixture(scope="module")
def served(browser: Any, model: Server) -> Iterator[ServedPage]:
    arguments = ("--url", f"{model.url}/api/chat", "--model", "m", "--key-env", "PAGE_KEY")
    with serving_page(*arguments, PAGE_KEY=KEY) as served:
        yield served


@pytest.fixture
def page(browser: Any, model: Server, served: ServedPage) -> Iterator[Any]:
    """The page, in a window of its own. What it logs as an error fails the test."""
    model.requests.clear()
    model.left.clear()
    model.status, model.clean_end, model.chunks = 200, True, ()
    with browser.new_context(viewport={"width": 900, "height": 700}) as context:
        yield opened(context, served.url)


def opened(context: Any, url: str) -> Any:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    # Violations of the content security policy are told in the console.
    page.on("console", lambda said: page.errors.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(url)
    page.get_by_text("Connected").wait_for()
    return page


def ask(page: Any, text: str = "hello") -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def ended(page: Any, verdict: str) -> Any:
    """The last reply, once it has this verdict."""
    reply = page.locator(f"article.reply:last-child[data-verdict={verdict}]:not([aria-busy])")
    reply.wait_for()
    return reply


def last_text(page: Any) -> str:
    # Not what is rendered, since blocks are only laid out when they come into sight.
    text: str = page.locator("article.reply").last.locator("> .text").last.text_content()
    return text


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
        assert ended(page, "cut").locator(".message").inner_text() == "the server is shutting down"


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


def test_everything_can_be_done_with_the_keyboard_alone(page: Any, model: Server) -> None:
    def focused() -> str:
        name: str = page.evaluate("document.activeElement.innerText || document.activeElement.id")
        return name

    def tab_to(name: str, backwards: bool = True) -> None:
        for _ in range(12):
            if focused() == name:
                return
            page.keyboard.press("Shift+Tab" if backwards else "Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    assert focused() == "prompt"
    model.chunks = [line(message={"thinking": "hmm"}), line("Hel"), threading.Event()]
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    page.locator(".reply .text", has_text="Hel").wait_for()
    assert model.requests[0].body["messages"] == [{"role": "user", "content": "one\ntwo"}]
    tab_to("Stop", backwards=False)
    page.keyboard.press("Enter")
    reply = ended(page, "stopped")
    assert focused() == "prompt"
    tab_to("Thoughts")
    page.keyboard.press("Enter")
    assert reply.locator("details.thoughts .text").is_visible()
    model.chunks = [line("lo"), DONE]
    tab_to("Go on", backwards=False)
    page.keyboard.press("Enter")
    ended(page, "complete")
    assert last_text(page) == "Hello"
    assert focused() == "prompt"
    tab_to("New chat")
    page.keyboard.press("Enter")
    assert page.locator("article").count() == 0
    assert focused() == "prompt"


def test_a_screen_reader_is_told_what_happens_and_finds_each_turn_by_its_heading(page: Any, model: Server) -> None:
    model.chunks = [line("Hello"), DONE]
    ask(page)
    ended(page, "complete")
    assert page.get_by_role("log", name="Conversation").is_visible()
    assert page.locator("#announcer").inner_text().split() == ["Hello", "Complete."]
    assert page.locator("article h2").all_inner_texts() == ["You", "Reply"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_in_light_and_dark(scheme: str, browser: Any, served: ServedPage, model: Server) -> None:
    """360 pixels wide; the words stand out from their ground by a contrast of 4.5 (WCAG 2.2, 1.4.3)."""
    wide = "x" * 3000 + "\n```\n" + "y" * 3000 + "\n```\n"
    call = {"function": {"name": "n" * 300, "arguments": {"a": "b" * 300}}}
    model.chunks, model.clean_end = [line(wide), line(message={"tool_calls": [call]})], False
    with browser.new_context(viewport={"width": 360, "height": 640}, color_scheme=scheme) as context:
        page = opened(context, served.url)
        ask(page)
        ended(page, "cut")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.evaluate("document.querySelector('main').scrollWidth") <= 360
        for button in page.get_by_role("button").all():
            if button.is_visible():
                box = button.bounding_box()
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 360
                assert box["height"] >= 24
        for selector in ("#model", "#connected", ".prompt p", ".reply p", ".message", ".verdict", ".figures span",
                         "summary", "#send", ".actions button"):  # fmt: skip
            assert contrast(page, selector) >= 4.5, selector


def contrast(page: Any, selector: str) -> float:
    """Of an element's text against the ground it is on."""
    colours = page.evaluate(
        """selector => {
            let element = document.querySelector(selector);
            const ink = getComputedStyle(element).color;
            const clear = /^rgba\\(.*, 0\\)$|^transparent$/;
            while (clear.test(getComputedStyle(element).backgroundColor)) element = element.parentElement;
            return [ink, getComputedStyle(element).backgroundColor];
        }""",
        selector,
    )
    lights = []
    for colour in colours:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


MARKED = [
    "**Title**\ntext",
    "a **b** c `d` e ** f ` g",
    "# Head\n- one\n- two **x**\n\n1. a\n  - b\n```py\ncode\n\nmore\n```\nafter",
    "```\n```\nx\n``` y\n",
    "**not closed\n*x* - y\n-\n- \n-x\n#x",
    "a\r\nb\n\n\n  \nc\n```\nopen\n",
]


@pytest.mark.parametrize("number", range(len(MARKED)))
def test_text_is_shown_the_same_however_it_comes_in_pieces(number: int, page: Any) -> None:
    shown = page.evaluate(
        """text => [1, 2, 3, 7, 1000].map(size => {
            const parent = document.createElement("div");
            const growing = new GrowingText(parent, true);
            for (let begin = 0; begin < text.length; begin += size) growing.append(text.slice(begin, begin + size));
            return parent.innerHTML;
        })""",
        MARKED[number],
    )
    assert len(set(shown)) == 1
    assert "<p" in shown[0]


def test_code_headings_items_and_bold_words_are_shown_as_such(page: Any, model: Server) -> None:
    model.chunks = [line(MARKED[2]), line(", `code` and **bold**"), DONE]
    ask(page)
    reply = ended(page, "complete")
    assert reply.locator(".heading").text_content() == "Head"
    assert reply.locator(".item").all_text_contents() == ["\u2022one", "\u2022two x", "1.a", "\u2022b"]
    assert reply.locator("pre").text_content() == "code\n\nmore\n"
    assert reply.locator("p > code").text_content() == "code"
    assert reply.locator("p > strong").last.text_content() == "bold"


HOSTILE = [
    "<script>window.hacked = 1</script>",
    '<img src=x onerror="window.hacked = 1">',
    "```\n</code></pre><script>window.hacked = 1</script>\n```\n",
    "# <svg onload=window.hacked=1>\n- <iframe src=javascript:window.hacked=1>\n",
    "**<b onmouseover=window.hacked=1>x</b>** `</code><script>window.hacked=1</script>`\n",
    "[click](javascript:window.hacked=1) &lt;script&gt; &#60;b&#62;",
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1} __proto__ constructor",
    "\u202e\u2066reversed\u2069 \u200f\u0641\u0627\u0631\u0633\u06cc \u0000\u0007\u001b[31m \ufeff\u2028\u2029 \ufffd",
    "Z\u0300\u0301\u0302\u0303\u0304\u0305" * 200,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 50,
    "`" * 5000 + "*" * 5000 + "#" * 500,
    "\n" * 2000 + "```" + "\n```" * 999,
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_a_model_says_is_text_and_nothing_else(number: int, page: Any, model: Server) -> None:
    text = HOSTILE[number]
    call = {"function": {"name": text, "arguments": {text: text}}}
    middle = len(text) // 2
    model.chunks = [
        line(message={"thinking": text}),
        line(text[:middle]),
        line(text[middle:]),
        line(message={"tool_calls": [call]}),
        json.dumps({"error": text}).encode() + b"\n",
    ]
    ask(page, text)
    reply = ended(page, "error")
    assert page.evaluate("window.hacked") is None
    names = set(page.evaluate("[...document.querySelectorAll('article *')].map(e => e.localName)"))
    assert names <= {"h2", "div", "p", "details", "summary", "bdi", "span", "button", "pre", "code", "strong"}
    attributes = set(page.evaluate("[...document.querySelectorAll('article *')].flatMap(e => e.getAttributeNames())"))
    assert attributes <= {"class", "dir", "open", "type", "tabindex"}
    assert page.errors == []
    # Nothing outside the reply is moved or turned around by it.
    assert page.get_by_role("button", name="Send").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    assert reply.get_by_role("button", name="Try again").is_visible()


@pytest.mark.parametrize("text", ["\U0001f680" * 12_001 + "x", "a" + "\U0001f680" * 12_000])
def test_no_character_is_torn_between_two_blocks(text: str, page: Any) -> None:
    shown = page.evaluate(
        """text => {
            const parent = document.createElement("div");
            new GrowingText(parent, true).append(text);
            return [...parent.children].map(block => block.textContent);
        }""",
        text,
    )
    assert "".join(shown) == text
    assert len(shown) == 3
    assert not [
        block for block in shown if "\ufffd" in block.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    ]


@pytest.mark.parametrize("text", ["a\n", "\n", "**a** `b`\n\n", "- x\n", "```\n", "*", "x`", "\u202e "])
def test_a_long_reply_of_any_kind_leaves_the_page_usable(text: str, page: Any, model: Server) -> None:
    piece = text * (100_000 // len(text))
    model.chunks = [*([line(piece)] * 30), DONE]
    ask(page)
    ended(page, "complete")
    assert page.evaluate("turns.at(-1).content.length") == 30 * len(piece)
    assert page.evaluate("document.querySelectorAll('*').length") < 50_000
    page.get_by_role("button", name="New chat").click()
    assert page.locator("article").count() == 0


def test_a_huge_reply_is_shown_and_one_without_end_is_stopped(page: Any, model: Server) -> None:
    model.chunks = [*([line("word " * 20_000)] * 20), *([line("x" * 100_000)] * 15), DONE]
    ask(page)
    ended(page, "complete")
    assert page.evaluate("turns.at(-1).content.length") == 3_500_000
    assert page.evaluate("document.querySelector('article.reply > .text').textContent.length") == 3_500_000
    model.chunks = [line("y" * 100_000)] * 2000
    ask(page)
    page.locator("article.reply[data-verdict=stopped]").wait_for()
    assert model.left.wait(PATIENCE / 1000)
    assert page.evaluate("turns.at(-1).content.length") < 4_200_000
    assert page.get_by_label("Your message").is_enabled()


def test_the_key_reaches_the_model_s_server_and_never_the_browser(page: Any, model: Server) -> None:
    bodies = []
    page.on("response", lambda response: bodies.append(response))
    page.reload()
    model.status, model.chunks = 401, [json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()]
    ask(page)
    reply = ended(page, "error")
    assert model.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert reply.locator(".message").inner_text() == "The model's server answered 401: bad key [key]"
    assert len(bodies) >= 5
    for response in bodies:
        assert KEY not in response.text()
        assert KEY not in str(response.all_headers())


def test_the_page_loads_nothing_from_elsewhere(page: Any, model: Server, served: ServedPage) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    model.chunks = [line("one"), DONE]
    ask(page)
    ended(page, "complete")
    assert len(asked) >= 5
    assert [url for url in asked if not url.startswith((served.url, "data:"))] == []
