# Encoders: the frames that decode to what they were given. Each frame is one allocation of its exact size.
#
# Nothing is stripped or repaired: what would end a line where none may end, and so let data pass for
# fields or frames, is refused. The output of `dumps` is checked as well, since an orjson.Fragment or a
# `dumps` of the user's may hold any bytes.

from orjson import dumps as orjson_dumps

from ndstream import _encode_diagnosis

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    bint PyUnicode_IS_ASCII "PyUnicode_IS_COMPACT_ASCII"(object text) noexcept

cdef long long MAX_WRITTEN_RETRY = 2 ** 63 - 1

# What a client reads as U+0085, U+2028 and U+2029 in UTF-8, and their escapes in JSON.
cdef tuple ESCAPES = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


cdef inline const unsigned char* bytes_of(object encoded, Py_ssize_t* size) except NULL:
    """The bytes of what `utf8` returned, which lives at least as long."""
    if PyBytes_CheckExact(encoded):
        size[0] = PyBytes_GET_SIZE(encoded)
        return <const unsigned char*> PyBytes_AS_STRING(encoded)
    return <const unsigned char*> PyUnicode_AsUTF8AndSize(encoded, size)


cdef inline object utf8(str text, str field):
    """UTF-8 of a text: ASCII is that already, anything else is encoded."""
    if PyUnicode_IS_ASCII(text):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        cause = error
    raise _encode_diagnosis.lone_surrogate(field, text, cause)


cdef object check_utf8(bytes data, str field):
    if not is_ascii(<const unsigned char*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)):
        try:
            PyUnicode_DecodeUTF8(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), NULL)
        except UnicodeDecodeError as error:
            cause = error
        else:
            return data
        raise _encode_diagnosis.not_utf8(field, cause)
    return data


cdef object dumped(object value, str field, object dumps):
    """The JSON of a value, as `utf8` returns it."""
    if dumps is None:
        dumps = orjson_dumps
    try:
        encoded = dumps(value)
    except MemoryError:
        raise
    except RecursionError as error:
        cause = error
    except RuntimeError:
        raise
    except Exception as error:
        cause = error
    else:
        if isinstance(encoded, str):
            return utf8(str.__str__(encoded), field)
        if PyBytes_CheckExact(encoded):
            return check_utf8(encoded, field)
        raise TypeError(f"dumps must return bytes or str, not {type(encoded).__name__}")
    raise _encode_diagnosis.not_json(field, value, dumps, cause)


cdef object escaped(object encoded):
    """The same with the three line ends of Unicode as escapes of JSON."""
    if not PyBytes_CheckExact(encoded) or is_ascii(
            <const unsigned char*> PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded)):
        return encoded
    for raw, escape in ESCAPES:
        encoded = (<bytes> encoded).replace(raw, escape)
    return encoded


cdef inline object payload_of(object data, str field, object dumps, bint escape):
    """The bytes of a frame's data: text as it is, ready bytes as they are, anything else as JSON."""
    if PyBytes_CheckExact(data):
        encoded = check_utf8(data, field)
    elif isinstance(data, str):
        encoded = utf8(data if type(data) is str else str.__str__(data), field)
    else:
        encoded = payload_of_value(data, field, dumps)
    return escaped(encoded) if escape else encoded


cdef object payload_of_value(object data, str field, object dumps):
    if isinstance(data, (bytes, bytearray, memoryview)):
        return check_utf8(copied(data), field)
    return dumped(data, field, dumps)


cdef bytes copied(object buffer):
    """The bytes of a buffer; those of a memoryview need not lie side by side."""
    return buffer.tobytes() if isinstance(buffer, memoryview) else b"".join((buffer,))


cdef object line_of(object text, str field):
    """The UTF-8 of a value that is one line by definition."""
    cdef Py_ssize_t size
    cdef const unsigned char* data
    if not isinstance(text, str):
        raise _encode_diagnosis.wrong_type(field, text, "a str")
    encoded = utf8(text if type(text) is str else str.__str__(text), field)
    data = bytes_of(encoded, &size)
    if has_line_end(data, size) or (field == "id" and memchr(data, 0, <size_t> size) != NULL):
        raise _encode_diagnosis.not_one_line(field, text)
    return encoded


cdef object id_of(object id):
    if isinstance(id, int) and not isinstance(id, bool):
        try:
            # An int of a subclass may write itself in any way.
            return str(id if type(id) is int else int.__add__(id, 0))
        except ValueError:
            pass
        raise _encode_diagnosis.wrong_type("id", id, "a str, or an int of fewer digits")
    if not isinstance(id, str):
        raise _encode_diagnosis.wrong_type("id", id, "a str or an int")
    return line_of(id, "id")


cdef long long retry_of(object retry) except -1:
    if isinstance(retry, bool) or not isinstance(retry, int):
        raise _encode_diagnosis.wrong_type("retry", retry, "a whole number of milliseconds")
    if not 0 <= retry <= MAX_WRITTEN_RETRY:
        raise _encode_diagnosis.retry_out_of_range(retry, MAX_WRITTEN_RETRY)
    return retry


cdef bytes event_bytes(object event, object id, long long retry, const unsigned char* data, Py_ssize_t size):
    """One event. ``event`` and ``id`` are encoded or None, ``retry`` is negative for none; the data comes last, so
    that a client that got an event's data has its id."""
    cdef Py_ssize_t event_size = 0
    cdef Py_ssize_t id_size = 0
    cdef Py_ssize_t digits_size = 0
    cdef Py_ssize_t lines = 1
    cdef const unsigned char* event_data = NULL
    cdef const unsigned char* id_data = NULL
    cdef unsigned char[20] digits
    cdef Py_ssize_t total
    if has_line_end(data, size):
        lines = count_lines(data, size)
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
    if data is None:
        raise _encode_diagnosis.wrong_type("data", None, "a str, bytes or JSON value (b'null' for JSON's null)")
    payload = payload_of(data, "data", dumps, escape_unicode_newlines)
    if event is not None:
        event = line_of(event, "event")
        # The type of every event that names none.
        if not event or event == "message":
            event = None
    if id is not None:
        id = id_of(id)
    begin = bytes_of(payload, &size)
    return event_bytes(event, id, -1 if retry is None else retry_of(retry), begin, size)


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
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, or hold a line end.

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
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, or hold 0x1E.

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


cdef object json_of(object value, object dumps, bint escape):
    """The JSON of a value, or ready bytes of it, which may not be blank: decoders pass over what is."""
    cdef Py_ssize_t size
    cdef const unsigned char* data
    if isinstance(value, (bytes, bytearray, memoryview)):
        payload = check_utf8(value if PyBytes_CheckExact(value) else copied(value), "value")
    else:
        payload = dumped(value, "value", dumps)
    data = bytes_of(payload, &size)
    if is_blank(data, size):
        raise _encode_diagnosis.blank()
    return escaped(payload) if escape else payload


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
            else:
                kind = None if event.event == "message" or not event.event else line_of(event.event, "event")
                id = None if event.id == self.last_event_id else line_of(event.id, "id")
                retry = -1 if event.retry is None else retry_of(event.retry)
                event.own_payload()
                frame = event_bytes(kind, id, retry, event.begin, event.size)
            self.last_event_id = event.id
        return frame
