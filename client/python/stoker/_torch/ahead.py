"""The way of batches to where they are computed with: here, or a CUDA device one batch ahead."""

from typing import Any, Iterable, Iterator, Optional, Tuple, TypeVar, Union

import torch
from torch import Tensor

from .tensors import Change, Target, map_target, tensors_of

Item = TypeVar("Item")
Labels = Union[Tensor, Target]
Device = Union[torch.device, str, int, None]


class Mover:
    """Batches to a device, changed there; in the trainer's thread, on its own stream."""

    def __init__(self, device: Optional[torch.device], change: Change, pin: bool) -> None:
        self.device, self.change, self.pin = device, change, pin

    def _moved(self, tensor: Tensor) -> Tensor:
        if self.pin:
            tensor = tensor.pin_memory()
        return tensor if self.device is None else tensor.to(self.device, non_blocking=self.pin)

    def move(self, images: Tensor, target: Labels) -> Tuple[Tensor, Labels]:
        return self.change(self._moved(images)), map_target(target, self._moved)

    def run(
        self, items: Iterable[Tuple[Tensor, Labels, Item]]
    ) -> Iterator[Tuple[Tensor, Labels, Item]]:
        """Images, target and whatever goes with them, of each item in turn."""
        for images, target, rest in items:
            yield (*self.move(images, target), rest)


class CudaMover(Mover):
    """One batch ahead: while the device computes with a batch, the next one is copied to it from
    pinned memory and changed there, on a stream of its own.

    `cuda` is torch.cuda, or what stands for it in a test.  A batch's memory belongs to the side
    stream's allocator; record_stream keeps it from being used again before the trainer's stream is
    done with it.
    """

    def __init__(self, device: torch.device, change: Change, cuda: Any = torch.cuda) -> None:
        super().__init__(device, change, pin=True)
        self._cuda = cuda
        self._side = cuda.Stream(device)

    def run(
        self, items: Iterable[Tuple[Tensor, Labels, Item]]
    ) -> Iterator[Tuple[Tensor, Labels, Item]]:
        # What the change computes with was made on the trainer's stream.
        self._side.wait_stream(self._cuda.current_stream(self.device))
        ahead = None
        for images, target, rest in items:
            with self._cuda.stream(self._side):
                moved = self.move(images, target)
                copied = self._side.record_event()
            if ahead is not None:
                yield self._hand_over(*ahead)
            ahead = (*moved, rest, copied)
        if ahead is not None:
            yield self._hand_over(*ahead)

    def _hand_over(
        self, images: Tensor, target: Labels, rest: Item, copied: Any
    ) -> Tuple[Tensor, Labels, Item]:
        """The trainer's stream waits for this batch, not for the one that is copied behind it."""
        current = self._cuda.current_stream(self.device)
        current.wait_event(copied)
        images.record_stream(current)
        for each in tensors_of(target):
            each.record_stream(current)
        return images, target, rest


def mover(device: Device, change: Change, pin: bool) -> Mover:
    """The way to a device; None is here, and no copy."""
    where = None if device is None else torch.device(device)
    if where is not None and where.type == "cuda":
        return CudaMover(where, change)
    return Mover(where, change, pin and torch.cuda.is_available())
