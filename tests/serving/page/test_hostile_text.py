"""What a model says is text, and what is secret stays in the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from doubles.chat_server import Server

from .browsing import DONE, KEY, ask, ended, line
from .serving_page import ServedPage

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
