"""Draw the pictures of terminals: commands are run, and what they print is drawn as it came.

.venv/bin/python docs/site_terminal.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).resolve().parent / "images"
WIDTH = 92
LOG = b'{"level":"info","ms":7}\n{"level":"error","ms":NaN}\n{"level":"info","ms":9}\n{"level":"inf'
PICTURES = {
    "demo": ["ndstream demo --rate 0"],
    "logs": [
        "ndstream cat --bad bad.ndjson app.log",
        "ndstream check --max-errors 0 app.log",
        "ndstream redrive --fix 'sed s/NaN/null/' bad.ndjson",
        "ndstream repair app.log",
    ],
}


def draw(name: str, commands: list[str], folder: Path) -> None:
    """Run commands, and draw what they print.

    Args:
        name: The name of the picture.
        commands: What is run, as a shell takes it.
        folder: Where it is run.
    """
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands:
        ran = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
        console.print(Text.assemble(("$ ", "green"), (command, "bold green")))
        # What is said beside the values comes after them here; in a terminal the two may take turns.
        console.print(Text.from_ansi((ran.stdout + ran.stderr).rstrip()))
    picture = console.export_svg(title="", unique_id=name)
    # A page takes no fonts from elsewhere; any font of one width will do.
    picture = re.sub(r"@font-face \{.*?\}\n?", "", picture, flags=re.DOTALL)
    (IMAGES / f"{name}.svg").write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n")


def main() -> None:
    """Draw all of them."""
    for name, commands in PICTURES.items():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "app.log").write_bytes(LOG)
            draw(name, commands, Path(folder))


if __name__ == "__main__":
    main()
