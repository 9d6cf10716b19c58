"""The reference of the site has every public name once, and no name that does not exist."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import ndstream
import real_parts

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "api").glob("*.md"))
NAMED = [name for page in PAGES for name in re.findall(r"^::: (.+)$", page.read_text(), re.MULTILINE)]
MODULES = ("ndstream", "ndstream.llm", "ndstream.logs", "ndstream.serving", "ndstream.dropin")


def public_names(module_name: str) -> set[str]:
    module = importlib.import_module(module_name)
    if hasattr(module, "__all__"):
        return set(module.__all__)
    return {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module_name and name[0] != "_"
    }


def resolved(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(name)
    module_name, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module_name), attribute)


@pytest.fixture(autouse=True)
def _the_page_can_be_imported() -> None:
    real_parts.library("starlette", "pip install 'ndstream[serve]'")


def test_the_public_modules_are_these() -> None:
    public = {f"ndstream.{module.name}" for module in pkgutil.iter_modules(ndstream.__path__) if module.name[0] != "_"}
    assert public | {"ndstream"} == set(MODULES)


@pytest.mark.parametrize("module_name", MODULES)
def test_every_public_name_of_a_module_is_in_the_reference(module_name: str) -> None:
    module = importlib.import_module(module_name)
    names = public_names(module_name)
    assert len(names) > 1
    # A name that two modules have is described in one of them.
    shown = [resolved(name) for name in NAMED]
    assert [name for name in names if not any(getattr(module, name) is value for value in shown)] == []


def test_every_name_of_the_reference_exists_and_is_there_once() -> None:
    assert len(NAMED) == len(set(NAMED)) > 100
    for name in NAMED:
        assert resolved(name) is not None
        assert not name.rpartition(".")[2].startswith("_")


def test_the_names_that_are_imported_on_request_are_in_the_reference_too() -> None:
    shown = [resolved(name) for name in NAMED]
    for name in ("Broadcast", "EventSource", "HEADERS", "RelayGroup", "UpstreamError", "relay"):
        assert any(getattr(ndstream, name) is value for value in shown)
