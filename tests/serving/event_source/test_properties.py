"""Wherever connections are cut, however often, what comes out is what the server has, once and in order."""

from __future__ import annotations

import random

import pytest

from ndstream import encode_comment, encode_sse

from .scripted import Answer, Server, Way, each_way, run

RUNS = 60


def blocks(chance: random.Random, count: int) -> list[bytes]:
    """Events with rising ids, among comments and blocks that are no events; line ends of all kinds."""
    made = []
    for number in range(1, count + 1):
        block = encode_sse("x" * chance.randint(0, 30) + chance.choice(["", "\n", "é"]), id=str(number))
        if chance.random() < 0.3:
            block = encode_comment("a comment") + block
        if chance.random() < 0.2:
            block = b"retry: %d\n\n" % chance.randint(0, 5000) + block
        made.append(block.replace(b"\n", chance.choice([b"\n", b"\r", b"\r\n"])))
    return made


class CuttingServer(Server):
    """Sends the blocks after the id that is asked for, up to some byte, cut into chunks; now and then it refuses."""

    def __init__(self, sent: list[bytes], chance: random.Random) -> None:
        super().__init__()
        self.sent = sent
        self.chance = chance

    def answer(self, headers: dict[str, str], last_event: object = None) -> Answer:
        chance = self.chance
        after = int(headers.get("Last-Event-ID", "0"))
        if after == len(self.sent):
            return Answer(status=204)
        if chance.random() < 0.2:
            raise OSError("refused")
        if chance.random() < 0.1:
            return Answer(status=503)
        data = b"".join(self.sent[after:])[: chance.randint(0, 200)]
        places = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(0, 4)))
        chunks = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
        answer = Answer(*chunks, *([ConnectionResetError()] if chance.random() < 0.5 else []))
        self.given.append(answer)
        return answer


@each_way
@pytest.mark.parametrize("skip_resent", [False, True])
def test_no_event_is_lost_or_doubled_wherever_connections_are_cut(way: Way, skip_resent: bool) -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)
        server = CuttingServer(blocks(chance, chance.randint(1, 25)), chance)
        outcome = run(way, server, skip_resent=skip_resent)
        assert outcome.error is None
        assert [event.id for event in outcome.events] == [str(number + 1) for number in range(len(server.sent))]
