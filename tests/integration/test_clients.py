"""Clients that die and clients that never read: the others are served, memory stays planned."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from plan1 import Recipe
from stokerd import is_sanitized, stream_text, wait_until
from wire import RawPeer

HERE = os.path.dirname(os.path.abspath(__file__))

SLOW = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))
LARGE = Recipe(batch=20, last="partial", height=224, width=224)  # 3 MB a batch

# A trainer that fills its window and says so.
TRAINER = """
import sys, threading, wire
client = wire.Client(sys.argv[1])
client.hello("slow", window=8, name="victim")
for epoch in range(8):
    client.post_get("slow", epoch, 0)
client.stats()  # requests are handled in order, so the gets were received
print("asked", flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("listen", [None, ["tcp://127.0.0.1:*"]])
def test_a_client_that_is_killed_leaves_nothing_behind(daemon, connect, good, listen):
    text = stream_text("slow", good, SLOW) + stream_text("train", good, LARGE)
    running = daemon(text, workers=1, listen=listen)
    client = connect(running.endpoint)
    digest = client.get("train", 0, 0).digest
    victim = subprocess.Popen(
        [sys.executable, "-c", TRAINER, running.endpoint], cwd=HERE, stdout=subprocess.PIPE
    )
    try:
        assert victim.stdout.readline() == b"asked\n"
        figures = client.stats()
        assert figures["clients"] == 2 and figures["requests_waiting"] > 2
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        victim.stdout.close()
    wait_until(lambda: client.stats()["clients"] == 1, "the victim to be missed")
    assert client.stats()["requests_waiting"] == 0
    gone = running.wait_log("client.gone")
    assert gone["client"] == "victim" and int(gone["unanswered"]) > 2
    assert [batch.step for batch in client.epoch("train", 0, range(3))] == [0, 1, 2]
    assert client.get("train", 0, 0).digest == digest


def fill_and_never_read(connect, endpoint, how):
    """A client that asks for more than it takes."""
    if how == "raw":
        peer = RawPeer.connect(endpoint)
        peer.post("hello", 1, v=1, stream="train", name="deaf", window=64)
        for i in range(64):
            peer.post("get", 2 + i, stream="train", epoch=i // 3, step=i % 3)
        return peer
    client = connect(endpoint, rcvhwm=1, rcvbuf=4096)
    client.hello("train", window=64, name="deaf")
    for i in range(64):
        client.post_get("train", i // 3, i % 3)
    return client


@pytest.mark.parametrize("how", ["raw", "pyzmq"])
@pytest.mark.parametrize("listen", [None, ["tcp://127.0.0.1:*"]])
def test_a_client_that_never_reads_holds_up_nobody_and_stays_in_its_share(
    daemon, connect, good, listen, how
):
    running = daemon(stream_text("train", good, LARGE), listen=listen, memory_max="340M")
    plan = running.events("memory.plan")[0]
    deaf = fill_and_never_read(connect, running.endpoint, how)
    client = connect(running.endpoint)
    wait_until(lambda: client.stats()["clients"] == 1, "the deaf client to be known")
    client.hello("train")
    sent = client.stats()["batches_sent"]
    delivered = 0
    for epoch in range(100, 110):
        for batch in client.epoch("train", epoch, range(3), window=8):
            delivered += 1
            figures = client.stats()
            assert figures["slab_bytes_in_use"] <= int(plan["slab_bytes"])
    assert delivered == 30
    figures = client.stats()
    assert figures["requests_waiting"] > 0  # the deaf one's: it was not answered beyond its share
    assert figures["batches_sent"] < sent + 30 + 64
    if not is_sanitized():
        assert running.memory_bytes() < int(plan["bytes_max"])
    deaf.close()
    wait_until(lambda: client.stats()["clients"] == 1, "the deaf client to be missed")
    wait_until(lambda: client.stats()["requests_waiting"] == 0, "its requests to be forgotten")


def test_frames_without_an_end_do_not_reach_the_daemons_requests(daemon, connect, good):
    running = daemon(stream_text("train", good, LARGE))
    peer = RawPeer.connect(running.endpoint)
    for _ in range(1000):
        peer.send(b"x" * 100, more=True)
    client = connect(running.endpoint)
    digest = client.get("train", 0, 0).digest
    peer.close()
    assert client.get("train", 0, 0).digest == digest
    assert client.stats()["clients"] == 1


def test_a_peer_that_speaks_no_zmtp_is_cut_off(daemon, connect, good):
    running = daemon(stream_text("train", good, LARGE), listen=["tcp://127.0.0.1:*"])
    host, port = running.endpoint.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port))) as plain:
        plain.settimeout(20)
        plain.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + b"\0" * 64)
        peer = RawPeer(plain)
        assert peer.is_closed_by_peer()
    assert connect(running.endpoint).get("train", 0, 0).count == 20


def test_many_clients_come_and_go(daemon, connect, good):
    running = daemon(stream_text("train", good, Recipe(batch=5, height=8, width=8)))
    client = connect(running.endpoint)
    digest = client.get("train", 0, 0).digest
    for _ in range(100):
        peer = RawPeer.connect(running.endpoint)
        peer.post("get", 1, stream="train", epoch=0, step=0)
        peer.close()
    wait_until(lambda: client.stats()["clients"] == 1, "all of them to be missed")
    assert client.get("train", 0, 0).digest == digest
    assert client.stats()["requests_waiting"] == 0
