"""Two hosts: daemons in network namespaces of their own, behind lines that lose, delay and break.

Where the machine has no such namespaces, no tun or no ip(8), these tests are skipped with a word.
"""

import json
import os
import subprocess
import sys

import pytest

from stokerd import ROOT, SLOW

CHAOS = os.path.join(ROOT, "tests", "chaos")
sys.path.insert(0, CHAOS)

import check  # noqa: E402

ALONE = ["unshare", "-rn", sys.executable]


@pytest.fixture(scope="module")
def namespaces():
    """Skip where a line between two hosts cannot be drawn."""
    probe = f"import sys; sys.path.insert(0, {CHAOS!r}); import hosts; hosts.Host(0)"
    try:
        told = subprocess.run([*ALONE, "-c", probe], capture_output=True, text=True, timeout=60)
    except OSError as error:
        pytest.skip(f"no network namespaces: {error}")
    if told.returncode != 0:
        pytest.skip(f"no network namespaces: {told.stderr.strip().splitlines()[-1]}")


@pytest.fixture
def two_hosts(namespaces, tmp_path):
    """Run a scenario of two_hosts.py; what it told, and the records, which must be whole."""

    def two_hosts(what):
        command = [*ALONE, os.path.join(CHAOS, "two_hosts.py"), str(tmp_path), what]
        told = subprocess.run(command, capture_output=True, text=True, timeout=300 * SLOW)
        assert told.returncode == 0, told.stderr
        figures = json.loads(told.stdout)
        reference = check.Reference(tmp_path / "reference")
        counts = check.check(reference, tmp_path / "log", 0, 1, figures["batches"])
        assert not any(counts[fault] for fault in check.FAULTS), counts
        return figures, check.read_log(tmp_path / "log")[0]

    return two_hosts


def test_late_lines_that_lose_packets_lose_no_batch(two_hosts):
    figures, _ = two_hosts("late")
    assert figures["batches"] == 400 and figures["lost"] > 10


def test_a_partition_costs_no_more_than_heartbeat_and_a_second(two_hosts):
    """Nothing is lost, and the line is used again once it is whole: two_hosts.py waits for that."""
    figures, records = two_hosts("parted")
    behind = [record for record in records if record.at_ns > figures["broken_ns"]]
    bound_ms = figures["heartbeat_ms"] + 1000 * SLOW
    assert max(record.wait_ns for record in behind) / 1e6 < bound_ms
    assert figures["lost"] > 0, "nothing was on the line that broke"


def test_a_trainer_on_another_host_gets_batches_with_its_key_alone(namespaces, tmp_path):
    """By default: the endpoint is no more than tcp://HOST:PORT."""
    command = [*ALONE, os.path.join(CHAOS, "keyed_host.py"), str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300 * SLOW)
    assert told.returncode == 0, told.stderr
    told = json.loads(told.stdout)
    status, digest, _ = told["key"]
    assert status == 0 and len(digest.strip()) == 32
    for who in ("none", "wrong", "revoked"):
        status, printed, sentence = told[who]
        assert status == 1 and printed == "" and " key" in sentence, (who, sentence)
    assert "does not let the key " in told["wrong"][2] and told["revoked"][2] != ""
    assert {line["client"] for line in told["refused"]} == {"", "alice"}
    assert all(line["address"] == "10.73.0.1" for line in told["refused"])
