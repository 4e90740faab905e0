#!/usr/bin/env python3
"""How much of its throughput a good trainer keeps while a stranger does its worst.

measure.py BUILD [--seconds S] [--rounds N] [BEHAVIOUR...]

For each behaviour of tests/integration/hostile.py the trainer's batches are counted in turns, a
while beside a process that only computes and a while beside the stranger, and the ratio of the
medians is printed, with the most that was resident in the daemon.  Both processes have the lowest
priority: so what the stranger computes itself, which a far one would on a machine of its own, is
not counted as the daemon's loss.  Exit status 1 if a ratio is below 0.9.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

LISTEN = {"ipc": None, "tcp": ["tcp://127.0.0.1:*"]}
RATIO_MIN = 0.9
WINDOW = 8
COMPUTES = "computes"


def attack(endpoint, name):
    """The stranger's process: until it is killed."""
    from hostile import BEHAVIOURS, Attack

    os.nice(19)
    seed = 0
    while name == COMPUTES:
        seed += 1
    while True:
        seed += 1
        with Attack(endpoint, seed) as one:
            BEHAVIOURS[name](one)


class Trainer:
    """Asks for batches that nobody asked for before, a window of them at once."""

    def __init__(self, client):
        self.client = client
        self.next = 0
        self.pending = []

    def batches_in(self, seconds):
        """Batches a second over a while."""
        start, taken = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            while len(self.pending) < WINDOW:
                self.pending.append(
                    self.client.post_get("train", 1 + self.next // 3, self.next % 3)
                )
                self.next += 1
            self.client.take(self.pending.pop(0))
            taken += 1
        return taken / (time.monotonic() - start)


def batches_beside(running, trainer, name, seconds):
    """Batches a second beside a stranger."""
    stranger = subprocess.Popen([sys.executable, __file__, "--attack", running.endpoint, name])
    try:
        trainer.batches_in(0.3)  # while it starts
        return trainer.batches_in(seconds)
    finally:
        stranger.kill()
        stranger.wait()


def measure(running, trainer, name, seconds, rounds):
    """Batches a second beside who only computes and beside the stranger, medians of the rounds."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(batches_beside(running, trainer, COMPUTES, seconds))
        beside.append(batches_beside(running, trainer, name, seconds))
    return statistics.median(alone), statistics.median(beside)


def run(arguments):
    """The table; how many ratios are below what is promised."""
    os.environ["STOKER_BUILD"] = arguments.build
    import dataset
    from hostile import BEHAVIOURS
    from plan1 import Recipe
    from stokerd import Stokerd, stream_text
    from wire import Client

    below = 0
    with tempfile.TemporaryDirectory() as folder:
        root = dataset.write_small(folder, classes=3, each=32, height=200, width=200)
        text = stream_text("train", root, Recipe(batch=32, height=64, width=64))
        print(f"{'BEHAVIOUR':46}  ON     CALM/S  BESIDE/S  RATIO  RESIDENT MIB")
        for scheme, listen in LISTEN.items():
            running = Stokerd(text, workers=1, listen=listen, log_level="notice", memory_max="400M")
            running.wait_ready()
            with Client(running.endpoint, slow=4) as client:
                trainer = Trainer(client)
                client.hello("train", window=WINDOW)
                for name in arguments.behaviours or BEHAVIOURS:
                    alone, beside = measure(
                        running, trainer, name, arguments.seconds, arguments.rounds
                    )
                    below += beside / alone < RATIO_MIN
                    resident = running.memory_bytes() >> 20
                    print(
                        f"{name:46}  {scheme}  {alone:8.1f}  {beside:8.1f}  {beside / alone:5.2f}"
                        f"  {resident:12}",
                        flush=True,
                    )
            running.stop()
            running.discard()
    return below


def main():
    if sys.argv[1:2] == ["--attack"]:
        attack(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("behaviours", nargs="*")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    below = run(parser.parse_args())
    if below:
        print(f"hostile: {below} below {RATIO_MIN}", file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
