"""Holds every peer to the corpus, and writes the page that shows it.

python -m peers PAGE [FOLDER_WITH_NODE_MODULES]
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from peers import concatenated_json, event_streams, lines, ndstream_decoders, page
from peers.node_streams import Node
from peers.peer import Peer


def main() -> None:
    logging.disable()
    path, *folders = map(Path, sys.argv[1:])
    nodes = [Node(folder) for folder in folders]
    peers: dict[str, list[Peer]] = {
        "sse": [*event_streams.PEERS, *(peer for node in nodes for peer in node.peers())],
        "ndjson": lines.PEERS,
        "concatenated": concatenated_json.PEERS,
    }
    tables = {}
    for framing, others in peers.items():
        print(f"{framing}: {', '.join(peer.name for peer in others)} ...", file=sys.stderr)
        tables[framing] = page.table(framing, [*ndstream_decoders.peers(framing), *others])
    for node in nodes:
        node.close()
    path.write_text(page.page(tables))


main()
