"""All targets, by the names that ``to=`` takes."""

from __future__ import annotations

from ndstream.serving._targets.target import Target
from ndstream.serving._targets.text import TextTarget
from ndstream.serving._targets.ui import UITarget

TARGETS: dict[str, type[Target]] = {target.name: target for target in (TextTarget, UITarget)}
