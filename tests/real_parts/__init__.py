"""The real parts that tests run against: libraries of others, commands, servers, a browser.

A test asks for its part by the functions here, and is skipped if the part is missing.
"""

from __future__ import annotations

from real_parts.parts import command, library, missing, npm_package

__all__ = ["command", "library", "missing", "npm_package"]
