"""A client: what the trainer's thread does with the core: open, next, seek."""

import os
import socket
import time
from dataclasses import replace
from operator import index
from typing import Any, Optional

from ..batch import Batch
from ..errors import (
    ClosedError,
    Error,
    FingerprintError,
    InvalidError,
    TimeoutError,
    passes,
    tame,
)
from ..info import Address, StreamInfo
from . import url as urls
from .core import Core, Options, Peer, Slot, State
from .engine import Engine
from .limits import NAME_BYTES_MAX, U32_MAX, U64_MAX, WINDOW_MAX
from .order import Order

GRACE_S = 1.0  # for the other endpoints, once one has answered
HEARTBEAT_S_MIN, HEARTBEAT_S_MAX = 0.1, 3600.0
NAMES_BYTES_MAX = 399  # of the endpoints in a sentence


def default_name() -> str:
    """What the daemon's log calls this trainer."""
    return f"{socket.gethostname()[:48]}:{os.getpid()}"


def _whole(name: str, value: Any, most: int) -> int:
    """A number as Python has it: NumPy's are taken, truths and floats are not."""
    number = -1 if isinstance(value, bool) or not hasattr(value, "__index__") else index(value)
    if not 0 <= number <= most:
        raise InvalidError(f"{name} = {value!r} is no whole number from 0 to {most}")
    return number


def check_seconds(name: str, value: Any) -> float:
    """A span of time."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise InvalidError(f"{name} = {value!r} is no number of seconds")
    return float(value)


def check_options(given: Options) -> Options:
    """The options as they are worked with; InvalidError tells the one that makes no sense."""
    most = dict.fromkeys(("rank", "world", "epoch", "epochs", "window"), U32_MAX)
    most.update(step=U64_MAX, batches=U64_MAX)
    numbers = {name: _whole(name, getattr(given, name), most[name]) for name in most}
    spans = {name: check_seconds(name, getattr(given, name)) for name in ("timeout", "heartbeat")}
    options = replace(given, **numbers, **spans)
    _check_ranges(options)
    return options


def _check_ranges(options: Options) -> None:
    if not 1 <= options.window <= WINDOW_MAX:
        raise InvalidError(f"a window of {options.window} is not 1 to {WINDOW_MAX} requests")
    if options.rank >= options.world:
        raise InvalidError(
            f"rank {options.rank} is not below world {options.world}: ranks count from 0"
        )
    if not HEARTBEAT_S_MIN <= options.heartbeat <= HEARTBEAT_S_MAX:
        raise InvalidError(
            f"a heartbeat of {options.heartbeat * 1e3:g} ms is not "
            f"{HEARTBEAT_S_MIN * 1e3:.0f} to {HEARTBEAT_S_MAX * 1e3:.0f} ms"
        )
    if not options.timeout > 0:
        raise InvalidError(f"a timeout of {options.timeout:g} s is none")
    if type(options.name) is not str:
        raise InvalidError(f"the client's name {options.name!r} is no text")
    if len(options.name.encode()) > NAME_BYTES_MAX:
        raise InvalidError(
            f"the client's name '{options.name}' is longer than {NAME_BYTES_MAX} bytes"
        )
    if options.unmixed not in ("no", "own", "partner"):
        raise InvalidError(f"unmixed = {options.unmixed!r} is none of 'no', 'own' and 'partner'")


class Client:
    """A core, its engine, and the waiting for both.  One thread at a time."""

    def __init__(self, url: str, options: Options) -> None:
        options = check_options(options)
        self.core = Core(urls.parse(url), options)
        self.timeout = options.timeout
        self.engine = Engine(self.core)
        self._names = " or ".join(f"'{each}'" for each in self.core.url.endpoints)
        self._names = self._names[:NAMES_BYTES_MAX]
        try:
            with self.core.changed:
                self._greet_all()
                self._start()
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> StreamInfo:
        assert self.core.welcome is not None
        return self.core.welcome.info

    @property
    def order(self) -> Order:
        assert self.core.order is not None
        return self.core.order

    @property
    def address(self) -> Optional[Address]:
        """Of the batch that is next; None where everything was delivered."""
        head = self.core.slots.get(self.core.head)
        return None if head is None else head.address

    def close(self) -> None:
        if os.getpid() != self.engine.pid:
            return
        with self.core.changed:
            self.engine.stop()
            self.core.slots.clear()
            self.core.tail = self.core.head
            self.core.changed.notify_all()
        self.engine.join()

    def check_usable(self) -> None:
        """A forked child has the stream's memory, but neither its thread nor its sockets."""
        if os.getpid() != self.engine.pid:
            raise ClosedError(
                f"the stream '{self.core.url.stream}' was opened by process {self.engine.pid}, and "
                "does not survive a fork: open streams in the process that uses them"
            )
        if self.core.stopping:
            raise ClosedError(f"the stream '{self.core.url.stream}' is closed")
        if self.core.failure is not None:
            raise self.core.failure

    # Opening, under the lock.

    def _refused_peer(self, passing: bool) -> Optional[Peer]:
        for peer in self.core.peers:
            if peer.refusal is not None and passes(peer.refusal) == passing:
                return peer
        return None

    @staticmethod
    def _tell(peer: Peer) -> Error:
        """Told once: the next one is what the daemon says when it is asked again."""
        refusal, peer.refusal = peer.refusal, None
        assert refusal is not None
        return refusal

    def _open_overdue(self) -> Error:
        refused = self._refused_peer(True)
        if refused is not None:
            return self._tell(refused)
        timeout_ms = round(self.timeout * 1e3)
        for peer in self.core.peers:
            suspicion = peer.channel.suspicion()
            if suspicion:
                return TimeoutError(
                    f"no answer from '{peer.channel.endpoint}' within {timeout_ms} ms: {suspicion}"
                )
            if peer.greeted:
                return TimeoutError(
                    f"'{peer.channel.endpoint}' was reached, but has not answered within "
                    f"{timeout_ms} ms: is it a stokerd?"
                )
        return TimeoutError(
            f"no answer from {self._names} within {timeout_ms} ms: is stokerd running, and does "
            "it listen there?"
        )

    def _greet_all(self) -> None:
        """Where one daemon answers, the others have a moment to answer too, so that different data
        is found before the training starts and not in its first minute."""
        until = grace = time.monotonic() + self.timeout
        answered = False
        while True:
            self.check_usable()
            refused = self._refused_peer(False)
            if refused is not None:
                raise self._tell(refused)
            peers = self.core.peers
            live = any(peer.live for peer in peers)
            if live and not answered:
                answered = True
                grace = min(until, time.monotonic() + GRACE_S)
            late = time.monotonic() >= grace
            if live and (late or all(map(_heard_of, peers))):
                return
            if late:
                raise self._open_overdue()
            self.core.changed.wait(max(0.0, grace - time.monotonic()))

    def _start(self) -> None:
        options = self.core.options
        place = Address(options.epoch, options.step)
        self.core.order = Order(self.info, options.rank, options.world, place, options.epochs)
        self.core.take_addresses()
        self.engine.wake()

    # Batches.

    def next(self) -> Optional[Batch]:
        """The next batch in order; None where everything was delivered."""
        self.check_usable()
        core = self.core
        with core.changed:
            head = core.slots.get(core.head)
            if head is not None and head.state is State.READY:
                return self._hand_out(head)
            core.waiting = True
            try:
                return self._wait_for_head()
            finally:
                core.waiting = False

    def _wait_for_head(self) -> Optional[Batch]:
        core = self.core
        until = time.monotonic() + self.timeout
        if len(core.peers) > 1:
            self.engine.wake()  # it may be time to ask a second peer
        while True:
            self.check_usable()
            head = core.slots.get(core.head)
            if head is None:
                return None
            if head.state is State.READY:
                return self._hand_out(head)
            if head.state is State.FAILED:
                raise self._failed(head)
            if all(peer.refusal is not None and not passes(peer.refusal) for peer in core.peers):
                refused = self._refused_peer(False)
                assert refused is not None
                raise self._tell(refused)
            left = until - time.monotonic()
            if left <= 0:
                raise self._next_overdue(head)
            core.changed.wait(left)

    def _hand_out(self, head: Slot) -> Batch:
        core = self.core
        batch = head.batch
        assert batch is not None
        core.place = self.order.after(head.address)
        del core.slots[core.head]
        core.head += 1
        core.take_addresses()
        self._refill()
        return batch

    def _refill(self) -> None:
        """Have the engine ask for what is wanted: now, not in the next call, as the daemon works
        while the trainer does; but not for each batch, as every turn of the engine costs the
        trainer's cores.  A reply that is on its way wakes it as well, and while three quarters of
        the window are asked for or here, nobody is the slower for it."""
        states = [slot.state for slot in self.core.slots.values()]
        enough = states.count(State.WAITING) <= self.core.options.window // 4
        if not enough or State.ASKED not in states:
            self.engine.wake()

    def _failed(self, head: Slot) -> Error:
        """Told once: what comes of asking again is another matter."""
        failure = head.failure
        assert failure is not None
        head.state, head.failure = State.WAITING, None
        self.engine.wake()
        return failure

    def _next_overdue(self, head: Slot) -> Error:
        """Time is up: say what was in the way, as far as a daemon has told."""
        if head.failure is not None:
            return head.failure
        refused = self._refused_peer(False) or self._refused_peer(True)
        if refused is not None:
            return self._tell(refused)
        return TimeoutError(
            f"epoch {head.address.epoch} step {head.address.step} has not come from {self._names} "
            "in time: is stokerd running and reachable?"
        )

    # Places.

    def seek(self, place: Address) -> None:
        """Go to another place; what is in flight is cancelled.  RangeError changes nothing."""
        place = Address(_whole("epoch", place.epoch, U32_MAX), _whole("step", place.step, U64_MAX))
        self.check_usable()
        with self.core.changed:
            self.order.seek(place)
            self.core.place = place
            self.core.forget()
            self.core.take_addresses()
            self.engine.wake()

    def check_data(self, stream: str, fingerprint: str) -> None:
        """Whether a state is of this data: InvalidError or FingerprintError where it is not."""
        served = self.core.url.stream
        if stream != served:
            raise InvalidError(
                f"the state was saved of the stream '{tame(stream)}', and '{served}' is another one"
            )
        if fingerprint != self.info.fingerprint:
            raise FingerprintError(
                "the state was saved of other data than "
                f"'{self.core.url.endpoints[self.core.pinned_by]}' serves as '{served}' "
                f"(fingerprints {fingerprint} and {self.info.fingerprint}): start the training "
                "anew, or give the daemon its old data back"
            )


def _heard_of(peer: Peer) -> bool:
    """Whether an endpoint has answered, or shown that it will not soon."""
    return peer.live or peer.channel.refused or peer.channel.losses > 0
