"""The order: which addresses a rank takes, one after another, over epochs.

The first epoch starts at the group's step S: rank r of W takes S + r, S + r + W, ...; epochs behind
it start at 0.  So a group that resumes with another W goes on at the same global step, and together
its ranks take each step once.  Pure: no client, no clock.
"""

from typing import Optional

from ..errors import RangeError
from ..info import Address, StreamInfo
from .limits import U32_MAX

EPOCHS_ALL = U32_MAX + 1


class Order:
    """Where a rank is; `next` takes the next address."""

    def __init__(
        self, info: StreamInfo, rank: int, world: int, start: Address, epochs: int
    ) -> None:
        """Raises RangeError where the start, or an epoch, has no step for this rank."""
        self.info, self.rank, self.world = info, rank, world
        self.epoch_end = min(start.epoch + epochs, EPOCHS_ALL) if epochs else EPOCHS_ALL
        self.seek(start)
        # The last ranks of an evaluation may come away empty; a training that does is a mistake.
        may_be_empty = info.last == "partial" and epochs != 0
        if not may_be_empty and self._find_empty(start.epoch) < self.epoch_end:
            fewest = min([info.steps, *(phase.steps for phase in info.phases)])
            raise RangeError(
                f"an epoch of '{info.stream}' has {fewest} steps, too few for rank {rank} of "
                f"{world}: make its batch smaller"
            )

    def seek(self, place: Address) -> None:
        """Go to another place; RangeError where it lies behind its epoch's end."""
        steps = self.info.phase(place.epoch).steps
        if place.step > steps:
            raise RangeError(
                f"step {place.step} lies behind the epoch's end: epoch {place.epoch} of "
                f"'{self.info.stream}' has {steps} steps"
            )
        self.epoch, self.base = place
        self.taken = 0

    def count(self, place: Address) -> int:
        """Steps that this rank takes of place's epoch, which the group enters there."""
        left = self.info.phase(place.epoch).steps - place.step
        if self.info.last == "partial":  # every step goes to somebody
            return max(0, -((self.rank - left) // self.world))
        if self.info.last == "mask":  # the steps behind the end are there, and count nothing
            return -(-left // self.world)
        return left // self.world  # every rank takes as many

    def is_over(self, place: Address) -> bool:
        """Whether no rank has a step left of place's epoch."""
        if self.info.last == "partial":  # the last ranks may have none while the first ones do
            return place.step == self.info.phase(place.epoch).steps
        return self.count(place) == 0

    def epoch_behind(self, epoch: int) -> int:
        """The next epoch, which may have no step for this rank; the last one has none behind it."""
        return epoch + 1 if epoch + 1 < self.epoch_end else epoch

    def next(self) -> Optional[Address]:
        """Take the next address; None where every epoch is through."""
        if self.epoch >= self.epoch_end:
            return None
        if self.taken == self.count(Address(self.epoch, self.base)):
            self.base = self.taken = 0
            self.epoch = self._next_epoch()
        if self.epoch >= self.epoch_end:
            return None
        address = Address(self.epoch, self.base + self.rank + self.taken * self.world)
        self.taken += 1
        return address

    def after(self, taken: Address) -> Address:
        """The group's next step once this rank has taken an address: for a checkpoint."""
        steps = self.info.phase(taken.epoch).steps
        return Address(taken.epoch, min(taken.step - self.rank + self.world, steps))

    def _phase_end(self, epoch: int) -> int:
        """The first epoch of the phase behind an epoch's."""
        later = (phase.epoch for phase in self.info.phases if phase.epoch > epoch)
        return next(later, EPOCHS_ALL)

    def _find_empty(self, epoch: int) -> int:
        """The first epoch at or behind one without a step for this rank; at most epoch_end."""
        while epoch < self.epoch_end and self.count(Address(epoch, 0)) > 0:
            epoch = self._phase_end(epoch)
        return min(epoch, self.epoch_end)

    def _next_epoch(self) -> int:
        """The next epoch with a step for this rank: a phase without is passed over whole."""
        epoch = self.epoch + 1
        while epoch < self.epoch_end and self.count(Address(epoch, 0)) == 0:
            epoch = self._phase_end(epoch)
        return min(epoch, self.epoch_end)
