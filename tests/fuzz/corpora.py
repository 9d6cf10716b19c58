"""The inputs that were found to be new: a folder for each target, and the fewest of them in the tree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.names import MAX_LEN

CORPUS = Path(__file__).parent / "corpus"
# Of one target, so that the tree stays small: bytes of its file.
MOST_KEPT = 60_000


def folder_with_seeds(state: Path, target: str) -> Path:
    """The folder of a target's inputs, with those that it begins with."""
    from fuzz.seeds import seeds

    folder = state / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        data = seed[: MAX_LEN[target]]
        file = folder / hashlib.sha1(data).hexdigest()
        if not file.exists():
            file.write_bytes(data)
    return folder


def keep(state: Path) -> None:
    """Write into the tree the fewest inputs that reach what all inputs of a target reach."""
    CORPUS.mkdir(exist_ok=True)
    for target in MAX_LEN:
        folder = folder_with_seeds(state, target)
        with tempfile.TemporaryDirectory() as merged:
            environment = dict(os.environ, PYTHONPATH=os.pathsep.join([".", "conformance"]), PYTHONHASHSEED="0")
            subprocess.run(
                [sys.executable, "-m", "fuzz.one_target", target, os.devnull, merged, str(folder), "-merge=1"],
                env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            inputs = sorted((file.read_bytes() for file in Path(merged).iterdir()), key=lambda data: (len(data), data))
        lines: list[str] = []
        size = 0
        for data in inputs:
            size += len(repr(data)) + 1
            if size > MOST_KEPT:
                break
            lines.append(repr(data))
        (CORPUS / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
        print(f"{target}: {len(lines)} of {len(inputs)} inputs")
