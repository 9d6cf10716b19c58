"""Columns of declared types, so that no sample decides and no two parts of a frame disagree.

A field that is missing or null is null; a value of another type makes its line a bad one. Columns have the types of
Arrow, all of which know null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

from ndstream.logs._dead_letters.dead_letters import DeadLetter
from ndstream.logs._reading.report import FileReport

_TYPES: dict[Any, str] = {bool: "bool", int: "int64", float: "double", str: "string", datetime: "timestamp"}


class Column(NamedTuple):
    """A column.

    Attributes:
        name: Its name.
        path: The dotted path of its field.
        kind: The type of its values.
    """

    name: str
    path: str
    kind: type

    def decoded_as(self) -> Any:
        """The type for the decoder, which refuses what the column cannot hold."""
        import msgspec

        if self.kind is int:
            return Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
        if self.kind is datetime:
            # Without a zone it would be no point in time.
            return Annotated[datetime, msgspec.Meta(tz=True)]
        return self.kind

    def arrow_type(self) -> Any:
        """The type of Arrow."""
        import pyarrow

        if self.kind is datetime:
            return pyarrow.timestamp("us", tz="UTC")
        return pyarrow.type_for_alias(_TYPES[self.kind])


def columns_of(fields: Mapping[str, tuple[str, Any]]) -> list[Column]:
    """The columns that were declared.

    Raises:
        TypeError: A field has no type, or one that is not among those of columns.
        ValueError: There are none.
    """
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields= must map columns to paths and types, not be {type(fields).__name__}")
    if not fields:
        raise ValueError("fields= must name at least one column")
    columns = []
    for name, field in fields.items():
        kind = field[1] if isinstance(field, tuple) and len(field) == 2 else None
        if not isinstance(kind, type) or kind not in _TYPES:
            raise TypeError(
                f"fields[{name!r}] must be a path and a type, which is bool, int, float, str or datetime, not {field!r}"
            )
        columns.append(Column(name, field[0], kind))
    return columns


def table_of(columns: Sequence[Column], rows: Sequence[Any]) -> Any:
    """The rows as a frame of pandas, with the columns in order; of no rows, a frame that has their types."""
    return _frame({column.name: column.arrow_type() for column in columns}, rows)


def letters_frame(letters: Sequence[DeadLetter]) -> Any:
    """Dead letters as a frame of pandas, with their attributes as columns."""
    integers = dict.fromkeys(("offset", "line", "position", "length"), "int64")
    types = {name: integers.get(name, "string") for name in DeadLetter.__dataclass_fields__}
    # Names of files may be any bytes, a text of Arrow may not.
    shown = [replace(letter, file=_printable(letter.file), message=_printable(letter.message)) for letter in letters]
    return _frame(types | {"raw": "binary", "cut": "bool"}, shown)


def reports_frame(reports: Sequence[FileReport]) -> Any:
    """Reports as a frame of pandas, with their attributes as columns."""
    types = {name: "int64" for name in FileReport.__dataclass_fields__ if name != "error"}
    shown = [replace(report, path=_printable(report.path or "")) for report in reports]
    return _frame(types | {"path": "string", "format": "string"}, shown)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _frame(types: Mapping[str, Any], rows: Sequence[Any]) -> Any:
    import pandas
    import pyarrow

    arrays = {name: pyarrow.array(map(attrgetter(name), rows), kind, size=len(rows)) for name, kind in types.items()}
    return pandas.DataFrame({name: pandas.arrays.ArrowExtensionArray(array) for name, array in arrays.items()})
