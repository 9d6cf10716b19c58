"""What serving costs: encoders, relays without sockets, and relays in a server."""
