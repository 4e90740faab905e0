"""A daemon that breaks the protocol where a test says so: a ROUTER in a thread.

FAULTS are those of tests/fake_daemon.h, with which the C client is tested: each spoils one batch.
"""

import struct

import msgpack
import zmq
from in_thread import InThread

COUNT, SIDE, CLASSES, STEPS = 3, 4, 600, 10
BYTES = {"|u1": 1, "<i4": 4, "<f4": 4, "<u8": 8}
FINGERPRINT = bytes(range(16))
LOOK_MS = 10

INFO = dict(
    stream="train",
    fingerprint=FINGERPRINT,
    samples=STEPS * COUNT,
    epoch_samples=STEPS * COUNT,
    steps=STEPS,
    batch=COUNT,
    shape=[SIDE, SIDE, 3],
    dtype="|u1",
    layout="nhwc",
    last="drop",
    labels="class",
    classes=CLASSES,
    mix="mixup fastai alpha=0.4",
    decoder="fake",
    phases=[],
)


def welcome(**changes):
    return {**dict(k="welcome", id=1, v=1, plan=1, window=64), **INFO, **changes}


def tensor(name, dtype, *shape):
    return dict(name=name, dtype=dtype, shape=[COUNT, *shape])


def header(request):
    """A good batch's."""
    return dict(
        k="batch",
        id=request["id"],
        stream="train",
        fingerprint=FINGERPRINT,
        epoch=request["epoch"],
        step=request["step"],
        count=COUNT,
        tensors=[
            tensor("images", "|u1", SIDE, SIDE, 3),
            tensor("label", "<i4"),
            tensor("partner_label", "<i4"),
            tensor("lambda", "<f4"),
            tensor("index", "<u8"),
            tensor("partner_index", "<u8"),
            tensor("crop", "<i4", 4),
            tensor("flip", "|u1"),
        ],
        replaced=[],
    )


def frames_of(tensors):
    """A frame of zeros for each tensor, as long as its shape says."""
    lengths = [BYTES[each["dtype"]] for each in tensors]
    for i, each in enumerate(tensors):
        for side in each["shape"]:
            lengths[i] *= side
    return [bytes(length) for length in lengths]


def put(key, value, row=None):
    """Set a key of the header, or of one of its tensors."""

    def spoil(told, frames):
        (told if row is None else told["tensors"][row])[key] = value
        frames[:] = frames_of(told["tensors"])

    return spoil


def add(*tensors):
    def spoil(told, frames):
        told["tensors"] += tensors
        frames[:] = frames_of(told["tensors"])

    return spoil


def no_samples(told, frames):
    told["count"] = 0
    for each in told["tensors"]:
        each["shape"][0] = 0
    frames[:] = frames_of(told["tensors"])


CUT = tensor("cut", "<i4", 4)
FAULTS = {
    "few frames": lambda told, frames: frames.pop(),
    "no frames": lambda told, frames: frames.clear(),
    "many frames": lambda told, frames: frames.append(b"x"),
    "frame flood": lambda told, frames: frames.extend([b"x"] * 30),
    "short frame": lambda told, frames: frames.__setitem__(0, frames[0][:-1]),
    "long frame": lambda told, frames: frames.__setitem__(0, frames[0] + b"x"),
    "epoch": put("epoch", 7),
    "step": put("step", 7),
    "stream": put("stream", "trail"),
    "fingerprint": put("fingerprint", bytes(16)),
    "count zero": no_samples,
    "count many": put("count", COUNT + 1),
    "count huge": put("count", 8192),
    "label shape": put("shape", [COUNT - 1], 1),
    "label dtype": put("dtype", "<f4", 1),
    "images shape": put("shape", [COUNT, SIDE - 1, SIDE, 3], 0),
    "target shape": add(tensor("target", "<f4", 2)),
    "tensor name": put("name", "lamda", 3),
    "tensor twice": put("name", "partner_index", 4),
    "cut shape": add(tensor("cut", "<i4", 3)),
    "cut twice": add(CUT, CUT),
    "replaced slot": put("replaced", [dict(slot=COUNT, index=0, reason="corrupt")]),
    "no header": lambda told, frames: [told.pop(key) for key in set(told) - {"k", "id"}],
}
# What only a header of somebody else's making can say; libstoker's encoder would not.
UNREADABLE = {
    "shape beyond 64 bits": (
        "tensors",
        [dict(name="images", dtype="|u1", shape=[2**32 - 1] * 4)],
    ),
    "side beyond 32 bits": ("tensors", [dict(name="images", dtype="|u1", shape=[2**63])]),
    "side below zero": ("tensors", [dict(name="images", dtype="|u1", shape=[-3])]),
    "five dimensions": ("tensors", [dict(name="images", dtype="|u1", shape=[1] * 5)]),
    "no dimensions": ("tensors", [dict(name="images", dtype="|u1", shape=[])]),
    "another dtype": ("tensors", [dict(name="images", dtype="|O8", shape=[COUNT])]),
    "seventeen tensors": ("tensors", [tensor(f"t{i}", "|u1") for i in range(17)]),
    "a count that is a text": ("count", "3"),
    "a count beyond the limit": ("count", 8193),
    "a long name": ("tensors", [tensor("x" * 65, "|u1")]),
    "replaced without end": ("replaced", [dict(slot=0, index=0, reason="")] * 8193),
}


def nested(depth):
    return b"\x81\xa1x" + b"\x91" * depth + b"\x01"


# Frames that are no message of the protocol.
NONSENSE = {
    "nothing": b"",
    "no map": b"\x90",
    "cut short": b"\x82\xa1k\xa5batch",
    "bytes behind the end": b"\x80\x00",
    "an array of 2^32": b"\x81\xa1k\xdd\xff\xff\xff\xff",
    "a map of 2^32": b"\xdf\xff\xff\xff\xff",
    "a text of 4 GiB": b"\x81\xa1k\xdb\xff\xff\xff\xff",
    "a key twice": b"\x82\xa1k\x01\xa1k\x01",
    "no utf-8": b"\x81\xa1k\xa1\xff",
    "a key that is none": b"\x81\xc0\x01",
    "too deep": nested(6),
    "far too deep": nested(200_000),
    "too long": b"\x81\xa1k\xc6" + struct.pack(">I", 1 << 21) + bytes(1 << 21),
    "random": bytes((i * 89 + 7) % 256 for i in range(500)),
    "a web page": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


class FakeDaemon(InThread):
    """Answers as a good daemon, but for what `answer` makes of a request.

    answer      given a request, the reply's frames, or None for the good reply; [] is silence.  A
                frame may be a map
    """

    def __init__(self, answer=lambda request: None):
        self.answer = answer
        self.asked = []  # requests
        super().__init__()

    def _run(self):
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger = 0
            self.endpoint = f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}"
            self.bound.set()
            while not self.stopping.is_set():
                if not router.poll(LOOK_MS):
                    continue
                peer, data = router.recv_multipart()
                request = msgpack.unpackb(data)
                self.asked.append(request)
                reply = self.answer(request)
                reply = good(request) if reply is None else reply
                frames = [msgpack.packb(each) if type(each) is dict else each for each in reply]
                if frames:
                    router.send_multipart([peer, *frames])


def good(request):
    """The reply of a good daemon."""
    if request["k"] == "hello":
        return [welcome(id=request["id"])]
    if request["k"] == "get":
        told = header(request)
        return [told, *frames_of(told["tensors"])]
    return []


def spoilt(fault):
    """A batch with a fault for the first request of step 1, and good ones for all others."""
    left = [1]

    def answer(request):
        if request["k"] != "get" or request["step"] != 1 or not left:
            return None
        left.pop()
        return fault(request)

    return answer


def with_fault(name):
    """One of FAULTS or UNREADABLE, as `spoilt` takes it."""

    def fault(request):
        told = header(request)
        frames = frames_of(told["tensors"])
        if name in FAULTS:
            FAULTS[name](told, frames)
        else:
            key, value = UNREADABLE[name]
            told[key] = value
        return [told, *frames]

    return fault
