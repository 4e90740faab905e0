"""Chaos: nothing is lost and nothing comes twice while daemons and trainers die (tests/chaos)."""

import json
import os
import subprocess
import sys

import pytest

from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, stream_text

CHAOS = os.path.join(ROOT, "tests", "chaos")
TRAINER = os.path.join(ROOT, BUILD, "tests", "chaos", "trainer")
sys.path.insert(0, CHAOS)

import check  # noqa: E402
import faults  # noqa: E402

# The checker.

STEPS, EPOCHS = 10, 6


def record(epoch, step, digest=None):
    """A line as trainer.c writes it."""
    digest = f"{epoch * STEPS + step + 1:032x}" if digest is None else digest
    return f"{epoch:010} {step:020} {digest} {1:020} {2:020}\n".encode()


def rank_records(rank, world, count):
    rounds = STEPS // world
    return [record(i // rounds, i % rounds * world + rank) for i in range(count)]


@pytest.fixture
def judge(tmp_path):
    """Write a reference and a log of rank 1 of 4, and let check.py count; only what is not 0."""

    def judge(log, undone=b"", reference=None):
        reference = reference or [record(i // STEPS, i % STEPS) for i in range(STEPS * EPOCHS)]
        files = {"reference": b"".join(reference), "log": log, "log.undone": undone}
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        order = f"{tmp_path}/log:1:4:9"
        command = [sys.executable, f"{CHAOS}/check.py", "--json", f"{tmp_path}/reference", order]
        told = subprocess.run(command, capture_output=True, text=True, timeout=30 * SLOW)
        if told.returncode == 2:
            return told.stderr
        counts = json.loads(told.stdout)[f"{tmp_path}/log"]
        found = {fault: counts[fault] for fault in check.FAULTS if counts[fault]}
        assert told.returncode == (1 if found else 0)
        return found

    return judge


GOOD = rank_records(1, 4, 9)


def test_the_checker_has_nothing_to_say_of_a_whole_log(judge):
    assert judge(b"".join(GOOD)) == {}


@pytest.mark.parametrize("at", [0, 4, 8])
def test_the_checker_finds_one_lost_record(judge, at):
    assert judge(b"".join(GOOD[:at] + GOOD[at + 1 :])) == {"lost": 1}


@pytest.mark.parametrize("at", [0, 4, 8])
def test_the_checker_finds_one_doubled_record(judge, at):
    assert judge(b"".join(GOOD[: at + 1] + GOOD[at:])) == {"duplicated": 1}


@pytest.mark.parametrize("at", [0, 4, 7])
def test_the_checker_finds_two_swapped_records(judge, at):
    swapped = GOOD[:at] + [GOOD[at + 1], GOOD[at]] + GOOD[at + 2 :]
    assert judge(b"".join(swapped)) == {"disordered": 1}


@pytest.mark.parametrize("at", [0, 4, 8])
def test_the_checker_finds_one_altered_record(judge, at):
    altered = record(at // 2, at % 2 * 4 + 1, "f" * 32)
    assert judge(b"".join(GOOD[:at] + [altered] + GOOD[at + 1 :])) == {"wrong": 1}


def test_the_checker_finds_the_step_of_another_rank(judge):
    assert judge(b"".join(GOOD[:4] + [record(2, 0)] + GOOD[4:])) == {"wrong": 1}


def test_the_checker_finds_a_step_that_ranks_leave_out(judge):
    """Ten steps are two rounds of four ranks: step 9 would be rank 1's third."""
    assert judge(b"".join(GOOD[:2] + [record(0, 9)] + GOOD[2:])) == {"wrong": 1}


def test_the_checker_finds_a_torn_line(judge):
    assert judge(b"".join(GOOD[:8]) + GOOD[8][:50]) == {"torn": 1, "lost": 1}
    assert judge(b"".join(GOOD[:4]) + GOOD[4][:50] + b"".join(GOOD[4:])) == {"torn": 1, "lost": 1}


def test_the_checker_finds_an_altered_record_that_a_checkpoint_undid(judge):
    assert judge(b"".join(GOOD), GOOD[8]) == {}
    assert judge(b"".join(GOOD), record(4, 1, "f" * 32)) == {"wrong": 1}


def test_the_checker_refuses_a_disturbed_reference(judge):
    whole = [record(i // STEPS, i % STEPS) for i in range(STEPS * EPOCHS)]
    assert "not the log of an undisturbed run" in judge(
        b"".join(GOOD), reference=whole[:7] + whole[8:]
    )
    assert "too few" in judge(b"".join(GOOD), reference=whole[:3])
    assert "ends before" in judge(b"".join(GOOD), reference=whole[:STEPS])


# The trainer.

RECIPE = Recipe(batch=4, height=16, width=16)


@pytest.fixture
def train(daemon, small, tmp_path):
    """Run the trainer on its log until that has so many records; the log's path."""
    endpoint = daemon(stream_text("train", small, RECIPE)).endpoint

    def train(log, batches, *options):
        command = [TRAINER, *options, f"{endpoint}/train", str(tmp_path / log), str(batches)]
        subprocess.run(command, timeout=30 * SLOW, check=True)
        return tmp_path / log

    return train


def records_of(log):
    return [(record.address, record.digest) for record in check.read_log(log)[0]]


def test_a_trainer_cuts_a_torn_line_off_and_asks_for_its_batch_again(train):
    whole = train("whole", 12)
    torn = train("torn", 7)
    torn.write_bytes(torn.read_bytes()[:-1])
    train("torn", 12)
    assert records_of(torn) == records_of(whole)
    assert len(records_of(whole)) == 12


def test_a_trainer_goes_back_to_its_checkpoint_and_undoes_what_came_behind(train, tmp_path):
    whole = train("whole", 12)
    state = f"--state={tmp_path}/state"
    log = train("log", 7, state, "--save-every=5")
    train("log", 12, state, "--save-every=5")
    assert records_of(log) == records_of(whole)
    assert records_of(f"{log}.undone") == records_of(whole)[5:7]


# The whole.


def test_the_plan_of_faults_follows_from_the_seed():
    assert faults.plan(7, 50) == faults.plan(7, 50) != faults.plan(8, 50)
    assert sum(fault.kind in faults.KILLS for fault in faults.plan(7, 50)) == 50


def test_nothing_is_lost_or_doubled_in_chaos():
    """Fifty kills, a minute; fewer under sanitizers.  Its seed is new each time, and printed."""
    kills = 50 if SLOW == 1 else 12
    command = [sys.executable, f"{CHAOS}/run.py", "--json", f"--kills={kills}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600)
    print(told.stderr, told.stdout)
    assert told.returncode == 0, told.stderr
    figures = json.loads(told.stdout)
    assert figures["kills"] == kills
    assert figures["batches"]["delivered"] >= kills * 100
    assert all(figures["batches"][fault] == 0 for fault in check.FAULTS)
    assert figures["first_batch_ms"]["trainer"]["p50"] < 2000 * SLOW
