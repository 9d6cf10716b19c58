"""Every HTTP library, handed over as it is: real servers on the loopback, real clients, and what must hold.

    python -m tests.over_http.matrix                  the table: library by what happens to its response
    python -m tests.over_http.matrix --opens 1000     the same with a thousand opens and breaks of each library

`scripted_server`, `asgi` and `nginx` are the servers, `sync_clients` and `async_clients` the clients, `scenarios` and
`programs` what is asked of each of them, and `leaks` what must not be left behind.
"""
