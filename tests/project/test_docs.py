"""What the README and the pages show runs, and names things that exist."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

import ndstream
from ndstream import _errors

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TESTS = [path for path in ROOT.glob("tests/**/*.md") if "node_modules" not in path.parts]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *TESTS])
EXAMPLES = sorted(ROOT.glob("examples/*.py"))


def run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_readme_s_first_example_prints_what_it_says() -> None:
    block = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    assert run(block).split() == ["Hello", "7", "9", "invalid_json", "8", "25", "unfinished"]


def test_the_readme_names_its_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "test-all", "fuzz", "bench"):
        assert f"\n{target}:" in makefile
    assert "make run" in README
    assert "make test" in README


def test_every_command_of_the_makefile_is_explained() -> None:
    makefile, page = ((ROOT / name).read_text() for name in ("Makefile", "CONTRIBUTING.md"))
    listed = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert listed is not None
    targets = set(listed[1].split())
    assert {"test", "matrix"} <= targets
    assert targets - {"clean", "run"} <= set(re.findall(r"^\| `make ([\w-]+)", page, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: pathlib.Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    shown = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert pages - set(shown) == set()
    # The others are files elsewhere that the site shows as pages.
    hooks = (ROOT / "docs" / "site_hooks.py").read_text()
    assert [page for page in set(shown) - pages if f'"{page}": ' not in hooks] == []


def test_the_tests_that_the_design_page_names_exist() -> None:
    tests = "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "design.md").read_text())
    assert len(named) > 10
    assert [name for name in named if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("page", ["docs/design.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_for_contributors_names_exist(page: str) -> None:
    named = re.findall(r"`((?:src|ndstream|tests|benchmarks|docs|examples|\.ci)/[\w./-]*)`", (ROOT / page).read_text())
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []
    # A file beside one that was named before is named without its folder.
    bare = re.findall(r"`([\w./-]+\.(?:pxi|pyi?|pyx))`", (ROOT / page).read_text())
    there = [f"/{path}" for folder in ("src", "ndstream", "tests") for path in (ROOT / folder).rglob("*.p*")]
    assert [name for name in bare if not any(path.endswith(f"/{name}") for path in there)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: pathlib.Path) -> None:
    assert run(example.read_text())


def test_every_reason_is_documented_where_errors_are_and_on_their_page() -> None:
    page = (ROOT / "docs" / "errors-and-limits.md").read_text()
    source = (ROOT / "ndstream" / "_diagnosis.py").read_text()
    used = set(re.findall(r'reason="(\w+)"', source)) | set(re.findall(r'return "(\w+)",', source))
    used |= set(re.findall(r'reason(?:, position)? = "(\w+)"', source)) | {"too_large", "byte_order_mark"}
    documented = "".join(kind.__doc__ or "" for kind in vars(_errors).values() if isinstance(kind, type))
    assert len(used) > 10
    for reason in used:
        assert f"``{reason}``" in documented
        assert f"`{reason}`" in page


def test_the_version_is_the_same_wherever_it_is_said() -> None:
    assert f'version = "{ndstream.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {ndstream.__version__}" in (ROOT / "CHANGELOG.md").read_text()
