"""A pytest plugin: a test that names `sse_case`, `ndjson_case`, `jsonseq_case` or `concatenated_case` runs once a case.

from stream_framing_conformance import first_deviation

def test_conformance(ndjson_case):
    assert first_deviation(ndjson_case, my_decode) is None
"""

from __future__ import annotations

import pytest

from stream_framing_conformance.corpus import standard_cases

FRAMINGS = ("sse", "ndjson", "jsonseq", "concatenated")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for framing in FRAMINGS:
        argument = f"{framing}_case"
        if argument in metafunc.fixturenames:
            cases = standard_cases(framing)
            metafunc.parametrize(argument, cases, ids=[case.id for case in cases])
