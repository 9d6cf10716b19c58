"""The total of references, round after round of every public method, on a CPython that counts them.

    make reference-totals PYTHON=python3.14-dbg

A reference that is taken and not given back, or given back twice, moves the total by one a round. The json of the
standard library stands in for orjson, whose wheels are built for a CPython that does not count.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable

from memory.every_method import corpus, round_of_each
from ndstream import _diagnosis

# The first rounds fill caches.
WARM_UP, ROUNDS = 100, 200
# What a cache may take late; a fault in a round shows as ROUNDS at least.
SPARED = ROUNDS // 4


class Parser:
    """The part of orjson that errors are made with. Like orjson, it has one error for all that is no JSON."""

    JSONDecodeError = json.JSONDecodeError

    @staticmethod
    def loads(text: bytes) -> object:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError(str(error), text.decode(errors="replace"), 0) from error


def growth(round: Callable[[], None], warm_up: int, rounds: int) -> int:
    """By how much the total of references grows, after the first rounds."""
    total: Callable[[], int] = sys.gettotalrefcount
    for _ in range(warm_up):
        round()
    gc.collect()
    before = total()
    for _ in range(rounds):
        round()
    gc.collect()
    return total() - before


def main() -> int:
    if not hasattr(sys, "gettotalrefcount"):
        print("this CPython does not count references: pass PYTHON= a debug build")
        return 2
    vars(_diagnosis)["orjson"] = Parser
    failed = 0
    for name, round in round_of_each():
        grown = growth(round, WARM_UP, ROUNDS)
        if abs(grown) > SPARED:
            failed += 1
        print(f"{name}: {grown:+}{' in ' + str(ROUNDS) + ' rounds' if abs(grown) > SPARED else ''}", flush=True)
    grown = growth(corpus, 3, 3)
    print(f"the corpus: {grown:+}", flush=True)
    print(f"{sys.version.split()[0]}: {failed} of them grow")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
