"""Messages: what a request says and a reply's header, and their bytes; PROTOCOL.md is normative.

Decoding takes bytes from a stranger.  What is not a message raises InvalidError, what exceeds a
limit LimitError; nothing else comes out of here.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import msgpack

from ..errors import Error, InvalidError, LimitError, VersionError, error_of_code
from ..info import Address, Phase, StreamInfo
from .limits import (
    BATCH_MAX,
    DEPTH_MAX,
    FIGURES_MAX,
    HEADER_BYTES_MAX,
    KEYS_MAX,
    LABELS_MAX,
    NAME_BYTES_MAX,
    PHASES_MAX,
    PROTOCOL_VERSION,
    RANK_MAX,
    REPLACED_MAX,
    REQUEST_BYTES_MAX,
    SIDE_MAX,
    STREAMS_MAX,
    TENSORS_MAX,
    TEXT_BYTES_MAX,
    U32_MAX,
    U64_MAX,
)

DTYPE_BYTES = {"|u1": 1, "<i4": 4, "<u8": 8, "<f4": 4, "<f2": 2, "bf16": 2}
PICTURE_DTYPES = ("|u1", "<f4", "<f2", "bf16")

Map = Dict[str, Any]


@dataclass(frozen=True)
class Welcome:
    id: int
    plan: int
    window: int
    info: StreamInfo


@dataclass(frozen=True)
class Tensor:
    """A tensor's bytes are a frame of their own, in C order, little-endian."""

    name: str
    dtype: str
    shape: Tuple[int, ...]

    @property
    def bytes(self) -> int:
        product = DTYPE_BYTES[self.dtype]
        for side in self.shape:
            product *= side
        return product


@dataclass(frozen=True)
class Replaced:
    """A slot whose own sample could not be decoded; slot count + i is the partner of slot i."""

    slot: int
    index: int  # the sample that should have been there
    reason: str


@dataclass(frozen=True)
class BatchHeader:
    id: int
    stream: str
    fingerprint: str
    address: Address
    count: int
    tensors: Tuple[Tensor, ...]  # in the frames' order
    replaced: Tuple[Replaced, ...]
    unmixed: str  # "no", "own" or "partner"


@dataclass(frozen=True)
class Refusal:
    """An error reply; `error` says it with its sender's endpoint in front, once that is known."""

    id: int
    code: str
    message: str
    retry_ms: int  # 0: not said


@dataclass(frozen=True)
class Label:
    """A class: its name, and its samples."""

    name: str
    count: int


@dataclass(frozen=True)
class ReplacedSample:
    """A sample that could not be read or decoded, and in how many slots it was met so far."""

    index: int
    path: str
    reason: str
    slots: int
    address: Address  # of the batch where it was met first


# Requests.


def encode(kind: str, id: int, **keys: Any) -> bytes:
    """A request's frame: its kind, its id and its further keys, in the order given."""
    data: bytes = msgpack.packb({"k": kind, "id": id, **keys}, use_bin_type=True)
    if len(data) > REQUEST_BYTES_MAX:
        raise LimitError(f"a request of {len(data)} bytes is longer than {REQUEST_BYTES_MAX}")
    return data


def encode_hello(id: int, stream: str, name: str, window: int) -> bytes:
    return encode("hello", id, v=PROTOCOL_VERSION, stream=stream, name=name, window=window)


def encode_get(
    id: int, stream: str, address: Address, fingerprint: str = "", unmixed: str = "no"
) -> bytes:
    keys: Map = dict(stream=stream, epoch=address.epoch, step=address.step)
    if fingerprint:
        keys["fingerprint"] = bytes.fromhex(fingerprint)
    if unmixed != "no":
        keys["unmixed"] = unmixed
    return encode("get", id, **keys)


# A stranger's bytes to a map.


def _pairs(pairs: List[Tuple[Any, Any]]) -> Map:
    if len(pairs) > KEYS_MAX:
        raise LimitError(f"a map of {len(pairs)} keys")
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidError("a key stands twice in a map")
    if bytes in map(type, made):
        raise InvalidError("a key that is no text")
    return made


def _check_nesting(value: Any, depth: int) -> None:
    """depth: containers that may still be entered, this one counted."""
    if depth == 0:
        raise LimitError(f"more than {DEPTH_MAX} containers inside each other")
    for each in value.values() if type(value) is dict else value:
        if type(each) is dict or type(each) is list:
            _check_nesting(each, depth - 1)


def unpack(data: Any) -> Map:
    """One message's map, held to section 4: nothing behind its end, no key twice, UTF-8."""
    if len(data) > HEADER_BYTES_MAX:
        raise LimitError(f"a header of {len(data)} bytes")
    try:
        message = msgpack.unpackb(
            data, raw=False, use_list=True, strict_map_key=True, object_pairs_hook=_pairs
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as broken:
        raise InvalidError("not a message") from broken
    if type(message) is not dict:
        raise InvalidError("not a map")
    _check_nesting(message, DEPTH_MAX)
    return message


def id_of(message: Map) -> int:
    """The id that a message answers; 0 where it has none."""
    id = message.get("id")
    return id if type(id) is int and 0 <= id <= U64_MAX else 0


# Keys that must be there, and of this type.


def _number(message: Map, key: str, most: int = U64_MAX) -> int:
    value = message.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidError(f"'{key}' is no number up to {most}")
    return value


def _checked_text(value: Any, bytes_max: int) -> str:
    if type(value) is not str:
        raise InvalidError("a text is none")
    if 4 * len(value) > bytes_max and len(value.encode()) > bytes_max:
        raise LimitError(f"a text of more than {bytes_max} bytes")
    return value


def _text(message: Map, key: str, bytes_max: int = NAME_BYTES_MAX) -> str:
    return _checked_text(message.get(key), bytes_max)


def _word(message: Map, key: str, words: Any) -> str:
    word = _text(message, key)
    if word not in words:
        raise InvalidError(f"'{key}' is none of its words")
    return word


def _fingerprint(message: Map) -> str:
    value = message.get("fingerprint")
    if type(value) is not bytes or len(value) != 16:
        raise InvalidError("no fingerprint")
    return value.hex()


def _array(message: Map, key: str, most: int) -> List[Any]:
    value = message.get(key)
    if type(value) is not list:
        raise InvalidError(f"'{key}' is no array")
    if len(value) > most:
        raise LimitError(f"more than {most} of '{key}'")
    return value


def _rows(message: Map, key: str, most: int) -> List[Map]:
    rows = _array(message, key, most)
    if not all(type(row) is dict for row in rows):
        raise InvalidError(f"a row of '{key}' is no map")
    return rows


def _shape(message: Map, most: int) -> Tuple[int, ...]:
    shape = _array(message, "shape", most)
    if not all(type(side) is int and 0 <= side <= U32_MAX for side in shape):
        raise InvalidError("a shape that is none")
    return tuple(shape)


def _picture(message: Map, layout: str) -> Tuple[int, int, int]:
    shape = _shape(message, 3)
    if len(shape) != 3:
        raise InvalidError("a picture has three dimensions")
    channels = 2 if layout == "nhwc" else 0
    for i, side in enumerate(shape):
        if side != 3 if i == channels else not 1 <= side <= SIDE_MAX:
            raise InvalidError("a picture has not this shape")
    return shape[0], shape[1], shape[2]


# Replies.


def decode_refusal(message: Map) -> Refusal:
    retry_ms = _number(message, "retry_ms", U32_MAX) if "retry_ms" in message else 0
    code = _text(message, "code")
    if code == "ok":
        raise InvalidError("an error that says ok")
    return Refusal(
        _number(message, "id"), code, _text(message, "message", TEXT_BYTES_MAX), retry_ms
    )


def error_of(refusal: Refusal, endpoint: str) -> Error:
    """What an error reply raises."""
    return error_of_code(refusal.code, f"'{endpoint}' says: {refusal.message}")


def _phases(message: Map, layout: str) -> Tuple[Phase, ...]:
    phases: List[Phase] = []
    for row in _rows(message, "phases", PHASES_MAX):
        phase = Phase(
            epoch=_number(row, "epoch", U32_MAX),
            steps=_number(row, "steps"),
            batch=_number(row, "batch", BATCH_MAX),
            shape=_picture(row, layout),
        )
        if phase.epoch <= (phases[-1].epoch if phases else 0) or phase.batch < 1:
            raise InvalidError("phases that do not follow each other")
        phases.append(phase)
    return tuple(phases)


def decode_info(message: Map) -> StreamInfo:
    layout = _word(message, "layout", ("nhwc", "nchw"))
    info = StreamInfo(
        stream=_text(message, "stream"),
        fingerprint=_fingerprint(message),
        samples=_number(message, "samples"),
        epoch_samples=_number(message, "epoch_samples"),
        steps=_number(message, "steps"),
        batch=_number(message, "batch", BATCH_MAX),
        shape=_picture(message, layout),
        dtype=_word(message, "dtype", PICTURE_DTYPES),
        layout=layout,
        last=_word(message, "last", ("drop", "partial", "wrap", "mask")),
        labels=_word(message, "labels", ("class", "classes", "numbers")),
        classes=_number(message, "classes", U32_MAX),
        mix=_text(message, "mix", TEXT_BYTES_MAX),
        decoder=_text(message, "decoder", TEXT_BYTES_MAX),
        phases=_phases(message, layout),
    )
    if info.batch < 1:
        raise InvalidError("batches of nothing")
    return info


def decode_welcome(message: Map) -> Welcome:
    version = _number(message, "v", U32_MAX)
    if version != PROTOCOL_VERSION:
        raise VersionError(str(version))
    return Welcome(
        id=_number(message, "id"),
        plan=_number(message, "plan", U32_MAX),
        window=_number(message, "window", U32_MAX),
        info=decode_info(message),
    )


def _tensor(row: Map) -> Tensor:
    tensor = Tensor(_text(row, "name"), _word(row, "dtype", DTYPE_BYTES), _shape(row, RANK_MAX))
    if not tensor.shape or tensor.bytes > U64_MAX:
        raise InvalidError("a tensor without a shape")
    return tensor


def decode_tensors(message: Map) -> Tuple[Tensor, ...]:
    return tuple(map(_tensor, _rows(message, "tensors", TENSORS_MAX)))


def decode_batch(message: Map, tensors: Optional[Tuple[Tensor, ...]] = None) -> BatchHeader:
    """tensors: where they were decoded before; a stream's batches are mostly alike."""
    return BatchHeader(
        id=_number(message, "id"),
        stream=_text(message, "stream"),
        fingerprint=_fingerprint(message),
        address=Address(_number(message, "epoch", U32_MAX), _number(message, "step")),
        count=_number(message, "count", BATCH_MAX),
        tensors=decode_tensors(message) if tensors is None else tensors,
        replaced=tuple(
            Replaced(
                _number(row, "slot", BATCH_MAX - 1),
                _number(row, "index"),
                _text(row, "reason", TEXT_BYTES_MAX),
            )
            for row in _rows(message, "replaced", BATCH_MAX)
        ),
        unmixed=_word(message, "unmixed", ("no", "own", "partner"))
        if "unmixed" in message
        else "no",
    )


def decode_streams(message: Map) -> List[StreamInfo]:
    return [decode_info(row) for row in _rows(message, "streams", STREAMS_MAX)]


def decode_labels(message: Map) -> List[Label]:
    _number(message, "first", U32_MAX)
    names = _array(message, "names", LABELS_MAX)
    counts = _array(message, "counts", LABELS_MAX)
    if len(names) != len(counts):
        raise InvalidError("classes without their counts")
    return [
        Label(_checked_text(name, TEXT_BYTES_MAX), _number({"count": count}, "count"))
        for name, count in zip(names, counts)
    ]


def decode_replaced(message: Map) -> Tuple[int, List[ReplacedSample]]:
    """How many samples are known to be bad, and rows of them."""
    _number(message, "first", U32_MAX)
    rows = [
        ReplacedSample(
            _number(row, "index"),
            _text(row, "path", TEXT_BYTES_MAX),
            _text(row, "reason", TEXT_BYTES_MAX),
            _number(row, "slots"),
            Address(_number(row, "epoch", U32_MAX), _number(row, "step")),
        )
        for row in _rows(message, "rows", REPLACED_MAX)
    ]
    return _number(message, "samples"), rows


def decode_stats(message: Map) -> Dict[str, int]:
    figures = message.get("figures")
    if type(figures) is not dict:
        raise InvalidError("no figures")
    if len(figures) > FIGURES_MAX:
        raise LimitError(f"more than {FIGURES_MAX} figures")
    return {_checked_text(name, NAME_BYTES_MAX): _number(figures, name) for name in figures}
