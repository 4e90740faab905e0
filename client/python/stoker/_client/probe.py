"""A probe: what an endpoint says before any handshake.  The engine's thread only.

A daemon that does not understand us closes the connection without a word, as one does that is full,
and as a proxy does whose daemon is down.  ZMTP's greeting comes before that and names a mechanism,
with keys or without; so a connection of its own, on which nothing else is said, tells these apart.
"""

from typing import Any, Optional

import zmq

NULL, CURVE = b"NULL", b"CURVE"

# The signature and the major version; a peer then says its whole greeting.
_START = b"\xff" + bytes(8) + b"\x7f\x03"
_MECHANISM = slice(12, 32)


class Probe:
    """A STREAM, until it is closed or the answer is there."""

    def __init__(self, context: "zmq.Context[Any]", poller: zmq.Poller, endpoint: str) -> None:
        self.poller = poller
        self.greeting = b""
        self.socket: Any = context.socket(zmq.STREAM)
        self.socket.setsockopt(zmq.LINGER, 0)
        # One that came again and again would take the place that a full daemon has at last.
        self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self.socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        self.socket.connect(endpoint)
        poller.register(self.socket, zmq.POLLIN)

    def work(self) -> Optional[bytes]:
        """Say and hear what is due: NULL or CURVE, once, when the peer has said so."""
        while self.socket is not None and len(self.greeting) < _MECHANISM.stop:
            try:
                number, data = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            if data:
                self.greeting += data
            else:
                self._begin(number)
        if self.socket is None:
            return None
        self.close()
        return _mechanism(self.greeting)

    def _begin(self, number: bytes) -> None:
        """The connection has begun, or ended: then there is nobody to be told."""
        self.greeting = b""
        try:
            self.socket.send_multipart([number, _START], zmq.NOBLOCK)
        except zmq.ZMQError:
            pass

    def close(self) -> None:
        if self.socket is not None:
            self.poller.unregister(self.socket)
            self.socket.close(linger=0)
        self.socket = None


def _mechanism(greeting: bytes) -> Optional[bytes]:
    """What stands between the signature's ends is a length to peers before ZMTP 3."""
    if greeting[0] != 0xFF or greeting[9] != 0x7F or greeting[10] < 3:
        return None
    said = greeting[_MECHANISM].rstrip(b"\0")
    return said if said in (NULL, CURVE) else None
