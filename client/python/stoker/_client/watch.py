"""The watch: peers that owe replies and are silent are left, and what they owe is asked elsewhere.

Two ways of being silent.  A peer of which no byte has come for the heartbeat time, though it is
sent heartbeats, is dead, stopped or cut off.  A peer that answers heartbeats, but has sent no
reply for the heartbeat time and four times as long as it usually takes, though it owes some, or
owed several that another peer gave meanwhile, has a loop that is stuck; it is left only where
another peer has sent a batch lately, because otherwise the batches may simply take that long: a
welcome is no batch, or two daemons whose batches take longer would be left in turns for ever.

A process that was stopped finds every peer silent, since it has sent none of them a heartbeat.
Where nobody has looked for half the heartbeat time, a peer that is found silent within as much time
from then on has as long again to answer.
"""

from typing import List

from .core import Core, Peer

STUCK_TIMES = 4
GIVEN_UP_MIN = 4  # replies; fewer are bad luck
STUCK_BYTES_MAX = 1 << 14  # a batch on its way brings more; a heartbeat has a few bytes


def _owes(peer: Peer) -> bool:
    return peer.live and (peer.in_flight > 0 or peer.given_up >= GIVEN_UP_MIN)


def _stuck_from(core: Core, peer: Peer) -> float:
    """When a peer that owes replies owes them for too long."""
    patience = max(STUCK_TIMES * peer.pace.reply, core.options.heartbeat)
    return max(peer.reply_at, peer.owes_since) + patience


def _is_stuck(core: Core, peer: Peer, now: float) -> bool:
    if not _owes(peer) or now < _stuck_from(core, peer):
        return False
    if peer.channel.arrival().bytes > peer.reply_bytes + STUCK_BYTES_MAX:
        return False
    return any(
        other is not peer
        and other.live
        and other.batch_at
        and now - other.batch_at < core.options.heartbeat
        for other in core.peers
    )


def _is_dead(core: Core, peer: Peer, now: float) -> bool:
    """The kernel is asked only where nothing was heard for so long."""
    if now < peer.heard_at + core.options.heartbeat:
        return False
    peer.heard_at = now - peer.channel.arrival().silent
    return now >= peer.heard_at + core.options.heartbeat


def _grace(core: Core) -> float:
    """How long a peer has to answer the first heartbeat after a pause of ours."""
    return core.options.heartbeat / 2


def _is_convicted(core: Core, peer: Peer, now: float) -> bool:
    """Whether a peer that is silent is to be left now.  A process that was stopped has sent no
    heartbeats, and what it sends when it goes on is not answered at once."""
    if not peer.doubted_at and now < core.resumed_at + _grace(core):
        peer.doubted_at = now
    return not peer.doubted_at or now >= peer.doubted_at + _grace(core)


def _is_to_leave(core: Core, peer: Peer, now: float) -> bool:
    if _is_dead(core, peer, now) or _is_stuck(core, peer, now):
        return _is_convicted(core, peer, now)
    peer.doubted_at = 0.0
    return False


def silent_peers(core: Core, now: float) -> List[int]:
    """The peers to leave.  What has come in was received before."""
    if now >= core.look_at + _grace(core):
        core.resumed_at = now
    peers = enumerate(core.peers)
    leave = [index for index, peer in peers if peer.greeted and _is_to_leave(core, peer, now)]
    core.look_at = now
    return leave


def _silent_from(core: Core, peer: Peer) -> float:
    """When a peer was silent for the heartbeat time, or its doubt is over."""
    if peer.doubted_at:
        return peer.doubted_at + _grace(core)
    return peer.heard_at + core.options.heartbeat


def due(core: Core, now: float) -> float:
    """When a peer may be silent for too long, if nothing comes until then."""
    until = float("inf")
    for peer in core.peers:
        if peer.greeted:
            until = min(until, _silent_from(core, peer))
        if peer.greeted and _owes(peer) and _stuck_from(core, peer) > now:
            until = min(until, _stuck_from(core, peer))
    return until


def _count_bytes(core: Core, peer: Peer) -> None:
    # A single endpoint is never left for being stuck, and the kernel costs microseconds.
    if len(core.peers) > 1:
        peer.reply_bytes = peer.channel.arrival().bytes


def note_reply(core: Core, peer: Peer, now: float) -> None:
    """A peer has replied."""
    peer.reply_at = peer.heard_at = now
    peer.given_up = 0
    _count_bytes(core, peer)


def note_ask(core: Core, peer: Peer, now: float) -> None:
    """A peer is asked, and has nothing in flight yet."""
    if peer.given_up < GIVEN_UP_MIN:
        peer.owes_since = now
        _count_bytes(core, peer)
