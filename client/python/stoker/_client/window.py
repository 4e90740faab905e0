"""The window: which peer is asked for a step, and when a step is asked of a second one.

Who is asked, spread.py says.  The trainer waits for the head alone, so the head must not be stuck
at a peer that has become slow while others are not.  Where it is unanswered for three times as long
as replies of the peer that would be asked now usually take, 50 ms at least, that one is asked too.
A step is asked of two peers at most, and only the head's, while the trainer waits for it.
"""

import time
from typing import Optional, Tuple

from . import message, watch
from .core import Ask, Core, Slot, State
from .spread import Candidate, pick

HEDGE_S_MIN = 0.05
HEDGE_S_UNMEASURED = 1.0  # where nobody has replied yet
HEDGE_TIMES = 3


def _oldest_sent(core: Core, peer: int, now: float) -> float:
    sent = (ask.sent_at for slot in core.slots.values() for ask in slot.asks if ask.peer == peer)
    return min(sent, default=now)


def _pick_peer(core: Core, slot: Slot, probe: bool) -> Optional[int]:
    """The peer to ask for a slot, one that does not owe it yet."""
    open_ones = [
        peer.live
        and peer.in_flight < peer.window
        and peer.rest_until == 0
        and slot.ask_of(index) is None
        for index, peer in enumerate(core.peers)
    ]
    if len(core.peers) == 1:
        return 0 if open_ones[0] else None
    now = time.monotonic()
    candidates = [
        Candidate(
            open=is_open,
            pace=peer.pace,
            in_flight=peer.in_flight,
            oldest=now - _oldest_sent(core, index, now),
            idle=now - peer.asked_at,
        )
        for index, (peer, is_open) in enumerate(zip(core.peers, open_ones))
    ]
    return pick(candidates, slot.address.step, probe)


def _send_get(core: Core, id: int, index: int) -> Optional[int]:
    """Ask a peer for a slot; the peer's index where its connection takes nothing more."""
    assert core.welcome is not None
    slot, peer = core.slots[id], core.peers[index]
    get = message.encode_get(
        id,
        core.url.stream,
        slot.address,
        core.welcome.info.fingerprint,
        core.options.unmixed,
    )
    if not peer.channel.send(get):
        return index
    peer.asked_at = time.monotonic()
    if peer.in_flight == 0:
        watch.note_ask(core, peer, peer.asked_at)
    peer.in_flight += 1
    peer.figures.asked += 1
    peer.figures.hedged += bool(slot.asks)
    slot.state = State.ASKED
    slot.asks.append(Ask(index, peer.in_flight, peer.asked_at))
    return None


def ask(core: Core) -> Optional[int]:
    """Send the requests of slots that wait; the index of a peer that is lost, if one is."""
    for id in range(core.head, core.tail):
        slot = core.slots[id]
        if slot.state is not State.WAITING:
            continue
        # The trainer need not wait for a probe: it is of a step that is wanted later.
        peer = _pick_peer(core, slot, id > core.head or core.options.window == 1)
        if peer is None:
            return None
        lost = _send_get(core, id, peer)
        if lost is not None:
            return lost
    return None


def _plan_hedge(core: Core) -> Optional[Tuple[int, float]]:
    """The second peer that might be asked for the head, and from when on."""
    head = core.slots.get(core.head)
    if len(core.peers) == 1 or not core.waiting or head is None:
        return None
    if head.state is not State.ASKED or len(head.asks) != 1:
        return None
    peer = _pick_peer(core, head, False)
    if peer is None:
        return None
    usual = core.peers[peer].pace.reply or core.peers[head.asks[0].peer].pace.reply
    patience = HEDGE_TIMES * usual if usual else HEDGE_S_UNMEASURED
    return peer, head.asks[0].sent_at + max(patience, HEDGE_S_MIN)


def hedge(core: Core) -> Optional[int]:
    """Ask a second peer for the head where it is time to; a peer that is lost, if one is."""
    plan = _plan_hedge(core)
    if plan is None or plan[1] > time.monotonic():
        return None
    return _send_get(core, core.head, plan[0])


def hedge_due(core: Core) -> float:
    plan = _plan_hedge(core)
    return float("inf") if plan is None else plan[1]


def send_cancels(core: Core) -> None:
    """What cannot be sent needs not be: a daemon forgets with its connection what it owed."""
    while core.cancels:
        peer, id = core.cancels.pop()
        core.peers[peer].channel.send(message.encode("cancel", id))
