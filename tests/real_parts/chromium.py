"""Debian's Chromium without a window, driven by playwright."""

from __future__ import annotations

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
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()
