"""What goes wrong in a run of chaos, and when: a pure function of a seed."""

import random
from dataclasses import dataclass

DAEMONS = 2
TRAINERS = 8

# Of every hundred faults; kills are more than half, and go to daemons as often as to trainers.
SHARES = {
    "kill daemon": 30,
    "kill trainer": 30,
    "restart daemon": 5,
    "restart trainer": 5,
    "stop daemon": 8,
    "stop trainer": 6,
    "delay": 4,
    "throttle": 3,
    "hang": 3,
    "cut": 3,
    "reset": 3,
}
KILLS = ("kill daemon", "kill trainer")

# How long each lasts, in seconds: down, stopped or misbehaving.
LASTS = {
    "kill daemon": (0.0, 0.5),
    "kill trainer": (0.0, 0.3),
    "restart daemon": (0.0, 0.3),
    "restart trainer": (0.0, 0.2),
    "stop daemon": (0.1, 2.5),
    "stop trainer": (0.1, 2.5),
    "delay": (0.5, 2.0),
    "throttle": (0.5, 2.0),
    "hang": (0.2, 2.5),
    "cut": (0.0, 1.0),
    "reset": (0.0, 0.0),
}

# The first faults come when the trainers run, the last ones while they still have work.
FIRST, LAST = 0.02, 0.9


@dataclass(frozen=True)
class Fault:
    kind: str
    target: int  # which daemon, trainer, or line to a daemon
    after: float  # once this share of all batches is delivered
    last_s: float
    strength: float  # 0 to 1, of a delay or throttle

    @property
    def delay_s(self):
        return 0.005 + 0.1 * self.strength

    @property
    def bytes_per_s(self):
        return int(20_000 * 50**self.strength)


def targets(kind):
    return TRAINERS if kind.endswith("trainer") else DAEMONS


def plan(seed, kills):
    """Faults in the order of their time, so many of them kills."""
    rng = random.Random(seed)
    kinds = []
    while sum(kind in KILLS for kind in kinds) < kills:
        kinds += rng.choices(list(SHARES), SHARES.values())
    times = sorted(rng.uniform(FIRST, LAST) for _ in kinds)
    return [
        Fault(kind, rng.randrange(targets(kind)), at, rng.uniform(*LASTS[kind]), rng.random())
        for kind, at in zip(kinds, times)
    ]
