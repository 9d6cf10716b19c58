"""A browser, a server of a model that a test can script, and the page between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import real_parts
from doubles.chat_server import Server
from real_parts import chromium

from .browsing import KEY, opened
from .serving_page import ServedPage, serving_page


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
