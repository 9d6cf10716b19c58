"""The way in: log files as a bag of values, or as a frame of declared columns, read by the workers of Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict
from uuid import uuid4

from ndstream.logs._dask.columns import columns_of, letters_frame, reports_frame, table_of
from ndstream.logs._dask.split_tasks import frame_of, values_of
from ndstream.logs._files.paths import PathOrFile
from ndstream.logs._reading.needles import kept_needles
from ndstream.logs._splits.splits import DEFAULT_SPLIT_SIZE, Split, splits

if TYPE_CHECKING:
    from typing_extensions import Unpack

OnBad = Literal["raise", "keep"]


class _Options(TypedDict, total=False):
    size: int
    on_error: OnBad
    contains: bytes | str | Iterable[bytes | str] | None
    sample: float | None
    seed: int
    max_frame_size: int | None
    max_window: int | None
    storage_options: dict[str, Any] | None


class LogBag(NamedTuple):
    """Log files as a bag.

    Attributes:
        values: A `dask.bag.Bag` of the values, with a partition for each split, in order.
        bad: A `dask.bag.Bag` of bad lines as `DeadLetter`; empty unless they are kept.
        reports: A `dask.bag.Bag` with a `FileReport` for each split: bytes, lines, values, bad lines.
    """

    values: Any
    bad: Any
    reports: Any


class LogFrame(NamedTuple):
    """Log files as a frame. All three are a `dask.dataframe.DataFrame` with a partition for each split, in order.

    Attributes:
        frame: The declared columns.
        bad: Bad lines, with the attributes of `DeadLetter` as columns; empty unless they are kept.
        reports: What was read of each split, with the attributes of `FileReport` as columns.
    """

    frame: Any
    bad: Any
    reports: Any


def read_bag(
    paths: PathOrFile | Iterable[PathOrFile] | list[Split],
    *,
    loads: Callable[[bytes], Any] | None = None,
    **options: Unpack[_Options],
) -> LogBag:
    """Read log files on the workers of Dask, to a bag of values.

    A worker reads a split, and holds its values; reduce them there, since moving values costs more than decoding them.
    What is computed together (``dask.compute(values.count(), bad, reports)``) is read once. A task that is lost with
    its worker is run again, on the same bytes.

    Args:
        paths: A path, a glob or a URL, or several of them, or splits. Each worker has to be able to read them.
        loads: A callable from a line (bytes) to a value; ``bytes`` for the lines as they are.
        size: How large a split is at least, in bytes as stored; 64 MiB by default. Its values have to fit into the
            memory of a worker, and take several times that.
        on_error: "raise" (a bad line fails the computation), or "keep" to have bad lines in ``bad``.
        contains: Only lines that hold these bytes, or one of several needles.
        sample: Only about this share of the lines; the same ones however they are split.
        seed: An integer; another one chooses another sample.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        storage_options: What fsspec is to know to open URLs, such as credentials.

    Returns:
        The bag, the bad lines and the reports.

    Raises:
        OSError: A file cannot be read here, where it is split.
        ValueError: An option has none of its values.
        ModuleNotFoundError: Dask is missing; the message says how to get it.
        StreamError: From ``compute``: a line is bad, or a file damaged or another one than that which was split.

    Example:
        >>> from ndstream import logs
        >>> values, bad, reports = logs.read_bag("access.log*", on_error="keep")  # doctest: +SKIP
        >>> values.pluck("status").frequencies().compute()  # doctest: +SKIP
        [(200, 941), (404, 59)]
    """
    _require("dask.bag")
    given, keeps_bad, found = _options(options, paths)
    if loads is not None:
        given["loads"] = loads
    contents, bad, reports = _results([(values_of, (split, keeps_bad, given), str(split)) for split in found])
    from dask.bag import from_delayed

    return LogBag(*map(from_delayed, (contents, bad, reports)))


def read_dataframe(
    paths: PathOrFile | Iterable[PathOrFile] | list[Split],
    *,
    fields: Mapping[str, tuple[str, Any]],
    **options: Unpack[_Options],
) -> LogFrame:
    """Read named fields of log files on the workers of Dask, to a frame.

    The columns are as declared, whatever the lines hold: a field that is missing or null is null, and a value of
    another type makes its line a bad one. Nothing else of a line is decoded. What is computed together
    (``dask.compute(frame["size"].sum(), bad)``) is read once.

    Args:
        paths: A path, a glob or a URL, or several of them, or splits. Each worker has to be able to read them.
        fields: For each column the dotted path of its field and a type: bool, int (of 64 bits), float, str or
            `datetime` (RFC 3339 with a zone).
        size: How large a split is at least, in bytes as stored; 64 MiB by default.
        on_error: "raise" (a bad line fails the computation), or "keep" to have bad lines in ``bad``.
        contains: Only lines that hold these bytes, or one of several needles.
        sample: Only about this share of the lines; the same ones however they are split.
        seed: An integer; another one chooses another sample.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        storage_options: What fsspec is to know to open URLs, such as credentials.

    Returns:
        The frame, the bad lines and the reports.

    Raises:
        OSError: A file cannot be read here, where it is split.
        TypeError: A field has no type, or one that no column has.
        ValueError: An option has none of its values, or a path leads into another one.
        ModuleNotFoundError: Dask or msgspec is missing; the message says how to get it.
        StreamError: From ``compute``: a line is bad, or a file damaged or another one than that which was split.

    Example:
        >>> from ndstream import logs
        >>> fields = {"status": ("http.status", int), "size": ("http.bytes", int)}
        >>> frame, bad, reports = logs.read_dataframe("access.log*", fields=fields)  # doctest: +SKIP
        >>> frame.groupby("status")["size"].sum().compute()  # doctest: +SKIP
    """
    _require("dask.dataframe")
    _require("msgspec")
    columns = columns_of(fields)
    given, keeps_bad, found = _options(options, paths)
    tasks = [(frame_of, (split, keeps_bad, given, columns), str(split)) for split in found]
    parts = zip(_results(tasks), (table_of(columns, []), letters_frame([]), reports_frame([])), strict=True)
    from dask.dataframe import from_delayed

    return LogFrame(*(from_delayed(part, meta=meta, verify_meta=False) for part, meta in parts))


def _options(
    options: _Options, paths: PathOrFile | Iterable[PathOrFile] | list[Split]
) -> tuple[dict[str, Any], bool, list[Split]]:
    """What `read` is to know, whether bad lines are kept, and the splits."""
    given: dict[str, Any] = dict(options)
    if "contains" in given:
        given["contains"] = kept_needles(given["contains"])
    size, on_error = given.pop("size", DEFAULT_SPLIT_SIZE), given.pop("on_error", "raise")
    if on_error not in ("raise", "keep"):
        raise ValueError(f"on_error must be 'raise' or 'keep', not {on_error!r}")
    if isinstance(paths, list) and paths and all(isinstance(path, Split) for path in paths):
        return given, on_error == "keep", paths
    for_splits = {name: given[name] for name in ("max_window", "storage_options") if name in given}
    return given, on_error == "keep", splits(paths, size, **for_splits)  # type: ignore[arg-type]


def _results(tasks: list[tuple[Callable[..., Any], tuple[Any, ...], str]]) -> list[list[Any]]:
    """A task for each split; of their results the contents, the bad lines and the reports."""
    from dask.delayed import delayed

    # The name of a task is what the scheduler tells of one that fails. It is not shared with an earlier call, since the
    # file may have changed.
    run = uuid4().hex
    results = [
        delayed(function, nout=3, pure=False)(*arguments, dask_key_name=f"{function.__name__}-{name}-{run}")
        for function, arguments, name in tasks
    ]
    return [[result[part] for result in results] for part in range(3)]


def _require(module: str) -> None:
    from importlib import import_module

    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this takes the module {module}: pip install 'ndstream[dask]'", name=error.name
        ) from None
