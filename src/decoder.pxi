# What the three decoders share on top of chunks: the verbs, how a payload becomes a value, and what
# happens to one that does not. It is longer than most files here: the order in which state changes
# is what makes a step safe, and that has to be read in one piece.

from types import GenericAlias

from orjson import loads as orjson_loads

from ndstream import _diagnosis
from ndstream._errors import TruncatedError

cdef Py_ssize_t PREVIEW_SIZE = 256

cdef enum Policy:
    RAISE, SKIP, CALL

cdef enum State:
    IDLE
    RUNNING
    # An internal failure left a step half done.
    BROKEN


cdef class Decoder(Chunks):
    # Options.
    cdef object loads
    cdef object handler
    cdef Policy policy
    cdef Py_ssize_t limit
    cdef bytes sentinel
    cdef unsigned char sentinel_byte
    cdef bint require_done

    # The last payload, to be used again.
    cdef PyObject* reusable
    cdef Py_ssize_t reusable_capacity

    # Whether what was handed out may refer to the chunk.
    cdef bint events_borrow_chunk

    # The frame in hand, for its error.
    cdef long long frame_offset
    cdef long long frame_line
    cdef bint at_end
    cdef bytes interrupted_payload

    # The stream.
    cdef long long lines
    cdef bint tail_decoded
    cdef bint no_more_frames
    cdef State state
    # What came that is no frame: comments, where the framing has them.
    cdef long long comment_count
    cdef readonly bint done
    cdef readonly long long frames
    cdef readonly long long errors

    def __dealloc__(self):
        Py_XDECREF(self.reusable)

    def __init__(self):
        raise TypeError("use NDJSONDecoder, SSEDecoder or JSONSeqDecoder")

    cdef int configure(
        self, object loads, object max_frame_size, object on_error, object done, object require_done
    ) except -1:
        """Take over the options once all are known to be good; `begin_stream` is to follow."""
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
        # What is replaced here may run code of its own as it goes.
        self.state = RUNNING
        self.loads = loads
        # Half of what fits leaves room to add to it without a check.
        self.limit = MAX_BYTES // 2 if max_frame_size is None else min(max_frame_size, MAX_BYTES // 2)
        self.policy = CALL if callable(on_error) else RAISE if on_error == "raise" else SKIP
        self.handler = on_error
        self.sentinel = sentinel
        self.sentinel_byte = 0 if sentinel is None else sentinel[0]
        self.require_done = bool(require_done)
        return 0

    cdef int start_stream(self) except -1:
        self.state = RUNNING
        self.restart()
        self.state = IDLE
        return 0

    cdef int restart(self) except -1:
        """The state of a decoder that was fed nothing yet; subclasses add to it."""
        Chunks.restart(self)
        self.frame_offset = self.frame_line = 0
        self.at_end = False
        self.interrupted_payload = None
        self.lines = 0
        self.tail_decoded = self.no_more_frames = self.done = False
        self.frames = self.errors = self.comment_count = 0
        return 0

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    # The public verbs. Each subclass defines `feed` again: CPython calls a method fastest where the
    # object's own type has it.

    def feed(self, data, /):
        self.feed_chunk(data)
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
            self.start_stream()

    def __iter__(self):
        return self

    def __next__(self):
        cdef Result value = NOTHING if self.drop_chunk_if_used_up() else self.step()
        if value == NOTHING:
            raise StopIteration
        return steal(value)

    @property
    def offset(self):
        return self.frame_start_offset()

    @property
    def pending(self):
        return self.buffered.length + (self.size - self.start) + self.queued_bytes

    def _fail(self, cause, /):
        return self.fail_stream(cause)

    @property
    def _touched(self):
        return self.touched

    # The same for C callers. A step that raises what it did not mean to leaves the state at RUNNING
    # until `finally`, which takes it for broken.

    @cython.final
    cdef inline int begin(self) except -1:
        if self.state != IDLE:
            self.refuse_running()
            raise RuntimeError(
                "the decoder failed in the middle of a step and lost its place: call its reset(), or open a new "
                "stream")
        self.state = RUNNING
        return 0

    cdef int refuse_running(self) except -1:
        if self.state == RUNNING:
            raise RuntimeError(
                "the decoder is running already: it cannot be used from its own loads or on_error, "
                "nor by two threads at once")
        return 0

    @cython.final
    cdef int feed_chunk(self, object data) except -1:
        with cython.critical_section(self):
            self.begin()
            try:
                if type(data) is not bytes:
                    data = self.as_bytes(data)
                if self.finished:
                    self.state = IDLE
                    raise RuntimeError("feed() after finish(): call reset() to start a new stream")
                if data and not self.done:
                    self.add_chunk(data)
                self.state = IDLE
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN
        return 0

    @cython.final
    cdef inline bint drop_chunk_if_used_up(self) noexcept:
        """Whether a step would find nothing, which is told here at less cost. Lets go of the chunk."""
        if not HAS_LOCK or self.start < self.size or self.queued_bytes or self.finished or self.state != IDLE:
            return False
        if self.interrupted_payload is not None or self.events_borrow_chunk:
            return False
        if self.chunk is not None:
            self.drop_chunk()
        return True

    @cython.final
    cdef inline Result step(self) except NULL:
        """The next value, or NOTHING until more is fed."""
        cdef Result value
        with cython.critical_section(self):
            self.begin()
            try:
                value = self.retry_payload() if self.interrupted_payload is not None else NOTHING
                if value == NOTHING:
                    value = self.next_frame()
                self.state = IDLE
                return value
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN

    cdef Result retry_payload(self) except NULL:
        cdef bytes payload = self.interrupted_payload
        self.interrupted_payload = None
        return self.decode(<PyObject*> payload)

    cdef Result next_frame(self) except NULL:
        """The next value; each framing finds its own."""
        raise NotImplementedError

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

    # Payloads.

    @cython.final
    cdef inline PyObject* payload(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """These bytes as a payload that lasts until the next one is made."""
        return reuse_bytes(&self.reusable, &self.reusable_capacity, data, size)

    @cython.final
    cdef inline Result decode(self, PyObject* payload) except NULL:
        """The payload's value; NOTHING for the sentinel, and for what on_error passed over."""
        cdef Result value
        if self.end_if_sentinel(
                <const unsigned char*> PyBytes_AS_STRING(<object> payload), PyBytes_GET_SIZE(<object> payload)):
            return NOTHING
        value = call(<PyObject*> self.loads, payload)
        if value == NULL:
            return self.report_undecodable(<bytes> payload)
        self.frames += 1
        return value

    @cython.final
    cdef inline bint may_be_sentinel(self, unsigned char first) noexcept:
        # One look rules out almost every payload.
        return self.sentinel is not None and (first <= b" " or first == self.sentinel_byte)

    @cython.final
    cdef inline bint end_if_sentinel(self, const unsigned char* data, Py_ssize_t size) except -1:
        """Whether the payload is the sentinel, which ends the stream. A byte can be read behind it."""
        return self.may_be_sentinel(data[0]) and is_sentinel(
            data, size, <const unsigned char*> PyBytes_AS_STRING(self.sentinel), PyBytes_GET_SIZE(self.sentinel),
        ) and self.end_stream_at_sentinel()

    cdef bint end_stream_at_sentinel(self) except -1:
        """What stands behind the sentinel is not part of the stream."""
        self.done = self.no_more_frames = True
        self.chunk_offset += self.start
        self.drop_all()
        return True

    cdef Result report_undecodable(self, bytes payload) except NULL:
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
            self.keep_for_retry(payload)
            raise
        try:
            error = _diagnosis.undecodable(
                payload, self.frame_offset, self.line_or_none(), cause, self.framing(), self.at_end)
        except MemoryError:
            raise
        except BaseException:
            self.keep_for_retry(payload)
            raise
        if self.at_end:
            if isinstance(error, TruncatedError):
                # One report of a cut is enough: a missing sentinel would only say it again.
                self.no_more_frames = True
            else:
                self.consume_tail()
        return self.report(error)

    cdef int keep_for_retry(self, bytes payload) except -1:
        """Ctrl-C came while the payload was looked at: it is not lost, the next step takes it again."""
        self.state = IDLE
        if self.at_end:
            self.tail_decoded = False
        else:
            self.interrupted_payload = payload
        return 0

    @cython.final
    cdef Result report(self, error) except NULL:
        """Do with an error what on_error says; NOTHING where the stream goes on."""
        self.errors += 1
        if self.policy == RAISE:
            self.state = IDLE
            raise error
        if self.policy == CALL:
            try:
                self.handler(error)
            except (StopIteration, StopAsyncIteration) as stop:
                # Passed on, it would end the user's loop without a word.
                self.state = IDLE
                raise RuntimeError(f"on_error raised {type(stop).__name__}") from stop
            except BaseException:
                self.state = IDLE
                raise
        return NOTHING

    cdef Result too_large(self, Py_ssize_t seen, Py_ssize_t lead=0) except NULL:
        """Report the unfinished frame as over-long; its bytes are let go until it ends.

        ``seen`` bytes proved it, so that a preview of no more is the same for every cut. The first
        ``lead`` bytes begin the frame, but are not part of its payload.
        """
        preview = self.first_bytes(lead + min(seen, PREVIEW_SIZE))[lead:]
        try:
            error = _diagnosis.too_large(
                preview, self.frame_start_offset(), self.line_or_none(), self.limit, self.framing())
        except MemoryError:
            raise
        except BaseException:
            self.state = IDLE
            self.tail_decoded = False
            raise
        self.discarding = True
        self.dropped = self.buffered.length
        self.buffered.clear()
        return self.report(error)

    cdef Result next_at_end(self) except NULL:
        """What the end of the stream completes, cuts, or leaves missing."""
        cdef Result value = NOTHING
        if not self.tail_decoded:
            self.tail_decoded = self.at_end = True
            if self.buffered.length and not self.discarding:
                self.frame_offset = self.frame_start_offset()
                value = self.decode_tail()
        return value if value != NOTHING else self.report_missing_sentinel()

    cdef Result decode_tail(self) except NULL:
        """The value of the frame that is held when the stream ends; each framing has its own."""
        raise NotImplementedError

    cdef int consume_tail(self) except -1:
        """Let go of the tail, which is no longer pending."""
        self.buffered.clear()
        return 0

    cdef Result report_missing_sentinel(self) except NULL:
        if self.no_more_frames:
            return NOTHING
        self.no_more_frames = True
        if not self.require_done:
            return NOTHING
        return self.report(_diagnosis.missing_sentinel(self.chunk_offset, self.sentinel))

    cdef object fail_stream(self, cause):
        """The error for a source that failed: what it left unfinished is not decoded."""
        self.no_more_frames = True
        return _diagnosis.source_failed(
            self.first_bytes(self.buffered.length + self.size - self.start), self.frame_bytes_to(self.size),
            self.frame_start_offset(), self.unfinished_line(), self.frames, cause)

    cdef str framing(self):
        raise NotImplementedError

    cdef object unfinished_line(self):
        """The line of the unfinished frame, where the framing has lines."""
        return None

    cdef object line_or_none(self):
        """The line of the frame in hand, where the framing has lines."""
        return self.frame_line
