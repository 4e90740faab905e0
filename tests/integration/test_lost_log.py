"""A log that cannot be written is no reason to stop serving, nor to send a wrong byte."""

import os
import resource
import signal

import pytest

from plan1 import Recipe
from stokerd import stream_text, wait_until

RECIPE = Recipe(batch=5, height=16, width=16)


def full_disk():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)


def dead_reader():
    end, log = os.pipe()
    os.close(end)
    os.dup2(log, 2)


def closed():
    os.close(2)


def all_closed():
    for fd in range(3):
        os.close(fd)


LOGS = [full_disk, dead_reader, closed, all_closed]


@pytest.mark.parametrize("lost", LOGS, ids=lambda lost: lost.__name__)
def test_a_daemon_without_a_log_serves_every_byte_and_drains(launch, daemon, connect, good, lost):
    text = stream_text("train", good, RECIPE)
    beside = connect(daemon(text).endpoint)
    running = launch(text, preexec_fn=lost)
    client = connect(running.listen[0])
    client.hello("train")
    for epoch in range(2):
        batches = zip(
            client.epoch("train", epoch, range(12)), beside.epoch("train", epoch, range(12))
        )
        assert all(batch.digest == other.digest for batch, other in batches)
    if lost in (closed, all_closed):
        log = os.readlink(f"/proc/{running.process.pid}/fd/2")
        assert log == "/dev/null", "the log is led into what was opened in its place"
    running.signal(signal.SIGTERM)
    assert running.wait_exit() == 0
    assert running.lines == []


def test_a_refusal_to_start_without_a_log_has_its_status(launch, small):
    wrong = stream_text("train", small, RECIPE).replace("batch", "bach")
    for lost in LOGS:
        assert launch(wrong, preexec_fn=lost).wait_exit() == 2


def test_a_log_whose_disk_was_full_goes_on_when_there_is_room(launch, connect, small, tmp_path):
    """The file system is the limit of a file's size, which the test can lift."""
    log = tmp_path / "log"
    log.write_bytes(b"")

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND), 2)

    running = launch(stream_text("train", small, RECIPE), preexec_fn=limited)
    client = connect(running.listen[0])
    digest = client.get("train", 0, 0).digest
    assert log.read_bytes() == b""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert client.get("train", 0, 0).digest == digest
    client.hello("train", name="late")
    wait_until(lambda: b"client.hello client=late" in log.read_bytes(), "the log to go on")
