# How a payload becomes a value, and what is done with one that does not, in the stream and at its end.
# Each framing finds its frames on top of this.

from orjson import loads as orjson_loads


@cython.internal
cdef class Payloads(ErrorReporting):
    # Options.
    cdef object loads
    cdef bytes sentinel
    cdef unsigned char sentinel_byte
    cdef bint require_done

    # The last payload, to be used again.
    cdef PyObject* reusable
    cdef Py_ssize_t reusable_capacity

    # Whether the frame that the end of the stream cut was looked at.
    cdef bint tail_decoded
    cdef readonly bint done
    cdef readonly long long frames

    def __dealloc__(self):
        Py_XDECREF(self.reusable)

    cdef int configure(
        self, object loads, object max_frame_size, object on_error, object done, bint require_done
    ) except -1:
        """Set the options, once all are known to be good; `start_stream` is to follow."""
        cdef Policy policy
        if not callable(loads):
            raise TypeError(f"loads must be a callable from bytes to a value, not {type(loads).__name__}")
        if max_frame_size is not None:
            if isinstance(max_frame_size, bool) or not isinstance(max_frame_size, int):
                raise TypeError(
                    f"max_frame_size must be a number of bytes or None, not {type(max_frame_size).__name__}")
            if max_frame_size < 1:
                raise ValueError(f"max_frame_size must be at least 1 byte, or None for no limit, not {max_frame_size}")
        policy = CALL if callable(on_error) else <Policy> choice(
            on_error, "on_error", ("raise", "skip"), " or a callable")
        sentinel = bytes_option(done, "done", b"[DONE]")
        if require_done and sentinel is None:
            raise ValueError("require_done needs the sentinel to wait for: pass done=")
        # Half of the largest size, so that sums cannot overflow.
        limit = MAX_BYTES // 2 if max_frame_size is None else min(max_frame_size, MAX_BYTES // 2)
        self.refuse_if_running()
        # Dropping the old options may run `__del__`, which must not get into this decoder.
        self.state = RUNNING
        self.limit = limit
        self.policy = policy
        self.sentinel_byte = 0 if sentinel is None else <unsigned char> PyBytes_AS_STRING(sentinel)[0]
        self.require_done = require_done
        self.loads = loads
        self.handler = on_error
        self.sentinel = sentinel
        return 0

    cdef int restart(self) except -1:
        ErrorReporting.restart(self)
        self.tail_decoded = self.done = False
        self.frames = 0
        return 0

    # Values.

    @cython.final
    cdef inline PyObject* payload(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """These bytes as a payload that lasts until the next one is made."""
        return reuse_bytes(&self.reusable, &self.reusable_capacity, data, size)

    @cython.final
    cdef inline Result decode(self, PyObject* payload) except NULL:
        """The payload's value; NOTHING for the sentinel, and for an error that on_error handled."""
        cdef Result value
        if self.end_if_sentinel(
                <const unsigned char*> PyBytes_AS_STRING(<object> payload), PyBytes_GET_SIZE(<object> payload)):
            return NOTHING
        value = call(<PyObject*> self.loads, payload)
        if value == NULL:
            return self.undecodable(<bytes> payload)
        self.frames += 1
        return value

    @cython.final
    cdef inline bint may_be_sentinel(self, unsigned char first) noexcept:
        # One look rules out almost every payload.
        return self.sentinel is not None and (first <= b" " or first == self.sentinel_byte)

    @cython.final
    cdef inline bint end_if_sentinel(self, const unsigned char* data, Py_ssize_t size) except -1:
        """End the stream if the payload is the sentinel; whether it was. One byte after it can be read."""
        return self.may_be_sentinel(data[0]) and self.equals_sentinel(data, size) and self.end_at_sentinel()

    @cython.final
    cdef inline bint equals_sentinel(self, const unsigned char* data, Py_ssize_t size) noexcept:
        """Whether the payload is the sentinel, but for white space around it."""
        return self.sentinel is not None and is_sentinel(
            data, size, <const unsigned char*> PyBytes_AS_STRING(self.sentinel), PyBytes_GET_SIZE(self.sentinel))

    cdef bint end_at_sentinel(self) except -1:
        """Drop what follows the sentinel: it is not part of the stream."""
        self.done = self.no_more_frames = True
        self.chunk_offset += self.start
        self.drop_all()
        return True

    cdef Result undecodable(self, bytes payload) except NULL:
        """Handle the exception of ``loads`` that is set, by what it says of the payload."""
        cdef LoadsError kind = classify_loads_error(<PyObject*> orjson_error)
        if kind == BAD_FRAME and self.policy == SKIP and not self.at_end:
            # Nobody gets this error, so nothing of it is made.
            PyErr_Clear()
            self.errors += 1
            return NOTHING
        try:
            propagate()
        except BaseException as error:
            cause = error
        if kind == NO_MEMORY:
            raise cause
        if kind == INTERRUPT:
            # The payload is not lost: the next step decodes it again.
            if self.at_end:
                self.tail_decoded = False
            else:
                self.interrupted = payload
        if kind != BAD_FRAME:
            self.raise_recoverable(cause)
        arguments = (payload, self.frame_offset, self.line_or_none(), cause, self.framing())
        if self.at_end:
            if self.loads is orjson_loads or not self.is_json(payload):
                # One report of a cut is enough: a missing sentinel would only say it again.
                self.no_more_frames = True
                return self.report(_diagnosis.cut_payload, arguments)
            self.consume_tail()
        return self.report(_diagnosis.undecodable, arguments)

    cdef bint is_json(self, bytes payload) except -1:
        """Whether the payload is one JSON value, so that the end of the stream did not cut it."""
        try:
            return _diagnosis.is_json(payload)
        except MemoryError:
            raise
        except BaseException as interrupt:
            self.tail_decoded = False
            self.raise_recoverable(interrupt)

    @cython.final
    cdef Result repeat_interrupted(self) except NULL:
        """Do what Ctrl-C kept from being done."""
        interrupted = self.interrupted
        self.interrupted = None
        if type(interrupted) is bytes:
            return self.decode(<PyObject*> interrupted)
        make, arguments = <tuple> interrupted
        return self.report(make, arguments)

    cdef Result next_at_end(self) except NULL:
        """What the end of the stream completes, cuts, or leaves missing."""
        cdef Result value = NOTHING
        if not self.tail_decoded:
            self.tail_decoded = self.at_end = True
            if self.buffered.length and not self.discarding:
                self.frame_offset = self.frame_start_offset()
                value = self.decode_tail()
        return value if value != NOTHING else self.end_without_sentinel()

    cdef Result decode_tail(self) except NULL:
        """The value of the frame that is buffered when the stream ends; each framing has its own."""
        raise NotImplementedError

    cdef int consume_tail(self) except -1:
        """Count the tail as read: it is no longer pending."""
        self.buffered.clear()
        return 0

    cdef Result end_without_sentinel(self) except NULL:
        if self.no_more_frames:
            return NOTHING
        self.no_more_frames = True
        if not self.require_done:
            return NOTHING
        self.frame_offset = self.frame_start_offset()
        line = self.unfinished_line()
        self.frame_line = 0 if line is None else line
        return self.report(_diagnosis.missing_sentinel, (self.chunk_offset, self.sentinel))
