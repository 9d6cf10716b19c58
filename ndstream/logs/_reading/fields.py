"""Named fields of each line instead of all of it: the rest is skipped without making objects of it.

A line is decoded to a struct of msgspec that nests as the paths do, so that nothing runs in Python for a line; columns
of nested fields are properties of that struct. What is missing or null is None; a value of another type than the
declared one makes the line a bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

Fields: TypeAlias = "Mapping[str, str | tuple[str, Any]]"


def row_decoder(fields: Fields) -> Callable[[bytes], Any]:
    """Make what decodes a line to a row.

    Args:
        fields: For each column the dotted path of its field, alone or with a type: ``("http.bytes", int)``.

    Returns:
        A callable from a line to a row, which has an attribute for each column and, as an iterable, their values.

    Raises:
        ValueError: There are no columns, a column's name is no identifier, or a path leads into another one.
        TypeError: A field is neither a path nor a path and a type.
        ModuleNotFoundError: msgspec is missing.

    Example:
        >>> decode = row_decoder({"bytes": ("http.bytes", int), "level": "level"})
        >>> row = decode(b'{"level":"info","http":{"bytes":7,"path":"/"}}')
        >>> row, row.bytes, tuple(row)
        (Row(bytes=7, level='info'), 7, (7, 'info'))
    """
    try:
        import msgspec
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "fields= takes the module msgspec: pip install 'ndstream[fields]'", name=error.name
        ) from None
    if not isinstance(fields, Mapping):
        raise TypeError(f"fields= must map columns to paths, not be {type(fields).__name__}")
    if not fields:
        raise ValueError("fields= must name at least one column")
    tree = _Branch()
    places: dict[str, str] = {}
    for column, field in fields.items():
        path, kind = (field, Any) if isinstance(field, str) else _path_and_type(column, field)
        if not isinstance(column, str):
            raise TypeError(f"the name of a column must be a string, not {column!r}")
        if not column.isidentifier() or column.startswith("_"):
            raise ValueError(f"a column is an attribute of its row, and {column!r} cannot be one")
        places[column] = tree.insert(path, kind)
    namespace: dict[str, Any] = {name: property(attrgetter(place)) for name, place in places.items()}
    namespace |= {"__repr__": _row_repr, "__iter__": _row_values, "__getattr__": _null, "_columns": tuple(places)}
    return msgspec.json.Decoder(tree.struct(msgspec, "Row", namespace)).decode


class _Branch:
    """The fields below a field, in order; those of the line itself at the top."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}

    def insert(self, path: str, kind: Any) -> str:
        """Add a field; where its value is found in the struct."""
        key, _, rest = path.partition(".")
        if not key or path.endswith("."):
            raise ValueError(f"a path is keys with a dot between, and {path!r} has an empty one")
        known = self._fields.setdefault(key, _Branch() if rest else kind)
        if isinstance(known, _Branch) != bool(rest):
            raise ValueError(f"one path ends at {key!r} and another one leads into it: name the inner fields alone")
        if not rest and known is not kind:
            raise ValueError(f"two columns of the field {key!r} have different types")
        place = f"_{list(self._fields).index(key)}"
        return f"{place}.{known.insert(rest, kind)}" if rest else place

    def struct(self, msgspec: Any, name: str, namespace: dict[str, Any] | None = None) -> Any:
        """The type that these fields are decoded to."""
        fields = []
        rename = {}
        for index, (key, kind) in enumerate(self._fields.items()):
            rename[f"_{index}"] = key
            kind = kind.struct(msgspec, f"{name}_{index}") if isinstance(kind, _Branch) else kind
            fields.append((f"_{index}", kind if kind is Any else kind | None, None))
        # What is decoded from JSON refers to nothing that refers back, so that the garbage collector need not know it.
        return msgspec.defstruct(name, fields, rename=rename, namespace=namespace, gc=False)


def _path_and_type(column: str, field: Any) -> tuple[str, Any]:
    if not isinstance(field, tuple) or len(field) != 2 or not isinstance(field[0], str):
        raise TypeError(f"fields[{column!r}] must be a path, or a tuple of a path and a type, not {field!r}")
    try:
        # Each type is decoded or null.
        field[1] | None
    except TypeError:
        raise TypeError(f"fields[{column!r}] has {field[1]!r} for its type, which is none") from None
    return field


# The methods of rows.


def _null(row: Any, name: str) -> None:
    """The value of a column whose way there is null or missing: its property has raised AttributeError."""
    if name not in row._columns:
        raise AttributeError(f"the row has no column {name!r}")


def _row_values(row: Any) -> Iterator[Any]:
    return iter([getattr(row, column) for column in row._columns])


def _row_repr(row: Any) -> str:
    return f"Row({', '.join(f'{column}={getattr(row, column)!r}' for column in row._columns)})"
