"""Greeting: hello, and whether the welcome tells of the same data as the first one."""

import time
from typing import Optional

from ..batch import Opener
from ..errors import Error, FingerprintError, InvalidError, VersionError, tame
from . import message, watch
from .core import HELLO_ID, Core
from .limits import PROTOCOL_VERSION
from .message import Map, Welcome


def hello(core: Core) -> bytes:
    return message.encode_hello(HELLO_ID, core.url.stream, core.options.name, core.options.window)


def _differs(core: Core, index: int, welcome: Welcome) -> Optional[Error]:
    """Why a welcome is not of what was pinned."""
    pinned = core.welcome
    if pinned is None:
        return None
    first, other = core.url.endpoints[core.pinned_by], core.url.endpoints[index]
    stream = core.url.stream
    if welcome.plan != pinned.plan:
        return FingerprintError(
            f"'{first}' makes plan {pinned.plan} and '{other}' plan {welcome.plan}: run one "
            "version of stokerd behind one url"
        )
    was, told = pinned.info.fingerprint, welcome.info.fingerprint
    if told == was:
        return None
    if core.pinned_by == index:
        return FingerprintError(
            f"'{other}' came back with other data for the stream '{stream}' (fingerprint {told}, "
            f"was {was}): start the training anew, or give the daemon its old data back"
        )
    return FingerprintError(
        f"'{first}' and '{other}' serve different data as '{stream}' (fingerprints {was} and "
        f"{told}): give both the same configuration and files"
    )


def read_welcome(core: Core, index: int, reply: Map) -> Welcome:
    """A peer's welcome; raises what is wrong with it."""
    endpoint = core.url.endpoints[index]
    try:
        welcome = message.decode_welcome(reply)
    except VersionError as other:
        raise VersionError(
            f"'{endpoint}' speaks version {other} of the protocol and this library version "
            f"{PROTOCOL_VERSION}: update the older one"
        ) from None
    except Error as broken:
        what = tame(str(broken))
        raise type(broken)(f"'{endpoint}' sent a welcome that cannot be read ({what})") from None
    if welcome.window == 0 or welcome.info.stream != core.url.stream:
        raise InvalidError(
            f"'{endpoint}' broke the protocol: it grants no window, or for another stream"
        )
    differs = _differs(core, index, welcome)
    if differs is not None:
        raise differs
    return welcome


def accept(core: Core, index: int, welcome: Welcome) -> None:
    """The daemon would have us."""
    if core.welcome is None:
        core.welcome, core.pinned_by = welcome, index
        core.opener = Opener(welcome.info)
    peer = core.peers[index]
    peer.live, peer.refusal, peer.window = True, None, welcome.window
    peer.asked_at = time.monotonic()
    watch.note_reply(core, peer, peer.asked_at)
    peer.channel.prove()
