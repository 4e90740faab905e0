"""stoker for PyTorch: a Loader where a DataLoader stood, and the loss of mixed batches.

    from stoker.torch import Loader, MixLoss, Normalize

    loader = Loader("tcp://host:7654/train", device="cuda", normalize=Normalize())
    criterion = MixLoss(nn.CrossEntropyLoss())
    for epoch in range(90):
        for images, target in loader:
            loss = criterion(model(images), target)

torch.utils.data is not needed: a thread receives ahead, and the daemon does the work.
"""

from typing import Any, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

try:
    import torch
except ImportError as missing:
    raise ImportError(
        "stoker.torch needs PyTorch: install torch (Debian: python3-torch)"
    ) from missing
from torch import Tensor

from . import batch as arrays
from ._torch.ahead import Device, mover
from ._torch.loss import MixLoss, Normalize
from ._torch.tensors import (
    KINDS,
    Change,
    Target,
    as_tensor,
    images_of,
    soft_labels,
    target_of,
)
from .errors import Error, InvalidError
from .info import Address, StreamInfo
from .stream import Stream, connect

__all__ = ["Batch", "Loader", "MixLoss", "Normalize", "Target", "as_tensor", "soft_labels"]


class _Pair(NamedTuple):
    images: Tensor
    target: Union[Tensor, Target]


class Batch(_Pair):
    """Images and target; `source` is the stoker.Batch that they came from, with all its tensors,
    or None in a copy that somebody made of the pair."""

    source: Optional[arrays.Batch] = None


class _Samples:
    """What stands for `loader.dataset`: its length."""

    def __init__(self, info: StreamInfo) -> None:
        self._count = info.epoch_samples

    def __len__(self) -> int:
        return self._count


def _group(rank: Optional[int], world: Optional[int]) -> Tuple[int, int]:
    """Rank and world as given, else torch.distributed's where it is initialised."""
    distributed = torch.distributed
    if rank is None and world is None and distributed.is_available():
        if distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
    if (rank is None) != (world is None):
        raise InvalidError("rank and world belong together: give both, or neither")
    return rank or 0, 1 if world is None else world


def _refuse(options: Dict[str, Any]) -> None:
    """An open stream has its options."""
    for name, value in options.items():
        if value is not None:
            raise InvalidError(f"{name} is stoker.connect's to know: the stream is open already")


class Loader:
    """Batches of a stream as tensors; stands where a DataLoader stood.

    Each `for` is an epoch, and the first one behind load_state_dict the rest of one.  A `for` that
    was left in its middle is not taken up again: the next one is the next epoch.

    url             as stoker.connect's, or an open stoker.Stream
    rank, world     as stoker.connect's; unless given, torch.distributed's where it is initialised
    device          where batches are handed out; None: in the received frame, no copy.  To a CUDA
                    device the next batch is copied, from pinned memory and on a stream of its own,
                    while this one is computed with
    pin_memory      copy into pinned memory, where there is CUDA, for a non_blocking copy of the
                    trainer's own
    channels_last   None: as the stream's layout is, nhwc being a channels_last view;
                    True, False: copy into that memory format where the stream has the other one
    normalize       of the images on the device: Normalize(); a module is moved there
    transform       likewise, behind it
    target          "auto": what MixLoss takes: int64 [count]; a Target where the stream mixes or
                    masks; float32 [count, classes] of a stream with dense labels
                    "soft": float32 [count, classes], for losses that take a distribution
                    "label": the slot's own label alone, int64 [count]
    smoothing       of "soft" where the daemon does not do it
    options         as stoker.connect's: epoch, step, epochs, batches, window, timeout, ...

    Yields Batch(images, target): images of the stream's dtype, [count, 3, height, width], or what
    normalize and transform made of them.  Errors are stoker.connect's and the stream's; behind one
    of those the next `for` goes on behind the batch that was given last.
    """

    def __init__(
        self,
        url: Union[str, Stream],
        *,
        rank: Optional[int] = None,
        world: Optional[int] = None,
        device: Device = None,
        pin_memory: bool = False,
        channels_last: Optional[bool] = None,
        normalize: Optional[Change] = None,
        transform: Optional[Change] = None,
        target: str = "auto",
        smoothing: float = 0.0,
        **options: Any,
    ) -> None:
        if target not in KINDS:
            raise InvalidError(f"target = {target!r} is none of 'auto', 'soft' and 'label'")
        self._normalize, self._transform, self._pin = normalize, transform, pin_memory
        self.to(device)
        self._channels_last, self._target, self._smoothing = channels_last, target, smoothing
        if isinstance(url, Stream):
            _refuse(dict(rank=rank, world=world, **options))
            self.stream = url
        else:
            rank, world = _group(rank, world)
            self.stream = connect(url, rank=rank, world=world, **options)
        if self.info.last == "mask" and target != "auto":
            self.stream.close()
            raise InvalidError(
                f"'{self.info.stream}' has last = mask, and target = {target!r} would not tell "
                "which slots count: leave it at 'auto'"
            )
        self._given = self.stream.place  # behind the batch that was handed out last
        self._begun = False  # a batch was handed out since the last seek
        self._failed = False  # an iteration ended with an error, and may have had a batch ahead
        self._turn = 0  # of iterations; the last one alone goes on

    def to(self, device: Device) -> "Loader":
        """Hand batches out on another device, from the next `for` on; None is where they come."""
        for each in (self._normalize, self._transform):
            if isinstance(each, torch.nn.Module) and device is not None:
                each.to(device)
        self._mover = mover(device, self._change, self._pin)
        return self

    def _change(self, images: Tensor) -> Tensor:
        """On the device."""
        for each in (self._normalize, self._transform):
            images = images if each is None else each(images)
        return images

    def __iter__(self) -> Iterator[Batch]:
        """This rank's batches of an epoch, or of the rest where a state was loaded."""
        if self._failed:
            self._go_to_given()
        elif self._begun and self._given.step != 0:
            self.set_epoch(self._given.epoch + 1)
        self._turn += 1
        return self._epoch(self._turn)

    def _go_to_given(self) -> None:
        # Not to an epoch before this one that had no batch for this rank: its `for` has been.
        if self.stream.place != self._given:
            self.stream.seek(*max(self._given, Address(self.stream.epoch, 0)))
        self._failed = False

    def _epoch(self, turn: int) -> Iterator[Batch]:
        try:
            for images, target, (source, place) in self._mover.run(self._receive(turn)):
                batch = Batch(images, target)
                batch.source = source
                self._given, self._begun = place, True
                yield batch
        except Error:
            self._failed = True
            raise

    def _receive(self, turn: int) -> Iterator[Tuple[Tensor, Any, Tuple[arrays.Batch, Address]]]:
        batches = iter(self.stream)
        while True:
            if turn != self._turn:
                raise RuntimeError("another iteration of this loader has begun: there is one")
            batch = next(batches, None)
            if batch is None:
                return
            images = images_of(batch, self.info, self._channels_last)
            target = target_of(batch, self.info, self._target, self._smoothing)
            yield images, target, (batch, self.stream.place)

    def __len__(self) -> int:
        """This rank's batches in the whole of the current epoch."""
        return len(self.stream)

    # Places.

    @property
    def epoch(self) -> int:
        """Of the next `for`, or of the one that is going on."""
        return self.stream.epoch

    def set_epoch(self, epoch: int) -> None:
        """The next `for` is this epoch, as DistributedSampler.set_epoch; or its rest, where
        load_state_dict went into its middle."""
        self.stream.set_epoch(epoch)
        self._given, self._begun, self._failed = self.stream.place, False, False

    def state_dict(self) -> Dict[str, Any]:
        """Where to go on behind the batch that was handed out last, as Stream.state_dict."""
        epoch, step = self._given
        return {**self.stream.state_dict(), "epoch": epoch, "step": step}

    def load_state_dict(self, state: Union[Mapping[str, Any], str]) -> None:
        """The next `for` goes on where the state was saved; errors as Stream.load_state_dict."""
        self.stream.load_state_dict(state)
        self._given, self._begun, self._failed = self.stream.place, False, False

    # What loops and frameworks ask a DataLoader for.

    @property
    def info(self) -> StreamInfo:
        return self.stream.info

    @property
    def sampler(self) -> "Loader":
        """For `loader.sampler.set_epoch(epoch)`, which frameworks call."""
        return self

    @property
    def dataset(self) -> _Samples:
        """Its length is that of an epoch of all ranks, in samples."""
        return _Samples(self.info)

    @property
    def batch_size(self) -> int:
        """Samples a batch, in the current epoch."""
        return self.info.phase(self.epoch).batch

    def close(self) -> None:
        self.stream.close()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<stoker.torch.Loader of {self.stream!r}>"
