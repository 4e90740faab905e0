"""What the engine's thread and the trainer's share, all of it under one lock.

Steps that were taken from the order stand in slots.  A slot's place is its requests' id, so a reply
finds its slot at once, batches leave in order at the head, and an id that is not between head and
tail belongs to nobody.  A slot may be asked of two peers at once (window.py says when); the first
batch counts, and the other peer's request is cancelled.  Whatever comes for a slot that does not
wait for it from this peer is late or comes twice, and is dropped.

    WAITING -> ASKED -> READY -> (taken)
       ^         |  \\-> FAILED -+
       |         v              |
       +-- no peer owes it any more: connection lost, peer left, or "not now"

The engine's thread alone touches sockets; what the trainer's wants sent (cancels) it leaves in
`cancels`.
"""

import enum
import threading
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from ..batch import Batch, Opener
from ..errors import Error
from ..info import Address
from .channel import Channel
from .keys import find_keys
from .message import Welcome
from .order import Order
from .spread import Pace
from .url import Url

HELLO_ID = 1  # slots have larger ones; 0 is what a daemon answers that cannot read ours
FIRST_ID = 2


@dataclass(frozen=True)
class Options:
    """As struct stk_options of the C library, in seconds."""

    rank: int
    world: int
    epoch: int
    step: int
    epochs: int
    batches: int
    window: int
    timeout: float
    heartbeat: float
    name: str
    unmixed: str
    server_key: Optional[str] = None
    key: Optional[str] = None


@dataclass
class Figures:
    """What became of what an endpoint was asked so far."""

    asked: int = 0  # requests, with those below and those that were asked again
    hedged: int = 0  # of them of a step that another endpoint owed as well
    batches: int = 0  # received, the first ones of their steps
    dropped: int = 0  # replies that nobody waited for any more: late, or a second time
    losses: int = 0  # connections that broke or were given up


@dataclass
class Peer:
    """An endpoint: its connection, and what its daemon has told.  Times are time.monotonic's."""

    channel: Channel
    greeted: bool = False  # hello was sent on this connection
    live: bool = False  # it was answered: requests may go there
    window: int = 0  # requests in flight that the daemon grants
    in_flight: int = 0  # asks of slots here, <= window
    rest_until: float = 0.0  # the daemon said "not now": asked again from then on; else 0
    pace: Pace = field(default_factory=Pace)  # outlives the connection
    asked_at: float = 0.0
    reply_at: float = 0.0  # when it replied last: welcome, batch or error
    batch_at: float = 0.0  # when it sent a batch last; 0: never
    heard_at: float = 0.0  # when bytes came last, as far as that was looked at
    owes_since: float = 0.0
    given_up: int = 0  # of its replies since the last one: another peer was faster
    reply_bytes: int = 0  # that had come in when it replied, or was asked with nothing in flight
    doubted_at: float = 0.0  # when it was found silent soon after a pause of ours; else 0
    figures: Figures = field(default_factory=Figures)
    refusal: Optional[Error] = None  # why the daemon would not have us


class State(enum.Enum):
    WAITING = 0  # to be asked
    ASKED = 1  # of one peer or two
    READY = 2  # batch is here
    FAILED = 3  # failure says why; becomes WAITING once that was told


@dataclass
class Ask:
    """A request that is not answered yet."""

    peer: int
    beside: int  # requests in flight there when it was sent, itself counted
    sent_at: float


@dataclass
class Slot:
    address: Address
    state: State = State.WAITING
    asks: List[Ask] = field(default_factory=list)  # not empty where ASKED, two at most
    batch: Optional[Batch] = None  # READY
    # FAILED; or what a peer last said where another one still owes, or all have put us off.
    failure: Optional[Error] = None

    def ask_of(self, peer: int) -> Optional[Ask]:
        for ask in self.asks:
            if ask.peer == peer:
                return ask
        return None


class Core:
    """A client's data; see the head of this file."""

    def __init__(self, url: Url, options: Options) -> None:
        self.changed = threading.Condition(threading.Lock())  # and the lock of all below
        self.url, self.options = url, options
        self.keys = find_keys(options.server_key, options.key)
        self.peers: List[Peer] = []
        self.welcome: Optional[Welcome] = None  # the first one: all others must tell the same
        self.pinned_by = 0
        self.opener: Optional[Opener] = None  # with welcome
        self.order: Optional[Order] = None  # requests may be made once it is there
        self.place = Address(options.epoch, options.step)  # behind what was handed out
        self.batches_left = options.batches or None  # to be asked for; None: no limit
        self.head = self.tail = FIRST_ID
        self.slots: Dict[int, Slot] = {}  # head up to tail
        self.cancels: List[Tuple[int, int]] = []  # peer and id, to be sent
        self.look_at = 0.0  # when the peers are looked at next, if this process runs by then
        self.resumed_at = 0.0  # when it ran again after it did not; 0: never
        self.waiting = False  # the trainer does, for the head
        self.stopping = False
        self.failure: Optional[Error] = None  # this process cannot go on

    def take_addresses(self) -> None:
        """Fill the window with steps that are to be asked for."""
        while (
            self.order is not None
            and self.tail - self.head < self.options.window
            and self.batches_left != 0
        ):
            address = self.order.next()
            if address is None:
                return
            if self.batches_left is not None:
                self.batches_left -= 1
            self.slots[self.tail] = Slot(address)
            self.tail += 1

    def settle(self, slot: Slot, ask: Ask) -> None:
        """A request of a slot is answered or given up; the slot waits where it was the last."""
        self.peers[ask.peer].in_flight -= 1
        slot.asks.remove(ask)
        if not slot.asks and slot.state is State.ASKED:
            slot.state = State.WAITING

    def cancel(self, id: int) -> None:
        """Cancel a slot's requests that are still owed; the engine sends that."""
        slot = self.slots[id]
        while slot.asks:
            self.cancels.append((slot.asks[0].peer, id))
            self.settle(slot, slot.asks[0])

    def forget(self) -> None:
        """Cancel what is in flight and drop what came in; no slot is left."""
        if self.batches_left is not None:
            self.batches_left += self.tail - self.head
        for id in range(self.head, self.tail):
            self.cancel(id)
            del self.slots[id]
        self.head = self.tail
