"""A batch: its address and its tensors, as NumPy arrays in the frames as they were received."""

from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from ._client import message
from ._client.limits import FRAMES_MAX
from ._client.message import BatchHeader, Replaced, Tensor
from .errors import Error, InvalidError, RangeError, tame
from .info import Address, Phase, StreamInfo

try:
    import ml_dtypes

    _BF16 = np.dtype(ml_dtypes.bfloat16)
except ImportError:
    _BF16 = np.dtype("<u2")  # NumPy has none: the bits

_CLASSES = -1  # as many columns as the stream has classes

# The tensors with a row a slot: dtype, columns, and what a stream without it has not.
_KNOWN: Dict[str, Tuple[str, Optional[int], str]] = {
    "label": ("<i4", None, ""),
    "partner_label": ("<i4", None, ""),
    "lambda": ("<f4", None, ""),
    "index": ("<u8", None, ""),
    "partner_index": ("<u8", None, ""),
    "crop": ("<i4", 4, ""),
    "flip": ("|u1", None, ""),
    "cut": ("<i4", 4, "it is not mixed with CutMix"),
    "partner_crop": ("<i4", 4, "its partners are slots of the batch"),
    "partner_flip": ("|u1", None, "its partners are slots of the batch"),
    "erase": ("<i4", 4, "its transforms have no random_erasing"),
    "partner_erase": ("<i4", 4, "it erases nothing of partners from the data set"),
    "target": ("<f4", _CLASSES, "its configuration does not say labels = dense"),
    "valid": ("|u1", None, "its configuration does not say last = mask"),
}
_REQUIRED = ("images", *(name for name, known in _KNOWN.items() if not known[2]))


class Batch:
    """`count` samples and their address.

    Tensors are attributes: read-only NumPy arrays that look into the frames as they were received,
    and keep them alive.  A frame of less than 8 KB may stand at an address that does not suit its
    elements; such a one (labels, lambdas) is copied.

    images          the stream's dtype, [count, height, width, 3] or [count, 3, height, width]:
                    RGB, uint8 0 to 255 or normalised floats; mixed where the stream mixes.
                    bf16 is ml_dtypes.bfloat16 where that can be imported, else its bits as uint16
    label           int32 [count]; -1 where labels are not one class a sample
    partner_label   int32 [count]: of what is mixed in; the slot's own where nothing is
    lam             float32 [count]: the slot's own share ("lambda" on the wire and in [...])
    index           uint64 [count]; partner_index likewise
    crop            int32 [count, 4]: top, left, height, width in source pixels
    flip            uint8 [count]: 1 is mirrored

    And of some streams: cut and erase int32 [count, 4], partner_crop, partner_flip, partner_erase,
    target float32 [count, classes], valid uint8 [count] (1: counts, 0: fills the batch).
    """

    __slots__ = ("_header", "_info", "_frames", "_arrays", "__weakref__")

    def __init__(self, header: BatchHeader, info: StreamInfo, frames: Sequence[Any]) -> None:
        self._header, self._info = header, info
        self._frames = dict(zip((tensor.name for tensor in header.tensors), frames))
        self._arrays: Dict[str, NDArray[Any]] = {}

    @property
    def address(self) -> Address:
        return self._header.address

    @property
    def stream(self) -> str:
        return self._header.stream

    @property
    def epoch(self) -> int:
        return self._header.address.epoch

    @property
    def step(self) -> int:
        """The group's step, 0-based."""
        return self._header.address.step

    @property
    def count(self) -> int:
        """Samples in this batch."""
        return self._header.count

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits."""
        return self._header.fingerprint

    @property
    def unmixed(self) -> str:
        """Which pictures: "no" for the stream's own, else "own" or "partner" as was asked."""
        return self._header.unmixed

    @property
    def replaced(self) -> Tuple[Replaced, ...]:
        """Slots whose own sample could not be decoded; slot count + i is slot i's partner."""
        return self._header.replaced

    @property
    def tensors(self) -> Dict[str, NDArray[Any]]:
        """Every tensor by its name on the wire, in the frames' order."""
        return {tensor.name: self[tensor.name] for tensor in self._header.tensors}

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._arrays.get(name)
        if array is None:
            tensor = next((each for each in self._header.tensors if each.name == name), None)
            if tensor is None:
                raise KeyError(name)
            array = self._arrays[name] = _array(tensor, self._frames[name])
        return array

    def __contains__(self, name: object) -> bool:
        return name in self._frames

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self["lambda" if name == "lam" else name]
        except KeyError:
            pass
        why = _KNOWN.get(name, ("", None, ""))[2]
        if why:
            raise AttributeError(f"batches of '{self.stream}' have no '{name}': {why}")
        raise AttributeError(f"a batch has no '{name}'")

    def __dir__(self) -> List[str]:
        names = ["lam" if name == "lambda" else name for name in self._frames]
        return sorted({*object.__dir__(self), *names})

    def __repr__(self) -> str:
        names = ", ".join(
            f"{tame(tensor.name)} {tensor.dtype} {list(tensor.shape)}"
            for tensor in self._header.tensors
        )
        return f"<stoker.Batch {self.stream} epoch {self.epoch} step {self.step}: {names}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a batch is where it was received, and cannot be copied or sent: take its arrays"
        )

    def soft_labels(
        self, classes: Optional[int] = None, smoothing: float = 0.0
    ) -> NDArray[np.float32]:
        """Dense soft labels, float32 [count, classes], for losses that take a distribution.

        lambda * smooth(label) + (1 - lambda) * smooth(partner_label), where smooth(k) is
        1 - smoothing + smoothing / classes at k and smoothing / classes elsewhere: to the bit what
        stk_soft_labels and a stream's own `target` are.  Raises RangeError where a label is outside
        the classes, InvalidError where smoothing is outside 0 to 1.
        """
        return soft_labels(
            self["label"],
            self["partner_label"],
            self["lambda"],
            self._info.classes if classes is None else classes,
            smoothing,
        )


def soft_labels(
    label: NDArray[np.int32],
    partner_label: NDArray[np.int32],
    lam: NDArray[np.float32],
    classes: int,
    smoothing: float = 0.0,
) -> NDArray[np.float32]:
    """As Batch.soft_labels, of int32 [count], int32 [count] and float32 [count]."""
    if not 0 <= smoothing <= 1:
        raise InvalidError(f"a smoothing of {smoothing!r} is not 0 to 1")
    for labels in (label, partner_label):
        if not np.all((labels >= 0) & (labels < classes)):
            raise RangeError(f"a label is not 0 to {classes - 1}: soft labels need one class each")
    if not np.all((lam >= 0) & (lam <= 1)):
        raise RangeError("a lambda is not 0 to 1")
    # Binary64 up to here, binary32 from here on, each operation rounded by itself.
    off64 = smoothing / max(classes, 1)
    on, off = np.float32(1 - smoothing + off64), np.float32(off64)
    rest = np.float32(1) - lam
    rows = np.arange(len(label))
    target = np.empty((len(label), classes), np.float32)
    target[:] = (lam * off + rest * off)[:, None]
    target[rows, label] = lam * on + rest * off
    target[rows, partner_label] = lam * off + rest * on
    same = label == partner_label
    target[rows[same], label[same]] = (lam * on + rest * on)[same]
    return target


def _array(tensor: Tensor, frame: Any) -> NDArray[Any]:
    dtype = _BF16 if tensor.dtype == "bf16" else np.dtype(tensor.dtype)
    array: NDArray[Any] = np.frombuffer(frame.buffer, dtype).reshape(tensor.shape)
    if not array.flags.aligned:
        array = array.copy()
    array.flags.writeable = False
    return array


# What a trainer may rely on: it indexes tensors by slot without a second look.


def _broke(what: str) -> InvalidError:
    return InvalidError(tame(f"a daemon broke the protocol: {what}"))


def _check_address(header: BatchHeader, info: StreamInfo, address: Address) -> None:
    sent = header.address
    if sent != address:
        raise _broke(
            f"asked for epoch {address.epoch} step {address.step} it sent epoch {sent.epoch} "
            f"step {sent.step}"
        )
    if header.stream != info.stream:
        raise _broke(f"asked for stream '{info.stream}' it sent '{header.stream}'")
    if header.fingerprint != info.fingerprint:
        raise _broke("its batch has another fingerprint than the one that was pinned")
    count_max = info.phase(address.epoch).batch
    if not 1 <= header.count <= count_max:
        raise _broke(f"a batch of {header.count} samples where {count_max} are the most")


def _expected(tensor: Tensor, info: StreamInfo, header: BatchHeader) -> bool:
    """Whether a tensor has the dtype and shape of its name; unknown names may be anything."""
    if tensor.name == "images":
        shape: Tuple[int, ...] = (header.count, *info.phase(header.address.epoch).shape)
        return tensor.dtype == info.dtype and tensor.shape == shape
    known = _KNOWN.get(tensor.name)
    if known is None:
        return True
    dtype, columns, _ = known
    if columns == _CLASSES:
        columns = info.classes
    shape = (header.count,) if columns is None else (header.count, columns)
    return tensor.dtype == dtype and tensor.shape == shape


def _check_tensors(header: BatchHeader, info: StreamInfo) -> None:
    for tensor in header.tensors:
        if not _expected(tensor, info, header):
            raise _misshapen(tensor)
    names = [tensor.name for tensor in header.tensors]
    required = (*_REQUIRED, "valid") if info.last == "mask" else _REQUIRED
    wrong = [name for name in (*names, *required) if names.count(name) != 1]
    if wrong:
        raise _broke(f"a batch has the tensor '{wrong[-1]}' not once")


def _misshapen(tensor: Tensor) -> InvalidError:
    return _broke(f"the tensor '{tensor.name}' has not the bytes and the shape that it has to have")


def _check_frames(header: BatchHeader, lengths: Sequence[int], frames: Sequence[Any]) -> None:
    if len(frames) != len(header.tensors):
        raise _broke(f"a batch of {len(header.tensors)} tensors came in {len(frames) + 1} frames")
    for tensor, length, frame in zip(header.tensors, lengths, frames):
        if len(frame) != length:
            raise _misshapen(tensor)


def _check_replaced(header: BatchHeader) -> None:
    # Partners that have pictures of their own come behind the slots.
    separate = any(tensor.name == "partner_crop" for tensor in header.tensors)
    pictures = 2 * header.count if separate else header.count
    for row in header.replaced:
        if row.slot >= pictures:
            raise _broke(f"slot {row.slot} is replaced in a batch of {header.count}")


@dataclass(frozen=True)
class _Layout:
    """What was found good of a batch's tensors; it holds for all batches that tell the same, which
    costs a trainer a third of what looking again would."""

    told: Any  # the header's array
    count: int
    phase: Phase
    tensors: Tuple[Tensor, ...]
    lengths: Tuple[int, ...]  # of the frames


class Opener:
    """Makes batches of replies, held to what was asked.  One thread's."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._layout: Optional[_Layout] = None

    def open(self, reply: Dict[str, Any], frames: Sequence[Any], address: Address) -> Batch:
        """The batch of a reply's frames, the header's first; raises what is wrong with it."""
        if len(frames) > FRAMES_MAX:
            raise _broke(f"more than {FRAMES_MAX} frames")
        layout = self._layout
        if layout is not None and layout.told != reply.get("tensors"):
            layout = None
        try:
            header = message.decode_batch(reply, layout.tensors if layout else None)
        except Error as broken:
            sentence = "a daemon broke the protocol: its batch has a header that cannot be read"
            raise type(broken)(sentence) from broken
        _check_address(header, self._info, address)
        phase = self._info.phase(address.epoch)
        if layout is None or layout.count != header.count or layout.phase != phase:
            layout = self._make_layout(reply, header, phase)
        _check_frames(header, layout.lengths, frames[1:])
        if header.replaced:
            _check_replaced(header)
        self._layout = layout
        return Batch(header, self._info, frames[1:])

    def _make_layout(self, reply: Dict[str, Any], header: BatchHeader, phase: Phase) -> _Layout:
        _check_tensors(header, self._info)
        lengths = tuple(tensor.bytes for tensor in header.tensors)
        return _Layout(reply["tensors"], header.count, phase, header.tensors, lengths)
