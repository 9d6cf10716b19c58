"""A plugin of pytest that runs in the changed tree: it collects once, then forks for each mutant.

First every test that is not known yet runs without a mutant, and the places that it reaches are noted. Then each mutant
gets the tests that reach it, the quick ones first, and those that killed its neighbours before all. The first failure
ends it; a test that takes far longer than it did is a failure.
"""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import math
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from mutants import active_mutant
from mutants.changed_tree import TREE, taken
from mutants.mutant import Mutant, core_and_python, sample
from mutants.report import equivalent
from mutants.results import RESULTS, TESTS, Test, known_results, known_tests, result_key

MEMORY = 6 << 30
"""Bytes of data that a mutant may take."""


# What is told of mutants goes where pytest was started, and not to what it captures.
TOLD = os.dup(1)


def pytest_configure(config: pytest.Config) -> None:
    if "MUTANT_OPTIONS" in os.environ:
        size, seed, first, seconds, cases, pause, only = os.environ["MUTANT_OPTIONS"].split(" ", 6)
        mutants = taken()
        wanted = {
            mutant
            for mutants_of in (core_and_python(mutants.values()))
            for mutant in sample(mutants_of, int(first) or int(size), int(seed))
            if only in mutant.name
        }
        session = MutantSession(mutants, wanted, float(seconds), int(cases), None if pause == "-" else pause)
        config.pluginmanager.register(session)


class Reports:
    """Notes what pytest reports of a test."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)

    def run(self, item: pytest.Item, following: pytest.Item | None) -> list[pytest.TestReport]:
        """Run a test as pytest does."""
        self.reports = []
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self.reports


class MutantSession(Reports):
    """Takes the place of the loop over the tests."""

    def __init__(
        self, mutants: dict[int, Mutant], wanted: set[Mutant], seconds: float, cases: int, pause: str | None
    ) -> None:
        super().__init__()
        self._mutants = mutants
        self._wanted = wanted
        self._seconds = seconds
        self._cases = cases
        self._pause = pause
        self._items: dict[str, pytest.Item] = {}
        # For each file, how often a test function has killed a mutant of it.
        self._killers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._unreliable: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            os.write(TOLD, b"some tests cannot be collected in the changed tree\n")
            raise session.Interrupted
        self._items = {item.nodeid: item for item in _some_cases(session.items, self._cases)}
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        self._note_reached(self._items.values())
        gc.collect()
        gc.freeze()
        tests = known_tests()
        results, alike = known_results(), equivalent()
        for row in results.values():
            if row.get("test"):
                self._killers[row["file"]][_function(row["test"])] += 1
        reaching = self._reaching(tests)
        # Those of which nothing is known come first, and last those that no test is thought to tell apart.
        order = {each: (each.name in alike, result_key(each) in results) for each in self._mutants.values()}
        for number, mutant in sorted(self._mutants.items(), key=lambda each: order[each[1]]):
            known = results.get(result_key(mutant))
            if mutant not in self._wanted or (known and known["result"] != "survived"):
                continue
            chosen = self._chosen(mutant, reaching, tests)
            tried = _hash_of_tests(chosen)
            if known and known["tried"] == tried:
                continue
            while self._pause and Path(self._pause).exists():
                time.sleep(5)
            self._try(number, mutant, chosen, tests, tried)
        return True

    # Without a mutant.

    def _note_reached(self, items: Iterable[pytest.Item]) -> None:
        known = known_tests()
        new = [item for item in items if item.nodeid not in known]
        active_mutant.activate(0)
        for item in new:
            TESTS.add({"test": item.nodeid})
            active_mutant.forget_reached()
            begin = time.monotonic()
            # Each makes its fixtures anew, as it does for a mutant: their time counts, and the places that they reach.
            reports = self.run(item, None)
            seconds = time.monotonic() - begin
            passed = [report.when for report in reports if report.passed] == ["setup", "call", "teardown"]
            keys = sorted(self._mutants[number].key for number in active_mutant.reached() if number in self._mutants)
            TESTS.add({"test": item.nodeid, "seconds": round(seconds, 4), "passed": passed, "reached": keys})

    def _reaching(self, tests: dict[str, Test]) -> dict[str, list[str]]:
        """The tests that reach a mutant, by its key; and those that reach any of a file or folder, by its path."""
        files = {mutant.key: mutant.file for mutant in self._mutants.values()}
        reaching: defaultdict[str, list[str]] = defaultdict(list)
        for name, test in tests.items():
            if not test.passed or name not in self._items:
                continue
            for key in test.reached:
                reaching[key].append(name)
            reached = {files[key] for key in test.reached if key in files}
            for path in reached | {str(Path(file).parent) for file in reached}:
                reaching[path].append(name)
        return reaching

    def _chosen(self, mutant: Mutant, reaching: dict[str, list[str]], tests: dict[str, Test]) -> list[str]:
        # Which tests reach it is not known of an import, nor of a place that is newer than what is known of the tests:
        # those that reach its file, or else its folder, follow.
        reached = [] if mutant.at_import else reaching.get(mutant.key, [])
        nearby = reaching.get(mutant.file) or reaching.get(str(Path(mutant.file).parent), [])
        order = {name: place for place, names in ((1, nearby), (0, reached)) for name in names}
        by_function: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(order, key=lambda name: (order[name], tests[name].seconds)):
            by_function[_function(name)].append(name)
        killers = self._killers[mutant.file]
        # Many quick cases of one function go before a slow one of another, but not all of them.
        ranked = sorted(
            (order[name], -killers[function] if index < 3 else 0, tests[name].seconds * (index + 1), name)
            for function, cases in by_function.items()
            for index, name in enumerate(cases)
        )
        chosen: list[str] = []
        seconds = 0.0
        for *_, name in ranked:
            seconds += tests[name].seconds
            if chosen and seconds > self._seconds:
                break
            chosen.append(name)
        return chosen

    # With one.

    def _try(self, number: int, mutant: Mutant, chosen: list[str], tests: dict[str, Test], tried: str) -> None:
        begin = time.monotonic()
        result, killer = ("survived" if chosen else "not reached"), ""
        left = [name for name in chosen if name not in self._unreliable]
        while left:
            result, killer = self._run(number, left, tests, mutant.at_import)
            if result == "survived" or self._run(0, [killer], tests)[0] == "survived":
                break
            # It fails without the mutant as well: it says nothing.
            self._unreliable.add(killer)
            left = left[left.index(killer) + 1 :]
            result, killer = "survived", ""
        if killer:
            self._killers[mutant.file][_function(killer)] += 1
        seconds = time.monotonic() - begin
        os.write(TOLD, f"{result:12}{len(chosen):6} tests {seconds:6.1f} s  {mutant.name}\n".encode())
        row = {"key": result_key(mutant), "file": mutant.file, "mutant": mutant.name, "line": mutant.line}
        # What no test reaches is as good as survived, and tried again when there are new tests.
        RESULTS.add(
            {**row, "result": "killed" if killer else "survived", "how": result, "test": killer, "tried": tried}
        )

    def _run(self, number: int, names: list[str], tests: dict[str, Test], at_import: bool = False) -> tuple[str, str]:
        """Run the tests until one fails, in a process of its own; how it ended, and the test that failed."""
        reading, writing = os.pipe()
        folder = tempfile.mkdtemp(prefix="mutant-")
        active_mutant.activate(number)
        process = self._new_process(names, folder, writing) if at_import else self._fork(names, folder, writing)
        os.close(writing)
        try:
            return _watch(reading, names, tests, start=600.0 if at_import else 15.0, limit=3 * self._seconds)
        finally:
            os.close(reading)
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            active_mutant.activate(0)
            shutil.rmtree(folder, ignore_errors=True)

    def _fork(self, names: list[str], folder: str, writing: int) -> int:
        process = os.fork()
        if process == 0:
            try:
                os.setsid()
                # A crash is one way to be killed, and nothing to look at.
                faulthandler.disable()
                os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
                run_and_tell(self, [self._items[name] for name in names], writing)
            finally:
                os._exit(1)
        _wait_for_group(process)
        return process

    def _new_process(self, names: list[str], folder: str, writing: int) -> int:
        chosen = Path(folder, "tests")
        chosen.write_text("\n".join(names))
        files = sorted({name.partition("::")[0] for name in names})
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:terminal",
            "-p",
            "mutants.new_process",
            *files,
        ]
        environment = {**os.environ, "MUTANT_TESTS": str(chosen), "MUTANT_PIPE": str(writing)}
        environment["PYTEST_DEBUG_TEMPROOT"] = folder
        null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (1, 2)]
        os.set_inheritable(writing, True)
        # Not as a Popen: one that is dropped warns, and pytest makes the next test of every fork fail for it.
        return os.posix_spawn(sys.executable, command, environment, file_actions=null, setsid=True)


def run_and_tell(reports: Reports, items: Sequence[pytest.Item], writing: int) -> None:
    """Run tests until one fails, and tell of each when it begins; an empty line at the end of all."""
    for index, (item, following) in enumerate(zip(items, [*items[1:], None], strict=True)):
        os.write(writing, b"%d\n" % index)
        if any(report.failed for report in reports.run(item, following)):
            os._exit(1)
    os.write(writing, b"\n")
    os._exit(0)


def _watch(reading: int, names: list[str], tests: dict[str, Test], start: float, limit: float) -> tuple[str, str]:
    """What became of the tests, of which the first begins within `start` seconds."""
    told, until = b"", math.inf
    while True:
        current = told.split(b"\n")[-2] if b"\n" in told else b"0"
        name = names[int(current)] if current else ""
        # On a machine with other work the tests that were chosen may take far longer than they did.
        if (told.endswith(b"\n") and not current) or time.monotonic() > until:
            return "survived", ""
        seconds = 15.0 + 10 * tests[name].seconds if told else start
        if not select.select([reading], [], [], seconds)[0]:
            return "hangs", name
        more = os.read(reading, 4096)
        if not more:
            return "fails", name
        if not told:
            until = time.monotonic() + limit
        told = (told + more)[-8192:]


def _wait_for_group(process: int) -> None:
    """Until the child has made its group, which is then killed as one."""
    while True:
        try:
            if os.getpgid(process) == process:
                return
        except ProcessLookupError:
            return
        time.sleep(0.001)


def _function(test: str) -> str:
    """The test function of a case."""
    return test.partition("[")[0]


def _some_cases(items: Sequence[pytest.Item], most: int) -> Iterator[pytest.Item]:
    """At most so many cases of each test function, from all over its cases; 0 for all."""
    by_function: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        by_function[_function(item.nodeid)].append(item)
    for cases in by_function.values():
        if 0 < most < len(cases):
            yield from (cases[place * len(cases) // most] for place in range(most))
        else:
            yield from cases


def _hash_of_tests(names: list[str]) -> str:
    files = sorted({name.partition("::")[0] for name in names})
    text = "\n".join([*sorted(names), *((TREE / file).read_text() for file in files)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
