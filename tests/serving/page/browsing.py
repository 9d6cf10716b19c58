"""The page as a test sees and uses it, and what a server of Ollama's sends."""

from __future__ import annotations

import json
from typing import Any

PATIENCE = 30_000
"""Milliseconds after which a test that hangs is given up."""

KEY = "sk-secret-key-7d1f"
"""What the page's server sends to the model's server, and never to the browser."""


def line(text: str = "", **fields: Any) -> bytes:
    """A line of Ollama's."""
    message = {"role": "assistant", "content": text, **fields.pop("message", {})}
    return json.dumps({"model": "m", "message": message, "done": False, **fields}).encode() + b"\n"


DONE = line(done=True, done_reason="stop", eval_count=2, prompt_eval_count=1)


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
    message = page.get_by_label("Your message")
    if text.count("\n") < 100:
        message.fill(text)
    else:
        # Chromium takes ten seconds to type or paste thousands of lines, into any page.
        message.evaluate("(it, text) => { it.value = text; it.dispatchEvent(new Event('input')); it.focus() }", text)
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
