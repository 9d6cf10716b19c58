"""What was reached of a file counts until it changes, whatever becomes of the others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from reached.earlier_runs import mark, places_in, reached_earlier
from reached.place import Place

ONE = Place("ndstream/one.py", 1, "", "return 1", 1)
TWO = Place("ndstream/two.py", 1, "", "return 2", 1)
THREE = Place("ndstream/two.py", 2, "if is true", "if two:", 1)


def test_places_stay_reached_until_their_file_changes(tmp_path: Path) -> None:
    places = {1: ONE, 2: TWO, 3: THREE}
    (tmp_path / "places.json").write_text(json.dumps({number: asdict(place) for number, place in places.items()}))
    (tmp_path / "stamp").write_text(json.dumps({"ndstream/one.py": "a", "ndstream/two.py": "b"}))
    assert places_in(tmp_path / "places.json") == places
    mark(tmp_path, places, {ONE, THREE})
    assert reached_earlier(tmp_path, {"ndstream/one.py": "a", "ndstream/two.py": "b"}) == {ONE, THREE}
    assert reached_earlier(tmp_path, {"ndstream/one.py": "changed", "ndstream/two.py": "b"}) == {THREE}
    assert reached_earlier(tmp_path, {"ndstream/one.py": "a"}) == {ONE}


def test_before_the_first_run_nothing_was_reached(tmp_path: Path) -> None:
    assert reached_earlier(tmp_path, {"ndstream/one.py": "a"}) == set()
