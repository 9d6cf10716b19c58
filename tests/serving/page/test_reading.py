"""Who can use the page: keyboard alone, screen readers, phones, in light and dark."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from doubles.chat_server import Server

from .browsing import DONE, ask, ended, last_text, line, opened
from .serving_page import ServedPage


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
        blocks = "[...document.querySelectorAll('article p, summary')]"
        assert page.evaluate(f"{blocks}.filter(block => block.scrollWidth > block.clientWidth + 1).length") == 0
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
