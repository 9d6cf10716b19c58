"""`relay`: what one server sends, as the body of a response to the client of another."""

from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.facade import relay
from ndstream.serving._relay.group import RelayGroup
from ndstream.serving._relay.relay_state import BrokenTransferError
from ndstream.serving._relay.sync_relay import Relay

__all__ = ["AsyncRelay", "BrokenTransferError", "Relay", "RelayGroup", "relay"]
