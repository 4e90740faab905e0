"""The peer: PyTorch's DataLoader with torchvision's transforms, and fastai's mixup on the batch.

    python3 peer.py DATA WORKERS

Every line of standard input, "full 40" or "lean 40", asks for so many batches, and is answered by
a line of JSON with images, images_per_s and cpu_ms (of all its processes, a picture); first comes a
line with the versions.  run.py runs it, so that its runs and ours take turns.

    full   RandomResizedCrop(224), flip, ToTensor, Normalize; mixup as fastai does it: a lambda a
           sample from Beta(0.4, 0.4), folded to 0.5 or more, and lerp with the batch permuted
    lean   the least that can be done: RandomResizedCrop(224), flip, uint8, no mixup
"""

import json
import platform
import sys
import time

import PIL
import torch
import torchvision
from torchvision import transforms

BATCH = 64
ALPHA = 0.4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Endless(torch.utils.data.Sampler):
    """One shuffled epoch after another, cut where enough batches are drawn: workers do not have
    to wait at the end of a small data set."""

    def __init__(self, samples):
        super().__init__(None)
        self.samples = samples
        self.batches = 0

    def __len__(self):
        return self.batches * BATCH

    def __iter__(self):
        left = len(self)
        while left > 0:
            yield from torch.randperm(self.samples)[:left].tolist()
            left -= min(left, self.samples)


def mixup(images):
    lam = torch.distributions.Beta(ALPHA, ALPHA).sample((len(images),))
    lam = torch.max(lam, 1 - lam)[:, None, None, None]
    return torch.lerp(images[torch.randperm(len(images))], images, lam)


def make_loader(data, workers, full):
    last = [transforms.PILToTensor()]
    if full:
        last = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    first = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()]
    folder = torchvision.datasets.ImageFolder(data, transforms.Compose(first + last))
    return torch.utils.data.DataLoader(
        folder,
        batch_size=BATCH,
        sampler=Endless(len(folder)),
        num_workers=workers,
        persistent_workers=True,
    )


def cpu_seconds(workers):
    """CPU time of this process and its workers: clock_getcpuclockid(3)."""
    clocks = [time.CLOCK_PROCESS_CPUTIME_ID] + [(~worker.pid << 3) | 2 for worker in workers]
    return sum(time.clock_gettime(clock) for clock in clocks)


def measure(loader, batches, full):
    """Receive batches.

    Workers begin and end together and hand over batches in volleys, so the rate counts whole
    volleys in the middle; CPU time counts all of it.
    """
    workers = loader.num_workers
    edge = 2 * workers  # batches; the prefetch of a loader
    batches = max(1, round((batches - 2 * edge) / workers)) * workers + 2 * edge
    loader.sampler.batches = batches
    iterator = iter(loader)
    before_s = cpu_seconds(iterator._workers)
    received_s = []
    for pictures, _ in iterator:
        if full:
            mixup(pictures)
        received_s.append(time.monotonic())
    middle_s = received_s[-1 - edge] - received_s[edge - 1]
    images = batches * BATCH
    return {
        "images": images,
        "images_per_s": (batches - 2 * edge) * BATCH / middle_s,
        "cpu_ms": (cpu_seconds(iterator._workers) - before_s) * 1000 / images,
    }


def answer(line):
    print(json.dumps(line), flush=True)


def main():
    data, workers = sys.argv[1], int(sys.argv[2])
    loaders = {kind: make_loader(data, workers, kind == "full") for kind in ("full", "lean")}
    answer(
        {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pillow": PIL.__version__,
        }
    )
    for line in sys.stdin:
        kind, batches = line.split()
        answer(measure(loaders[kind], int(batches), kind == "full"))


if __name__ == "__main__":
    main()
