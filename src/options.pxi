# Options that more than one decoder checks. Every message names the option.

DEFAULT_MAX_FRAME_SIZE = 16 * 1024 * 1024


cdef bytes bytes_option(object value, str name, object example):
    """A `bytes` option that may be None; str is encoded as UTF-8."""
    if value is None:
        return None
    if isinstance(value, str):
        value = (<str> value).encode()
    if not isinstance(value, bytes):
        raise TypeError(f"{name} must be bytes, such as {example!r}, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty; pass None for none")
    return bytes(value)


cdef int choice(object value, str name, tuple choices, str others="") except -1:
    """The index of the value among its choices; ``others`` tells what else it may be."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}{others}, not {value!r}")
    return <int> choices.index(value)
