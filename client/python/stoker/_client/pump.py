"""The pump: greet, ask, receive, and ask again elsewhere.  The engine's thread, under the lock."""

import math
import time
from typing import Any, Container, List, Optional

from ..errors import Error, UnknownKindError, error_of_code, passes
from . import greet, message, watch, window
from .channel import DOWN, MESSAGES_MAX, UP, jitter
from .core import HELLO_ID, Core, Slot, State
from .message import Map

REST_S = 0.25
REST_S_MAX = 2.0  # a daemon may ask for more; its trainers would stand still
TURN_S = 0.05  # of receiving from one peer; the trainer's thread waits for the lock meanwhile
REPLIES = ("streams", "labels", "replaced", "stats", "welcome", "batch", "error")


def lose(core: Core, index: int) -> None:
    """A peer's connection is gone or given up: what it owed waits for another one, in order."""
    for slot in core.slots.values():
        ask = slot.ask_of(index)
        if ask is not None:
            core.settle(slot, ask)
    peer = core.peers[index]
    peer.figures.losses += peer.greeted
    peer.greeted = peer.live = False
    peer.rest_until = peer.doubted_at = 0.0
    peer.channel.drop(time.monotonic())


def refuse(core: Core, index: int, refusal: Error) -> None:
    """The daemon does not want us, or makes no sense.  It is tried again."""
    core.peers[index].refusal = refusal
    lose(core, index)


def _rest_until(retry_ms: int, now: float) -> float:
    """When a daemon that said "not now" is asked again: when it said, and a little later, so that
    its trainers do not come back all at once."""
    rest = min(retry_ms / 1e3, REST_S_MAX) if retry_ms else REST_S
    return now + jitter(rest, rest * 1.25)


def _fail_slot(core: Core, index: int, slot: Slot, failure: Error, retry_ms: int = 0) -> None:
    """A peer does not give a slot's batch: a passing reason asks again, any other is told once the
    trainer gets there, unless another peer gives the batch."""
    ask = slot.ask_of(index)
    assert ask is not None
    core.settle(slot, ask)
    slot.failure = failure
    if passes(failure):
        core.peers[index].rest_until = _rest_until(retry_ms, time.monotonic())
    elif slot.state is State.WAITING:
        slot.state = State.FAILED


def _heed_error(core: Core, index: int, slot: Optional[Slot], reply: Map) -> None:
    endpoint = core.url.endpoints[index]
    retry_ms = 0
    try:
        refusal = message.decode_refusal(reply)
        retry_ms = refusal.retry_ms
        failure = error_of_code(refusal.code, f"'{endpoint}' says: {refusal.message}")
    except Error as broken:
        failure = type(broken)(
            f"'{endpoint}' broke the protocol: it sent an error that cannot be read"
        )
    if slot is not None:
        _fail_slot(core, index, slot, failure, retry_ms)
        return
    refuse(core, index, failure)
    if retry_ms:
        core.peers[index].channel.put_off(_rest_until(retry_ms, time.monotonic()))


def _accept_batch(core: Core, index: int, id: int, now: float) -> None:
    """The first batch of a slot is here: what another peer owes of it is too late."""
    slot, peer = core.slots[id], core.peers[index]
    ask = slot.ask_of(index)
    assert ask is not None
    peer.pace.add(now - ask.sent_at, ask.beside)
    peer.figures.batches += 1
    core.settle(slot, ask)
    for late in slot.asks:
        slower = core.peers[late.peer]
        slower.pace.give_up(now - late.sent_at, late.beside)
        slower.given_up += 1
    core.cancel(id)
    slot.failure = None
    slot.state = State.READY


def _heed_batch(core: Core, index: int, id: int, reply: Map, frames: List[Any]) -> None:
    assert core.opener is not None
    slot = core.slots[id]
    try:
        batch = core.opener.open(reply, frames, slot.address)
        if batch.unmixed != core.options.unmixed:
            raise UnknownKindError(
                f"'{core.url.endpoints[index]}' cannot serve pictures as they were before mixing: "
                "its stokerd is older than this library"
            )
    except Error as broken:
        _fail_slot(core, index, slot, broken)
        return
    slot.batch = batch
    _accept_batch(core, index, id, time.monotonic())


def _heed_reply(core: Core, index: int, kind: str, id: int, reply: Map, frames: List[Any]) -> None:
    if kind not in ("batch", "error"):
        return
    peer = core.peers[index]
    watch.note_reply(core, peer, time.monotonic())
    if kind == "batch":
        peer.batch_at = peer.reply_at
    slot = core.slots.get(id)
    if slot is None or slot.ask_of(index) is None:
        peer.figures.dropped += 1
    elif kind == "error":
        _heed_error(core, index, slot, reply)
    else:
        _heed_batch(core, index, id, reply, frames)


def heed(core: Core, index: int, frames: List[Any]) -> None:
    """A message has come from a peer."""
    endpoint = core.url.endpoints[index]
    try:
        reply = message.unpack(frames[0].buffer)
    except Error as broken:
        sentence = f"'{endpoint}' sent bytes that are no reply: is it a stokerd?"
        refuse(core, index, type(broken)(sentence))
        return
    kind, id = reply.get("k"), message.id_of(reply)
    if kind not in REPLIES:
        return
    if not core.peers[index].live and kind == "welcome" and id == HELLO_ID:
        try:
            greet.accept(core, index, greet.read_welcome(core, index, reply))
        except Error as refusal:
            refuse(core, index, refusal)
    elif kind == "error" and id <= HELLO_ID:
        _heed_error(core, index, None, reply)
    else:
        _heed_reply(core, index, str(kind), id, reply, frames)


def _receive_all(core: Core, index: int, turn_s: float) -> None:
    """What has come in.  A daemon that sends without end is heard again in the engine's next turn:
    the trainer's thread gets the lock in between."""
    channel = core.peers[index].channel
    until = time.monotonic() + turn_s
    for _ in range(MESSAGES_MAX):
        frames = channel.receive()
        if frames is None:
            return
        heed(core, index, frames)
        if time.monotonic() > until:
            return


def _greet(core: Core, index: int) -> None:
    peer = core.peers[index]
    peer.heard_at = time.monotonic()
    peer.greeted = peer.channel.send(greet.hello(core))
    if not peer.greeted:
        lose(core, index)


def _tend_peer(core: Core, index: int, ready: Container[Any]) -> None:
    peer = core.peers[index]
    channel = peer.channel
    now = time.monotonic()
    if peer.rest_until <= now:
        peer.rest_until = 0.0
    if channel.tend(now) or (channel.socket not in ready and channel.monitor not in ready):
        return
    while True:
        event = channel.event() if channel.monitor in ready else None
        if event == UP:
            _greet(core, index)
        # In this order: what a daemon sent before it went away has come in by now.
        _receive_all(core, index, math.inf if event == DOWN else TURN_S)
        if event == DOWN and channel.socket is not None:
            refusal = channel.refusal()
            if refusal is not None:
                refuse(core, index, refusal)
            else:
                lose(core, index)
        if event is None:
            return


def work(core: Core, ready: Container[Any]) -> None:
    """Do everything that needs no waiting; raises where this process cannot go on."""
    for index in range(len(core.peers)):
        _tend_peer(core, index, ready)
    for index in watch.silent_peers(core, time.monotonic()):
        lose(core, index)
    window.send_cancels(core)
    core.take_addresses()
    while (lost := window.ask(core)) is not None:
        lose(core, lost)
    lost = window.hedge(core)
    if lost is not None:
        lose(core, lost)


def due(core: Core) -> float:
    """When there may be work though nothing comes in."""
    until = min(watch.due(core, time.monotonic()), window.hedge_due(core))
    for peer in core.peers:
        if peer.channel.socket is None:
            until = min(until, peer.channel.open_at)
        if peer.rest_until:
            until = min(until, peer.rest_until)
    return until
