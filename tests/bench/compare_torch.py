"""The same network on the daemon's batches and on torchvision's with an in-process mixup.

    python3 compare_torch.py DATA LISTS ENDPOINT [--epochs 12] [--seeds 3]

DATA is a folder of class folders, LISTS a folder with the files `train` and `valid` that name its
samples, and ENDPOINT serves both as the streams "train" and "valid": as tests/demo/train has them.
Prints the validation accuracy of every seed, and of both the mean and the standard deviation.
"""

import argparse
import os
import statistics
import sys

import torch
from torch import nn
from torchvision import datasets, transforms

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "client/python"), os.path.join(ROOT, "client/python/examples")]
from stoker.torch import Loader, MixLoss, Normalize, Target  # noqa: E402
from train_torch import evaluate, make_model  # noqa: E402

BATCH, SIDE, ALPHA = 16, 64, 0.4
EPOCHS_APART = 1000  # of two seeds' epochs in the stream: other crops, orders and lambdas
NORMAL = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def folder(data, names, transform):
    """An ImageFolder of the named samples."""
    with open(names) as lines:
        kept = {os.path.join(data, line.strip()) for line in lines}
    made = datasets.ImageFolder(data, transform)
    made.samples = [each for each in made.samples if each[0] in kept]
    return made


class Mixed:
    """torchvision's batches, mixed as fastai's MixUp does."""

    def __init__(self, dataset):
        self.loader = torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, drop_last=True)

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for images, label in self.loader:
            lam = torch.distributions.Beta(ALPHA, ALPHA).sample((len(images),))
            lam = torch.max(lam, 1 - lam)
            order = torch.randperm(len(images))
            images = torch.lerp(images[order], images, lam[:, None, None, None])
            yield images, Target(label, label[order], lam)


def theirs(arguments):
    crop = transforms.RandomResizedCrop(SIDE, scale=(0.5, 1))
    first = [crop, transforms.RandomHorizontalFlip(), transforms.ToTensor(), NORMAL]
    still = [transforms.Resize(SIDE), transforms.CenterCrop(SIDE), transforms.ToTensor(), NORMAL]
    lists = [os.path.join(arguments.lists, name) for name in ("train", "valid")]
    train = Mixed(folder(arguments.data, lists[0], transforms.Compose(first)))
    held = folder(arguments.data, lists[1], transforms.Compose(still))
    valid = [
        (images, Target(label, valid=torch.ones_like(label, dtype=torch.bool)))
        for images, label in torch.utils.data.DataLoader(held, BATCH)
    ]
    return train, valid, len(held.classes)


def ours(arguments, seed):
    normalize, url = Normalize(), arguments.endpoint
    train = Loader(f"{url}/train", epoch=EPOCHS_APART * seed, normalize=normalize)
    valid = Loader(f"{url}/valid", epochs=1, normalize=normalize)
    return train, valid, train.info.classes


def accuracy_of(train, valid, classes, seed, epochs):
    torch.manual_seed(seed)
    model = make_model(classes)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, epochs * len(train))
    criterion = MixLoss(nn.CrossEntropyLoss())
    model.train()
    for _ in range(epochs):
        for images, target in train:
            optimizer.zero_grad()
            criterion(model(images), target).backward()
            optimizer.step()
            schedule.step()
    return 100 * evaluate(model, valid)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("lists")
    parser.add_argument("endpoint")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    rows = {"stoker": [], "torchvision": []}
    for seed in range(arguments.seeds):
        for name, row in rows.items():
            made = ours(arguments, seed) if name == "stoker" else theirs(arguments)
            row.append(accuracy_of(*made, seed, arguments.epochs))
            print(f"{name:12} seed {seed}  accuracy {row[-1]:.1f} %", flush=True)
    for name, row in rows.items():
        spread = statistics.stdev(row) if len(row) > 1 else 0
        print(f"{name:12} mean {statistics.mean(row):.1f} %  deviation {spread:.1f}")


if __name__ == "__main__":
    main()
