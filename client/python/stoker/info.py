"""What a daemon tells of a stream."""

from dataclasses import dataclass
from typing import NamedTuple, Tuple


class Address(NamedTuple):
    """A batch's place; step is the group's, 0 to the epoch's steps."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Phase:
    """How large batches are from an epoch on: progressive resizing."""

    epoch: int  # the first one
    steps: int  # of an epoch
    batch: int  # samples a batch; the last one of an epoch may be smaller
    shape: Tuple[int, int, int]  # of one picture, in the layout's order


@dataclass(frozen=True)
class StreamInfo:
    """A stream's description, as PROTOCOL.md has it."""

    stream: str
    fingerprint: str  # 32 hexadecimal digits: of recipe, files and plan
    samples: int  # in the source: an index is below it
    epoch_samples: int  # of an epoch; a last batch that is wrapped or masked has more
    steps: int  # of an epoch, as batch and shape in the first phase
    batch: int
    shape: Tuple[int, int, int]  # [height, width, 3] or [3, height, width]
    dtype: str  # of images: "|u1", "<f4", "<f2" or "bf16"
    layout: str  # "nhwc" or "nchw"
    last: str  # "drop", "partial", "wrap" or "mask"
    labels: str  # "class", one a sample; "classes", any number of them; "numbers"
    classes: int  # labels are below it; where labels are numbers, how many a sample has
    mix: str  # "none", or e.g. "mixup fastai alpha=0.4"
    decoder: str  # e.g. "libjpeg-turbo 2.1.5 exact"
    phases: Tuple[Phase, ...]  # the later ones, by epoch

    def phase(self, epoch: int) -> Phase:
        """The phase that holds in an epoch; of the first one `epoch` is 0."""
        held = Phase(0, self.steps, self.batch, self.shape)
        for phase in self.phases:
            if phase.epoch <= epoch:
                held = phase
        return held
