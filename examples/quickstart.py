"""Each way in, on bytes cut in awkward places: run it, and read along."""

import asyncio
from collections.abc import AsyncIterator

import ndstream

print("NDJSON, cut inside a line and between CR and LF:")
for value in ndstream.ndjson([b'{"a":1}\r', b'\n{"a', b'":2}\n']):
    print("  ", value)

print("Server-sent events:")
for event in ndstream.sse([b"id: 7\nevent: note\ndata: first line\nda", b"ta: second line\n\n"]):
    print("  ", event)

print("Any framing, up to its sentinel:")
for value in ndstream.stream([b'data: {"text":"Hello"}\n\ndata: [DO', b"NE]\n\n"]):
    print("  ", value)

print("A bad line and a torn one, and what is around them:")
with ndstream.ndjson(b'{"ms":7}\n{"ms":\n{"ms":9}\n{"ms":1') as stream:
    while True:
        try:
            print("  ", next(stream))
        except StopIteration:
            break
        except ndstream.StreamError as error:
            print("  ", type(error).__name__, error.reason, "at byte", error.offset)


async def chunks() -> AsyncIterator[bytes]:
    yield b'{"a":1}\n{"a"'
    yield b":2}\n"


async def main() -> None:
    async for value in ndstream.ndjson(chunks()):
        print("  ", value)


print("The same from an async source:")
asyncio.run(main())
