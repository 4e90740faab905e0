"""The protocol as a stranger speaks it: raw pyzmq and msgpack, from proto/PROTOCOL.md alone.

Every reply is held to section 5 as it is taken apart: keys, their types, their limits, the frames'
lengths.  Nothing of libstoker is used.
"""

import socket
import struct
import time
from dataclasses import dataclass

import msgpack
import numpy as np
import xxhash
import zmq

VERSION = 1
HEADER_BYTES_MAX = 1 << 20
ROUND_S = 20  # a reply that takes longer on an unloaded machine is a defect

U32, U64 = 1 << 32, 1 << 64

DTYPES = ("|u1", "<i4", "<u8", "<f4", "<f2", "bf16")
PICTURES = ("|u1", "<f4", "<f2", "bf16")
BITS = {"bf16": "<u2"}  # dtypes that NumPy lacks: an array has their bits
TENSORS = {
    "images": None,  # dtype and shape are the stream's
    "label": ("<i4", ()),
    "partner_label": ("<i4", ()),
    "lambda": ("<f4", ()),
    "index": ("<u8", ()),
    "partner_index": ("<u8", ()),
    "crop": ("<i4", (4,)),
    "flip": ("|u1", ()),
}
CLASSES = "classes"  # a dimension that the stream's source decides
OPTIONAL = {  # behind those, in this order, where a stream has them
    "cut": ("<i4", (4,)),
    "partner_crop": ("<i4", (4,)),
    "partner_flip": ("|u1", ()),
    "erase": ("<i4", (4,)),
    "partner_erase": ("<i4", (4,)),
    "target": ("<f4", (CLASSES,)),
    "valid": ("|u1", ()),
}


class ProtocolError(AssertionError):
    """The daemon sent what PROTOCOL.md does not allow."""


class Refused(Exception):
    """An error reply."""

    def __init__(self, reply):
        super().__init__(f"{reply['code']}: {reply['message']}")
        self.id = reply["id"]
        self.code = reply["code"]
        self.message = reply["message"]
        self.retry_ms = reply.get("retry_ms", 0)


def demand(condition, what):
    if not condition:
        raise ProtocolError(what)


# Types of section 5: each is a check of one value.


def _unsigned(limit):
    return lambda value: type(value) is int and 0 <= value < limit


def _text(bytes_max):
    return lambda value: type(value) is str and len(value.encode()) <= bytes_max


def _bin16(value):
    return type(value) is bytes and len(value) == 16


def _shape(value):
    return type(value) is list and 1 <= len(value) <= 4 and all(map(_unsigned(U32), value))


def _rows(schema, count_max):
    def check(value):
        if type(value) is not list or len(value) > count_max:
            return False
        for row in value:
            check_keys(row, schema)
        return True

    return check


def _word(*words):
    return lambda value: value in words


def _picture(value):
    return _shape(value) and len(value) == 3


PHASE = {
    "epoch": lambda value: _unsigned(U32)(value) and value > 0,
    "steps": _unsigned(U64),
    "batch": _unsigned(U32),
    "shape": _picture,
}
STREAM = {
    "stream": _text(64),
    "fingerprint": _bin16,
    "samples": _unsigned(U64),
    "epoch_samples": _unsigned(U64),
    "steps": _unsigned(U64),
    "batch": _unsigned(U32),
    "shape": _picture,
    "dtype": _word(*PICTURES),
    "layout": _word("nhwc", "nchw"),
    "last": _word("drop", "partial", "wrap", "mask"),
    "labels": _word("class", "classes", "numbers"),
    "classes": _unsigned(U32),
    "mix": _text(512),
    "decoder": _text(512),
    "phases": _rows(PHASE, 16),
}
TENSOR = {"name": _text(64), "dtype": _word(*DTYPES), "shape": _shape}
REPLACED = {"slot": _unsigned(U32), "index": _unsigned(U64), "reason": _text(512)}

REPLACED_SAMPLE = {
    "index": _unsigned(U64),
    "path": _text(512),
    "reason": _text(512),
    "slots": lambda value: _unsigned(U64)(value) and value > 0,
    "epoch": _unsigned(U32),
    "step": _unsigned(U64),
}


def _figures(value):
    return (
        type(value) is dict
        and len(value) <= 64
        and all(_text(64)(name) and _unsigned(U64)(figure) for name, figure in value.items())
    )


STREAM_FIGURES = {"stream": _text(64), "limit": _text(64), "figures": _figures}
TRAINER_FIGURES = {
    "name": _text(64),
    "number": _unsigned(U32),
    "stream": _text(64),
    "transport": _word("tcp", "ipc", ""),
    "figures": _figures,
}

REPLIES = {
    "welcome": {
        "v": _unsigned(U32),
        "plan": _unsigned(U32),
        "window": lambda value: _unsigned(U32)(value) and 1 <= value <= 64,
        **STREAM,
    },
    "batch": {
        "stream": _text(64),
        "fingerprint": _bin16,
        "epoch": _unsigned(U32),
        "step": _unsigned(U64),
        "count": _unsigned(U32),
        "tensors": _rows(TENSOR, 16),
        "replaced": _rows(REPLACED, 8192),
    },
    "error": {"code": _text(64), "message": _text(512)},
    "streams": {"streams": _rows(STREAM, 256)},
    "labels": {
        "first": _unsigned(U32),
        "names": lambda value: type(value) is list
        and len(value) <= 512
        and all(map(_text(512), value)),
        "counts": lambda value: type(value) is list and all(map(_unsigned(U64), value)),
    },
    "replaced": {
        "first": _unsigned(U32),
        "samples": _unsigned(U64),
        "rows": _rows(REPLACED_SAMPLE, 256),
    },
    "stats": {"figures": _figures},
}


def check_keys(map_, schema):
    demand(type(map_) is dict, f"not a map: {map_!r}")
    for key, check in schema.items():
        demand(key in map_, f"key {key!r} is missing: {map_!r}")
        demand(check(map_[key]), f"key {key!r} has a wrong value: {map_[key]!r}")


def _unique_keys(pairs):
    map_ = dict(pairs)
    demand(len(map_) == len(pairs), "a key stands twice in its map")
    demand(all(type(key) is str for key in map_), "a key is not a str")
    return map_


def encode(message):
    """A map to bytes, keys in the order given."""
    return msgpack.packb(message, use_bin_type=True)


def decode(frame):
    """The bytes of one message to a map, strictly."""
    return msgpack.unpackb(frame, raw=False, object_pairs_hook=_unique_keys)


def decode_reply(frame):
    """The header frame of a reply to a map that section 5 allows."""
    demand(len(frame) <= HEADER_BYTES_MAX, f"a header of {len(frame)} bytes")
    reply = decode(frame)
    check_keys(reply, {"k": _word(*REPLIES), "id": _unsigned(U64)})
    check_keys(reply, REPLIES[reply["k"]])
    demand(_unsigned(U32)(reply.get("retry_ms", 0)), "retry_ms is no u32")
    if reply["k"] == "stats":
        demand(_rows(STREAM_FIGURES, 256)(reply.get("streams", [])), "streams is no list of them")
        demand(_rows(TRAINER_FIGURES, 256)(reply.get("trainers", [])), "trainers neither")
    return reply


class Batch:
    """A batch: its header, and its tensors as arrays over the frames that carried them."""

    def __init__(self, header, frames):
        self.header = header
        self.frames = frames
        self.tensors = {}
        demand(len(frames) == len(header["tensors"]), "frames and tensors differ in number")
        for tensor, frame in zip(header["tensors"], frames):
            self.tensors[tensor["name"]] = self._array(tensor, frame)
        optional = [name for name in OPTIONAL if name in self.tensors]
        known = [*TENSORS, *optional]
        demand(list(self.tensors) == known, f"tensors are {list(self.tensors)}")

    def _array(self, tensor, frame):
        name, dtype, shape = tensor["name"], tensor["dtype"], tuple(tensor["shape"])
        wanted = TENSORS.get(name) or OPTIONAL.get(name)
        if wanted is not None:
            sides = tuple(shape[1] if side == CLASSES else side for side in wanted[1])
            demand((dtype, shape[1:]) == (wanted[0], sides), f"{name} is {dtype} {shape}")
        demand(shape[0] == self.header["count"], f"{name} has {shape[0]} rows")
        dtype = BITS.get(dtype, dtype)
        length = int(np.prod(shape)) * np.dtype(dtype).itemsize
        demand(len(frame) == length, f"{name} has {len(frame)} bytes, not {length}")
        return np.frombuffer(frame, dtype).reshape(shape)

    def __getattr__(self, key):
        try:
            return self.header[key]
        except KeyError:
            raise AttributeError(key) from None

    def __getitem__(self, name):
        return self.tensors[name]

    @property
    def digest(self):
        """XXH3-128 over all tensor frames in order, as `stoker get --digest` prints it."""
        hash_ = xxhash.xxh3_128()
        for frame in self.frames:
            hash_.update(frame)
        return hash_.hexdigest()

    @property
    def replaced_samples(self):
        return [(row["slot"], row["index"]) for row in self.header["replaced"]]


class Client:
    """One connection.  Requests are numbered from 1."""

    def __init__(self, endpoint, slow=1.0, **options):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.socket.connect(endpoint)
        self.round_s = ROUND_S * slow
        self.last_id = 0
        self.early = {}  # replies that came before they were waited for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        self.context.term()

    # Frames.

    def send_raw(self, *frames):
        self.socket.send_multipart(frames)

    def receive_raw(self, timeout_s=None):
        """The frames of one message; TimeoutError where none comes."""
        timeout_s = self.round_s if timeout_s is None else timeout_s
        if not self.socket.poll(int(timeout_s * 1000)):
            raise TimeoutError(f"no reply in {timeout_s} s")
        return self.socket.recv_multipart(copy=True)

    # Messages.

    def post(self, kind, **keys):
        """Send a request; its id."""
        self.last_id += 1
        self.send_raw(encode({"k": kind, "id": self.last_id, **keys}))
        return self.last_id

    def receive(self, timeout_s=None):
        """The next reply, whichever it is: a map, or a Batch."""
        head, *frames = self.receive_raw(timeout_s)
        reply = decode_reply(head)
        if reply["k"] == "batch":
            return Batch(reply, frames)
        demand(not frames, f"a {reply['k']} has {len(frames)} frames too many")
        return reply

    def take(self, id_):
        """The reply to a request; an error reply is raised."""
        deadline = time.monotonic() + self.round_s
        while id_ not in self.early:
            reply = self.receive(max(0, deadline - time.monotonic()))
            self.early[reply.id if isinstance(reply, Batch) else reply["id"]] = reply
        reply = self.early.pop(id_)
        if isinstance(reply, dict) and reply["k"] == "error":
            raise Refused(reply)
        return reply

    def ask(self, kind, **keys):
        return self.take(self.post(kind, **keys))

    # Requests of section 5.

    def hello(self, stream, window=8, name="test", v=VERSION):
        reply = self.ask("hello", v=v, stream=stream, name=name, window=window)
        demand(reply["k"] == "welcome", f"a hello is answered with {reply['k']}")
        return reply

    def post_get(self, stream, epoch, step, **keys):
        return self.post("get", stream=stream, epoch=epoch, step=step, **keys)

    def get(self, stream, epoch, step, **keys):
        batch = self.take(self.post_get(stream, epoch, step, **keys))
        demand(isinstance(batch, Batch), f"a get is answered with {batch!r}")
        address = (batch.stream, batch.epoch, batch.step)
        demand(address == (stream, epoch, step), f"another batch was asked for than {address}")
        return batch

    def cancel(self, id_):
        self.send_raw(encode({"k": "cancel", "id": id_}))

    def streams(self):
        return self.ask("streams")["streams"]

    def labels(self, stream, first=0):
        return self.label_counts(stream, first)[0]

    def label_counts(self, stream, first=0):
        """Names of classes and how many samples each has."""
        reply = self.ask("labels", stream=stream, first=first)
        demand(reply["first"] == first, f"labels from {reply['first']}, not {first}")
        demand(len(reply["names"]) == len(reply["counts"]), "names and counts differ in number")
        return reply["names"], reply["counts"]

    def replaced(self, stream):
        """Every sample that the daemon lists as bad, and how many it knows."""
        rows = []
        while True:
            reply = self.ask("replaced", stream=stream, first=len(rows))
            demand(reply["first"] == len(rows), f"rows from {reply['first']}, not {len(rows)}")
            if not reply["rows"]:
                return rows, reply["samples"]
            rows += reply["rows"]

    def stats(self):
        return self.ask("stats")["figures"]

    def stream_stats(self, stream):
        """What limits a stream, in a word, and its figures."""
        rows = {row["stream"]: row for row in self.ask("stats")["streams"]}
        return rows[stream]["limit"], rows[stream]["figures"]

    def trainer_stats(self):
        """The rows of the trainers."""
        return self.ask("stats").get("trainers", [])

    def epoch(self, stream, epoch, steps, window=4):
        """Batches of some steps in order, with a window of requests in flight."""
        steps = list(steps)
        ids = [self.post_get(stream, epoch, step) for step in steps[:window]]
        for i, step in enumerate(steps):
            batch = self.take(ids[i])
            demand(batch.step == step, f"step {batch.step} instead of {step}")
            if i + window < len(steps):
                ids.append(self.post_get(stream, epoch, steps[i + window]))
            yield batch


@dataclass
class RawPeer:
    """ZMTP 3.0 by hand over a plain socket: it reads nothing that it is not told to read."""

    plain: socket.socket

    @classmethod
    def connect(cls, endpoint, receive_buffer=4096, **properties):
        """Properties are what it says of itself in the handshake, with a dash for each "_"."""
        scheme, place = endpoint.split("://", 1)
        family = socket.AF_UNIX if scheme == "ipc" else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(ROUND_S)
        if scheme == "ipc":
            plain.connect(place)
        else:
            host, port = place.rsplit(":", 1)
            plain.connect((host, int(port)))
        peer = cls(plain)
        peer._shake_hands({"Socket-Type": "DEALER", **properties})
        return peer

    def _shake_hands(self, properties):
        signature = b"\xff" + b"\0" * 8 + b"\x7f"
        self.plain.sendall(signature + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32)
        self._read(64)
        ready = b"\x05READY"
        for name, value in properties.items():
            ready += bytes([len(name)]) + name.replace("_", "-").encode()
            ready += struct.pack(">I", len(value)) + value.encode()
        self.plain.sendall(bytes([4, len(ready)]) + ready)
        flags, length = self._read(2)
        demand(flags == 4, f"the handshake ends with flags {flags}")
        demand(self._read(length)[1:6] == b"READY", "the handshake does not end with READY")

    def _read(self, length):
        data = b""
        while len(data) < length:
            part = self.plain.recv(length - len(data))
            demand(part, "closed in the middle of a handshake")
            data += part
        return data

    def send(self, body, more=False):
        if len(body) < 256:
            head = bytes([more, len(body)])
        else:
            head = struct.pack(">BQ", 2 | more, len(body))
        self.plain.sendall(head + body)

    def post(self, kind, id_, **keys):
        self.send(encode({"k": kind, "id": id_, **keys}))

    def is_closed_by_peer(self):
        """Read what there is until the daemon hangs up; a timeout raises."""
        try:
            while self.plain.recv(65536):
                pass
        except ConnectionError:
            pass
        return True

    def close(self):
        self.plain.close()
