"""Runs a target under atheris: ``python -m fuzz NAME FOLDER [arguments of libFuzzer]``.

What was found to be new is kept in FOLDER, so that the next run goes on from there. The core takes part in the guidance
if it was built with NDSTREAM_FUZZ, and atheris' library is loaded before it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["oracle", "oracle_concatenated", "ndstream.llm", "ndstream.logs", "fuzz"]):
    from fuzz.targets import TARGETS, seeds


def main() -> None:
    name, folder, *arguments = sys.argv[1:]
    corpus = Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number:04}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), "-max_len=4096", *arguments], TARGETS[name])
    atheris.Fuzz()


main()
