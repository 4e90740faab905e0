"""A channel: one endpoint's connection, made again after a loss.  The engine's thread only."""

import random
import socket
import struct
import sys
from typing import Any, List, NamedTuple, Optional

import zmq

from ..errors import ForbiddenError, InvalidError, SystemCallError
from .keys import Keys
from .limits import FRAMES_MAX, WINDOW_MAX
from .probe import CURVE, NULL, Probe

# A legal window never reaches the mark, so libzmq's I/O thread never stops reading: it would not
# see the peer's heartbeats then, and would take it for dead.
MESSAGES_MAX = 2 * WINDOW_MAX
FRAME_BYTES_MAX = 1 << 34  # no frame that makes sense is longer
CONNECT_MS = 5000
HANDSHAKE_MS = 5000
RETRY_MS_MIN = 100
RETRY_MS_MAX = 1000  # a daemon that was started again is back within two seconds
PING_MS_MAX = 5000
TTL_MS = 15000  # without a heartbeat of ours, and we are dead to the daemon

UP, DOWN = "up", "down"

_EVENT = struct.Struct("=HI")
_EVENTS = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CONNECT_RETRIED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
# How a handshake failed: the peer closed the connection without a word, one of both wants keys and
# the other one does not, our key is not let in, the daemon's key is another one than we know.
BROKEN, OTHER, KEY, SERVER = "broken", "other", "key", "server"
# A daemon that is full now and then lets in a probe and not a handshake; hardly so often in turns.
# With the waits between, they take half a second.
MET_CURVE_MIN = 3
# struct tcp_info of Linux: tcpi_last_data_recv in milliseconds, tcpi_bytes_received.
_SILENT_MS = struct.Struct("=52xI")
_BYTES = struct.Struct("=128xQ")
_TCP_INFO_BYTES = 136

# A trainer's own draws must not depend on ours, nor ours on its seed.
_random = random.Random()


def jitter(low: float, high: float) -> float:
    """A span between two: trainers must not go in step."""
    return _random.uniform(low, high)


class Arrival(NamedTuple):
    """What the kernel knows of a connection's incoming bytes; zeros where it does not."""

    silent: float  # seconds since bytes came last
    bytes: int


def _arrival(descriptor: int) -> Arrival:
    """libzmq's thread may have closed the descriptor, and the process may have opened another of
    its number: what is read then is of somebody else, and the event that tells so is on its way."""
    try:
        borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    except OSError:
        return Arrival(0.0, 0)
    try:
        info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:
        return Arrival(0.0, 0)
    finally:
        borrowed.detach()
    if len(info) < _TCP_INFO_BYTES:
        return Arrival(0.0, 0)
    return Arrival(_SILENT_MS.unpack_from(info)[0] / 1e3, _BYTES.unpack_from(info)[0])


class Channel:
    """A DEALER and the PAIR that tells of its connection; both None between a loss and a try."""

    def __init__(
        self,
        context: "zmq.Context[Any]",
        poller: zmq.Poller,
        endpoint: str,
        silence_ms: int,
        keys: Optional[Keys] = None,
    ) -> None:
        self.context, self.poller = context, poller
        self.endpoint = endpoint
        self.keys = keys if keys is not None and keys.are_for(endpoint) else None
        self.handshake: Optional[str] = None  # how the last one failed; None: it did not
        self.probe: Optional[Probe] = None  # between a broken handshake and the next try
        self.met: Optional[bytes] = None  # what the last one was told
        self.met_curve = 0  # probes that were told of keys, each between broken handshakes
        self.silence_ms = silence_ms  # without a byte, and the peer is dead
        self.socket: Any = None
        self.monitor: Any = None
        self.descriptor = -1  # of the connection, libzmq's
        self.refused = False  # a try to connect has failed since the socket was made
        self.sockets = 0  # made so far
        self.losses = 0  # in a row
        self.open_at = 0.0  # when to make the next socket
        self.is_tcp = endpoint.startswith("tcp:")

    def close(self) -> None:
        if self.probe is not None:
            self.probe.close()
            self.probe = None
        if self.socket is not None:
            if self.monitor is not None:
                # Stop the monitor while its reader still lives: libzmq's I/O thread would block
                # on an event that nobody can take.
                self.socket.monitor(None, 0)
                self.poller.unregister(self.socket)
                self.poller.unregister(self.monitor)
            self.socket.close(linger=0)
        if self.monitor is not None:
            self.monitor.close(linger=0)
        self.socket = self.monitor = None
        self.descriptor = -1

    def tend(self, now: float) -> bool:
        """Make the socket if there is none and it is time to; whether it was made."""
        if self.socket is not None:
            return False
        self._heed_probe()
        if now < self.open_at:
            return False
        self._end_probe()
        self.refused = False
        try:
            self._open()
        except zmq.ZMQError as failed:
            self.close()
            kind = InvalidError if failed.errno == zmq.EINVAL else SystemCallError
            raise kind(f"cannot connect to '{self.endpoint}': {failed.strerror}") from failed
        return True

    def _heed_probe(self) -> None:
        answer = self.probe.work() if self.probe is not None else None
        if answer is not None:
            self.probe = None
            self.met = answer
            self.met_curve += answer == CURVE

    def _open_probe(self) -> None:
        try:
            self.probe = Probe(self.context, self.poller, self.endpoint)
        except zmq.ZMQError:
            pass  # no answer, then

    def _end_probe(self) -> None:
        """One that was told nothing by now: whoever breaks our handshakes may be full, or no
        daemon."""
        if self.probe is not None:
            self.probe.close()
            self.probe, self.met, self.met_curve = None, None, 0

    def _open(self) -> None:
        self.socket = self.context.socket(zmq.DEALER)
        ping_ms = min(self.silence_ms // 4, PING_MS_MAX)  # so that one may be late
        # Over tcp the watch looks at bytes, where there is a kernel that tells of them.
        counts_bytes = self.is_tcp and _tells_bytes()
        options = {
            zmq.LINGER: 0,
            # With IPv6 on, libzmq prefers it for every name; a daemon on 0.0.0.0 is not found.
            zmq.IPV6: int("[" in self.endpoint),
            zmq.SNDHWM: MESSAGES_MAX,
            zmq.RCVHWM: MESSAGES_MAX,
            zmq.CONNECT_TIMEOUT: CONNECT_MS,
            zmq.HANDSHAKE_IVL: HANDSHAKE_MS,
            zmq.RECONNECT_IVL: RETRY_MS_MIN,
            zmq.RECONNECT_IVL_MAX: RETRY_MS_MAX,
            zmq.MAXMSGSIZE: FRAME_BYTES_MAX,
            zmq.HEARTBEAT_IVL: ping_ms,
            zmq.HEARTBEAT_TTL: TTL_MS,
            zmq.HEARTBEAT_TIMEOUT: 0 if counts_bytes else self.silence_ms - ping_ms,
        }
        for option, value in options.items():
            self.socket.setsockopt(option, value)
        if self.keys is not None:
            self.socket.curve_serverkey = self.keys.server
            self.socket.curve_publickey = self.keys.public
            self.socket.curve_secretkey = self.keys.secret
        self._open_monitor()
        self.socket.connect(self.endpoint)

    def _open_monitor(self) -> None:
        # libzmq forgets a name some time after its socket was closed: each socket has a new one.
        address = f"inproc://events-{id(self)}-{self.sockets}"
        self.sockets += 1
        self.socket.monitor(address, _EVENTS)
        monitor = self.context.socket(zmq.PAIR)
        monitor.setsockopt(zmq.LINGER, 0)
        # Without a mark: a full queue of events would block libzmq's I/O thread.
        monitor.setsockopt(zmq.RCVHWM, 0)
        monitor.connect(address)
        self.monitor = monitor
        self.poller.register(self.socket, zmq.POLLIN)
        self.poller.register(self.monitor, zmq.POLLIN)

    def event(self) -> Optional[str]:
        """UP, DOWN, or None where nothing happened."""
        while self.monitor is not None and self.monitor.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            event, value = _EVENT.unpack_from(self.monitor.recv_multipart(zmq.NOBLOCK)[0])
            if event == zmq.EVENT_CONNECTED:
                self.descriptor = value
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.handshake, self.met, self.met_curve = None, None, 0
                return UP
            elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self.handshake = KEY
            elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                mismatch = value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                self.handshake = OTHER if mismatch else self._broken()
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                self.handshake = self._broken()
            elif event == zmq.EVENT_DISCONNECTED:
                self.descriptor = -1
                return DOWN
            else:
                self.refused = True
        return None

    def _broken(self) -> str:
        """What a probe has told of a peer that broke the handshake off without a word."""
        if self.met == (CURVE if self.keys is None else NULL):
            return OTHER
        convicted = self.keys is not None and self.met_curve >= MET_CURVE_MIN
        return SERVER if convicted else BROKEN

    def refusal(self) -> Optional[ForbiddenError]:
        """Why the peer would not have us, after DOWN; None where it did not say."""
        if self.handshake == KEY and self.keys is not None:
            return ForbiddenError(
                f"'{self.endpoint}' does not let the key {self.keys.public.decode()} in: have its "
                "operator add it to client_keys, or set another as key or in STOKER_KEY"
            )
        if self.handshake == SERVER and self.keys is not None:
            return ForbiddenError(
                f"'{self.endpoint}' has another key than server_key, {self.keys.server.decode()}: "
                "ask its operator for its public key, and set that as server_key or in "
                "STOKER_SERVER_KEY"
            )
        if self.handshake != OTHER:
            return None
        if self.keys is not None:
            return ForbiddenError(
                f"'{self.endpoint}' has no keys, and this client speaks to a daemon with keys "
                "alone: leave out server_key and STOKER_SERVER_KEY"
            )
        return ForbiddenError(
            f"'{self.endpoint}' asks for a key: set server_key and key, or STOKER_SERVER_KEY and "
            "STOKER_KEY"
        )

    def suspicion(self) -> str:
        """What may be the matter with a peer that closes each connection before its handshake is
        done; empty where that is not so."""
        if self.handshake != BROKEN:
            return ""
        if self.keys is not None:
            return (
                "it closes each connection at once: is server_key that daemon's? it may have no "
                "keys, or as many connections as it takes"
            )
        return (
            "it closes each connection at once: it may ask for a key (server_key, "
            "STOKER_SERVER_KEY), or have as many connections as it takes"
        )

    def arrival(self) -> Arrival:
        """What came in so far; zeros where there is no connection, or not over tcp."""
        if self.descriptor < 0 or not self.is_tcp or not _tells_bytes():
            return Arrival(0.0, 0)
        return _arrival(self.descriptor)

    def drop(self, now: float) -> None:
        """Give the connection up; the next one is made after a back-off that doubles."""
        self.close()
        if self.handshake not in (None, KEY) and self.is_tcp:
            self._open_probe()
        wait_ms = min(RETRY_MS_MIN << min(self.losses, 8), RETRY_MS_MAX)
        self.losses += 1
        self.open_at = now + jitter(wait_ms / 2e3, wait_ms / 1e3)

    def put_off(self, until: float) -> None:
        """Do not make the next connection before a moment; the channel was dropped."""
        self.open_at = max(self.open_at, until)

    def prove(self) -> None:
        """The connection has proven itself: the next loss starts with a short back-off again."""
        self.losses = 0

    def send(self, request: bytes) -> bool:
        """Whether libzmq had room for a request."""
        if self.socket is None:
            return False
        try:
            self.socket.send(request, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def receive(self) -> Optional[List[zmq.Frame]]:
        """A message if one is there; of its frames one more than FRAMES_MAX at most is kept."""
        if self.socket is None or not self.socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            return None
        frames: List[zmq.Frame] = []
        more = True
        try:
            while more:
                # Small frames cost less as bytes, but then they would be copies.
                frame = self.socket.recv(zmq.NOBLOCK, copy=False)
                more = frame.more
                if len(frames) <= FRAMES_MAX:
                    frames.append(frame)
        except zmq.Again:
            return None
        return frames


def _tells_bytes() -> bool:
    return sys.platform == "linux" and hasattr(socket, "TCP_INFO")
