"""A program in which one allocation fails, each in turn; see `test_starvation`.

    python -m failures.starved PARSER NOTE NAME PHASE BEGIN END STEP

Before each run a line of JSON names the allocation that is to fail, since the run may be the last one; after it another
line says whether anything failed, and what was wrong.
"""

from __future__ import annotations

import _testcapi
import gc
import json
import sys
from pathlib import Path
from typing import Any

from failures import parsers

if __name__ == "__main__":
    parsers.install(sys.argv[1], Path(sys.argv[2]))

import ndstream
from failures.uses import BY_NAME, Taken, Use, shown

SPARED = 30
"""After so many runs in a row without a failure there is no allocation left that could fail."""

SAID_SO = ("lost its place", "an awaitable was dropped while it waited")
"""How later errors say that a failure came before them."""


class Run:
    """One run of a use.

    Args:
        use: What is run.
        phase: Whether memory fails while "opening" or while "reading".
        number: Which allocation of the phase fails; None for none.
    """

    def __init__(self, use: Use, phase: str = "none", number: int = 0) -> None:
        self.use = use
        self.taken = Taken()
        self.source = use.source()
        self.raised: list[BaseException] = []
        self._phase = phase
        self._number = number
        if self._goes_well(self._open, "opening") and not self._goes_well(self._read, "reading"):
            self._go_on()

    @property
    def opened(self) -> bool:
        return self.taken.stream is not None

    def _open(self) -> None:
        self.taken.stream = self.use.open(self.source, self.taken)

    def _read(self) -> None:
        self.use.read(self.taken)

    def _goes_well(self, step: Any, phase: str) -> bool:
        failure: BaseException | None = None
        if phase == self._phase:
            # One failure: without any memory the interpreter's own handling of errors can hang.
            _testcapi.set_nomemory(self._number, self._number + 1)
        try:
            step()
        except BaseException as error:
            failure = error
        if phase == self._phase:
            _testcapi.remove_mem_hooks()
        if failure is not None:
            self.raised.append(failure)
        return failure is None

    def _go_on(self) -> None:
        for _ in range(20):
            # What says so, says it each time.
            if SAID_SO[0] in str(self.raised[-1]) or self._goes_well(self._read, ""):
                return
        self.raised.append(AssertionError("it goes on for ever"))

    @property
    def values(self) -> list[Any]:
        return [shown(value) for value in self.taken.values[: self.taken.count]]

    @property
    def handled(self) -> list[Any]:
        """What the handler was given."""
        return [facts(error) for error in self.taken.errors[: self.taken.error_count]]


def facts(error: BaseException) -> Any:
    if isinstance(error, ndstream.StreamError):
        return [type(error).__name__, error.reason, error.offset, repr(error.frame)]
    return [type(error).__name__, str(error)]


def is_of_memory(error: BaseException | None) -> bool:
    """Whether memory is the reason. CPython makes some failures a SystemError, while it adds to a traceback."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, (MemoryError, SystemError)) or any(words in str(error) for words in SAID_SO):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_told_by_ending(stream: Any) -> bool:
    """Whether a reply was complete before memory failed, which is then told by its ending alone."""
    ending = getattr(stream, "ending", None)
    return ending is not None and any("MemoryError" in evidence.detail for evidence in ending.evidence)


def failed_in_close(error: BaseException) -> bool:
    """Whether memory failed in the one call that closes the source, which cannot be made twice."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_code.co_name == "_release_at_end"


def judge(run: Run, expected: Run) -> tuple[bool, list[Any]]:
    """Whether memory failed visibly, and what is wrong."""
    wrong: list[Any] = []
    failed = any(map(is_of_memory, run.raised)) or is_told_by_ending(run.taken.stream)
    bad = [facts(error) for error in run.raised if not is_of_memory(error)]
    expected_bad = [facts(error) for error in expected.raised]
    if run.opened:
        try:
            run.use.close(run.taken)
        except BaseException as error:
            wrong.append(["close failed", facts(error)])
        if run.source.closed != 1 and not any(map(failed_in_close, run.raised)):
            wrong.append(["closed", run.source.closed])
    elif run.source.closed > 1:
        wrong.append(["closed before it was opened", run.source.closed])
    values, whole = run.values, expected.values
    if not failed and (values, bad, run.handled) != (whole, expected_bad, expected.handled):
        wrong.append(["nothing failed, but it is not the same", values, bad, run.handled])
    if values != whole[: len(values)]:
        wrong.append(["values", values])
    if run.handled != expected.handled[: len(run.handled)]:
        wrong.append(["errors for the handler", run.handled])
    if any(error not in expected_bad for error in bad):
        wrong.append(["errors", bad])
    if wrong:
        wrong.append([facts(error) for error in run.raised])
    return failed, wrong


def leaked(use: Use, phase: str, number: int, expected: Run) -> int:
    """How many blocks each such run leaves behind, if each of several does."""

    def grown(rounds: int) -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            judge(Run(use, phase, number), expected)
            # CPython has few MemoryErrors ready; the last one, once it is used, keeps what it came through for ever.
            gc.collect()
        return sys.getallocatedblocks() - before

    if grown(1) <= 0:
        return 0
    grown(2)
    if min(grown(5), grown(5), grown(5)) < 5:
        return 0
    # The interpreter may take a few for itself just then.
    return grown(50) // 50


def main(name: str, phase: str, begin: str, end: str, step: str) -> None:
    use = BY_NAME[name]
    # What is made once, and kept, is made here.
    for _ in range(3):
        Run(use)
    expected = Run(use)
    assert expected.taken.count or expected.raised
    gc.freeze()
    spared = 0
    for number in range(int(begin), int(end), int(step)):
        print(json.dumps({"number": number}), flush=True)
        failed, wrong = judge(Run(use, phase, number), expected)
        blocks = leaked(use, phase, number, expected) if phase == "reading" and use.is_read_in_c else 0
        if blocks:
            wrong.append(["leaked", blocks])
        spared = 0 if failed else spared + 1
        print(json.dumps({"number": number, "failed": failed, "wrong": wrong}), flush=True)
        if spared == SPARED:
            break
    print(json.dumps({"over": True}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[3:])
