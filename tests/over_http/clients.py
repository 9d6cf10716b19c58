"""What a client is: how a library opens a URL, and how it iterates over the bytes of the response itself.

The libraries are imported when a session is opened, so that the tables are there without them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Literal

Open = Callable[[str], Any]
AsyncOpen = Callable[[str], Awaitable[Any]]
Framings = Literal["http", "raw"]


@dataclass(frozen=True)
class Client:
    """What all clients have.

    Attributes:
        name: The library's name as its users write it, and the event loop where there are two.
        needs: Modules that must be there.
        command: A command that must be there, of the Debian package of the same name.
        speaks: "raw" where what is handed over knows nothing of HTTP: the body is then all that follows
            the head, in no framing of its own.
        pools: Whether its session keeps the connection for the next request.
        releases: Whether closing what is handed over closes its connection.
        complains: A pattern of the warnings that the library itself is cause of when a response is left early.
        closes: The method that releases what is handed over; empty where there is none to watch.
        ticks: Whether it notices that it was closed only when something arrives.
        leaves: Cells, by name, that the library itself does not let anyone pass, with the reason.
    """

    name: str
    needs: tuple[str, ...]
    command: str = field(default="", kw_only=True)
    speaks: Framings = field(default="http", kw_only=True)
    pools: bool = field(default=True, kw_only=True)
    releases: bool = field(default=True, kw_only=True)
    complains: str = field(default="", kw_only=True)
    closes: str = field(default="close", kw_only=True)
    ticks: bool = field(default=False, kw_only=True)
    leaves: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def stays(self) -> str:
        """Why a connection that is left does not go, where it does not."""
        return self.leaves.get("leave", "" if self.releases else "what is handed over cannot end its connection")

    @property
    def missing(self) -> str:
        """The first module or command that is not installed, or nothing."""
        if self.command and shutil.which(self.command) is None:
            return self.command
        return next((name for name in self.needs if find_spec(name) is None), "")

    def require(self) -> None:
        """Skip the test if a part of the client is missing."""
        # Not at the top, since `make matrix` and the benchmarks are no tests.
        import real_parts

        for module in self.needs:
            real_parts.library(module)
        if self.command:
            real_parts.command(self.command, package=self.command)

    @property
    def version(self) -> str:
        """The version of the distribution, where the library is one."""
        try:
            return metadata.version(self.needs[0]) if self.needs else ""
        except metadata.PackageNotFoundError:
            return ""


@dataclass(frozen=True)
class Blocking(Client):
    """A client that blocks: a session gives a function that opens a URL.

    `chunks` are the bytes by the library's own iterator, as one would loop over them without ndstream.
    """

    session: Callable[[], AbstractContextManager[Open]]
    chunks: Callable[[Any], Iterator[bytes]]


@dataclass(frozen=True)
class Awaiting(Client):
    """The same for a client that is awaited, on the loop that `backend` names."""

    session: Callable[[], AbstractAsyncContextManager[AsyncOpen]]
    chunks: Callable[[Any], AsyncIterator[bytes]]
    backend: str = field(default="asyncio", kw_only=True)
    closes: str = field(default="aclose", kw_only=True)
