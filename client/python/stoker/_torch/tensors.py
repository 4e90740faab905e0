"""A received batch as tensors: the same memory, and what a loss needs of its labels."""

from typing import Any, Callable, Iterator, NamedTuple, NoReturn, Optional, Union, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import batch as arrays
from ..info import StreamInfo

KINDS = ("auto", "label", "soft")

Change = Callable[[Tensor], Tensor]


class Target(NamedTuple):
    """The labels of a mixed or masked batch, as MixLoss takes them; None is what a stream has not.

    label           int64 [count], or float32 [count, classes] of a stream with dense labels
    partner_label   int64 [count]: of what is mixed in
    lam             float32 [count]: the slot's own share
    valid           bool [count]: False stands there to fill the batch (`last = mask`)
    """

    label: Tensor
    partner_label: Optional[Tensor] = None
    lam: Optional[Tensor] = None
    valid: Optional[Tensor] = None

    @classmethod
    def __torch_function__(cls, *args: Any, **options: Any) -> NoReturn:
        """A loss of one label was given two."""
        raise TypeError(
            "a batch that is mixed or masked has a Target and no plain labels: take "
            'stoker.torch.MixLoss(criterion) as the loss, or Loader(..., target="soft") with one '
            "that takes distributions"
        )

    def to(self, *args: Any, **options: Any) -> "Target":
        """As Tensor.to, of each."""
        moved: Target = map_target(self, lambda each: each.to(*args, **options))
        return moved


@overload
def map_target(target: Target, change: Change) -> Target:
    ...


@overload
def map_target(target: Tensor, change: Change) -> Tensor:
    ...


def map_target(target: Union[Tensor, Target], change: Change) -> Union[Tensor, Target]:
    """A tensor changed, or each of a Target."""
    if not isinstance(target, Target):
        return change(target)
    partner_label, lam, valid = (None if each is None else change(each) for each in target[1:])
    return Target(change(target.label), partner_label, lam, valid)


def tensors_of(target: Union[Tensor, Target]) -> Iterator[Tensor]:
    """The tensor, or those that a Target has."""
    for each in target if isinstance(target, Target) else (target,):
        if each is not None:
            yield each


class _Memory:
    """An array's memory without its mark of being read-only.

    torch knows no read-only tensors, and warns of each array that is one.  Nobody else has this
    memory: who writes into a tensor changes the arrays of the same batch, and nothing besides.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array  # keeps the frame
        interface = array.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}


def as_tensor(array: NDArray[Any], dtype: str = "") -> Tensor:
    """A tensor in a batch's own memory, no copy; "bf16" says what 16 bits without a name are.

    uint64 (sample indexes) is int64.
    """
    bits = array
    if dtype == "bf16":
        bits = array.view(np.int16)
    elif array.dtype == np.uint64:
        bits = array.view(np.int64)
    tensor: Tensor = torch.from_numpy(np.asarray(_Memory(bits)))
    return tensor.view(torch.bfloat16) if dtype == "bf16" else tensor


def images_of(
    batch: arrays.Batch, info: StreamInfo, channels_last: Optional[bool] = None
) -> Tensor:
    """The stream's dtype, [count, 3, height, width], in the frame's memory unless asked otherwise.

    Of an nhwc stream it is a view whose memory format is channels_last.  channels_last = True or
    False copies where the stream's layout is the other one.
    """
    images = as_tensor(batch["images"], info.dtype)
    if info.layout == "nhwc":
        images = images.permute(0, 3, 1, 2)
    if channels_last is None:
        return images
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    return images.contiguous(memory_format=wanted)


def target_of(
    batch: arrays.Batch, info: StreamInfo, kind: str = "auto", smoothing: float = 0.0
) -> Union[Tensor, Target]:
    """What a loss takes; Loader explains the kinds."""
    dense = as_tensor(batch["target"]) if "target" in batch else None
    if kind == "soft":
        return torch.from_numpy(batch.soft_labels(smoothing=smoothing)) if dense is None else dense
    label = as_tensor(batch["label"]).long()
    if kind == "label":
        return label
    valid = as_tensor(batch["valid"]).bool() if "valid" in batch else None
    if dense is not None:
        return dense if valid is None else Target(dense, valid=valid)
    if info.mix == "none":
        return label if valid is None else Target(label, valid=valid)
    partner_label = as_tensor(batch["partner_label"]).long()
    return Target(label, partner_label, as_tensor(batch["lambda"]), valid)


def soft_labels(
    of: Union[Target, Tensor, arrays.Batch], classes: int, smoothing: float = 0.0
) -> Tensor:
    """Dense soft labels, float32 [count, classes], for SoftTargetCrossEntropy and its like.

    of      a Target, or labels alone, int64 [count], on any device; or a stoker.Batch

    To the bit what the daemon's own `target` is.  Labels outside the classes are an error.
    """
    if isinstance(of, arrays.Batch):
        return torch.from_numpy(of.soft_labels(classes, smoothing))
    target = of if isinstance(of, Target) else Target(of)
    label, lam = target.label, target.lam
    if label.dim() != 1 or label.is_floating_point():
        raise TypeError("soft labels are made of class numbers: these are dense already")
    partner_label = label if target.partner_label is None else target.partner_label
    lam = torch.ones(len(label), device=label.device) if lam is None else lam
    # As stoker.soft_labels: binary32, each operation rounded by itself.
    off = float(np.float32(smoothing / max(classes, 1)))
    on = float(np.float32(1 - smoothing + smoothing / max(classes, 1)))
    rest = 1 - lam
    soft: Tensor = (lam * off + rest * off)[:, None].repeat(1, classes)
    soft.scatter_(1, label[:, None], (lam * on + rest * off)[:, None])
    both = torch.where(label == partner_label, lam * on + rest * on, lam * off + rest * on)
    soft.scatter_(1, partner_label[:, None], both[:, None])
    return soft
