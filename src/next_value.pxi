# The awaitable of a stream's next value. Without any Python code it steps the decoder, awaits the
# source's next chunk, and steps again; what is rare it leaves to coroutines of the stream.
#
# It is used as the awaitable of an async generator is: by `await`, by tasks and nurseries (`send`,
# `throw`, `close`), and by `__next__`.

cdef enum Waiting:
    NOT_STARTED
    FOR_CHUNK
    # For a coroutine of the stream.
    FOR_COROUTINE
    OVER


cdef class AsyncPuller


@cython.final
@cython.internal
cdef class NextValue:
    """The awaitable of a stream's next value. Nothing is done before it is awaited."""

    # The stream, and what is driven for it: None unless it waits.
    cdef AsyncPuller stream
    cdef object waiter
    cdef Waiting waiting
    # Whether what it waits for is running now.
    cdef bint driven
    # The exception that carried the value, to be used again.
    cdef object stop

    def __await__(self):
        # Not once only: `anext` with a default asks again at each step.
        if self.waiting == OVER:
            raise RuntimeError("this value was awaited already")
        return self

    def __iter__(self):
        return self

    def __next__(self):
        # By name alone: the slot is `next_value_iternext`, since a method written in Cython adds a
        # traceback to each StopIteration.
        return self.send(None)

    def send(self, argument, /):
        cdef PyObject* result = NULL
        return self.yielded(self.advance(<PyObject*> argument, &result), result)

    def throw(self, error, value=None, traceback=None, /):
        cdef PyObject* result = NULL
        cdef int status
        # The other forms are deprecated where Python code gets them, which is for whoever wrote them to know.
        thrown = exception_of(error, value, traceback)
        if self.waiting == NOT_STARTED:
            self.finish()
        waiter = self.waiter
        self.refuse_if_driven()
        self.driven = True
        try:
            try:
                if not hasattr(waiter, "throw"):
                    raise thrown
                return waiter.throw(thrown)
            finally:
                self.driven = False
        except StopIteration as stop:
            if self.waiting == OVER:
                raise
            waited = stop.value
            status = self.after_wait(PYGEN_RETURN, Py_NewRef(<PyObject*> waited), &result)
        except BaseException as raised:
            if self.waiting == OVER:
                raise
            status = self.after_error(raised, &result)
        return self.yielded(status, result)

    def close(self):
        if self.waiting == NOT_STARTED:
            self.finish()
        if self.waiting == OVER:
            return
        self.refuse_if_driven()
        try:
            self.throw(GeneratorExit())
        except (GeneratorExit, StopIteration):
            return
        raise RuntimeError("the source ignored GeneratorExit")

    cdef object yielded(self, int status, PyObject* result):
        """What `send` and `throw` return, or the StopIteration with which they end."""
        if status == PYGEN_NEXT:
            return steal(result)
        raise StopIteration(steal(result))

    cdef inline void finish(self) noexcept:
        self.waiting = OVER
        self.stream = None
        if self.waiter is not None:
            self.waiter = None

    cdef int advance(self, PyObject* argument, PyObject** result) except -1:
        """Go on until there is a value (PYGEN_RETURN) or something to wait for (PYGEN_NEXT)."""
        cdef int status
        if self.waiting == NOT_STARTED:
            if argument != <PyObject*> None:
                raise TypeError("can't send a value to an awaitable that was not started")
            return self.step(result)
        if self.waiting == OVER:
            raise RuntimeError("this value was awaited already")
        self.refuse_if_driven()
        status = self.drive(argument, result)
        return PYGEN_NEXT if status == PYGEN_NEXT else self.after_wait(status, result[0], result)

    cdef int refuse_if_driven(self) except -1:
        if self.driven:
            raise RuntimeError("this value is awaited already")
        return 0

    cdef inline int drive(self, PyObject* argument, PyObject** result) noexcept:
        """Go on with what this waits for. An error is left set."""
        # A reference, since what is driven may drop this object's own.
        waiter = self.waiter
        self.driven = True
        cdef int status = PyIter_Send(<PyObject*> waiter, argument, result)
        self.driven = False
        return status

    cdef int step(self, PyObject** result) except -1:
        """The value that the decoder has; without one, wait for the chunks that complete it."""
        cdef AsyncPuller stream = self.stream
        cdef PyObject* waiter
        cdef int status
        while True:
            # If the step gives a value or an error, nothing is left to do.
            self.finish()
            result[0] = stream.step()
            if result[0] != NOTHING:
                return PYGEN_RETURN
            self.stream = stream
            if not stream.waits_for_chunk():
                return self.run(stream._slow_next(), result)
            waiter = await_next(<PyObject*> stream._chunks)
            if waiter == NULL:
                return self.after_wait(PYGEN_ERROR, NULL, result)
            self.waiter = steal(waiter)
            self.waiting = FOR_CHUNK
            stream._running = True
            status = self.drive(<PyObject*> None, result)
            if status == PYGEN_NEXT:
                return status
            if status == PYGEN_ERROR:
                return self.after_wait(status, NULL, result)
            status = self.feed(result[0], result)
            if status != PYGEN_RETURN or result[0] != NOTHING:
                return status

    cdef int after_wait(self, int status, PyObject* waited, PyObject** result) except -1:
        """Go on after the end of a wait, with its result or the error that is set."""
        if status == PYGEN_ERROR:
            try:
                propagate()
            except BaseException as error:
                return self.after_error(error, result)
        if self.waiting == FOR_COROUTINE:
            self.finish()
            result[0] = waited
            return PYGEN_RETURN
        status = self.feed(waited, result)
        return self.step(result) if status == PYGEN_RETURN and result[0] == NOTHING else status

    cdef int after_error(self, error, PyObject** result) except -1:
        cdef AsyncPuller stream = self.stream
        if self.waiting == FOR_COROUTINE:
            self.finish()
            raise error
        stream._running = False
        return self.run(stream._next_after(error), result)

    cdef int feed(self, PyObject* waited, PyObject** result) except -1:
        """Feed a chunk; PYGEN_RETURN of NOTHING says to step."""
        cdef AsyncPuller stream = self.stream
        chunk = steal(waited)
        stream._running = False
        self.waiting = OVER
        self.waiter = None
        result[0] = NOTHING
        if stream._ended:
            return PYGEN_RETURN
        try:
            stream.accept(chunk)
        except BaseException as error:
            return self.run(stream._raise_after_release(error), result)
        return PYGEN_RETURN

    cdef int run(self, coroutine, PyObject** result) except -1:
        """Wait for a coroutine of the stream, whose result is the value."""
        cdef int status
        self.waiter = coroutine
        self.waiting = FOR_COROUTINE
        status = self.drive(<PyObject*> None, result)
        if status != PYGEN_NEXT:
            self.finish()
        if status == PYGEN_ERROR:
            propagate()
        return status


cdef object exception_of(object error, object value, object traceback):
    """The exception that the arguments of `throw` stand for: one, or its class, value and traceback."""
    thrown = error
    if isinstance(error, type):
        thrown = error() if value is None else value if isinstance(value, error) else error(value)
    if not isinstance(thrown, BaseException):
        raise TypeError(f"exceptions must be classes or instances deriving from BaseException, not {error!r}")
    return thrown if traceback is None else thrown.with_traceback(traceback)


cdef NextValue new_next_value(AsyncPuller stream):
    cdef PyObject* spare = take_next_value()
    cdef NextValue next_value
    if spare == NULL:
        next_value = NextValue.__new__(NextValue)
    else:
        next_value = <NextValue> steal(spare)
        next_value.waiting = NOT_STARTED
    next_value.stream = stream
    return next_value


cdef int next_value_is_over(PyObject* dropped) noexcept:
    """Take leave of an awaitable that nobody refers to; whether nothing of its stream is left in it."""
    cdef AsyncPuller stream
    if (<NextValue> dropped).stop is not None:
        release_stop(<PyObject*> (<NextValue> dropped).stop)
        (<NextValue> dropped).stop = None
    if (<NextValue> dropped).waiting == OVER:
        return True
    if (<NextValue> dropped).waiting != NOT_STARTED:
        stream = (<NextValue> dropped).stream
        if stream is not None:
            # A task that was dropped while it waited: its chunk may be lost.
            stream._running = False
            stream.abandoned = True
    return False


cdef int next_value_send(PyObject* awaitable, PyObject* argument, PyObject** result) except -1:
    try:
        return (<NextValue> awaitable).advance(argument, result)
    except BaseException:
        # CPython 3.10 takes what is left here for a value, beside the exception.
        result[0] = NULL
        raise


cdef PyObject* next_value_iternext(PyObject* awaitable) except NULL:
    cdef PyObject* result = NULL
    if (<NextValue> awaitable).advance(<PyObject*> None, &result) == PYGEN_NEXT:
        return result
    (<NextValue> awaitable).stop = raise_stop(result)
    return NULL


set_slots(NextValue, next_value_iternext, next_value_send, next_value_is_over)
