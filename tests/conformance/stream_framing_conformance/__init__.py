"""A conformance corpus for stream framing: cases as data, ways to cut a stream, and a judge.

    import stream_framing_conformance as conformance

    for case in conformance.standard_cases("sse"):
        print(case.id, conformance.deviation(case, my_decode, [case.data]))

Nothing here imports a decoder.
"""

from stream_framing_conformance.corpus import Case, bytes_of, cases, standard_cases, text_of
from stream_framing_conformance.cuts import Cut, cuts
from stream_framing_conformance.exact import exact
from stream_framing_conformance.judge import Decode, ReceivedEvent, deviation, first_deviation

__all__ = [
    "Case",
    "Cut",
    "Decode",
    "ReceivedEvent",
    "bytes_of",
    "cases",
    "cuts",
    "deviation",
    "exact",
    "first_deviation",
    "standard_cases",
    "text_of",
]
