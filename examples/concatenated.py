"""JSON values without line ends, and the elements of an array that need not fit into memory."""

import io

import ndstream

# What Docker Desktop, Firehose, kubectl and jq write: values with nothing, or anything, between them.
events = b'{"status":"start","id":"7f"}{\n  "status": "die",\n  "id": "7f"\n}'
for event in ndstream.concatenated(io.BytesIO(events)):
    print(event["status"], event["id"])


def export(count: int):
    """An export of any size, as a server would send it."""
    yield b"["
    for number in range(count):
        yield b"," * (number > 0) + b'{"n":%d}' % number
    yield b"]"


with ndstream.concatenated(export(100_000), items=True) as elements:
    total = sum(element["n"] for element in elements)
    print(total, "closed" if elements.decoder.array_closed else "cut")
