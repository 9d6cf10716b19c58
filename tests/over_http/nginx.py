"""nginx between a server and its clients, which is where most streams meet a proxy."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .scripted_server import PATIENCE

CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip_types application/x-ndjson text/event-stream;
    gzip_min_length 1;
    server {{
        listen 127.0.0.1:{port}{http2};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location /buffered/ {{ proxy_pass {upstream}/; proxy_buffering on; }}
        location /unbuffered/ {{ proxy_pass {upstream}/; proxy_buffering off; }}
        location /compressed/ {{ proxy_pass {upstream}/; proxy_buffering off; gzip on; }}
    }}
}}
"""


@contextmanager
def nginx(command: str, upstream: str, folder: Path, http2: bool = False) -> Iterator[str]:
    """Stand in front of an address, below ``/buffered``, ``/unbuffered`` and ``/compressed``.

    With ``http2`` it speaks HTTP/2 alone, to clients that know it.
    """
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, upstream=upstream, http2=" http2" if http2 else "")
    )
    process = subprocess.Popen(
        [command, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
