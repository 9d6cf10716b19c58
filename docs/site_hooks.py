"""What the site shows beside the pages of this folder: those of the root of the project, and links to its source.

A page loads nothing from elsewhere: one that would is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "performance.md": "benchmarks/RESULTS.md",
    "corpus.md": "tests/conformance/README.md",
}
"""Pages of the site, and the files elsewhere in the project that they show."""


def on_files(files: Files, config: Any) -> Files:
    for name, source in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    for image in ROOT.joinpath("benchmarks").glob("*.svg"):
        files.append(File.generated(config, image.name, abs_src_path=str(image)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    home = (ROOT / PAGES.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent

    def link(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        path = (home / target).resolve()
        if "://" in target or not target or not path.is_relative_to(ROOT):
            return match[0]
        shown = next((name for name, source in PAGES.items() if ROOT / source == path), None)
        if shown is None and path.is_relative_to(ROOT / "docs"):
            shown = path.relative_to(ROOT / "docs").as_posix()
        if shown is None and path.suffix == ".svg":
            shown = path.name
        if shown is None:
            return f"]({config.repo_url}/blob/main/{path.relative_to(ROOT).as_posix()}{anchor})"
        return f"]({shown}{anchor})"

    return re.sub(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", link, markdown) if "/" not in page.file.src_uri else markdown


def on_post_page(output: str, page: Any, config: Any) -> str:
    for tag in re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*>", output):
        loaded = re.search(r'(?:src|href)="(?:https?:)?//', tag)
        if loaded and 'rel="canonical"' not in tag:
            raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {tag}")
    return output
