"""Out of descriptors: more connections than there can be, on tcp and on ipc."""

import fcntl
import itertools
import os
import resource
import socket
import subprocess
import threading
import time

import pytest

import stokerd
from plan1 import Recipe
from stokerd import SLOW, stream_text, wait_until
from test_lifecycle import assert_refuses
from wire import RawPeer

RECIPE = Recipe(batch=5, height=16, width=16)
LISTEN = {"ipc": None, "tcp": ["tcp://127.0.0.1:*"]}
STORM = 1000


def limited(descriptors):
    """Options that start the daemon with so many descriptors, and no right to more."""
    limit = (descriptors, descriptors)
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)}


def plain_connect(endpoint):
    """A connection on which nothing is said."""
    scheme, place = endpoint.split("://", 1)
    plain = socket.socket(socket.AF_UNIX if scheme == "ipc" else socket.AF_INET)
    plain.settimeout(20 * SLOW)
    host, _, port = place.rpartition(":")
    address = place if scheme == "ipc" else (host, int(port))
    wait_until(lambda: is_connected(plain, address), "room in the queue of connects", 20)
    return plain


def is_connected(plain, address):
    """Connect, if only to be refused at once; False where an ipc queue is full just now."""
    try:
        plain.connect(address)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


@pytest.fixture
def many_descriptors():
    """This process, too, needs one for each connection of a storm."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * STORM:
        pytest.skip(f"a storm needs more than the {hard} descriptors that there are")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * STORM), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Storm(threading.Thread):
    """Connects from all sides, all of them held open; failed is what a connect raised."""

    def __init__(self, endpoint):
        super().__init__()
        self.endpoint = endpoint
        self.held = []
        self.failed = None
        self.start()

    def run(self):
        try:
            for _ in range(STORM):
                self.held.append(plain_connect(self.endpoint))
        except OSError as error:
            self.failed = error

    def end(self):
        for plain in self.held:
            plain.close()


@pytest.mark.parametrize("transport", LISTEN)
def test_a_thousand_connects_with_64_descriptors_disturb_no_trainer(
    daemon, connect, small, many_descriptors, transport
):
    text = stream_text("train", small, RECIPE)
    running = daemon(text, listen=LISTEN[transport], log_level="info", **limited(64))
    connections_max = int(running.events("descriptors.plan")[0]["connections_max"])
    client = connect(running.endpoint)
    digest = client.get("train", 0, 0).digest
    storm = Storm(running.endpoint)
    epoch = 0
    while storm.is_alive() or epoch < 20:
        assert sum(1 for _ in client.epoch("train", epoch, range(4))) == 4
        assert client.stats()["connections"] <= connections_max
        epoch += 1
    assert storm.failed is None, storm.failed
    wait_until(
        lambda: client.stats()["connections_refused"] >= STORM - 2 * connections_max,
        "the storm to be refused",
        20,
    )
    assert client.get("train", 0, 0).digest == digest
    storm.end()
    assert connect(running.endpoint).get("train", 0, 0).digest == digest
    wait_until(lambda: client.stats()["connections"] == 2, "the storm to be forgotten", 20)


def test_a_trainer_over_the_limit_gets_in_when_another_leaves(daemon, connect, small):
    text = "connections_max = 2\n" + stream_text("train", small, RECIPE)
    running = daemon(text)
    first, second = connect(running.endpoint), RawPeer.connect(running.endpoint)
    assert first.get("train", 0, 0).count == 5
    third = connect(running.endpoint, reconnect_ivl=20)
    asked = third.post_get("train", 0, 0)
    wait_until(lambda: first.stats()["connections_refused"] > 1, "the third to be refused twice")
    assert first.stats()["connections"] == 2
    second.close()
    assert third.take(asked).count == 5


@pytest.mark.parametrize("transport", LISTEN)
def test_a_process_without_a_descriptor_left_goes_on(daemon, connect, small, transport):
    """libzmq alone ends the process here, in an accept of ipc."""
    running = daemon(stream_text("train", small, RECIPE), listen=LISTEN[transport])
    client = connect(running.endpoint)
    assert client.get("train", 0, 0).count == 5
    pid = running.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, limits[1]))
    waiting = plain_connect(running.endpoint)
    late = connect(running.endpoint)
    asked = late.post_get("train", 0, 0)
    for _ in range(20):
        assert client.stats()["connections"] == 1
    reply = client.post_get("train", 1, 0)
    failed = client.receive()
    assert (failed["id"], failed["code"]) == (reply, "system") and "open files" in failed["message"]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert late.take(asked).count == 5
    assert client.get("train", 1, 0).count == 5
    waiting.close()


def test_too_few_descriptors_are_refused_with_what_would_do(launch, daemon, connect, small):
    text = "connections_max = 100\n" + stream_text("train", small, RECIPE)
    line = assert_refuses(launch(text, **limited(64)), 2)
    enough = int(line.split("at least ")[1].split(",")[0])
    assert_refuses(launch(text, **limited(enough - 1)), 2)
    running = daemon(text, **limited(enough))
    assert int(running.events("descriptors.plan")[0]["connections_max"]) == 100
    assert connect(running.endpoint).get("train", 0, 0).count == 5


def test_the_reserve_suffices_for_what_the_daemon_opens(daemon, connect, good):
    """Every connection taken and every reader reading: nothing fails for want of a descriptor."""
    text = "readers = 16\n" + stream_text("train", good, Recipe(batch=20, height=8, width=8))
    running = daemon(text, **limited(72))
    client = connect(running.endpoint)
    client.stats()  # it is in before the others come
    room = int(running.events("descriptors.plan")[0]["connections_max"])
    held = [plain_connect(running.endpoint) for _ in range(room)]
    wait_until(lambda: client.stats()["connections_refused"] == 1, "one to be refused")
    for epoch in range(10):
        assert all(not batch.replaced for batch in client.epoch("train", epoch, range(3)))
    assert len(os.listdir(f"/proc/{running.process.pid}/fd")) < 72
    for plain in held:
        plain.close()


def connect_until_it_stands(endpoint):
    """Connect and leave, until nobody accepts any more; how often that was done."""
    for count in itertools.count():
        plain = socket.socket(socket.AF_UNIX)
        plain.setblocking(False)
        deadline = time.monotonic() + 0.5 * SLOW
        try:
            while not is_connected(plain, endpoint.removeprefix("ipc://")):
                if time.monotonic() > deadline:
                    return count
        finally:
            plain.close()


def has_ended(process, log):
    """Whether it has, once what it logged so far is read."""
    try:
        os.read(log, 4096)
    except BlockingIOError:
        pass
    return process.poll() is not None


def test_a_storm_while_the_log_stands_does_not_keep_the_daemon_from_ending(small, tmp_path):
    """libzmq's thread then waits for the loop, which must not wait for libzmq's thread."""
    endpoint = f"ipc://{tmp_path}/socket"
    config = tmp_path / "stokerd.conf"
    config.write_text(
        f'listen = {{"{endpoint}"}}\nlog_level = notice\nconnections_per_second = 0\n'
        + stream_text("train", small, RECIPE)
    )
    log, end = os.pipe()
    pipe_bytes = fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([stokerd.PROGRAM, "-c", config], stderr=end)
    try:
        while b"server.ready" not in os.read(log, pipe_bytes):
            pass
        draining = b"notice server.draining signal=15 requests_waiting=0\n"
        os.write(end, b"\n" * (pipe_bytes - len(draining)))
        process.terminate()
        assert connect_until_it_stands(endpoint) > 1000
        os.close(end)
        os.set_blocking(log, False)
        wait_until(lambda: has_ended(process, log), "the end")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(log)
