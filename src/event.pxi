# An SSE event: the payload as it came, decoded only when asked for.

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char* data, Py_ssize_t size, const char* errors)

cdef str DEFAULT_EVENT = "message"


cdef inline str text(const unsigned char* data, Py_ssize_t size):
    """UTF-8 with replacement, as the standard decodes (WHATWG HTML, 9.2.6)."""
    return PyUnicode_DecodeUTF8(<const char*> data, size, b"replace")


@cython.final
@cython.freelist(32)
cdef class Event:
    """Event(event='message', data='', id='', retry=None)
--

A server-sent event. It cannot be changed.
"""

    cdef readonly bytes payload
    cdef readonly str event
    cdef readonly str id
    cdef readonly object retry
    cdef readonly bytes raw
    cdef readonly long long offset
    cdef readonly long long line
    cdef str decoded
    cdef object loads

    def __cinit__(self, *args, **kwargs):
        pass

    def __init__(self, str event not None="message", str data not None="", str id not None="", retry=None):
        if self.event is not None:
            raise TypeError("an Event cannot be changed")
        if retry is not None and (isinstance(retry, bool) or not isinstance(retry, int) or retry < 0):
            raise ValueError(f"retry must be a number of milliseconds, at least 0, or None, not {retry!r}")
        self.payload = data.encode()
        self.decoded = data
        self.event = event
        self.id = id
        self.retry = retry
        self.loads = orjson_loads

    @property
    def data(self):
        # Two threads may both decode: the result is the same, and either may stay.
        if self.decoded is None:
            self.decoded = text(
                <const unsigned char*> PyBytes_AS_STRING(self.payload), PyBytes_GET_SIZE(self.payload))
        return self.decoded

    def json(self):
        try:
            return self.loads(self.payload)
        except RecursionError as error:
            cause = error
        except (RuntimeError, MemoryError):
            raise
        except Exception as error:
            cause = error
        raise _diagnosis.undecodable(self.payload, self.offset, self.line or None, cause, "sse", False)

    def __repr__(self):
        parts = [f"event={self.event!r}, data={self.data!r}"]
        if self.id:
            parts.append(f"id={self.id!r}")
        if self.retry is not None:
            parts.append(f"retry={self.retry!r}")
        return f"Event({', '.join(parts)})"

    def __eq__(self, other):
        if not isinstance(other, Event):
            return NotImplemented
        cdef Event event = <Event> other
        return (
            self.event == event.event and self.id == event.id and self.retry == event.retry
            and self.data == event.data)

    def __hash__(self):
        return hash((self.event, self.data, self.id, self.retry))

    def __reduce__(self):
        return _event, (self.payload, self.event, self.id, self.retry, self.raw, self.offset, self.line)


def _event(
    bytes payload not None, str event not None, str id not None, retry, bytes raw, long long offset, long long line,
):
    """An event from its parts, for pickle."""
    return new_event(payload, event, id, retry, raw, offset, line, orjson_loads)


cdef Event new_event(
    bytes payload, str event, str id, object retry, bytes raw, long long offset, long long line, object loads
):
    cdef Event new = <Event> Event.__new__(Event)
    new.payload = payload
    new.event = event
    new.id = id
    new.retry = retry
    new.raw = raw
    new.offset = offset
    new.line = line
    new.loads = loads
    return new
