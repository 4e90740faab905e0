"""Socket activation: a daemon serves by sockets that its service manager bound."""

import os
import socket
import subprocess

import pytest

from activation import Sockets
from plan1 import Recipe
from stokerd import stream_text
from test_lifecycle import assert_refuses

RECIPE = Recipe(batch=5, height=16, width=16)


@pytest.fixture
def sockets(tmp_path):
    made = []

    def make(*schemes):
        places = {"ipc": f"ipc://{tmp_path}/s", "tcp": "tcp://127.0.0.1:0"}
        made.append(Sockets(*(places[scheme] for scheme in schemes)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_inherited_sockets_of_both_kinds_are_served(daemon, connect, small, sockets):
    bound = sockets("tcp", "ipc")
    running = daemon(stream_text("train", small, RECIPE), **bound.options())
    assert running.endpoints == bound.endpoints
    digests = [connect(endpoint).get("train", 0, 0).digest for endpoint in bound.endpoints]
    assert digests[0] == digests[1]


def test_an_inherited_path_is_not_removed(daemon, connect, small, sockets, tmp_path):
    bound = sockets("ipc")
    running = daemon(stream_text("train", small, RECIPE), **bound.options())
    before = os.stat(tmp_path / "s").st_ino
    assert connect(running.endpoint).get("train", 0, 0).count == 5
    running.stop()
    assert os.stat(tmp_path / "s").st_ino == before


def test_an_inherited_path_is_not_taken_over_by_another_daemon(
    daemon, launch, connect, small, sockets
):
    bound, text = sockets("ipc"), stream_text("train", small, RECIPE)
    running = daemon(text, **bound.options())
    assert "in use by another daemon" in assert_refuses(launch(text, listen=bound.endpoints), 1)
    assert connect(running.endpoint).get("train", 0, 0).count == 5
    running.stop()
    again = daemon(text, **bound.options())
    assert connect(again.endpoint).get("train", 0, 0).count == 5


def test_an_inherited_path_that_cannot_be_locked_is_served(
    daemon, connect, small, sockets, tmp_path
):
    bound = sockets("ipc")
    os.mkdir(tmp_path / "s.lock")
    running = daemon(stream_text("train", small, RECIPE), **bound.options())
    assert connect(running.endpoint).get("train", 0, 0).count == 5


def test_who_connects_before_the_daemon_runs_is_served_by_it(daemon, connect, small, sockets):
    bound = sockets("tcp", "ipc")
    clients = [connect(endpoint) for endpoint in bound.endpoints]
    asked = [client.post_get("train", 0, 0) for client in clients]
    daemon(stream_text("train", small, RECIPE), **bound.options())
    assert [client.take(id_).count for client, id_ in zip(clients, asked)] == [5, 5]


def test_an_endpoint_that_a_reload_gives_up_can_be_had_again(daemon, connect, small, sockets):
    bound = sockets("tcp", "ipc")
    text = stream_text("train", small, RECIPE)
    running = daemon(text, **bound.options())
    running.reload(text, listen=bound.endpoints[:1])
    running.reload(text, listen=bound.endpoints)
    assert connect(bound.endpoints[1]).get("train", 0, 0).count == 5


def test_a_socket_that_listen_does_not_name_is_refused(launch, small, sockets):
    bound = sockets("tcp", "ipc")
    options = bound.options() | {"listen": bound.endpoints[1:]}
    running = launch(stream_text("train", small, RECIPE), **options)
    assert bound.endpoints[0] in assert_refuses(running, 2)


def test_a_socket_that_does_not_listen_is_refused(launch, small, sockets):
    bound = sockets("tcp")
    bound.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    running = launch(stream_text("train", small, RECIPE), **bound.options())
    assert "descriptor 4" in assert_refuses(running, 2)


def test_sockets_that_are_another_process_s_are_left_alone(daemon, connect, small):
    running = daemon(
        stream_text("train", small, RECIPE), environment={"LISTEN_PID": "1", "LISTEN_FDS": "7"}
    )
    assert connect(running.endpoint).get("train", 0, 0).count == 5


def can_unshare():
    probe = subprocess.run(["unshare", "-rn", "/bin/true"], capture_output=True)
    return probe.returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="no network namespaces here")
def test_a_daemon_without_a_network_serves_by_the_socket_that_it_inherits(
    daemon, connect, small, sockets
):
    """As private-network.conf has it: nothing that takes the daemon over can connect anywhere."""
    bound = sockets("tcp")
    options = bound.options()
    options["before"] = ("unshare", "-rn", *options["before"])
    running = daemon(stream_text("train", small, RECIPE), **options)
    client = connect(bound.endpoints[0])
    assert client.get("train", 0, 0).count == 5
    with open(f"/proc/{running.process.pid}/net/dev") as devices:
        assert [row.split(":")[0].strip() for row in devices][2:] == ["lo"]
