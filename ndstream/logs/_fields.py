"""Named fields of each line instead of all of it: the rest is passed over without making objects of it.

Rows are structs of msgspec with an attribute for each column. What is missing or null is None; a value of another
type than the declared one makes the line a bad one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

Fields: TypeAlias = "Mapping[str, str | tuple[str, Any]]"


def row_decoder(fields: Fields) -> Callable[[bytes], Any]:
    """What decodes a line to a row.

    Args:
        fields: For each column the dotted path of its field, alone or with a type: ``("http.bytes", int)``.

    Raises:
        ValueError: There are no columns, a column's name is no identifier, or a path leads into another field.
        TypeError: A field is neither a path nor a path and a type.
        ModuleNotFoundError: msgspec is missing.

    Example:
        >>> decode = row_decoder({"bytes": ("http.bytes", int), "level": "level"})
        >>> decode(b'{"level":"info","http":{"bytes":7,"path":"/"}}')
        Row(bytes=7, level='info')
    """
    try:
        import msgspec
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "fields= takes the module msgspec: pip install 'ndstream[fields]'", name=error.name
        ) from None
    if not fields:
        raise ValueError("fields= must name at least one column")
    columns: list[tuple[str, Any, None]] = []
    tree: dict[str, Any] = {}
    places: list[str] = []
    names: dict[str, str] = {}
    for column, field in fields.items():
        path, kind = (field, Any) if isinstance(field, str) else _path_and_type(column, field)
        if not column.isidentifier():
            raise ValueError(f"a column is an attribute of its row, and {column!r} cannot be one")
        columns.append((column, kind, None))
        names[column] = path
        places.append(_insert(tree, path, kind))
    if all("." not in path for path in names.values()) and len(set(names.values())) == len(names):
        flat = [(column, _nullable(kind), None) for column, kind, _ in columns]
        return msgspec.json.Decoder(msgspec.defstruct("Row", flat, rename=names)).decode
    row = msgspec.defstruct("Row", columns)
    decode = msgspec.json.Decoder(_struct_of(tree, msgspec)).decode
    get = attrgetter(*places)
    steps = [place.split(".") for place in places]
    single = len(places) == 1

    def decode_row(payload: bytes) -> Any:
        nested = decode(payload)
        try:
            values = get(nested)
        except AttributeError:
            # Something on the way is null or missing.
            return row(*(_value_at(nested, names) for names in steps))
        return row(values) if single else row(*values)

    return decode_row


def _path_and_type(column: str, field: Any) -> tuple[str, Any]:
    if not isinstance(field, tuple) or len(field) != 2 or not isinstance(field[0], str):
        raise TypeError(f"fields[{column!r}] must be a path, or a tuple of a path and a type, not {field!r}")
    return field


class _Branch(dict[str, Any]):
    """The fields below a field."""


def _insert(tree: dict[str, Any], path: str, kind: Any) -> str:
    """Put a path into the tree of fields; where its value is found in the struct of that tree."""
    keys = path.split(".")
    if not all(keys):
        raise ValueError(f"a path is keys with a dot between, and {path!r} has an empty one")
    places = []
    for key in keys[:-1]:
        below = tree.setdefault(key, _Branch())
        if not isinstance(below, _Branch):
            raise ValueError(f"the path {path!r} leads into {key!r}, which is a column of its own")
        places.append(_attribute(tree, key))
        tree = below
    if isinstance(tree.get(keys[-1]), _Branch):
        raise ValueError(f"the path {path!r} is a column, and another path leads into it")
    if tree.setdefault(keys[-1], kind) is not kind:
        raise ValueError(f"the path {path!r} is named twice, with different types")
    return ".".join([*places, _attribute(tree, keys[-1])])


def _attribute(tree: dict[str, Any], key: str) -> str:
    return f"f{list(tree).index(key) if key in tree else len(tree)}"


def _struct_of(tree: dict[str, Any], msgspec: Any) -> Any:
    fields = []
    rename = {}
    for index, (key, kind) in enumerate(tree.items()):
        name = f"f{index}"
        rename[name] = key
        kind = _struct_of(kind, msgspec) if isinstance(kind, _Branch) else kind
        fields.append((name, _nullable(kind), None))
    return msgspec.defstruct("Fields", fields, rename=rename)


def _nullable(kind: Any) -> Any:
    return kind if kind is Any else kind | None


def _value_at(struct: Any, names: list[str]) -> Any:
    for name in names:
        if struct is None:
            return None
        struct = getattr(struct, name)
    return struct
