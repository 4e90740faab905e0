"""Every allocation and every system call of the daemon's own fails once, a run for each.

A run is a start, 32 pictures of one stream, a batch of another, a look by http and a drain, by
stokerd-faulty (see tests/faults/faults.c).  It may refuse to start with a sentence, or answer a
request with an error and, asked again, with the batch; it may never hang, crash, leak or send a
wrong byte.

A sample of the calls is drawn, by STOKER_SEED; STOKER_FAULTS=all takes every one of them
(make check-faults), and STOKER_FAULTS="memory 17" that one alone.
"""

import http.client
import os
import random
import re
import subprocess
import time

import pytest

import stokerd
from plan1 import Recipe
from stokerd import stream_text
from web import fetch
from wire import Refused

PROGRAM = os.path.join(os.path.dirname(stokerd.PROGRAM), "stokerd-faulty")
WANTED = os.environ.get("STOKER_FAULTS", "")
SEED = int(os.environ.get("STOKER_SEED", "1"))

FOLDER = Recipe(batch=8, height=16, width=16, mix="mixup", labels="dense")
CSV = Recipe(
    batch=8, height=16, width=16, sampler="weighted", epoch_samples=8,
    phases=((1, 4, 8, 8),),
)  # fmt: skip
ADDRESSES = [("folder", 0, step) for step in range(4)] + [("csv", 0, 0), ("csv", 1, 0)]

PASSING = {"memory", "system", "overloaded"}  # codes of what may go better the next time


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    """The text of two streams over 32 pictures."""
    import dataset

    root = dataset.write_small(tmp_path_factory.mktemp("faults"), 4, 8, 12, 14)
    rows = [f"class{label}/{i}.jpg,c{label},{i + 1}\n" for label in range(4) for i in range(8)]
    table = root / "table.csv"
    table.write_text("path,label,weight\n" + "".join(rows))
    names = root / "names"
    names.write_text("".join(row.split(",")[0] + "\n" for row in rows))
    return stream_text("folder", root, FOLDER, list=names) + stream_text("csv", f"csv:{table}", CSV)


class Run:
    """One run: what it sent and how it ended."""

    def __init__(self, launch, connect, streams, fault):
        self.fault = fault
        self.digests = {}
        self.refusals = []
        self.daemon = launch(
            streams,
            program=PROGRAM,
            log_level="notice",
            settings={"http": '"127.0.0.1:0"'},
            environment={"STOKER_FAULT": fault},
        )
        self.started = self._wait_start()
        if self.started:
            self._train(connect(self.daemon.listen[0]))
            self._look(self.daemon.events("http.listening")[-1]["port"])
            self.daemon.signal()
        self.status = self.daemon.wait_exit()
        self.daemon.judge()
        self.daemon.discard()

    def _wait_start(self):
        return self.daemon.wait_log_or_end("server.ready") is not None

    def _train(self, client):
        self._ask(client, lambda: client.hello("folder", window=8))
        for stream, epoch, step in ADDRESSES:
            batch = self._ask(client, lambda: client.get(stream, epoch, step))
            assert batch.header["replaced"] == [], f"{self.fault}: a sample was replaced"
            self.digests[stream, epoch, step] = batch.digest
        self._ask(client, client.stats)
        client.close()

    def _ask(self, client, ask):
        """The answer, asked for again where it is an error that may pass."""
        for _ in range(3):
            try:
                return ask()
            except Refused as refused:
                assert refused.code in PASSING, f"{self.fault}: {refused}"
                self.refusals.append(refused.code)
        raise AssertionError(f"{self.fault}: refused again and again, {self.refusals}")

    def _look(self, port):
        """A look, asked for again where nothing comes or an error that may pass."""
        for path in ("/api/state", "/api/batch?stream=folder&epoch=0&step=0&slots=0-4"):
            for _ in range(3):
                try:
                    reply, body = fetch(port, path)
                except (ConnectionError, http.client.HTTPException):
                    continue
                if reply.status == 200:
                    break
                assert reply.status == 503, f"{self.fault}: {body}"
            assert reply.status == 200, f"{self.fault}: {body}"
        self.digests["look"] = body

    def told(self, what):
        return [line.split()[1:] for line in self.daemon.lines if line.startswith(what + " ")]

    def judge(self, digests):
        """Against the batches of a run without a fault."""
        log = f"{self.fault}: exit status {self.status}\n{self.daemon.stderr}"
        if self.started:
            assert self.digests == digests, log
            assert self.status == 0, log
        else:
            sentences = [line for line in self.daemon.lines if line.startswith("stokerd: ")]
            assert len(sentences) == 1 and re.fullmatch(r"stokerd: .*[^.]", sentences[0]), log
            # What keeps the configuration from being read, but memory, counts as a mistake in it.
            reads = self.fault.startswith("system") and self.daemon.config in sentences[0]
            assert self.status == (2 if reads else 1), log
        if self.fault.split()[0] in ("interrupt", "short"):
            assert self.started and not self.refusals, log


def chosen(kind, count, sampled):
    """The numbers of the calls that are to fail."""
    if WANTED == "all":
        return list(range(1, count + 1))
    if WANTED:
        wanted, number = WANTED.split()
        return [int(number)] if wanted == kind else []
    return sorted(random.Random(SEED).sample(range(1, count + 1), min(sampled, count)))


@pytest.fixture(scope="module")
def reference():
    """What a run without a fault gave; made by the first test."""
    return {}


@pytest.mark.parametrize(
    "kind, sampled", [("memory", 60), ("system", 60), ("interrupt", 20), ("short", 6)]
)
def test_a_call_that_fails_is_told_and_nothing_else_goes_wrong(
    launch, connect, streams, reference, kind, sampled
):
    if not reference:
        whole = Run(launch, connect, streams, "none 0")
        assert whole.started and whole.status == 0 and not whole.refusals, whole.daemon.stderr
        reference["digests"] = whole.digests
        reference["calls"] = {name: int(count) for name, count in whole.told("calls")}
    count = reference["calls"][kind]
    assert count >= sampled
    numbers = chosen(kind, count, sampled)
    start, struck, ended, wrong = time.monotonic(), 0, 0, []
    for number in numbers:
        try:
            run = Run(launch, connect, streams, f"{kind} {number}")
            run.judge(reference["digests"])
        except (AssertionError, TimeoutError, subprocess.TimeoutExpired) as error:
            wrong.append(f"{kind} {number}: {error}")
            continue
        struck += len(run.told("fault"))
        ended += not run.started
    seconds = time.monotonic() - start
    print(
        f"{kind}: {len(numbers)} of {count} calls, seed {SEED}: {struck} failed,"
        f" {ended} ended the start, {seconds:.0f} s"
    )
    assert not wrong, f"{len(wrong)} of {len(numbers)} went wrong, seed {SEED}:\n" + "\n".join(
        wrong
    )
    # The last calls of a run come or not as its threads are quick.
    assert struck >= len(numbers) * 0.8 or WANTED
