"""How text that grows is shown: the same for every cut, and usable at any length."""

from __future__ import annotations

from typing import Any

import pytest

from doubles.chat_server import Server

from .browsing import DONE, PATIENCE, ask, ended, line

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
