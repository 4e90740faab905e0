#!/usr/bin/env python3
"""Chaos: eight trainers on two daemons, all of which are killed, stopped and cut off at random.

run.py [--kills N] [--batches N] [--hours H] [--seed S] [--keep DIR] [--json]

Four trainers share a stream's steps by rank; four receive every step, one of them slowly.  Two know
one daemon alone, the others both, over tcp (through a proxy that misbehaves) and ipc.
At the end check.py holds their logs against that of a trainer whom nobody disturbed.  What is done,
to whom and at which share of all batches follows from the seed alone (faults.py); when that is on
the clock does not.  The exit status is 0 where every fault was done, every trainer has finished,
and nothing was lost, duplicated, wrong or out of order.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import check  # noqa: E402
import faults  # noqa: E402
import report  # noqa: E402
import small  # noqa: E402
from stokerd import SLOW, Stokerd  # noqa: E402
from victims import TRAINER, DaemonVictim, Failure, LineVictim, TrainerVictim  # noqa: E402

RANKS = 4  # an epoch's steps are no multiple: the last ones are left out
KILL_EVERY_S = 0.8  # trainers pause between batches so that a run has that much time a kill
BATCHES_A_KILL = 200
SLOWNESS = 4  # of the slow trainer, who has so many times fewer batches
HEARTBEAT_MS = int(1000 * SLOW)  # less than some daemons are stopped and some lines hang
STUCK_S = 60 * SLOW  # without a batch of anybody


class Chaos:
    """One run: its victims, and what happens to them."""

    def __init__(self, folder, seed, kills, batches):
        self.folder = folder
        self.seed = seed
        self.plan = faults.plan(seed, kills)
        self.share = batches // (faults.TRAINERS - 1) + 1  # of each trainer but the slow one
        self.pause_us = int(kills * KILL_EVERY_S * 1e6 / self.share)
        self.stream, self.options = small.draw(folder)
        self.daemons, self.trainers, self.lines = [], [], []
        self.waiting = collections.deque()  # faults that are to be given to somebody else

    # The undisturbed run.

    def reference(self):
        """The log of a trainer that takes every step of as many epochs as anybody will see."""
        path = self._path("reference")
        epochs = self.share // (small.STEPS // RANKS) + 1
        daemon = Stokerd(self.stream, **self.options).wait_ready()
        try:
            command = [TRAINER, "--window=32", f"{daemon.endpoint}/train", path]
            subprocess.run([*command, str(epochs * small.STEPS)], check=True)
            daemon.stop()
        finally:
            daemon.discard()
        return path

    # The run.

    def start(self):
        for number in range(faults.DAEMONS):
            one = DaemonVictim(self.waiting.append, self.folder, number, self.stream, self.options)
            self.daemons.append(one)
        self.lines = [LineVictim(self.waiting.append, one.proxy) for one in self.daemons]
        a, b = self.daemons
        for rank in range(RANKS):
            state = dict(state=self._path(f"rank{rank}.state")) if rank >= RANKS // 2 else {}
            self._train(f"rank{rank}", [a.tcp, b.tcp], rank=rank, world=RANKS, **state)
        self._train("both", [a.ipc, b.ipc], window=16)
        self._train("lone0", [a.ipc], window=2, state=self._path("lone0.state"))
        self._train("lone1", [b.tcp], window=4)
        self._train(
            "slow", [b.tcp, a.ipc], slowness=SLOWNESS, window=3, state=self._path("slow.state")
        )

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _train(self, name, urls, slowness=1, **options):
        options |= {"pause-us": self.pause_us * slowness, "heartbeat-ms": HEARTBEAT_MS}
        work = urls, "train", self._path(name), self.share // slowness, options
        self.trainers.append(TrainerVictim(self.waiting.append, name, *work))

    def lone(self, trainer):
        """The only daemon that a lone trainer knows, and what was done to the line to it."""
        number = int(trainer.name.removeprefix("lone"))
        return self.daemons[number], self.lines[number].journal if number == 1 else []

    def victims(self):
        """Trainers first: a daemon's end would disturb them."""
        return self.trainers + self.lines + self.daemons

    def run(self):
        total = sum(trainer.order[2] for trainer in self.trainers)
        coming = collections.deque(self.plan)
        best, best_at = 0, time.monotonic()
        tick = threading.Event()
        while not all(trainer.finished for trainer in self.trainers):
            tick.wait(0.02)
            self._judge()
            records = sum(trainer.records() for trainer in self.trainers)
            while coming and records >= coming[0].after * total:
                self._give(coming.popleft())
            while self.waiting:
                self._give(self.waiting.popleft())
            if records > best:
                best, best_at = records, time.monotonic()
            if time.monotonic() > best_at + STUCK_S:
                raise Failure(f"nobody has received a batch for {STUCK_S:.0f} s")
        for victim in self.victims():
            victim.finish()
        self._judge()

    def _judge(self):
        for victim in self.victims():
            if victim.failure is not None:
                raise victim.failure

    def _give(self, fault):
        """A trainer that has finished feels nothing: the next one that has not takes its place."""
        groups = {"daemon": self.daemons, "trainer": self.trainers}
        group = groups.get(fault.kind.split()[-1], self.lines)
        for i in range(len(group)):
            victim = group[(fault.target + i) % len(group)]
            if not getattr(victim, "finished", False):
                return victim.suffer(fault)

    def check(self, reference):
        """What check.py says of the logs."""
        orders = [f"{trainer.log}:{':'.join(map(str, trainer.order))}" for trainer in self.trainers]
        command = [sys.executable, os.path.join(HERE, "check.py"), "--json", reference, *orders]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if told.returncode not in (0, 1):
            raise Failure("the logs cannot be checked")
        return json.loads(told.stdout)

    def discard(self):
        for victim in self.victims():
            victim.discard()


def run(folder, seed, kills, batches):
    """A whole run; its figures."""
    chaos = Chaos(folder, seed, kills, batches)
    reference = chaos.reference()
    began = time.monotonic()
    try:
        chaos.start()
        chaos.run()
        results = chaos.check(reference)
    finally:
        chaos.discard()
    return report.gather(chaos, results, time.monotonic() - began), results


def has_failed(figures):
    lost = any(figures["batches"][fault] for fault in check.FAULTS)
    return lost or sum(figures["faults"].values()) != figures["planned"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int)
    parser.add_argument("--batches", type=int)
    parser.add_argument("--hours", type=float, help="as many kills as that takes")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", metavar="DIR", help="keep the logs there")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.kills is None:
        arguments.kills = int((arguments.hours or 1 / 60) * 3600 / KILL_EVERY_S)
    if arguments.batches is None:
        arguments.batches = arguments.kills * BATCHES_A_KILL
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1 << 32)
    return arguments


def main():
    arguments = parse()
    again = f"KILLS={arguments.kills} BATCHES={arguments.batches} SEED={arguments.seed}"
    print(f"chaos: make chaos {again}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="stk-chaos-") as folder:
        if arguments.keep:
            os.makedirs(arguments.keep)
            folder = os.path.abspath(arguments.keep)
        try:
            work = arguments.seed, arguments.kills, arguments.batches
            figures, results = run(folder, *work)
        except Failure as failure:
            print(f"chaos: {failure}", file=sys.stderr)
            return 1
    failed = has_failed(figures)
    if arguments.json:
        print(json.dumps({**figures, "trainers": results}))
    else:
        if failed:
            check.print_table({os.path.basename(log): counts for log, counts in results.items()})
        report.print_table(figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
