# What is done with an error: it is made, counted, and raised or handed to on_error, in this order.
# `_diagnosis` words its message; what counts as an error, and what follows from it, is decided here and
# in the framings.

from ndstream import _diagnosis

cdef Py_ssize_t PREVIEW_SIZE = 256

cdef enum Policy:
    # In the order of the option's values.
    RAISE, SKIP, CALL

cdef enum State:
    IDLE
    RUNNING
    # An internal failure left a step half done.
    BROKEN


@cython.internal
cdef class ErrorReporting(Chunks):
    # Options.
    cdef object handler
    cdef Policy policy
    cdef Py_ssize_t limit

    # The frame in hand, for its error; whether the end of the stream is what ended it.
    cdef long long frame_offset
    cdef long long frame_line
    cdef bint at_end

    # What Ctrl-C kept from being done with the frame in hand: a payload (bytes) to decode, or an
    # error to report, as the function that makes it and its arguments (a tuple of the two).
    cdef object interrupted

    cdef State state
    cdef bint no_more_frames
    cdef readonly long long errors

    cdef int restart(self) except -1:
        Chunks.restart(self)
        self.frame_offset = self.frame_line = 0
        self.at_end = False
        self.interrupted = None
        self.no_more_frames = False
        self.errors = 0
        return 0

    cdef int refuse_if_running(self) except -1:
        if self.state == RUNNING:
            raise RuntimeError(
                "the decoder is running already: it cannot be used from its own loads or on_error, "
                "nor by two threads at once")
        return 0

    cdef int raise_recoverable(self, error) except -1:
        """Raise an error after which the decoder goes on; any other that leaves a step breaks it."""
        self.state = IDLE
        raise error

    @cython.final
    cdef Result report(self, make, tuple arguments) except NULL:
        """Do what on_error says with the error ``make(*arguments)``; NOTHING if the stream goes on.

        All else that the error changes has been changed before, so that after a Ctrl-C in here the
        next step has nothing to do but to report it again.
        """
        if self.policy == SKIP:
            self.errors += 1
            return NOTHING
        try:
            error = make(*arguments)
        except MemoryError:
            raise
        except BaseException as interrupt:
            self.interrupted = (make, arguments)
            self.raise_recoverable(interrupt)
        self.errors += 1
        if self.policy == RAISE:
            self.raise_recoverable(error)
        self.call_handler(self.handler, error, "on_error")
        return NOTHING

    cdef int call_handler(self, handler, argument, str option) except -1:
        """Call what an option gave; what it raises leaves the decoder in order."""
        try:
            handler(argument)
        except (StopIteration, StopAsyncIteration) as stop:
            # Passed on, it would end the user's loop without a word.
            refusal = RuntimeError(f"{option} raised {type(stop).__name__}")
            refusal.__cause__ = stop
            self.raise_recoverable(refusal)
        except BaseException as own:
            self.raise_recoverable(own)
        return 0

    cdef Result too_large(self, Py_ssize_t seen, Py_ssize_t lead=0) except NULL:
        """Report the unfinished frame as over-long; its bytes are dropped until it ends.

        ``seen`` bytes proved it, so that a preview of no more is the same for every cut. The first
        ``lead`` bytes begin the frame, but are not part of its payload.
        """
        cdef bytes preview = self.first_bytes(lead + min(seen, PREVIEW_SIZE))[lead:]
        self.frame_offset = self.frame_start_offset()
        self.discarding = True
        self.dropped = self.buffered.length
        self.buffered.clear()
        return self.report(
            _diagnosis.too_large, (preview, self.frame_offset, self.line_or_none(), self.limit, self.framing()))

    cdef object fail_stream(self, long long frames, cause):
        """The error for a source that failed: what it left unfinished is not decoded."""
        error = _diagnosis.source_failed(
            self.first_bytes(self.buffered.length + self.size - self.start), self.frame_bytes_to(self.size),
            self.frame_start_offset(), self.unfinished_line(), frames, cause)
        self.no_more_frames = True
        return error

    cdef str framing(self):
        raise NotImplementedError

    cdef object unfinished_line(self):
        """The line of the unfinished frame, if the framing has lines."""
        return None

    cdef object line_or_none(self):
        """The line of the frame in hand, if the framing has lines."""
        return self.frame_line
