"""How many of the places were reached, and which were not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from reached.place import Place

UNREACHABLE = Path(__file__).with_name("unreachable.txt")


def report(places: Mapping[int, Place], reached: Collection[int]) -> None:
    """Print the figures of each part, and the places that are left."""
    told = {place for number, place in places.items() if number in reached}
    reasons = _reasons()
    for title, folder in (("core", "src/"), ("Python", "ndstream/")):
        some = {place for place in places.values() if place.file.startswith(folder)}
        # A line with several statements counts as reached with the first of them.
        lines = {(place.file, place.line) for place in some if not place.way}
        told_lines = {(place.file, place.line) for place in told if not place.way} & lines
        ways = {place for place in some if place.way}
        of_lines, of_branches = _share(len(told_lines), len(lines)), _share(len(ways & told), len(ways))
        left = [place for place in some - told if (place.file, place.line) not in told_lines or place.way]
        why = {place: reasons.get((place.file, place.text, place.way), "") for place in left}
        unexplained = sum(not reason for reason in why.values())
        print(f"{title}: {of_lines} of lines, {of_branches} of branches; {unexplained} places left without a reason")
        for place in sorted(left, key=lambda place: (place.file, place.line, place.way, place.ordinal)):
            reason = why[place] and f"  ({why[place]})"
            print(f"    {place.file}:{place.line}: {place.way or 'line'}: {place.text}{reason}")


def _share(some: int, all_: int) -> str:
    return f"{100 * some / all_ if all_ else 100:.2f} % ({some} of {all_})"


def _reasons() -> dict[tuple[str, str, str], str]:
    """Why some places are not reached: lines of the file, the text of the line, the way, and the reason."""
    rows = [line.split(" | ") for line in UNREACHABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {(file, text, "" if way == "line" else way): reason for file, text, way, reason in rows}
