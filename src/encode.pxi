# Encoders: the frames that decode to what they were given. Each frame is one allocation of its exact size.


cdef bytes event_bytes(
    object event, object id, long long retry, const unsigned char* data, Py_ssize_t size, Py_ssize_t lines
):
    """One event, whose data has so many lines. ``event`` and ``id`` are encoded or None, ``retry`` is negative for
    none; the data comes last, so that a client that got an event's data has its id."""
    cdef Py_ssize_t event_size = 0
    cdef Py_ssize_t id_size = 0
    cdef Py_ssize_t digits_size = 0
    cdef const unsigned char* event_data = NULL
    cdef const unsigned char* id_data = NULL
    cdef unsigned char[20] digits
    cdef Py_ssize_t total
    if lines > (MAX_BYTES - size) // 16:
        raise MemoryError
    # Line ends of the data are replaced by those of its fields, and CRLF by one byte less: an upper bound.
    total = size + 7 * lines + 1
    if event is not None:
        event_data = bytes_of(event, &event_size)
        total += 7 + event_size + 1
    if id is not None:
        id_data = bytes_of(id, &id_size)
        total += 4 + id_size + 1
    if retry >= 0:
        digits_size = put_digits(digits, <unsigned long long> retry)
        total += 7 + digits_size + 1
    cdef PyObject* frame = new_bytes(NULL, total)
    cdef unsigned char* begin = <unsigned char*> PyBytes_AS_STRING(<object> frame)
    cdef unsigned char* end = begin
    if event is not None:
        end = put_field(end, b"event: ", 7, event_data, event_size)
    if id is not None:
        end = put_field(end, b"id: ", 4, id_data, id_size)
    if retry >= 0:
        end = put_field(end, b"retry: ", 7, digits, digits_size)
    if lines == 1:
        end = put_field(end, b"data: ", 6, data, size)
    else:
        end = put_lines(end, b"data: ", 6, data, size)
    end[0] = b"\n"
    end += 1
    if end - begin != total:
        _PyBytes_Resize(&frame, end - begin)
    return <bytes> steal(frame)


def encode_sse(data, *, event=None, id=None, retry=None, dumps=None, bint escape_unicode_newlines=False):
    """Write a server-sent event (WHATWG HTML, section 9.2.5). Its fields come in the order event, id, retry, data.

    What it decodes to is what it was given, but for line ends in the data, which clients all read as LF. Nothing
    is stripped or repaired: what would be read as further fields is refused.

    Args:
        data: A str or ready bytes of UTF-8, as they are; anything else is written as JSON. NaN and infinities
            become null, as orjson has it.
        event: The event's type. None, "" and "message" are the same to clients, and are left out.
        id: The last event id that the client is to have from now on; "" to make it forget the one it has.
        retry: How long the client is to wait before it reconnects, in milliseconds.
        dumps: What writes JSON: a callable from a value to bytes or str; None for `orjson.dumps`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are written as escapes of JSON, for clients that
            split lines as `str.splitlines` does. For data that is JSON.

    Returns:
        The event's bytes, with its blank line.

    Raises:
        EncodeError: The data is None, not UTF-8, or cannot be written as JSON; a text holds a lone surrogate;
            `event` or `id` holds CR or LF, or `id` NUL; `retry` is no int from 0 to 2**63 - 1.

    Example:
        >>> from ndstream import encode_sse
        >>> encode_sse({"text": "Hi"}, event="token", id=7)
        b'event: token\\nid: 7\\ndata: {"text":"Hi"}\\n\\n'
    """
    cdef Py_ssize_t size
    cdef const unsigned char* begin
    cdef Py_ssize_t lines = 1
    if data is None:
        raise _encode_diagnosis.wrong_type("data", None, "a str, bytes or JSON value (b'null' for JSON's null)")
    if isinstance(data, str):
        payload = utf8(data if type(data) is str else str.__str__(data), "data")
    else:
        payload = ready_or_dumped(data, "data", dumps)
    begin = bytes_of(payload, &size)
    # One look at almost every payload: it is UTF-8, and one line.
    if not is_printable(begin, size):
        if PyBytes_CheckExact(payload) and not isinstance(data, str):
            check_utf8(payload, "data")
        if escape_unicode_newlines:
            payload = escaped(payload)
            begin = bytes_of(payload, &size)
        lines = count_lines(begin, size)
    if event is not None:
        event = line_of(event, "event")
        # The type of every event that names none.
        if not event or event == "message":
            event = None
    if id is not None:
        id = id_of(id)
    return event_bytes(event, id, -1 if retry is None else retry_of(retry), begin, size, lines)


def encode_comment(text="", /):
    """Write a comment of an event stream, which clients pass over: a heartbeat, or a word to whoever reads along.

    Args:
        text: What it says, on one line or more.

    Returns:
        Its bytes with a blank line, so that it can be sent between any two events.

    Raises:
        EncodeError: It is no str, or holds a lone surrogate.

    Example:
        >>> from ndstream import encode_comment
        >>> encode_comment(), encode_comment("data: no")
        (b':\\n\\n', b': data: no\\n\\n')
    """
    cdef Py_ssize_t size
    cdef const unsigned char* data
    cdef Py_ssize_t lines
    if not isinstance(text, str):
        raise _encode_diagnosis.wrong_type("comment", text, "a str")
    encoded = utf8(text if type(text) is str else str.__str__(text), "comment")
    data = bytes_of(encoded, &size)
    if size == 0:
        return b":\n\n"
    lines = count_lines(data, size)
    if lines > (MAX_BYTES - size) // 16:
        raise MemoryError
    cdef PyObject* frame = new_bytes(NULL, size + 3 * lines + 1)
    cdef unsigned char* begin = <unsigned char*> PyBytes_AS_STRING(<object> frame)
    cdef unsigned char* end = put_lines(begin, b": ", 2, data, size)
    end[0] = b"\n"
    end += 1
    if end - begin != PyBytes_GET_SIZE(<object> frame):
        _PyBytes_Resize(&frame, end - begin)
    return <bytes> steal(frame)


def encode_ndjson(value, *, dumps=None, bint escape_unicode_newlines=False):
    """Write a line of NDJSON.

    Args:
        value: A JSON value, a str too; bytes are JSON that is ready.
        dumps: What writes JSON, as in `encode_sse`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are escaped, as in `encode_sse`.

    Returns:
        The line with its LF.

    Raises:
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, begin with a
            BOM, or hold a line end.

    Example:
        >>> from ndstream import encode_ndjson
        >>> encode_ndjson("a\\nb"), encode_ndjson(b"[1]")
        (b'"a\\\\nb"\\n', b'[1]\\n')
    """
    cdef Py_ssize_t size
    cdef const unsigned char* data
    payload = json_of(value, dumps, escape_unicode_newlines)
    data = bytes_of(payload, &size)
    if has_line_end(data, size):
        raise _encode_diagnosis.forbidden_byte(payload, b"\n\r", "a line of NDJSON holds no line end")
    cdef PyObject* frame = new_bytes(NULL, size + 1)
    put(<unsigned char*> PyBytes_AS_STRING(<object> frame), data, size)[0] = b"\n"
    return <bytes> steal(frame)


def encode_jsonseq(value, *, dumps=None, bint escape_unicode_newlines=False):
    """Write an element of a JSON text sequence (RFC 7464): 0x1E, the JSON text, LF.

    Args:
        value: A JSON value, a str too; bytes are JSON that is ready.
        dumps: What writes JSON, as in `encode_sse`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are escaped, as in `encode_sse`.

    Returns:
        The element's bytes.

    Raises:
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, begin with a
            BOM, or hold 0x1E.

    Example:
        >>> from ndstream import encode_jsonseq
        >>> encode_jsonseq(12)
        b'\\x1e12\\n'
    """
    cdef Py_ssize_t size
    cdef const unsigned char* data
    payload = json_of(value, dumps, escape_unicode_newlines)
    data = bytes_of(payload, &size)
    if memchr(data, 0x1E, <size_t> size) != NULL:
        raise _encode_diagnosis.forbidden_byte(payload, b"\x1e", "a record separator (0x1E) begins the next element")
    cdef PyObject* frame = new_bytes(NULL, size + 2)
    cdef unsigned char* begin = <unsigned char*> PyBytes_AS_STRING(<object> frame)
    begin[0] = 0x1E
    put(begin + 1, data, size)[0] = b"\n"
    return <bytes> steal(frame)


@cython.final
cdef class SSEEncoder:
    """SSEEncoder(*, verbatim=False, last_event_id='')
--

Writes events so that a client sees the ids that they have.
"""

    cdef bint verbatim
    cdef readonly str last_event_id

    def __init__(self, *, bint verbatim=False, str last_event_id not None=""):
        self.verbatim = verbatim
        self.last_event_id = last_event_id

    def encode(self, Event event not None, /):
        """Write an event. Bytes that are no UTF-8 stay as they came; clients read them with replacement.

        Raises:
            EncodeError: The event was made by hand, and its type or id holds what `encode_sse` refuses; the
                client's id is then what it was.
        """
        cdef bytes frame
        with cython.critical_section(self):
            if self.verbatim and event.raw is not None:
                frame = event.raw
                if event.id != self.last_event_id and not sets_id(
                        <const unsigned char*> PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame)):
                    # The block that set it had no data, or its event was left out.
                    line_of(event.id, "id")
                    frame = b"id: %b\n%b" % (event.id.encode(), frame)
            else:
                kind = None if event.event == "message" or not event.event else line_of(event.event, "event")
                id = None if event.id == self.last_event_id else line_of(event.id, "id")
                retry = -1 if event.retry is None else retry_of(event.retry)
                event.own_payload()
                frame = event_bytes(
                    kind, id, retry, event.begin, event.size, count_lines(event.begin, event.size))
            self.last_event_id = event.id
        return frame
