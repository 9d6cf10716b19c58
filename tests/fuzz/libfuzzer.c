/* libFuzzer as a module of Python: run(arguments, target, at_end) calls target(bytes) until an argument ends it, and
 * exits the process then, as libFuzzer does. An exception of the target ends it as a crash would, with the input kept.
 * reached(number) tells libFuzzer of a place in Python code. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*target)(const uint8_t *data, size_t size));

/* libFuzzer looks at what lies in this section after each execution, and clears it. */
#define PLACES 8192
__attribute__((used, section("__libfuzzer_extra_counters"))) static uint8_t places[PLACES];

static PyObject *target, *at_end;

static int execute(const uint8_t *data, size_t size) {
    PyObject *input = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *result = input == NULL ? NULL : PyObject_CallOneArg(target, input);
    Py_XDECREF(input);
    if (result == NULL) {
        PyErr_Print();
        abort();
    }
    Py_DECREF(result);
    /* libFuzzer ends where nothing is reached, and up to CPython 3.11 nothing tells it of lines. */
    places[PLACES - 1] = 1;
    return 0;
}

static void end(void) {
    PyObject *result = PyObject_CallNoArgs(at_end);
    if (result == NULL)
        PyErr_Print();
    Py_XDECREF(result);
}

static PyObject *run(PyObject *module, PyObject *given) {
    static char *texts[64];
    char **arguments = texts;
    PyObject *list;
    int count = 0;
    (void)module;
    if (!PyArg_ParseTuple(given, "O!OO", &PyList_Type, &list, &target, &at_end))
        return NULL;
    for (; count < PyList_GET_SIZE(list) && count < 63; count++) {
        const char *text = PyUnicode_AsUTF8(PyList_GET_ITEM(list, count));
        if (text == NULL)
            return NULL;
        texts[count] = strdup(text);
    }
    Py_INCREF(target);
    Py_INCREF(at_end);
    atexit(end);
    return PyLong_FromLong(LLVMFuzzerRunDriver(&count, &arguments, execute));
}

static PyObject *reached(PyObject *module, PyObject *number) {
    unsigned long place = PyLong_AsUnsignedLong(number);
    (void)module;
    if (place == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    places[place % PLACES] = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", run, METH_VARARGS, NULL},
    {"reached", reached, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "libfuzzer", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_libfuzzer(void) { return PyModule_Create(&definition); }
