"""stoker for fastai: DataLoaders of two streams, and the loss of what the daemon mixed.

    from stoker.fastai import StokerMix, dataloaders

    dls = dataloaders("tcp://host:7654/train", "tcp://host:7654/valid")
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=StokerMix())

trains as with cbs=MixUp(), where the train stream says `mix { preset = fastai }`.
"""

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

try:
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.torch_core import default_device, show_images
except ImportError as missing:
    raise ImportError("stoker.fastai needs fastai: pip install fastai") from missing
from torch import Tensor

from ._torch.loss import Normalize, mix, per_sample, reduce_loss
from .torch import Loader, Target, soft_labels

__all__ = ["StokerMix", "StreamDL", "dataloaders"]


class StreamDL:
    """A stream as what fastai calls a DataLoader.

    Batches are (images, label) or, of a stream that mixes, (images, label, partner_label, lambda),
    which StokerMix makes a loss of; (images, target) of a stream with dense labels.  Slots that
    only fill a batch (`last = mask`) are taken out.

    url         as stoker.connect's
    fixed       every iteration is epoch 0: for validation, the same samples in the same order
    vocab       the classes' names; the daemon is asked for them unless given
    normalize   of streams of uint8
    options     as stoker.torch.Loader's
    """

    n_inp = 1  # of a batch, what the model takes

    def __init__(
        self,
        url: str,
        *,
        fixed: bool = False,
        vocab: Optional[Sequence[str]] = None,
        normalize: Optional[Normalize] = None,
        **options: Any,
    ) -> None:
        self.normalize = Normalize() if normalize is None else normalize
        self._vocab = None if vocab is None else list(vocab)
        self._again = dict(options, url=url, normalize=normalize)
        if fixed:
            options["epochs"] = 1  # nothing behind it is asked for
        self.loader = Loader(url, transform=self._normalized, **options)
        self.fixed, self.device = fixed, options.get("device")
        self.c = self.loader.info.classes

    def _normalized(self, images: Tensor) -> Tensor:
        if images.is_floating_point():
            return images
        normalized: Tensor = self.normalize(images)
        return normalized

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Tuple[Tensor, ...]]:
        if self.fixed:
            self.loader.set_epoch(0)
        for images, target in self.loader:
            batch = (images, *_labels_of(target))
            if isinstance(target, Target) and target.valid is not None:
                if not target.valid.any():
                    continue
                batch = tuple(each[target.valid] for each in batch)
            yield batch

    def one_batch(self) -> Tuple[Tensor, ...]:
        """The next batch, which comes again."""
        state = self.loader.state_dict()
        try:
            return next(iter(self))
        finally:
            self.loader.load_state_dict(state)

    def new(self, *args: Any, **options: Any) -> "StreamDL":
        """For predictions: of a train stream its pictures as they are before they are mixed, in
        epoch 0, each with its own label.  What fastai asks for besides (no shuffling, nothing
        dropped) is for the stream's configuration to say."""
        if self.fixed:
            return self
        again: Dict[str, Any] = {**self._again, "unmixed": "own", "target": "label"}
        made = StreamDL(fixed=True, vocab=self._vocab, **again)
        return made.to(self.device)

    def to(self, device: Any) -> "StreamDL":
        self.loader.to(device)
        if device is not None:
            self.normalize.to(device)
        self.device = device
        return self

    @property
    def dataset(self) -> Any:
        return self.loader.dataset

    @property
    def bs(self) -> int:
        return self.loader.batch_size

    def close(self) -> None:
        self.loader.close()

    # A look.

    @property
    def vocab(self) -> List[str]:
        """The classes' names; where labels are numbers, those of the columns."""
        if self._vocab is None and self.loader.info.labels == "numbers":
            self._vocab = [str(each) for each in range(self.c)]
        elif self._vocab is None:
            self._vocab = [each.name for each in self.loader.stream.labels()]
        return self._vocab

    def _name(self, row: Tensor) -> str:
        """Of a class number, or of the classes that have a share of a row."""
        if row.dim() == 0:
            return self.vocab[int(row)]
        shares = [(float(share), name) for share, name in zip(row, self.vocab) if share > 0.005]
        return " ".join(f"{name} {share:.2f}" for share, name in sorted(shares, reverse=True)[:3])

    def _title(self, labels: Sequence[Tensor], i: int) -> str:
        if len(labels) != 3 or float(labels[2][i]) == 1:
            return self._name(labels[0][i])
        share = float(labels[2][i])
        names = self._name(labels[0][i]), self._name(labels[1][i])
        return f"{names[0]} {share:.2f} {names[1]} {1 - share:.2f}"

    def show_batch(
        self, b: Any = None, max_n: int = 9, nrows: int = 3, show: bool = True, **options: Any
    ) -> Optional[Tuple[List[Tensor], List[str]]]:
        """Pictures with their labels, of a mixed stream with both and their shares."""
        images, *labels = self.one_batch() if b is None else b
        pictures = list(self.normalize.restore(images[:max_n]).cpu())
        titles = [self._title(labels, i) for i in range(len(pictures))]
        if not show:
            return pictures, titles
        nrows = min(nrows, len(pictures))
        show_images(pictures, nrows=nrows, titles=titles, **options)
        return None

    def show_results(self, b: Any, out: Tensor, max_n: int = 9, **options: Any) -> None:
        """As show_batch, with the predicted class below the label's."""
        pictures, titles = self.show_batch(b, max_n, show=False) or ([], [])
        titles = [f"{title}\n{self._name(row)}" for title, row in zip(titles, out)]
        nrows = min(options.pop("nrows", 3), len(pictures))
        show_images(pictures, nrows=nrows, titles=titles, **options)


def _labels_of(target: Any) -> Tuple[Tensor, ...]:
    if not isinstance(target, Target):
        return (target,)
    if target.partner_label is None or target.lam is None:
        return (target.label,)
    return target.label, target.partner_label, target.lam


def dataloaders(
    train: str, valid: str, *, device: Any = None, path: str = ".", **options: Any
) -> Any:
    """fastai's DataLoaders of a train stream and a valid one.

    train, valid    urls, as stoker.connect's; the valid stream's configuration says
                    order = sequential, last = partial or mask, and the transforms of an evaluation
    device          fastai's default_device() unless given
    options         of both, as StreamDL's: vocab, normalize, window, timeout, ...
    """
    device = default_device() if device is None else device
    first = StreamDL(train, device=device, **options)
    try:
        second = StreamDL(valid, fixed=True, device=device, **options)
    except BaseException:
        first.close()
        raise
    return DataLoaders(first, second, path=path, device=device)


class StokerMix(Callback):
    """What MixUp does with the loss, for batches that the daemon has mixed.

    In training the loss is lambda * loss(pred, label) + (1 - lambda) * loss(pred, partner_label) of
    each sample, and of those the loss function's own reduction; in validation it is the loss
    function alone.  As with MixUp that is for losses of class numbers (`y_int`); others are given
    the mixed label, float32 [count, classes].  Batches that are not mixed are left alone.
    """

    run_valid = False

    def before_train(self) -> None:
        self.own_loss = self.learn.loss_func
        self.stack_y = getattr(self.own_loss, "y_int", False)
        self.partner: Optional[Tuple[Tensor, Tensor]] = None
        if self.stack_y:
            self.learn.loss_func = self.lf

    def after_train(self) -> None:
        if getattr(self, "stack_y", False):
            self.learn.loss_func = self.own_loss
            self.stack_y = False

    def after_cancel_train(self) -> None:
        self.after_train()

    def after_cancel_fit(self) -> None:
        self.after_train()

    def before_batch(self) -> None:
        self.partner = None
        if len(self.learn.yb) != 3:
            return
        label, partner_label, lam = self.learn.yb
        if self.stack_y:
            self.partner = partner_label, lam
            self.learn.yb = (label,)
        else:
            self.learn.yb = (soft_labels(Target(label, partner_label, lam), self.learn.dls.c),)

    def lf(self, pred: Tensor, *yb: Tensor) -> Tensor:
        """The loss function of a training."""
        if not self.learn.training or self.partner is None:
            loss: Tensor = self.own_loss(pred, *yb)
            return loss
        partner_label, lam = self.partner
        own = per_sample(self.own_loss, pred, yb[0])
        values = mix(own, per_sample(self.own_loss, pred, partner_label), lam)
        return reduce_loss(values, getattr(self.own_loss, "reduction", "mean"))
