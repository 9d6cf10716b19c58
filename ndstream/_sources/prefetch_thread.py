"""`ReadingThread`: chunks that a thread of its own reads.

Closing stops the thread. A read that waits is interrupted if that is possible; if not, the thread closes the
source when the read returns.

An interrupt (Ctrl-C) in the consumer never loses a chunk: its steps can be repeated, and the last of them
hands over the chunk without a call in between, after which CPython would run a signal handler. For the same
reason it waits for a plain lock: `threading.Condition` is not in order after an interrupt inside `wait`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ndstream._sources.opened_source import Chunk, OpenedSyncSource, copied_unless_bytes

_SECONDS_TO_STOP = 1.0


class ReadingThread:
    """An iterator over the chunks of a source, at most ``count`` of which are read before they are asked for."""

    def __init__(self, source: OpenedSyncSource, count: int) -> None:
        self._source = source
        self._count = count
        # Chunks by their number. The thread adds, the consumer removes.
        self._chunks: dict[int, Chunk] = {}
        self._read = 0
        self._requested = 0
        self._delivered = 0
        self._arrived = _Signal()
        self._room = _Signal()
        # Whoever acquires it first has the source: the thread, or `close`, after which no thread reads.
        self._claim = threading.Lock()
        self._thread: threading.Thread | None = None
        self._thread_id: int | None = None
        self._process: int | None = None
        self._stopped = False
        self._ended = False
        self._finished = _Signal()
        self._error: BaseException | None = None
        self._close_error: BaseException | None = None
        self._closes = threading.Lock()
        self._deadline: float | None = None

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self._process != os.getpid():
            self._start()
        self._chunks.pop(self._delivered - 1, None)
        while self._delivered not in self._chunks:
            if self._ended and self._delivered == self._read:
                if self._error is not None:
                    raise self._error
                raise StopIteration
            left = None if self._deadline is None else self._deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self._arrived.wait(left)
        chunk = self._chunks[self._delivered]
        self._requested = self._delivered + 1
        self._room.set()
        self._delivered += 1
        return chunk

    def _start(self) -> None:
        if self._process is not None:
            raise RuntimeError(
                "a thread of the parent process reads this stream ahead: read it there, or open it after os.fork"
            )
        # A daemon, since a read that nothing can interrupt must not keep the process alive. A second one, started
        # after an interrupt inside `start`, finds the source claimed and ends.
        thread = threading.Thread(target=self._run, name="ndstream prefetch", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # An interrupt while `start` waits makes `threading.Condition` release a lock that it does not hold.
            cause: BaseException | None = error
            while isinstance(cause, Exception):
                cause = cause.__context__
            raise error if cause is None else cause from None
        self._thread = thread
        self._process = os.getpid()

    def _run(self) -> None:
        if not self._claim.acquire(blocking=False):
            return
        self._thread_id = threading.get_ident()
        try:
            for chunk in self._source.chunks:
                while self._read - self._requested >= self._count and not self._stopped:
                    self._room.wait()
                if self._stopped:
                    break
                self._chunks[self._read] = copied_unless_bytes(chunk)
                self._read += 1
                self._arrived.set()
        except BaseException as error:
            self._error = error
        self._ended = True
        self._arrived.set()
        if self._stopped:
            self._close_source()
        self._finished.set()

    @contextmanager
    def read_deadline(self, seconds: float) -> Iterator[None]:
        """A context in which no chunk is waited for longer than that, whatever the source is."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = None

    def close(self) -> None:
        """Stop the thread and release the source."""
        if self._process not in (None, os.getpid()):
            # A forked process: the source, and locks inside it, are in use by a thread that exists in the parent alone.
            return
        self._stopped = True
        self._room.set()
        if self._claim.acquire(blocking=False):
            # A consumer may wait for a thread that is about to start.
            self._ended = True
            self._arrived.set()
        if self._ended:
            self._close_source()
        else:
            if self._source.interrupt is not None:
                # There is nothing to interrupt if the last chunk has given the connection back.
                with suppress(Exception):
                    self._source.interrupt()
            # The garbage collector may call this in the thread itself, which then closes the source when it ends.
            if self._is_thread() or not self._finished.wait(_SECONDS_TO_STOP):
                return
        if self._thread is not None and not self._is_thread():
            self._thread.join()
        self._error = None
        if self._close_error is not None:
            raise self._close_error

    def _is_thread(self) -> bool:
        return self._thread_id == threading.get_ident()

    def _close_source(self) -> None:
        # Both sides may find that the other one has stopped.
        if self._closes.acquire(blocking=False):
            try:
                self._source.close()
            except BaseException as error:
                self._close_error = error


class _Signal:
    """Wakes one thread that waits for it, now or later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:
            # It is set already.
            return

    def wait(self, seconds: float | None = None) -> bool:
        return self._lock.acquire(timeout=-1 if seconds is None else seconds)
