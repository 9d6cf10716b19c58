"""Run each recipe on a log made for it, and compare what it prints with what is in the log.

python examples/recipes/check.py                        all recipes: `make recipes`
python examples/recipes/check.py concurrent_futures     one of them
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

RECIPES = ("concurrent_futures", "ray_data")


def write_logs(folder: Path) -> tuple[str, int]:
    """Write two logs with some bad lines in them; what a recipe has to print, and how many lines are bad."""
    chance = Random(1)
    sums: Counter[int] = Counter()
    bad = 0
    for name in ("access.log.1", "access.log"):
        with (folder / name).open("wb") as file:
            for number in range(60_000):
                if number % 7_000 == 5:
                    file.write(b'{"status":"ok","bytes":1}\n{"stat\n')
                    bad += 2
                status, size = chance.choice((200, 304, 404)), chance.randrange(10_000)
                sums[status] += size
                file.write(b'{"status":%d,"bytes":%d,"agent":"%b"}\n' % (status, size, b"x" * 60))
    return "".join(f"{status} {total}\n" for status, total in sorted(sums.items())), bad


def check(recipe: str, folder: Path, expected: str, bad: int) -> None:
    """Run a recipe.

    Raises:
        SystemExit: It prints something else, or not one line for each bad one.
    """
    command = [sys.executable, str(Path(__file__).with_name(f"{recipe}.py")), str(folder / "access.log*")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    letters = [line for line in done.stderr.splitlines() if line.startswith("the line at byte ")]
    if (done.returncode, done.stdout, len(letters)) != (0, expected, bad):
        raise SystemExit(
            f"{recipe} ended with status {done.returncode}, {len(letters)} bad lines and\n{done.stdout}"
            f"and not with status 0, {bad} bad lines and\n{expected}{done.stderr}"
        )
    print(f"{recipe}: {len(expected.splitlines())} sums and {bad} bad lines as expected")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        made = write_logs(Path(temporary))
        for name in sys.argv[1:] or RECIPES:
            check(name, Path(temporary), *made)
