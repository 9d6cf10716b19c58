# Reads of an async source that can be left waiting, under asyncio.
#
# A heartbeat may be due while a read waits. To cancel the read would kill it (most clients close a response
# whose read is cancelled), and a task or a timeout for each read costs more than the rest of a relay. So the
# read is driven from here: when it waits for a future, the task waits for this object in its place, which
# asyncio takes for a future by its attribute `_asyncio_future_blocking`. `wake` lets the task go on while the
# read stays where it is; the next await goes on with it.

cdef extern from *:
    """
    #define NDSTREAM_SET_READ_SLOTS(kind, next, send) do { \\
        ((PyTypeObject *)(kind))->tp_iternext = (next); \\
        ((PyTypeObject *)(kind))->tp_as_async->am_send = (sendfunc)(send); \\
        NDSTREAM_ALLOW_SEND((PyTypeObject *)(kind)); \\
    } while (0)
    """
    void set_read_slots "NDSTREAM_SET_READ_SLOTS"(object kind, Next next, Send send) noexcept

cdef enum Suspended:
    NOT_SUSPENDED
    # The task waits for this object, and that for a future.
    ON_FUTURE
    # What the read yielded was passed on: a bare yield, as that of `asyncio.sleep(0)`.
    ON_YIELD


@cython.final
cdef class InterruptibleRead:
    cdef object chunks
    cdef object loop
    cdef object time
    # What is driven, and the future that it waits for: None between two reads.
    cdef object read
    cdef object future
    # What the task gave to be called when it may go on.
    cdef object wakeup
    cdef bint woken
    cdef bint driven
    cdef Suspended suspended
    cdef public bint _asyncio_future_blocking
    cdef public object idle_since
    cdef readonly Py_ssize_t suspensions
    cdef object __weakref__

    def __init__(self, chunks, loop):
        self.chunks = chunks
        self.loop = loop
        self.time = loop.time

    @property
    def is_waiting(self):
        return self.wakeup is not None

    @property
    def is_pending(self):
        return self.read is not None

    def wake(self):
        if self.wakeup is None or self.woken or self.future.done():
            return False
        self.future.remove_done_callback(self.wakeup)
        self.woken = True
        self.loop.call_soon(self.wakeup, self)
        return True

    # What `await` does.

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        # By name alone, as that of `NextValue`.
        return self.send(None)

    def send(self, argument, /):
        cdef PyObject* result = NULL
        return self.yielded(self.advance(None, &result), result)

    def throw(self, error, value=None, traceback=None, /):
        cdef PyObject* result = NULL
        return self.yielded(self.advance(exception_of(error, value, traceback), &result), result)

    def close(self):
        if self.suspended == NOT_SUSPENDED:
            return
        try:
            self.throw(GeneratorExit())
        except (GeneratorExit, StopIteration):
            return
        raise RuntimeError("the source ignored GeneratorExit")

    cdef object yielded(self, int status, PyObject* result):
        if status == PYGEN_NEXT:
            return steal(result)
        raise StopIteration(steal(result))

    cdef int advance(self, error, PyObject** result) except -1:
        """Go on until the chunk is there, or something to wait for. ``error`` is raised where the read waits."""
        cdef int status
        if self.driven:
            raise RuntimeError("this read is awaited already")
        if self.suspended == ON_FUTURE:
            self.suspended = NOT_SUSPENDED
            self.wakeup = None
            if self.woken:
                self.woken = False
                if error is None:
                    woken = NOT_YET
                    result[0] = Py_NewRef(<PyObject*> woken)
                    return PYGEN_RETURN
        elif self.suspended == ON_YIELD:
            self.suspended = NOT_SUSPENDED
        elif self.read is None:
            if error is not None:
                raise error
            waiter = await_next(<PyObject*> self.chunks)
            if waiter == NULL:
                propagate()
            self.read = steal(waiter)
        elif error is None and self.future is not None and not self.future.done():
            return self.wait_for_future(result)
        self.driven = True
        try:
            status = self.drive(error, result)
        except BaseException:
            self.read = self.future = None
            raise
        finally:
            self.driven = False
        if status == PYGEN_RETURN:
            self.read = self.future = None
            return status
        waited = steal(result[0])
        self.future = None
        if getattr(waited, "_asyncio_future_blocking", False):
            # As a task does when it begins to wait for it.
            waited._asyncio_future_blocking = False
            self.future = waited
            return self.wait_for_future(result)
        self.suspensions += 1
        self.suspended = ON_YIELD
        result[0] = Py_NewRef(<PyObject*> waited)
        return PYGEN_NEXT

    cdef int drive(self, error, PyObject** result) except -1:
        cdef int status
        read = self.read
        if error is None:
            status = PyIter_Send(<PyObject*> read, <PyObject*> None, result)
            if status == PYGEN_ERROR:
                propagate()
            return status
        if not hasattr(read, "throw"):
            raise error
        try:
            waited = read.throw(error)
        except StopIteration as stop:
            waited = stop.value
            result[0] = Py_NewRef(<PyObject*> waited)
            return PYGEN_RETURN
        result[0] = Py_NewRef(<PyObject*> waited)
        return PYGEN_NEXT

    cdef int wait_for_future(self, PyObject** result) except -1:
        self._asyncio_future_blocking = True
        if self.idle_since is None:
            self.idle_since = self.time()
        self.suspensions += 1
        self.suspended = ON_FUTURE
        result[0] = Py_NewRef(<PyObject*> self)
        return PYGEN_NEXT

    # What a task, and whoever looks at tasks, asks of a future that is waited for.

    def get_loop(self):
        return self.loop

    def done(self):
        return self.woken or bool(self.future.done())

    def add_done_callback(self, callback, /, *, context=None):
        self.wakeup = callback
        self.future.add_done_callback(callback, context=context)

    def remove_done_callback(self, callback, /):
        return self.future.remove_done_callback(callback)

    def cancel(self, msg=None):
        # The task has been told to go on: it takes the cancellation when it does.
        return False if self.woken else bool(self.future.cancel(msg=msg))

    def result(self):
        return None


# What awaiting gives if it was woken before the chunk came.
NOT_YET = object()


cdef int interruptible_read_send(PyObject* read, PyObject* argument, PyObject** result) except -1:
    return (<InterruptibleRead> read).advance(None, result)


cdef PyObject* interruptible_read_iternext(PyObject* read) except NULL:
    cdef PyObject* result = NULL
    if (<InterruptibleRead> read).advance(None, &result) == PYGEN_NEXT:
        return result
    raise_stop(result)
    return NULL


set_read_slots(InterruptibleRead, interruptible_read_iternext, interruptible_read_send)
