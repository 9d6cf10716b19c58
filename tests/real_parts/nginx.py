"""nginx as a process of its own on the loopback interface, as a test configures it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import real_parts

_PATIENCE = 20
"""Seconds after which a start or a stop that hangs is given up."""
_CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {directives}
    server {{
        listen 127.0.0.1:{port} {protocol};
        {locations}
    }}
}}
"""


@contextmanager
def serving(folder: Path, directives: str, locations: str, protocol: str = "") -> Iterator[str]:
    """Run it for as long as the block lasts, or skip the test if it is missing.

    Args:
        folder: Where its files go.
        directives: What is said of all that it serves.
        locations: What is said of its one server.
        protocol: What else is said of the port, such as "http2".

    Returns:
        A context manager that gives its URL.
    """
    command = real_parts.command("nginx", "nginx")
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, directives=directives, port=port, protocol=protocol, locations=locations)
    )
    log = folder / "error.log"
    process = subprocess.Popen(
        [command, "-c", str(configuration), "-p", str(folder), "-e", str(log)], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_PATIENCE)
