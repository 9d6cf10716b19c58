"""What serving costs: encoders, relays without sockets, fan-out, and relays in a server."""
