"""Debian's Chromium without a window, driven by playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import real_parts

GET = "pip install 'ndstream[test-serving]'"


@contextmanager
def launched() -> Iterator[Any]:
    """A browser of playwright's, as long as the block lasts. Its event loop runs in this thread meanwhile."""
    playwright: Any = real_parts.library("playwright.sync_api", GET)
    path = real_parts.command("chromium", "chromium")
    with playwright.sync_playwright() as driver:
        # Its sandbox needs rights that containers do not give; it only sees pages of this machine here.
        # What tests of the core may have loaded ahead of everything, as a sanitizer, is not for the browser.
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = driver.chromium.launch(executable_path=path, args=arguments, env=environment)
        try:
            yield browser
        finally:
            browser.close()
