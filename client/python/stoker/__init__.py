"""stoker: batches of a stokerd as NumPy arrays, in order, received ahead.

    import stoker

    with stoker.connect("tcp://host:7654/train") as stream:
        for epoch in range(90):
            for batch in stream:
                batch.images, batch.label    # uint8 [count, height, width, 3], int32 [count]
"""

from ._client.message import Label, Replaced, ReplacedSample
from .ask import labels, replaced, stats, streams
from .batch import Batch, soft_labels
from .errors import (
    ClosedError,
    CorruptError,
    DrainingError,
    Error,
    FingerprintError,
    ForbiddenError,
    InvalidError,
    LimitError,
    MemoryError,
    OverloadedError,
    RangeError,
    SystemCallError,
    TimeoutError,
    UnknownKindError,
    UnknownStreamError,
    UnreadableError,
    UnsupportedError,
    VersionError,
    WindowError,
)
from .info import Address, Phase, StreamInfo
from .memory import keep_memory
from .stream import Endpoint, Stream, connect
from .version import VERSION

__version__ = VERSION

__all__ = [
    "Address",
    "Batch",
    "ClosedError",
    "CorruptError",
    "DrainingError",
    "Endpoint",
    "Error",
    "FingerprintError",
    "ForbiddenError",
    "InvalidError",
    "Label",
    "LimitError",
    "MemoryError",
    "OverloadedError",
    "Phase",
    "RangeError",
    "Replaced",
    "ReplacedSample",
    "Stream",
    "StreamInfo",
    "SystemCallError",
    "TimeoutError",
    "UnknownKindError",
    "UnknownStreamError",
    "UnreadableError",
    "UnsupportedError",
    "VersionError",
    "WindowError",
    "connect",
    "keep_memory",
    "labels",
    "replaced",
    "soft_labels",
    "stats",
    "streams",
]
