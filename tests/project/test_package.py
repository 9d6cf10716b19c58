"""What is packaged: every folder of the package, all that is needed to build it, and nothing generated."""

from __future__ import annotations

import email
import email.message
import pathlib
import re
import subprocess
import sys
import tarfile

import pytest

import ndstream

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_folder_of_the_package_is_a_package_so_that_it_is_installed() -> None:
    folders = {path.parent for path in (ROOT / "ndstream").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_supported_pythons_are_the_same_wherever_they_are_listed() -> None:
    script, project, readme = ((ROOT / name).read_text() for name in (".ci/pythons", "pyproject.toml", "README.md"))
    listed = re.search(r"^for version in (.*); do$", script, re.MULTILINE)
    assert listed is not None
    supported = listed[1].split()
    assert re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project) == supported
    assert f'requires-python = ">={supported[0]}"' in project
    assert f"from {supported[0]} to {supported[-1]}" in readme


def test_the_files_that_are_not_type_checked_exist() -> None:
    excluded = re.search(r'^exclude = \["(.*)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert excluded is not None
    folder, names = re.fullmatch(r"(.*/test_)\((.*)\)\\\\\.py", excluded[1]).groups()  # type: ignore[union-attr]
    assert [name for name in names.split("|") if not (ROOT / f"{folder}{name}.py").exists()] == []


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    [archive] = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def names(sdist: pathlib.Path) -> set[str]:
    with tarfile.open(sdist) as opened:
        return {name.partition("/")[2] for name in opened.getnames()}


@pytest.fixture(scope="module")
def metadata(sdist: pathlib.Path) -> email.message.Message:
    with tarfile.open(sdist) as opened:
        file = opened.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        return email.message_from_bytes(file.read())


def test_the_links_of_the_readme_lead_to_files_of_this_version_from_an_index_too(
    metadata: email.message.Message,
) -> None:
    description = metadata.get_payload()
    assert isinstance(description, str)
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    targets = re.findall(r"\]\(([^)]*)\)", description)
    assert len(targets) > 15
    repository = f"https://github.com/ndstream/ndstream/(?:blob|raw)/v{ndstream.__version__}/"
    for target in targets:
        assert target.startswith("https://")
        if path := re.fullmatch(f"{repository}([^#]*)(?:#.*)?", target):
            assert (ROOT / path[1]).exists()
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", description)
    assert len(pictures) > 1
    assert all("/raw/" in picture for picture in pictures)


def test_an_index_is_told_what_it_shows(metadata: email.message.Message) -> None:
    assert metadata["Name"] == "ndstream"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    links = [link.partition(", ") for link in metadata.get_all("Project-URL", [])]
    assert {name for name, _, _ in links} == {"Documentation", "Source", "Issues", "Changelog"}
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_sdist_carries_every_source_of_the_core(names: set[str]) -> None:
    sources = {f"src/{path.name}" for path in (ROOT / "src").iterdir() if path.suffix in (".pyx", ".pxi")}
    assert len(sources) > 5
    assert sources <= names


def test_the_sdist_carries_the_whole_package(names: set[str]) -> None:
    files = [path for path in (ROOT / "ndstream").rglob("*.py*") if path.suffix != ".pyc"]
    package = {path.relative_to(ROOT).as_posix() for path in files}
    assert "ndstream/py.typed" in names
    package |= {f"ndstream/serving/_page/page.{kind}" for kind in ("html", "css", "js")}
    assert {"ndstream/_core.pyi", "ndstream/llm/__init__.py"} <= package
    assert package <= names


def test_the_sdist_carries_nothing_generated(names: set[str]) -> None:
    generated = [name for name in names if name.endswith((".c", ".so", ".pyd", ".o", ".html"))]
    assert generated == ["ndstream/serving/_page/page.html"]


def test_the_sdist_says_what_it_is_and_under_which_terms(names: set[str]) -> None:
    assert {"LICENSE", "README.md", "pyproject.toml", "setup.py"} <= names
