"""Every HTTP library, handed over as it is: real servers on the loopback, real clients, and what must hold.

    python -m tests.over_http.matrix                  the table: library by what happens to its response
    python -m tests.over_http.matrix --opens 1000     the same with a thousand opens and breaks of each library

`wire`, `asgi` and `nginx` are the servers, `blocking` and `awaiting` the clients, `cells` what is asked
of each of them, and `watch` what must not be left behind.
"""
