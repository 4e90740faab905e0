"""Losses of two labels: lambda * loss(output, label) + (1 - lambda) * loss(output, partner)."""

import inspect
from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Iterator, Optional, Union

import torch
from torch import Tensor, nn

from .tensors import Target

Criterion = Callable[..., Tensor]


def _takes_reduction(criterion: Criterion) -> bool:
    try:
        return "reduction" in inspect.signature(criterion).parameters
    except (TypeError, ValueError):
        return False


@contextmanager
def unreduced(criterion: Criterion) -> Iterator[Criterion]:
    """The criterion with reduction = "none" meanwhile, as far as it knows reductions."""
    if hasattr(criterion, "reduction"):
        before = criterion.reduction
        criterion.reduction = "none"
        try:
            yield criterion
        finally:
            criterion.reduction = before
    elif _takes_reduction(criterion):
        yield partial(criterion, reduction="none")
    else:
        yield criterion


def per_sample(criterion: Criterion, output: Tensor, target: Tensor) -> Tensor:
    """The loss of each sample, [count]: of several values a sample their mean."""
    count = len(output)
    with unreduced(criterion) as loss:
        values = loss(output, target)
    if values.dim() == 0 or values.numel() % count != 0:
        raise TypeError(
            f"{criterion!r} gives one loss for the batch, and mixing needs one for each sample: "
            "give a loss that has `reduction`, or takes it, or returns [count]"
        )
    return values.reshape(count, -1).mean(1)


def mix(own: Tensor, partner: Tensor, lam: Tensor) -> Tensor:
    """lambda * own + (1 - lambda) * partner, of [count] or of one lambda."""
    return torch.lerp(partner, own, lam.to(own.dtype))


def reduce_loss(values: Tensor, reduction: str, valid: Optional[Tensor] = None) -> Tensor:
    """`values` [count] as "mean" or "sum" of the valid ones; with "none" the others are 0."""
    if valid is not None:
        values = torch.where(valid, values, torch.zeros_like(values))
    if reduction == "sum":
        return values.sum()
    if reduction == "none":
        return values
    # A batch of which no slot counts has the loss 0.
    return values.mean() if valid is None else values.sum() / valid.sum().clamp(min=1)


class MixLoss(nn.Module):
    """The loss of mixed batches: of each sample lambda * criterion(output, label) +
    (1 - lambda) * criterion(output, partner_label), and the mean of those.

    criterion   a loss of outputs and class numbers that can give one value a sample: it has
                `reduction` (CrossEntropyLoss, fastai's), takes it (F.cross_entropy), or returns
                [count]; whatever its reduction is, it is left as it was
    reduction   of the samples: "mean", "sum" or "none"

    A target that is a plain tensor, as unmixed streams have it, goes to the criterion as it is: the
    same loss serves in validation.
    """

    def __init__(self, criterion: Criterion, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"a reduction {reduction!r} is none of 'mean', 'sum' and 'none'")
        self.criterion, self.reduction = criterion, reduction

    def forward(self, output: Tensor, target: Union[Tensor, Target]) -> Tensor:
        """output [count, ...], target as Loader gives it; a scalar, or [count] with "none"."""
        if not isinstance(target, Target):
            return self.criterion(output, target)
        values = per_sample(self.criterion, output, target.label)
        if target.partner_label is not None and target.lam is not None:
            partner = per_sample(self.criterion, output, target.partner_label)
            values = mix(values, partner, target.lam)
        return reduce_loss(values, self.reduction, target.valid)

    def extra_repr(self) -> str:
        return "" if isinstance(self.criterion, nn.Module) else repr(self.criterion)


class Normalize(nn.Module):
    """(image / 255 - mean) / std of uint8 pictures, on the device where they are.

    mean, std   of red, green and blue, in units of full scale; ImageNet's unless given
    dtype       of the result: computed in float32, and rounded once

    images uint8 [count, 3, height, width] in any memory format, which the result has too.
    """

    scale: Tensor
    bias: Tensor

    def __init__(
        self,
        mean: Any = (0.485, 0.456, 0.406),
        std: Any = (0.229, 0.224, 0.225),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        center = torch.tensor(mean, dtype=torch.float64)[:, None, None]
        spread = torch.tensor(std, dtype=torch.float64)[:, None, None]
        self.dtype = dtype
        # Not in the model's state_dict, where it may be put in front of a model.
        self.register_buffer("scale", (1 / (255 * spread)).float(), persistent=False)
        self.register_buffer("bias", (-center / spread).float(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if images.dtype != torch.uint8:
            raise TypeError(
                f"pictures of {images.dtype} are normalised already: the stream's dtype is not u8"
            )
        return torch.mul(images, self.scale).add_(self.bias).to(self.dtype)

    def restore(self, images: Tensor) -> Tensor:
        """Pictures to look at, float32 0 to 1, of normalised ones."""
        return ((images - self.bias) / (255 * self.scale)).clamp(0, 1).float()

    def extra_repr(self) -> str:
        return f"dtype={self.dtype}"
