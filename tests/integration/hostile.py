"""Peers that mean harm, or know no better: a table of behaviours over plain sockets.

Each behaviour is a function that does its worst once, in a fraction of a second, and leaves
nothing open but what the attack itself holds; whoever runs it repeats it.  What a peer that
misbehaves is answered is no business of this file.
"""

import contextlib
import os
import random
import socket
import struct

import msgpack

SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"
GREETING = SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32
U32, U64 = 2**32 - 1, 2**64 - 1
GET = {"k": "get", "id": 1, "stream": "train", "epoch": 0, "step": 0}

BEHAVIOURS = {}


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


class Attack:
    """One burst: an endpoint, and connections that are closed with it."""

    def __init__(self, endpoint, seed=1):
        self.endpoint = endpoint
        self.random = random.Random(seed)
        self.open = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.close()

    def plain(self, *data, wait_s=0.2):
        """A connection on which some bytes were said; a daemon that hangs up is no error."""
        scheme, place = self.endpoint.split("://", 1)
        one = socket.socket(socket.AF_UNIX if scheme == "ipc" else socket.AF_INET)
        self.open.callback(one.close)
        one.settimeout(wait_s)
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError):
            one.connect(place if scheme == "ipc" else (host, int(port)))
            for piece in data:
                one.sendall(piece)
        return one

    def ready(self, kind=b"DEALER", **properties):
        """The READY command of a socket type with some properties."""
        metadata = property_bytes(b"Socket-Type", kind)
        for name, value in properties.items():
            metadata += property_bytes(name.encode(), value)
        return command(b"READY", metadata)

    def peer(self, *data, **properties):
        """A connection with its handshake said, whether it is listened to or not."""
        return self.plain(GREETING, self.ready(**properties), *data)

    def ask(self, *requests, **properties):
        """Requests on a connection of their own; nothing is read."""
        return self.peer(b"".join(frame(encode(request)) for request in requests), **properties)


def property_bytes(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return struct.pack(">BQ", flags | 2, len(body)) + body


def command(name, body):
    return frame(bytes([len(name)]) + name + body, 4)


def encode(message):
    return message if isinstance(message, bytes) else msgpack.packb(message)


# Before a handshake.


@behaviour
def silence(attack):
    attack.plain()


@behaviour
def random_bytes(attack):
    attack.plain(attack.random.randbytes(attack.random.randrange(1, 4096)))


@behaviour
def half_a_signature(attack):
    attack.plain(SIGNATURE[:5])


@behaviour
def half_a_greeting(attack):
    attack.plain(GREETING[: attack.random.randrange(10, 64)])


@behaviour
def a_greeting_and_nothing_more(attack):
    attack.plain(GREETING)


@behaviour
def a_handshake_byte_by_byte(attack):
    attack.plain(*(bytes([byte]) for byte in GREETING + attack.ready()))


@behaviour
def http(attack):
    attack.plain(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + b"\r\n" * 64)


@behaviour
def tls(attack):
    attack.plain(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + attack.random.randbytes(505))


@behaviour
def zmtp_1(attack):
    """An anonymous peer's identity, and then frames: length, flags, body."""
    attack.plain(b"\x01\x00", b"\x06\x00hello" * 100)


@behaviour
def zmtp_1_with_a_long_frame(attack):
    attack.plain(b"\x01\x00", b"\xff" + struct.pack(">Q", 2**62) + b"\0" + b"x" * 4096)


@behaviour
def zmtp_2(attack):
    attack.plain(SIGNATURE + b"\x01\x05" + b"\x00\x00", frame(encode(GET)))


@behaviour
def a_version_of_the_future(attack):
    attack.plain(SIGNATURE + b"\xff\xff" + GREETING[12:], attack.ready())


@behaviour
def a_mechanism_that_does_not_exist(attack):
    attack.plain(SIGNATURE + b"\x03\x00" + b"NOSUCH".ljust(20, b"\0") + b"\0" * 32, attack.ready())


@behaviour
def mechanisms_that_are_not_spoken_here(attack):
    for name in (b"PLAIN", b"CURVE", b"GSSAPI", b"", b"\xff" * 20):
        attack.plain(SIGNATURE + b"\x03\x00" + name.ljust(20, b"\0") + b"\x01" * 32)


@behaviour
def a_message_in_the_place_of_a_handshake(attack):
    attack.plain(GREETING, frame(encode(GET)) * 50)


@behaviour
def a_handshake_of_2_to_the_40_bytes(attack):
    attack.plain(GREETING, struct.pack(">BQ", 6, 2**40) + b"\x05READY" + b"x" * 8000)


@behaviour
def metadata_that_lies_about_its_length(attack):
    attack.plain(GREETING, command(b"READY", b"\x0bSocket-Type" + struct.pack(">I", U32) + b"D"))
    attack.plain(GREETING, command(b"READY", b"\xffSocket-Type"))
    attack.plain(GREETING, command(b"READY", b""), frame(encode(GET)))


@behaviour
def wrong_types_of_sockets(attack):
    for kind in (b"PUB", b"SUB", b"REQ", b"REP", b"ROUTER", b"PUSH", b"PAIR", b"NONSENSE", b""):
        attack.peer(frame(b"", 1), frame(encode(GET)), kind=kind)


@behaviour
def two_handshakes(attack):
    attack.peer(attack.ready(), GREETING, attack.ready())


@behaviour
def an_error_for_a_handshake(attack):
    attack.plain(GREETING, command(b"ERROR", b"\xffreason"), command(b"ERROR", b""))


# Identities.


@behaviour
def identities_that_collide(attack):
    for _ in range(3):
        attack.ask(GET, Identity=b"the same for all")


@behaviour
def identities_that_cannot_be(attack):
    for identity in (b"", b"\0", b"\0\0\0\0\1", b"x" * 255, b"x" * 256, b"x" * 4000):
        attack.ask(GET, Identity=identity)


@behaviour
def identities_that_look_like_the_daemons_own(attack):
    for number in range(1, 5):
        attack.ask(GET, Identity=struct.pack(">BI", 0, number))


# Frames.


@behaviour
def a_length_of_64_bits(attack):
    for length in (2**63, U64, 2**32, 4097):
        attack.peer(struct.pack(">BQ", 2, length) + b"x" * 4096)


@behaviour
def a_frame_that_never_ends(attack):
    attack.peer(frame(encode({**GET, "x": "y" * 3000}))[:100])


@behaviour
def flags_that_are_reserved(attack):
    for flags in (0x08, 0x10, 0x80, 0xF8, 0x05, 0x06, 0xFF):
        attack.peer(bytes([flags, 4]) + b"xxxx" * 10)


@behaviour
def frames_with_more_to_come_for_ever(attack):
    attack.peer(frame(b"x" * 4096, 1) * 4000)


@behaviour
def empty_frames_with_more_to_come_for_ever(attack):
    attack.peer(frame(b"", 1) * 1000000)


@behaviour
def empty_frames(attack):
    attack.peer(frame(b"") * 2000)


@behaviour
def requests_of_several_frames(attack):
    attack.peer((frame(b"", 1) + frame(encode(GET), 1) + frame(encode(GET))) * 200)


@behaviour
def a_connection_that_breaks_in_a_frame(attack):
    one = attack.peer(frame(encode(GET))[:20])
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


@behaviour
def a_peer_that_only_listens_after_a_while(attack):
    one = attack.ask(*(dict(GET, id=i) for i in range(8)))
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_WR)


# Commands.


@behaviour
def subscriptions(attack):
    pieces = [command(b"SUBSCRIBE", b"x" * i) for i in range(200)]
    attack.peer(*pieces, b"".join(frame(b"\x01" + b"x" * i) for i in range(200)))


@behaviour
def a_flood_of_pings(attack):
    attack.peer(command(b"PING", b"\0\1" + b"context") * 5000)


@behaviour
def pings_that_are_malformed(attack):
    attack.peer(command(b"PING", b""), command(b"PING", b"\0"))
    attack.peer(command(b"PING", b"\0\0" + b"x" * 4000))
    attack.peer(command(b"PING", b"\0\0")[:3])


@behaviour
def pongs_that_nobody_asked_for(attack):
    attack.peer(command(b"PONG", b"x" * 16) * 2000)


@behaviour
def commands_that_do_not_exist(attack):
    attack.peer(command(b"NOSUCH", b"x" * 100) * 500, command(b"", b""), frame(b"", 4))


# Messages.


@behaviour
def msgpack_that_is_deep(attack):
    attack.ask(b"\x81\xa1x" * 1300, b"\x91" * 4000, b"\x81\xa1k" + b"\x91" * 4000)


@behaviour
def msgpack_that_promises_much(attack):
    heads = (b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff")
    heads += (
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\x81\xa1k\xdb\x7f\xff\xff\xff",
    )
    attack.ask(*heads)


@behaviour
def keys_that_stand_twice(attack):
    whole = encode(GET)
    attack.ask(bytes([0x86]) + whole[1:] + b"\xa1k\xa5hello", b"\x82\xa1k\xa5stats\xa1k\xa5stats")


@behaviour
def keys_that_are_no_text(attack):
    attack.ask(b"\x81\x01\x02", b"\x81\xc0\xc0", b"\x81\x90\x90", b"\x81\xc4\x01k\xa5stats")


@behaviour
def texts_that_are_not_utf_8(attack):
    for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        body = b"\x83\xa1k\xa6labels\xa2id\x01\xa6stream" + bytes([0xA0 | len(text)]) + text
        attack.ask(body)


@behaviour
def bytes_behind_the_end(attack):
    attack.ask(encode(GET) + b"\0", encode(GET) * 2, b"")


@behaviour
def types_that_are_wrong(attack):
    wrong = (None, True, -1, 1.5, "1", b"1", [1], {"a": 1}, U64)
    attack.ask(*({**GET, key: value} for key in GET for value in wrong))


@behaviour
def kinds_that_do_not_exist(attack):
    kinds = ("welcome", "batch", "error", "", "GET", "get\0", "x" * 300)
    attack.ask(*({"k": kind, "id": 1} for kind in kinds))


@behaviour
def versions_that_are_not_spoken_here(attack):
    hello = {"k": "hello", "id": 1, "stream": "train", "name": "x", "window": 8}
    attack.ask(*({**hello, "v": version} for version in (0, 2, 255, U32, 2**32, -1)))


@behaviour
def hello_in_a_loop(attack):
    hello = {"k": "hello", "id": 1, "v": 1, "stream": "train", "name": "x", "window": 64}
    attack.ask(*([hello] * 500))


@behaviour
def names_that_would_forge_a_log(attack):
    hello = {"k": "hello", "id": 1, "v": 1, "stream": "train", "window": 1}
    for name in ("x\nerror forged a=1", "\x1b[2J", '" quit="', "x" * 64, "x" * 65):
        attack.ask({**hello, "name": name}, {**GET, "stream": name})


@behaviour
def steps_and_epochs_out_of_range(attack):
    numbers = (10**6, U32, 2**32, 2**63, U64)
    attack.ask(*({**GET, "step": number} for number in numbers))
    attack.ask(*({**GET, "epoch": number} for number in numbers))


@behaviour
def fingerprints_that_are_not_ours(attack):
    attack.ask(*({**GET, "fingerprint": os.urandom(n)} for n in (16, 16, 0, 15, 17, 300)))


@behaviour
def cancels_of_what_was_never_asked(attack):
    attack.ask(*({"k": "cancel", "id": i} for i in range(500)))


@behaviour
def gets_that_are_cancelled_at_once(attack):
    pairs = [({**GET, "id": i, "epoch": 900 + i % 5}, {"k": "cancel", "id": i}) for i in range(100)]
    attack.ask(*(request for pair in pairs for request in pair))


@behaviour
def ids_that_stand_twice_or_are_forged(attack):
    attack.ask(*([GET] * 20), *({**GET, "id": number} for number in (0, U32, U64, 2**63)))


@behaviour
def pages_far_behind_the_end(attack):
    for kind in ("labels", "replaced"):
        attack.ask(
            *({"k": kind, "id": 1, "stream": "train", "first": n} for n in (1, 10**9, U32))
        )


# Numbers.


@behaviour
def a_flood_of_requests(attack):
    kinds = ({"k": "stats", "id": 1}, {"k": "streams", "id": 2})
    attack.ask(*(kinds * 1000))


@behaviour
def floods_with_a_ping_whose_peers_are_gone(attack):
    """More requests than the daemon's queue takes, and among what is read of them a heartbeat."""
    data = frame(encode({"k": "streams", "id": 1})) * 200 + command(b"PING", b"\0\1")
    for peer in [attack.peer() for _ in range(8)]:
        with contextlib.suppress(OSError):
            peer.sendall(data)
            peer.close()


@behaviour
def a_flood_of_connects(attack):
    for _ in range(50):
        attack.plain().close()


@behaviour
def a_flood_of_handshakes(attack):
    for _ in range(20):
        attack.peer()


@behaviour
def a_client_that_asks_and_never_reads(attack):
    hello = {"k": "hello", "id": 1, "v": 1, "stream": "train", "name": "deaf", "window": 64}
    attack.ask(hello, *({**GET, "id": 2 + i, "epoch": 700 + i} for i in range(64)))


@behaviour
def a_client_that_asks_beyond_its_window(attack):
    attack.ask(*({**GET, "id": i, "epoch": 800} for i in range(500)))


@behaviour
def requests_with_bits_that_flipped(attack):
    for _ in range(50):
        data = bytearray(encode(GET))
        for _ in range(attack.random.randint(1, 4)):
            data[attack.random.randrange(len(data))] ^= 1 << attack.random.randrange(8)
        attack.ask(bytes(data))
