#!/usr/bin/env python3
"""Whether trainers received every step exactly once, in order, with the right bytes.

check.py [--json] REFERENCE LOG:RANK:WORLD:BATCHES...

REFERENCE is the log of an undisturbed trainer that took every step of some epochs.  From it
follows what each of the other logs must hold: the first BATCHES steps of RANK among WORLD, where
an epoch gives each rank steps div WORLD of them (a stream with last = drop or wrap).  Nothing but
those files is looked at.  Exit status 0 if all is well, 1 if not, 2 on usage.

What is counted, a record being a line of the form that trainer.c writes:

    lost        a step that should be in the log and is not
    duplicated  a record whose step stands in the log already
    wrong       a record with another digest than the reference has for its step, or of a step that
                is none of this trainer's; also among those that a checkpoint undid (LOG.undone)
    disordered  a record whose step belongs before one that stands before it
    torn        a line that is no whole record
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass

RECORD = re.compile(rb"(\d{10}) (\d{20}) ([0-9a-f]{32}) (\d{20}) (\d{20})\n")
RECORD_BYTES = 107
FAULTS = ("lost", "duplicated", "wrong", "disordered", "torn")


@dataclass(frozen=True)
class Record:
    epoch: int
    step: int
    digest: bytes
    at_ns: int
    wait_ns: int

    @property
    def address(self):
        return self.epoch, self.step


def read_log(path):
    """The whole records of a log, and how many lines are none."""
    records, torn = [], 0
    with open(path, "rb") as file:
        for line in file:
            match = RECORD.fullmatch(line)
            if match is None:
                torn += 1
                continue
            epoch, step, digest, at_ns, wait_ns = match.groups()
            records.append(Record(int(epoch), int(step), digest, int(at_ns), int(wait_ns)))
    return records, torn


def read_undone(log):
    """What a checkpoint undid; a trainer that was killed as it wrote there leaves a torn line."""
    return read_log(f"{log}.undone")[0] if os.path.exists(f"{log}.undone") else []


class Reference:
    """The digest of every step of some epochs, and how many steps an epoch has."""

    def __init__(self, path):
        records, torn = read_log(path)
        self.digests = {record.address: record.digest for record in records}
        self.steps = sum(record.epoch == 0 for record in records)
        in_order = [divmod(i, self.steps or 1) for i in range(len(records))]
        if torn or not records or [record.address for record in records] != in_order:
            raise ValueError(f"{path} is not the log of an undisturbed run")

    def expected(self, rank, world, batches):
        """The addresses that a rank receives, in order."""
        rounds = self.steps // world
        if rounds == 0:
            raise ValueError(f"{self.steps} steps are too few for {world} ranks")
        places = (divmod(i, rounds) for i in range(batches))
        addresses = [(epoch, round_ * world + rank) for epoch, round_ in places]
        if addresses and addresses[-1] not in self.digests:
            raise ValueError(f"the reference ends before step {addresses[-1]}")
        return addresses


def check(reference, log, rank, world, batches):
    """What is wrong with a log: a count of each fault, and of what was delivered."""
    records, torn = read_log(log)
    place = {address: i for i, address in enumerate(reference.expected(rank, world, batches))}
    counts = dict.fromkeys(FAULTS, 0) | {"torn": torn, "delivered": len(records)}
    seen, furthest = set(), -1
    for record in records:
        at = place.get(record.address)
        if at is None:
            counts["wrong"] += 1
            continue
        counts["wrong"] += record.digest != reference.digests[record.address]
        if at in seen:
            counts["duplicated"] += 1
        elif at < furthest:
            counts["disordered"] += 1
        seen.add(at)
        furthest = max(furthest, at)
    counts["lost"] = len(place) - len(seen)
    undone = read_undone(log)
    counts["undone"] = len(undone)
    for record in undone:
        known = record.address in place
        counts["wrong"] += not known or record.digest != reference.digests[record.address]
    return counts


def parse_trainer(text):
    path, rank, world, batches = text.rsplit(":", 3)
    return path, int(rank), int(world), int(batches)


def print_table(results):
    columns = ("delivered", "undone", *FAULTS)
    width = max(len(name) for name in [*results, "together"])
    print(" " * width + "".join(f"{column:>12}" for column in columns))
    together = {column: sum(counts[column] for counts in results.values()) for column in columns}
    for name, counts in {**results, "together": together}.items():
        print(f"{name:{width}}" + "".join(f"{counts[column]:>12,}" for column in columns))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="a map from each log to its counts")
    parser.add_argument("reference")
    parser.add_argument("trainers", nargs="+", metavar="LOG:RANK:WORLD:BATCHES")
    arguments = parser.parse_args()
    try:
        reference = Reference(arguments.reference)
        trainers = [parse_trainer(text) for text in arguments.trainers]
        results = {log: check(reference, log, *order) for log, *order in trainers}
    except (OSError, ValueError) as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(results))
    else:
        print_table({os.path.basename(log): counts for log, counts in results.items()})
    return 1 if any(counts[fault] for counts in results.values() for fault in FAULTS) else 0


if __name__ == "__main__":
    sys.exit(main())
