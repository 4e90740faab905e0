"""fastai's Learner, as far as a callback and a DataLoader meet it: the events in their order, where
`run_valid` counts, what get_preds and show_results ask of a DataLoader.  Written from fastai's
documentation, for where fastai itself is not installed."""

import contextlib
import sys
import types

import torch
from torch import nn

INNER = "before_batch after_pred after_loss before_backward before_step after_step after_batch"


class GetAttr:
    """Attributes of another object, where there are none of that name."""

    def __getattr__(self, name):
        if name.startswith("__") or name == self._default:
            raise AttributeError(name)
        return getattr(getattr(self, self._default), name)


class Callback(GetAttr):
    _default, learn, run, run_train, run_valid = "learn", None, True, True, True

    def __call__(self, event):
        training = getattr(self.learn, "training", True)
        if event not in INNER.split() or (self.run_train if training else self.run_valid):
            getattr(type(self), event, lambda self: None)(self)

    def __setattr__(self, name, value):
        assert not hasattr(self.learn, name), f"{name} shadows the learner's"
        super().__setattr__(name, value)


class CancelFitException(Exception):
    pass


class DataLoaders(GetAttr):
    _default = "train"

    def __init__(self, *loaders, path=".", device=None):
        self.loaders, self.path, self.device = list(loaders), path, device
        for each in loaders:
            each.to(device)

    train = property(lambda self: self.loaders[0])
    valid = property(lambda self: self.loaders[1])

    def __getitem__(self, i):
        return self.loaders[i]


class CrossEntropyLossFlat:
    """Has the reduction of a module that it keeps, and flattens."""

    y_int = True

    def __init__(self):
        self.func = nn.CrossEntropyLoss()

    reduction = property(
        lambda self: self.func.reduction, lambda self, value: setattr(self.func, "reduction", value)
    )

    def __call__(self, pred, target):
        return self.func(pred.view(-1, pred.shape[-1]), target.view(-1))


class Learner:
    def __init__(self, dls, model, loss_func, cbs=(), lr=0.1):
        self.dls, self.model, self.loss_func, self.cbs = dls, model, loss_func, list(cbs)
        self.opt = torch.optim.SGD(model.parameters(), lr)
        for each in self.cbs:
            object.__setattr__(each, "learn", self)

    def __call__(self, event):
        for each in self.cbs:
            each(event)

    @contextlib.contextmanager
    def _events(self, kind):
        try:
            self(f"before_{kind}")
            yield
        except CancelFitException:
            self(f"after_cancel_{kind}")
            raise
        finally:
            self(f"after_{kind}")

    def _batches(self, dl, training):
        self.training = training
        self.model.train(training)
        for self.iter, b in enumerate(dl):
            count = getattr(self.dls, "n_inp", 1 if len(b) == 1 else len(b) - 1)
            self.xb, self.yb = b[:count], b[count:]
            self("before_batch")
            self.pred = self.model(*self.xb)
            if len(self.yb):
                self.loss = self.loss_func(self.pred, *self.yb)
            self("after_loss")
            if training:
                self.loss.backward()
                self.opt.step()
                self.opt.zero_grad()
            self("after_batch")
            yield

    def fit(self, epochs):
        self.valid_losses = []
        for self.epoch in range(epochs):
            with self._events("train"):
                for _ in self._batches(self.dls.train, True):
                    pass
            with torch.no_grad():
                for _ in self._batches(self.dls.valid, False):
                    self.valid_losses.append(float(self.loss))

    def get_preds(self, ds_idx=1, dl=None):
        if dl is None:
            dl = self.dls[ds_idx].new(shuffle=False, drop_last=False)
        with torch.no_grad():
            rows = [(self.pred.softmax(1), *self.yb) for _ in self._batches(dl, False)]
        return tuple(torch.cat(each) for each in zip(*rows))

    def show_results(self, ds_idx=1):
        dl = self.dls[ds_idx].new(shuffle=False)
        b = dl.one_batch()
        dl.show_results(b, self.get_preds(dl=[b])[0].argmax(1))


shown = []


def install():
    """As the modules that stoker.fastai imports from."""
    package = types.ModuleType("fastai")
    package.__path__ = []
    names = {
        "fastai": {},
        "fastai.callback": {},
        "fastai.callback.core": dict(Callback=Callback),
        "fastai.data": {},
        "fastai.data.core": dict(DataLoaders=DataLoaders),
        "fastai.torch_core": dict(
            default_device=lambda: torch.device("cpu"),
            show_images=lambda *args, **options: shown.append((args, options)),
        ),
    }
    for name, members in names.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module
