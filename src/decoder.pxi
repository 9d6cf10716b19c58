# What the three decoders share: the chunk in hand and those that wait, where the stream stands,
# how a payload becomes a value, and what happens to one that does not.

from collections import deque
from types import GenericAlias

from orjson import loads as orjson_loads

from ndstream import _diagnosis
from ndstream._errors import TruncatedError

cdef extern from *:
    """
    static PyObject ndstream_nothing;
    #define NDSTREAM_STEAL(reference) (reference)
    """
    PyObject ndstream_nothing
    # The object behind a reference that the caller owns, without counting it once more.
    object steal "NDSTREAM_STEAL"(PyObject* reference)

cdef extern from *:
    """
    /* function(argument), for a C function of one argument without what a call has in general. */
    static inline PyObject *ndstream_call(PyObject *function, PyObject *argument) {
        if (PyCFunction_CheckExact(function) &&
            PyCFunction_GET_FLAGS(function) == METH_O) {
            return PyCFunction_GET_FUNCTION(function)(PyCFunction_GET_SELF(function), argument);
        }
        return PyObject_CallOneArg(function, argument);
    }
    """
    # Declared with pointers, so that neither the call nor a refusal costs more than it must.
    PyObject* call "ndstream_call"(PyObject* function, PyObject* argument)

cdef extern from "Python.h":
    PyObject* Py_NewRef(PyObject* object)

# What a step comes to: a value, as a reference that the caller owns, or NOTHING, which nobody owns.
# A reference that is passed on like this is never counted up and down on its way: from CPython 3.12
# on each such pair stalls the processor for longer than finding the frame takes.
ctypedef PyObject* Outcome
cdef Outcome NOTHING = &ndstream_nothing

cdef const unsigned char* MARK = b"\xef\xbb\xbf"
cdef Py_ssize_t PREVIEW_SIZE = 256

cdef enum Policy:
    RAISE, SKIP, CALL

cdef enum State:
    IDLE
    RUNNING
    # An internal failure left a step half done.
    BROKEN


cdef int propagate() except -1:
    """Turn an exception that C code has set into one that Cython can catch."""
    return -1


cdef bytes bytes_option(object value, str name, object example):
    """A `bytes` option that may be None; str is taken for its UTF-8."""
    if value is None:
        return None
    if isinstance(value, str):
        value = (<str> value).encode()
    if not isinstance(value, bytes):
        raise TypeError(f"{name} must be bytes, such as {example!r}, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty; pass None for none")
    return bytes(value)


cdef object choice(object value, str name, tuple choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return value


cdef class Decoder:
    # Options.
    cdef object loads
    cdef object handler
    cdef Policy policy
    cdef Py_ssize_t limit
    cdef bytes sentinel
    cdef unsigned char sentinel_byte
    cdef bint require_done

    # The chunk in hand, and those behind it.
    cdef bytes chunk
    cdef const unsigned char* base
    cdef Py_ssize_t size
    cdef Py_ssize_t start
    cdef Py_ssize_t scan
    cdef object waiting
    cdef Py_ssize_t waiting_size

    # The unfinished frame.
    cdef ByteStore held
    cdef bint discarding
    cdef Py_ssize_t dropped

    # The frame in hand, for its error.
    cdef long long frame_offset
    cdef long long frame_line
    cdef bint frame_cut
    cdef bytes interrupted

    # The stream.
    cdef long long chunk_offset
    cdef long long lines
    cdef long long touched
    cdef bint opening
    cdef bint finished
    cdef bint tail_seen
    cdef bint over
    cdef State state
    cdef readonly bint done
    cdef readonly long long frames
    cdef readonly long long errors

    def __cinit__(self):
        self.held = ByteStore()
        self.waiting = deque()

    cdef int configure(
        self, object loads, object max_frame_size, object on_error, object done, object require_done
    ) except -1:
        if not callable(loads):
            raise TypeError(f"loads must be a callable from bytes to a value, not {type(loads).__name__}")
        if max_frame_size is not None:
            if isinstance(max_frame_size, bool) or not isinstance(max_frame_size, int):
                raise TypeError(
                    f"max_frame_size must be a number of bytes or None, not {type(max_frame_size).__name__}")
            if max_frame_size < 1:
                raise ValueError(f"max_frame_size must be at least 1 byte, or None for no limit, not {max_frame_size}")
        if not callable(on_error):
            choice(on_error, "on_error", ("raise", "skip"))
        sentinel = bytes_option(done, "done", b"[DONE]")
        if require_done and sentinel is None:
            raise ValueError("require_done needs the sentinel to wait for: pass done=")
        self.refuse_running()
        self.loads = loads
        # Half of what fits leaves room to add to it without a check.
        self.limit = MOST_BYTES // 2 if max_frame_size is None else min(max_frame_size, MOST_BYTES // 2)
        self.policy = CALL if callable(on_error) else RAISE if on_error == "raise" else SKIP
        self.handler = on_error
        self.sentinel = sentinel
        self.sentinel_byte = 0 if sentinel is None else sentinel[0]
        self.require_done = bool(require_done)
        self.restart()
        self.state = IDLE
        return 0

    cdef int restart(self) except -1:
        """The state of a decoder that was fed nothing yet; subclasses add to it."""
        self.chunk = None
        self.base = NULL
        self.size = self.start = self.scan = 0
        self.waiting.clear()
        self.waiting_size = 0
        self.held.clear()
        self.discarding = False
        self.dropped = 0
        self.frame_offset = self.frame_line = 0
        self.frame_cut = False
        self.interrupted = None
        self.chunk_offset = self.lines = self.touched = 0
        self.opening = True
        self.finished = self.tail_seen = self.over = self.done = False
        self.frames = self.errors = 0
        return 0

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    # The public verbs. Each subclass defines `feed` again: CPython calls a method fastest where the
    # object's own type has it.

    def feed(self, data, /):
        self.take_in(data)
        return self

    def finish(self):
        with cython.critical_section(self):
            self.begin()
            self.finished = True
            self.state = IDLE
        return self

    def reset(self):
        with cython.critical_section(self):
            self.refuse_running()
            self.restart()
            self.state = IDLE

    def __iter__(self):
        return self

    def __next__(self):
        cdef Outcome value = self.step()
        if value == NOTHING:
            raise StopIteration
        return steal(value)

    @property
    def offset(self):
        return self.passed()

    @property
    def pending(self):
        return self.held.length + (self.size - self.start) + self.waiting_size

    def _cut_by(self, cause, /):
        return self.cut_by(cause)

    @property
    def _touched(self):
        return self.touched

    # The same for C callers. A step that raises what it did not mean to leaves the state at RUNNING
    # until `finally`, which takes it for broken.

    @cython.final
    cdef inline int begin(self) except -1:
        if self.state != IDLE:
            self.refuse_running()
            raise RuntimeError("the decoder failed in the middle of a step: call reset() to start over")
        self.state = RUNNING
        return 0

    cdef int refuse_running(self) except -1:
        if self.state == RUNNING:
            raise RuntimeError(
                "the decoder is running already: it cannot be used from its own loads or on_error, "
                "nor by two threads at once")
        return 0

    @cython.final
    cdef int take_in(self, object data) except -1:
        with cython.critical_section(self):
            self.begin()
            try:
                if type(data) is not bytes:
                    data = self.as_bytes(data)
                if self.finished:
                    self.state = IDLE
                    raise RuntimeError("feed() after finish(): call reset() to start a new stream")
                self.accept(data)
                self.state = IDLE
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN
        return 0

    @cython.final
    cdef inline Outcome step(self) except NULL:
        """The next value, or NOTHING until more is fed."""
        cdef Outcome value
        with cython.critical_section(self):
            self.begin()
            try:
                value = self.redo() if self.interrupted is not None else NOTHING
                if value == NOTHING:
                    value = self.next_frame()
                self.state = IDLE
                return value
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN

    cdef Outcome redo(self) except NULL:
        cdef bytes payload = self.interrupted
        self.interrupted = None
        return self.decode(payload)

    cdef Outcome next_frame(self) except NULL:
        raise NotImplementedError

    # Chunks.

    @cython.final
    cdef inline long long passed(self) noexcept:
        """Bytes of the stream before the unfinished frame."""
        return self.chunk_offset + self.start - self.held.length - self.dropped

    @cython.final
    cdef inline Py_ssize_t reach(self, Py_ssize_t index) noexcept:
        """Bytes from the beginning of the unfinished frame to ``index`` in the chunk."""
        return self.dropped + self.held.length + index - self.start

    cdef bytes as_bytes(self, object data):
        """A copy of any bytes-like object, whatever its item size and layout."""
        try:
            view = memoryview(data)
        except MemoryError:
            raise
        except TypeError:
            self.state = IDLE
            raise TypeError(_diagnosis.not_bytes(data)) from None
        except BaseException:
            self.state = IDLE
            raise
        with view:
            return view.tobytes()

    @cython.final
    cdef int accept(self, bytes data) except -1:
        if self.done or not data:
            return 0
        if self.start < self.size or self.waiting_size:
            self.waiting.append(data)
            self.waiting_size += len(data)
        else:
            self.chunk_offset += self.size
            self.take_up(data)
        return 0

    cdef int take_up(self, bytes data) except -1:
        self.chunk = data
        self.base = <const unsigned char*> PyBytes_AS_STRING(data)
        self.size = PyBytes_GET_SIZE(data)
        self.start = self.scan = 0
        return 0

    cdef bint more(self) except -1:
        """Hold what is left of the chunk, and take up the next; False where none waits."""
        cdef Py_ssize_t left = self.size - self.start
        if self.chunk is not None:
            if self.discarding:
                self.dropped += left
            elif left:
                self.held.append(self.base + self.start, left)
                self.touched += left
            self.chunk_offset += self.size
            self.size = self.start = self.scan = 0
            self.base = NULL
            self.chunk = None
        if not self.waiting_size:
            return False
        self.take_up(self.waiting.popleft())
        self.waiting_size -= self.size
        return True

    cdef bint opened(self) except -1:
        """Pass over a BOM at the start of the stream; False while it cannot be told."""
        cdef Py_ssize_t index, before
        cdef unsigned char byte
        while True:
            before = self.held.length
            for index in range(3):
                if index >= before + self.size:
                    break
                byte = self.held.data()[index] if index < before else self.base[index - before]
                if byte != MARK[index]:
                    self.opening = False
                    return True
            else:
                self.held.clear()
                self.start = self.scan = 3 - before
                self.opening = False
                return True
            if not self.more():
                # At the end, what is there is all there is.
                self.opening = not self.finished
                return self.finished

    @cython.final
    cdef inline void pass_over(self, Py_ssize_t end) noexcept:
        """Let go of all up to ``end`` in the chunk."""
        self.start = end
        if self.held.length:
            self.held.clear()

    cdef bytes first_bytes(self, Py_ssize_t size):
        """At most ``size`` bytes of the unfinished frame."""
        cdef bytes begin = self.held.copy(0, min(size, self.held.length))
        cdef Py_ssize_t left = min(size - len(begin), self.size - self.start)
        return begin + PyBytes_FromStringAndSize(<char*> self.base + self.start, left) if left else begin

    # Payloads.

    @cython.final
    cdef inline Outcome decode(self, bytes payload) except NULL:
        """The payload's value; NOTHING for the sentinel, and for what on_error passed over."""
        cdef Outcome value
        if self.sentinel is not None and self.sees_sentinel(payload):
            return NOTHING
        value = call(<PyObject*> self.loads, <PyObject*> payload)
        if value == NULL:
            return self.refused(payload)
        self.frames += 1
        return value

    @cython.final
    cdef inline bint sees_sentinel(self, bytes payload) except -1:
        cdef const unsigned char* data = <const unsigned char*> PyBytes_AS_STRING(payload)
        # One look rules out almost every payload; the byte behind the last is a NUL.
        if data[0] > b" " and data[0] != self.sentinel_byte:
            return False
        return is_sentinel(
            data, PyBytes_GET_SIZE(payload),
            <const unsigned char*> PyBytes_AS_STRING(self.sentinel), PyBytes_GET_SIZE(self.sentinel),
        ) and self.end_at_sentinel()

    cdef bint end_at_sentinel(self) except -1:
        """What stands behind the sentinel is not part of the stream."""
        self.done = self.over = True
        self.chunk_offset += self.start
        self.held.clear()
        self.chunk = None
        self.size = self.start = self.scan = 0
        self.waiting.clear()
        self.waiting_size = 0
        return True

    cdef Outcome refused(self, bytes payload) except NULL:
        """Tell why ``loads`` failed on the payload."""
        cause = None
        try:
            propagate()
        except RecursionError as error:
            cause = error
        except RuntimeError:
            self.state = IDLE
            raise
        except MemoryError:
            raise
        except Exception as error:
            cause = error
        except BaseException:
            self.state = IDLE
            # Ctrl-C came while the payload was being decoded: it is not lost, the next step takes it.
            if self.frame_cut:
                self.tail_seen = False
            else:
                self.interrupted = payload
            raise
        error = _diagnosis.undecodable(
            payload, self.frame_offset, self.line_or_none(), cause, self.framing(), self.frame_cut)
        if self.frame_cut and isinstance(error, TruncatedError):
            # One report of a cut is enough: a missing sentinel would only say it again.
            self.over = True
        return self.report(error)

    @cython.final
    cdef Outcome report(self, error) except NULL:
        """Do with an error what on_error says; NOTHING where the stream goes on."""
        self.errors += 1
        if self.policy == RAISE:
            self.state = IDLE
            raise error
        if self.policy == CALL:
            try:
                self.handler(error)
            except BaseException:
                self.state = IDLE
                raise
        return NOTHING

    cdef Outcome too_large(self, Py_ssize_t seen, Py_ssize_t lead=0) except NULL:
        """Report the unfinished frame as over-long; its bytes are let go until it ends.

        ``seen`` bytes proved it, so that a preview of no more is the same for every cut. The first
        ``lead`` bytes begin the frame, but are not part of its payload.
        """
        preview = self.first_bytes(lead + min(seen, PREVIEW_SIZE))[lead:]
        error = _diagnosis.too_large(preview, self.passed(), self.line_or_none(), self.limit, self.framing())
        self.discarding = True
        self.dropped = self.held.length
        self.held.clear()
        return self.report(error)

    cdef Outcome finished_without_sentinel(self) except NULL:
        """The last step of every stream."""
        if self.over:
            return NOTHING
        self.over = True
        if not self.require_done:
            return NOTHING
        return self.report(_diagnosis.without_sentinel(
            self.chunk_offset, self.line_or_none(), self.sentinel))

    cdef object cut_by(self, cause):
        """The error for a source that failed: what it left unfinished is not decoded."""
        self.over = True
        return _diagnosis.source_failed(
            self.first_bytes(self.held.length + self.size - self.start), self.passed(), self.line_or_none(),
            self.frames, cause)

    cdef str framing(self):
        raise NotImplementedError

    cdef object line_or_none(self):
        """The line of the frame in hand, where the framing has lines."""
        return self.frame_line
