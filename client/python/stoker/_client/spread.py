"""Spreading: which endpoint is asked for a step, by how fast each one answers.

The law is client/spread.h's.  An endpoint's cost is the time that a reply took over the requests in
flight there with it, smoothed.  The next step goes to the least (in flight + 1) x cost; those
expected within half as much again count as equal, and among equals the step decides, so that
trainers which share a stream ask the same daemon for the same batch.  Pure arithmetic, in seconds.
"""

from dataclasses import dataclass
from typing import Optional, Sequence

PROBE_S = 1.0  # one that was not asked for so long gets a step, so that its recovery is noticed


def _smooth(estimate: float, measured: float) -> float:
    """What falls is believed sooner than what rises: a single slow reply says little."""
    if estimate == 0:
        return measured
    return estimate + (measured - estimate) / (2 if measured < estimate else 4)


@dataclass
class Pace:
    """How fast an endpoint answers, as far as it is known; zeros: not at all."""

    reply: float = 0.0  # from a request to its reply, smoothed
    cost: float = 0.0  # the same over the requests in flight with it

    def add(self, took: float, beside: int) -> None:
        """A reply has come; beside counts the requests in flight when it was asked, itself too."""
        self.reply = _smooth(self.reply, took)
        self.cost = _smooth(self.cost, took / beside)

    def give_up(self, age: float, beside: int) -> None:
        """A reply has not come for so long, and is no longer waited for."""
        self.reply = max(self.reply, age)
        self.cost = max(self.cost, age / beside)


@dataclass
class Candidate:
    """An endpoint as a step to be asked for sees it."""

    open: bool  # it may be asked: live, not resting, with room in its window
    pace: Pace
    in_flight: int
    oldest: float  # age of its oldest request in flight
    idle: float  # since it was asked last


def _expected(candidate: Candidate, unmeasured: float) -> float:
    cost = candidate.pace.cost or unmeasured
    if candidate.in_flight > 0:
        cost = max(cost, candidate.oldest / candidate.in_flight)
    return (candidate.in_flight + 1) * cost


def pick(candidates: Sequence[Candidate], step: int, probe: bool) -> Optional[int]:
    """The endpoint to ask for a step; None where none is open.

    probe: whether this step may go to an idle endpoint whatever it costs.
    """
    measured = [each.pace.cost for each in candidates if each.pace.cost > 0]
    unmeasured = min(measured, default=1e-9)
    expected = [_expected(each, unmeasured) for each in candidates]
    open_ones = [i for i, each in enumerate(candidates) if each.open]
    if not open_ones:
        return None
    soonest = min(expected[i] for i in open_ones)
    in_turn = sorted(open_ones, key=lambda i: (i - step) % len(candidates))
    for i in in_turn:
        if probe and candidates[i].in_flight == 0 and candidates[i].idle >= PROBE_S:
            return i
    return next(i for i in in_turn if expected[i] <= soonest * 1.5)
