# An SSE event: the payload as it came, decoded only when asked for.
#
# An event that just came refers to the chunk that holds its payload; `own_payload` gives it a copy of
# its own before the chunk is let go of, so that what is kept of a stream holds no chunks.

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char* data, Py_ssize_t size, const char* errors)
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 most)
    void* PyUnicode_DATA(str text) noexcept

cdef str DEFAULT_EVENT = "message"


cdef inline str decode_text(const unsigned char* data, Py_ssize_t size):
    """UTF-8 with replacement, as the standard decodes (WHATWG HTML, 9.2.6)."""
    # What CPython does itself, but with a look at more bytes at once.
    if size < 32 or not is_ascii(data, size):
        return PyUnicode_DecodeUTF8(<const char*> data, size, b"replace")
    new = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(new), data, <size_t> size)
    return new


@cython.final
@cython.freelist(32)
cdef class Event:
    """Event(event='message', data='', id='', retry=None)
--

A server-sent event. It cannot be changed.
"""

    # The payload, or the chunk that holds it, and where it begins in it.
    cdef bytes owner
    cdef const unsigned char* begin
    cdef Py_ssize_t size
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
        self.own(data.encode())
        self.decoded = data
        self.event = event
        self.id = id
        self.retry = retry
        self.loads = orjson_loads

    cdef int own(self, bytes payload) except -1:
        self.owner = payload
        self.begin = <const unsigned char*> PyBytes_AS_STRING(payload)
        self.size = PyBytes_GET_SIZE(payload)
        return 0

    cdef int own_payload(self) except -1:
        # A chunk is longer than any payload in it, by the name of the field at least.
        if self.size != PyBytes_GET_SIZE(self.owner):
            self.own(PyBytes_FromStringAndSize(<const char*> self.begin, self.size))
        return 0

    cdef void borrow(
        self, bytes chunk, const unsigned char* begin, Py_ssize_t size, str event, str id, object retry,
        long long offset, long long line, object loads,
    ) noexcept:
        """Become the event with this payload in the chunk."""
        # Most of these are there already, and setting them once more costs more than a look.
        if self.owner is not chunk:
            self.owner = chunk
        self.begin = begin
        self.size = size
        if self.event is not event:
            self.event = event
        if self.id is not id:
            self.id = id
        if self.retry is not retry:
            self.retry = retry
        self.offset = offset
        self.line = line
        if self.loads is not loads:
            self.loads = loads
        self.decoded = None

    @property
    def payload(self):
        """The data as it came, without a str between."""
        self.own_payload()
        return self.owner

    @property
    def data(self):
        """The data, decoded as UTF-8 with replacement when it is first asked for."""
        with cython.critical_section(self):
            if self.decoded is None:
                self.decoded = decode_text(self.begin, self.size)
            return self.decoded

    def json(self):
        """The data's JSON value, decoded from the bytes by the decoder's `loads`.

        Raises:
            DecodeError: The data is not one JSON value, or not UTF-8.

        Example:
            >>> from ndstream import Event
            >>> Event(data="[1]").json()
            [1]
        """
        cdef PyObject* value
        cdef LoadsError kind
        self.own_payload()
        value = call(<PyObject*> self.loads, <PyObject*> self.owner)
        if value != NULL:
            return steal(value)
        kind = classify_loads_error(<PyObject*> orjson_error)
        try:
            propagate()
        except BaseException as error:
            cause = error
        if kind != BAD_FRAME:
            raise cause
        raise _diagnosis.undecodable(self.owner, self.offset, self.line or None, cause, "sse")

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

    def __copy__(self):
        return self

    def __deepcopy__(self, memo, /):
        return self

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
    new.own(payload)
    new.event = event
    new.id = id
    new.retry = retry
    new.raw = raw
    new.offset = offset
    new.line = line
    new.loads = loads
    return new


cdef void release_chunk(PyObject* event) noexcept:
    """Free the chunk that an event refers to. Nobody reads the payload of one that nobody holds."""
    if event == NULL or event == <PyObject*> None or (<Event> event).begin == NULL:
        return
    if is_unshared(event):
        (<Event> event).begin = NULL
        (<Event> event).size = 0
        (<Event> event).owner = None
    elif PyBytes_GET_SIZE((<Event> event).owner) > 2 * (<Event> event).size + 64:
        try:
            (<Event> event).own_payload()
        except MemoryError:
            # It holds on to the chunk, which is no worse than late.
            pass
