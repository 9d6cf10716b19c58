"""A browser's EventSource as the judge of server-sent events: it has to receive what our decoder reads.

As a program (``make browser-differential``) it compares ten thousand random streams, and as many of the encoder's.
"""

from __future__ import annotations

import random
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from inputs.strategies import BOM, PIECES, SSE_LINES, TERMINATORS
from ndstream import Event, SSEDecoder, SSEEncoder, encode_comment, encode_sse
from real_parts import chromium

RECONNECT_SOON = b"\n\nretry: 1\n\n"
"""Ends a stream so that the browser asks again at once, with the last id."""

BOM_AND_LINE_END = re.compile(rb"^(\xef\xbb\xbf)[\r\n]+")
"""Chromium does not see a line end right after the byte order mark (as of version 156), and so loses the next line. The
standard knows no such exception (WHATWG HTML, section 9.2.5), so that random streams are spared it."""

PAGE = b"<!DOCTYPE html><title>events</title>"
SCRIPT = """
async (streams) => {
  function receive([url, types, reconnects]) {
    return new Promise((resolve) => {
      const events = [];
      const source = new EventSource(url);
      function note(event) {
        if (event instanceof MessageEvent) {
          events.push([event.type, event.data, event.lastEventId]);
        } else if (event.type === "error" && (!reconnects || source.readyState === EventSource.CLOSED)) {
          source.close();
          resolve(events);
        }
      }
      for (const type of new Set([...types, "message", "error"])) source.addEventListener(type, note);
    });
  }
  const results = [];
  let next = 0;
  async function work() {
    while (next < streams.length) {
      const index = next++;
      results[index] = await receive(streams[index]);
    }
  }
  // Browsers open six connections to a host.
  await Promise.all(Array.from({ length: 6 }, work));
  return results;
}
"""

Received = tuple[str, str, str]


class Stream(NamedTuple):
    """A stream, as it is sent.

    Attributes:
        chunks: Its bytes.
        reconnects: Whether the browser is to ask again after it.
        rest: What it gets then; empty for a 204, which ends it.
    """

    chunks: list[bytes]
    reconnects: bool
    rest: bytes = b""

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def types(self) -> list[str]:
        """The types of events that any reading of it could give."""
        return sorted({name.decode(errors="replace").lstrip(" ") for name in self._names} | set(self._read_types))

    @property
    def _names(self) -> list[bytes]:
        return re.findall(rb"event:([^\r\n]*)", self.data)

    @property
    def _read_types(self) -> list[str]:
        return [event.event for event in SSEDecoder(on_truncated="discard").feed(self.data)]


def read(stream: Stream) -> tuple[list[Received], str]:
    """What our decoder makes of it: its events, and the id that the next request has to send."""
    decoder = SSEDecoder(on_truncated="discard", max_frame_size=None)
    events: list[Event] = []
    for chunk in stream.chunks:
        events.extend(decoder.feed(chunk))
    events.extend(decoder.finish())
    return [(event.event, event.data, event.id) for event in events], decoder.last_event_id


def random_stream(chance: random.Random) -> Stream:
    """Fields, line ends and stray bytes in any order."""
    parts = [BOM] if chance.random() < 0.2 else []
    for _ in range(chance.randint(1, 14)):
        kind = chance.random()
        if kind < 0.7:
            parts += [chance.choice(SSE_LINES), chance.choice(TERMINATORS)]
        elif kind < 0.9:
            parts.append(chance.choice(TERMINATORS))
        elif kind < 0.97:
            parts.append(chance.choice(PIECES))
        else:
            parts.append(chance.randbytes(chance.randint(1, 6)))
    return cut(BOM_AND_LINE_END.sub(rb"\1", b"".join(parts)), chance)


TEXTS = ["", "a", "\n", "\r", "\r\n", ":", " ", "data: ", "id: 7", "\x85", "\u2028", "\0", "\ufeff", "é", "\U0001f600"]


def encoded_stream(chance: random.Random) -> Stream:
    """What the encoders write for any texts."""

    def text(but: str = "") -> str:
        made = "".join(chance.choice(TEXTS) for _ in range(chance.randint(0, 6)))
        return re.sub(f"[{but}]", "", made) if but else made

    encoder = SSEEncoder()
    parts = []
    for _ in range(chance.randint(1, 8)):
        kind = chance.random()
        event = chance.choice([None, text("\r\n") or None])
        identity = chance.choice([None, text("\r\n\0")])
        retry = chance.choice([None, 0, 3000])
        if kind < 0.2:
            parts.append(encode_comment(text()))
        elif kind < 0.6:
            parts.append(encode_sse(text(), event=event, id=identity, retry=retry))
        elif kind < 0.8:
            parts.append(encode_sse({"text": text(), "number": chance.random()}, event=event, id=identity))
        else:
            parts.append(encoder.encode(Event(event or "message", text(), identity or "", retry)))
    return cut(b"".join(parts), chance)


def cut(data: bytes, chance: random.Random) -> Stream:
    reconnects = chance.random() < 0.5
    data += RECONNECT_SOON if reconnects else b""
    places = sorted(chance.randint(0, len(data)) for _ in range(chance.choice([0, 1, 3, 10])))
    chunks = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
    return Stream([chunk for chunk in chunks if chunk], reconnects)


class StreamServer:
    """Serves each stream once; what asks for it again gets its rest, or a 204, which ends it.

    Attributes:
        ids: The Last-Event-ID of the second request for a stream; "" without one.
    """

    def __init__(self) -> None:
        self.streams: Sequence[Stream] = ()
        self.asked: Counter[int] = Counter()
        self.ids: dict[int, str] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self, streams: Sequence[Stream]) -> None:
        self.streams, self.asked, self.ids = streams, Counter(), {}

    def close(self) -> None:
        # This ends the accept that waits.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer_all, args=(connection,), daemon=True).start()

    def _answer_all(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    more = connection.recv(65536)
                    if not more:
                        return
                    received += more
                head, _, received = received.partition(b"\r\n\r\n")
                self._answer(connection, head)

    def _answer(self, connection: socket.socket, head: bytes) -> None:
        found = re.match(rb"GET /stream/(\d+) ", head)
        if found is None:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE)
            )
            return
        number = int(found[1])
        self.asked[number] += 1
        chunks = self.streams[number].chunks
        if self.asked[number] == 2:
            chunks = [self.streams[number].rest]
            named = re.search(rb"\r\nlast-event-id: *([^\r]*)", head, re.IGNORECASE)
            self.ids[number] = "" if named is None else named[1].decode()
        if self.asked[number] > 2 or not any(chunks):
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        connection.sendall(b"0\r\n\r\n")


class Judge:
    """A page in the browser that receives streams."""

    def __init__(self, page: Any, server: StreamServer) -> None:
        self._page = page
        self._server = server
        page.goto(server.url)

    def received(self, streams: Sequence[Stream]) -> list[list[Received]]:
        """What the browser receives of each."""
        self._server.serve(streams)
        asked = [(f"/stream/{number}", stream.types, stream.reconnects) for number, stream in enumerate(streams)]
        received = self._page.evaluate(SCRIPT, asked)
        return [[(type_, data, last_id) for type_, data, last_id in events] for events in received]

    def asked_after(self, number: int) -> str | None:
        """The id that the browser sent when it asked for a stream again; None if it did not."""
        return self._server.ids.get(number)

    def differences(self, streams: Sequence[Stream]) -> list[str]:
        """Where the browser receives anything but what our decoder reads."""
        found = []
        for number, (stream, theirs) in enumerate(zip(streams, self.received(streams), strict=True)):
            ours, last_id = read(stream)
            if theirs != ours:
                found.append(f"{stream.chunks}: the browser received {theirs}, we read {ours}")
            # A header has no white space at its ends.
            if stream.reconnects and self.asked_after(number) != last_id.strip(" \t"):
                found.append(f"{stream.chunks}: the browser went on after {self.asked_after(number)!r}, we {last_id!r}")
        return found


@contextmanager
def judge() -> Iterator[Judge]:
    """A browser with a server beside it."""
    server = StreamServer()
    try:
        with chromium.launched() as browser:
            yield Judge(browser.new_page(), server)
    finally:
        server.close()


def main(count: int, seed: int) -> int:
    chance = random.Random(seed)
    with judge() as chromium_page:
        for name, make in (("random", random_stream), ("encoded", encoded_stream)):
            events = reconnected = different = 0
            for begin in range(0, count, 500):
                streams = [make(chance) for _ in range(min(500, count - begin))]
                events += sum(len(read(stream)[0]) for stream in streams)
                reconnected += sum(stream.reconnects for stream in streams)
                for difference in chromium_page.differences(streams):
                    different += 1
                    print(difference)
            print(
                f"{count} {name} streams with {events} events, {reconnected} of them asked for again with the last id: "
                f"{different} differences (seed {seed})",
                flush=True,
            )
            if different:
                return 1
    return 0


if __name__ == "__main__":
    count, seed = [int(argument) for argument in sys.argv[1:]] or [10_000, 1]
    sys.exit(main(count, seed))
