#!/usr/bin/python3
"""Train a small network on a mixed stream; stop anywhere, and go on exactly there.

    python3 train_torch.py tcp://127.0.0.1:7654/train --valid tcp://127.0.0.1:7654/valid

Ctrl-C, or --stop-after BATCHES, writes the checkpoint and ends; the same command goes on behind the
last batch, in the middle of its epoch.  A training that was stopped holds at its end the digests of
its batches against those of nobody who ever stopped, and exits with 1 where one differs.
"""

import argparse
import os
import signal
import sys
import zlib

import torch
from stoker.torch import Loader, MixLoss, Normalize
from torch import nn


def make_model(classes):
    """Four convolutions and an average: pictures [count, 3, height, width] to [count, classes]."""
    layers, channels = [], 3
    for wide in (16, 32, 64, 64):
        conv = nn.Conv2d(channels, wide, 3, stride=2, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(wide), nn.ReLU()]
        channels = wide
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def digest_of(batch):
    """Of every byte of a batch's pictures and labels."""
    source = batch.source
    crc = 0
    for name in ("images", "label", "partner_label", "lambda"):
        crc = zlib.crc32(source[name].tobytes(), crc)
    return source.epoch, source.step, f"{crc:08x}"


class Bar:
    """How far an epoch is; drawn on a terminal alone."""

    def __init__(self, epoch, total):
        self.epoch, self.total = epoch, total
        self.shown = sys.stderr.isatty()

    def show(self, done, loss):
        if self.shown:
            cells = 30 * done // max(self.total, 1)
            bar = "#" * cells + "." * (30 - cells)
            text = f"\repoch {self.epoch:3} [{bar}] {done}/{self.total} loss {loss:.3f}"
            print(text, end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@torch.no_grad()
def evaluate(model, batches):
    """The share of a masked stream's samples whose class is predicted."""
    model.eval()
    right = count = 0
    for images, target in batches:
        label, _, _, valid = target
        right += int(((model(images).argmax(1) == label) & valid).sum())
        count += int(valid.sum())
    return right / max(count, 1)


class Training:
    """A model, its optimizer, where they are in the stream, and which batches they have seen."""

    def __init__(self, loader, path, epochs):
        torch.manual_seed(1)
        self.loader, self.path = loader, path
        self.model = make_model(loader.info.classes)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), 3e-3)
        total = epochs * len(loader)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 5e-3, total)
        self.criterion = MixLoss(nn.CrossEntropyLoss())
        self.seen = []
        self.stopped_at = []  # places of this training's stops
        self.stopping = False

    def save(self):
        state = dict(
            model=self.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            schedule=self.schedule.state_dict(),
            loader=self.loader.state_dict(),
            seen=self.seen,
            stopped_at=[*self.stopped_at, self.seen[-1][:2]],
        )
        torch.save(state, f"{self.path}.new")
        os.replace(f"{self.path}.new", self.path)

    def load(self):
        state = torch.load(self.path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.loader.load_state_dict(state["loader"])
        self.seen, self.stopped_at = state["seen"], state["stopped_at"]
        epoch, step = self.stopped_at[-1]
        print(f"{self.path}: goes on behind epoch {epoch} step {step}")

    def step(self, images, target):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(images), target)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.item()

    def epoch(self, batches_max):
        """The rest of the loader's epoch; its mean loss, or None where it was stopped."""
        self.model.train()
        bar = Bar(self.loader.epoch, len(self.loader))
        losses = []
        for batch in self.loader:
            losses.append(self.step(*batch))
            self.seen.append(digest_of(batch))
            bar.show(batch.source.step + 1, losses[-1])
            if self.stopping or len(self.seen) == batches_max:
                bar.clear()
                self.save()
                return None
        bar.clear()
        return sum(losses) / max(len(losses), 1)


def check(url, seen, stopped_at):
    """Whether the epochs with a stop in them had the batches of an undisturbed pass."""
    for epoch in sorted({epoch for epoch, _ in stopped_at}):
        with Loader(url, epoch=epoch, epochs=1) as loader:
            expected = [digest_of(batch) for batch in loader]
        had = [row for row in seen if row[0] == epoch]
        stops = [step for at, step in stopped_at if at == epoch]
        print(f"epoch {epoch} again without a stop; digests of pictures and labels:")
        print("step  trained on  without a stop")
        for (_, step, mine), (_, _, theirs) in zip(had, expected):
            if any(-2 < step - stop < 4 for stop in stops):
                stopped = "  stopped here" if step in stops else ""
                print(f"{step:4}  {mine:10}  {theirs}{stopped}")
        if had != expected:
            print(f"epoch {epoch}: the batches are NOT those of an undisturbed pass")
            return False
        print(f"epoch {epoch}: all {len(had)} batches once, in order, as in an undisturbed pass")
    return True


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", help="the stream to train on, e.g. tcp://127.0.0.1:7654/train")
    parser.add_argument("--valid", help="the stream to judge by, with last = mask")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--checkpoint", default="train_torch.pt")
    parser.add_argument("--stop-after", type=int, default=0, help="batches, then stop; 0: never")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    normalize = Normalize()
    loader = Loader(arguments.url, epochs=arguments.epochs, normalize=normalize)
    info = loader.info
    print(
        f"{info.epoch_samples} samples of {info.classes} classes, {info.mix}; {len(loader)} steps"
    )
    training = Training(loader, arguments.checkpoint, arguments.epochs)
    if os.path.exists(arguments.checkpoint):
        training.load()
    valid = Loader(arguments.valid, epochs=1, normalize=normalize) if arguments.valid else None

    def stop(*_):
        training.stopping = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the second one does not wait

    signal.signal(signal.SIGINT, stop)
    for epoch in range(loader.epoch, arguments.epochs):
        loss = training.epoch(arguments.stop_after)
        if loss is None:
            at = "epoch {} step {}".format(*training.seen[-1])
            print(f"stopped behind {at}; {arguments.checkpoint} has all that goes on there")
            return 0
        text = f"epoch {epoch:3}  mixed loss {loss:.3f}"
        if valid is not None:
            valid.set_epoch(0)
            text += f"  accuracy {100 * evaluate(training.model, valid):.1f} %"
        print(text, flush=True)
    return 0 if check(arguments.url, training.seen, training.stopped_at) else 1


if __name__ == "__main__":
    sys.exit(main())
