"""Sends lines to a server in batches, each until the server has answered for it.

At least once: a batch whose answer was lost is sent again. What an answer means:

- 2xx: it arrived.
- 408, 429, 500, 502, 503, 504, what `retry_on` adds, and a failed connection: it is sent again, after Retry-After or
  else after a random time that grows, until `retry_for` has passed.
- 413: it is sent in two halves; a single line is refused.
- Any other 4xx: its lines are refused. They become dead letters with the status and the answer; without a place for
  those, the replay fails.
- Anything else: the replay fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ndstream._errors import StreamError
from ndstream._sources.retry_after import retry_after
from ndstream.logs import DeadLetter, DeadLetters, ReplayedRecord

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_MAX_SHOWN = 200


class DeliveryError(StreamError):
    """A batch could not be delivered. ``offset`` and ``line`` are those of its first line.

    ``reason`` is ``refused`` (the server will not take it) or ``unreachable`` (it was tried for long enough).
    """


class HTTPSink:
    """Posts batches of lines as NDJSON.

    Args:
        client: An `httpx.Client`.
        url: Where to.
        letters: Where refused lines go; None to fail.
        batch_lines: How many lines a batch has at most.
        batch_bytes: How many bytes a batch has at most, unless a single line has more.
        linger: How long a line waits for its batch to be filled, in seconds.
        retry_for: How long a batch is sent again, in seconds.
        retry_on: Further statuses after which a batch is sent again.
        clock: Seconds that never go back.
        sleep: Waits for some seconds.

    Attributes:
        counts: How many batches arrived, how often one was sent again, and how many lines were refused.
    """

    def __init__(
        self,
        client: Any,
        url: str,
        letters: DeadLetters | None,
        *,
        batch_lines: int = 500,
        batch_bytes: int = 1024 * 1024,
        linger: float = 1.0,
        retry_for: float = 300.0,
        retry_on: Collection[int] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        import httpx
        import tenacity

        self._client = client
        self._url = url
        self._letters = letters
        self._batch_lines = batch_lines
        self._batch_bytes = batch_bytes
        self._linger = linger
        self._retried = RETRIED | set(retry_on)
        self._clock = clock
        self._sleep = sleep
        self._waiting: list[ReplayedRecord] = []
        self._size = 0
        self._deadline = 0.0
        self._failure: BaseException | None = None
        self.counts = {"batches": 0, "retries": 0, "refused": 0}
        # Full jitter, so that many clients do not come back at the same time.
        jitter = tenacity.wait_random_exponential(multiplier=0.5, max=60)

        def wait(state: tenacity.RetryCallState) -> float:
            outcome = state.outcome
            answer = None if outcome is None or outcome.failed else outcome.result()
            asked = None if answer is None else retry_after(answer.headers.get("retry-after", ""))
            return jitter(state) if asked is None else asked

        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(httpx.TransportError)
            | tenacity.retry_if_result(lambda answer: answer.status_code in self._retried),
            wait=wait,
            stop=tenacity.stop_before_delay(retry_for),
            sleep=self._sleep_before_retry,
            retry_error_callback=self._give_up,
        )

    def deliver(self, record: ReplayedRecord, /) -> None:
        """Take a line, and send the batch if it is full.

        Raises:
            DeliveryError: The batch cannot be delivered.
        """
        size = len(record.value) + 1
        if self._waiting and self._size + size > self._batch_bytes:
            self.flush()
        if not self._waiting:
            self._deadline = self._clock() + self._linger
        self._waiting.append(record)
        self._size += size
        if len(self._waiting) >= self._batch_lines or self._size >= self._batch_bytes:
            self.flush()

    def wait(self, seconds: float, /) -> None:
        """Wait until the next line is due; if a batch has to be sent before, until then."""
        if self._waiting:
            remaining = self._deadline - self._clock()
            if remaining <= 0:
                self.flush()
                return
            seconds = min(seconds, remaining)
        self._sleep(seconds)

    def flush(self) -> None:
        """Send the batch that waits, and return once the server has answered for all of it.

        Raises:
            DeliveryError: It cannot be delivered, now or in an earlier attempt.
        """
        if self._failure is not None:
            # A checkpoint that is saved on the way out must not pass over what did not arrive.
            raise self._failure
        batch, self._waiting, self._size = self._waiting, [], 0
        if not batch:
            return
        try:
            self._send(batch)
        except BaseException as error:
            self._failure = error
            raise

    def _send(self, batch: Sequence[ReplayedRecord]) -> None:
        content = b"".join(piece for record in batch for piece in (record.value, b"\n"))
        headers = {"content-type": "application/x-ndjson"}
        try:
            answer = self._retrying(self._client.post, self._url, content=content, headers=headers)
        except _GivenUp as end:
            raise _error(
                batch, "unreachable", f"was given up after {end}; --retry-for sets how long to try"
            ) from end.cause
        status = answer.status_code
        if 200 <= status < 300:
            self.counts["batches"] += 1
        elif status == 413 and len(batch) > 1:
            middle = len(batch) // 2
            self._send(batch[:middle])
            self._send(batch[middle:])
        elif 400 <= status < 500:
            self._refuse(batch, answer)
        else:
            location = answer.headers.get("location")
            advice = f"; pass {location} instead" if location else ""
            raise _error(batch, "refused", f"was answered with {_shown(answer)}{advice}")

    def _refuse(self, batch: Sequence[ReplayedRecord], answer: Any) -> None:
        shown = _shown(answer)
        if self._letters is None:
            raise _error(batch, "refused", f"was answered with {shown}; --bad FILE keeps such lines and goes on")
        message = f"the server answered {shown}"
        for path, offset, line, value in ((each.path, each.offset, each.line, each.value) for each in batch):
            self._letters.add(DeadLetter(path or "", offset, line, "refused", message, None, value, length=len(value)))
        self.counts["refused"] += len(batch)

    def _sleep_before_retry(self, seconds: float) -> None:
        self.counts["retries"] += 1
        self._sleep(seconds)

    @staticmethod
    def _give_up(state: Any) -> Any:
        outcome = state.outcome
        times = f"{state.attempt_number} attempts"
        if outcome.failed:
            cause = outcome.exception()
            raise _GivenUp(f"{times}, the last of which failed ({type(cause).__name__}: {cause})", cause)
        raise _GivenUp(f"{times}, the last of which was answered with {_shown(outcome.result())}", None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _GivenUp(Exception):
    def __init__(self, words: str, cause: BaseException | None) -> None:
        super().__init__(words)
        self.cause = cause


def _shown(answer: Any) -> str:
    text = " ".join(answer.text.split())
    words = f"{answer.status_code} {answer.reason_phrase}".strip()
    return f"{words}: {text[:_MAX_SHOWN]}{'...' if len(text) > _MAX_SHOWN else ''}" if text else words


def _error(batch: Sequence[ReplayedRecord], reason: str, what: str) -> DeliveryError:
    first = batch[0]
    noun = "line" if len(batch) == 1 else f"batch of {len(batch):,} lines"
    where = "" if first.path is None else f" of {first.path}"
    return DeliveryError(
        f"the {noun} from line {first.line}{where} (byte {first.offset}) on {what}",
        frame=first.value,
        offset=first.offset,
        line=first.line,
        reason=reason,
    )
