"""Addresses that are taken: nobody's ipc path is stolen, no file is lost, each refusal is told."""

import os
import socket

from plan1 import Recipe
from stokerd import stream_text
from test_lifecycle import as_nobody, assert_refuses, readable  # noqa: F401

RECIPE = Recipe(batch=5, height=16, width=16)


def test_a_living_daemons_path_is_not_stolen_though_its_file_is_gone(
    daemon, launch, connect, small
):
    text = stream_text("train", small, RECIPE)
    first = daemon(text)
    client = connect(first.endpoint)
    digest = client.get("train", 0, 0).digest
    os.unlink(first.endpoint.removeprefix("ipc://"))
    line = assert_refuses(launch(text, listen=[first.endpoint]), 1)
    assert first.endpoint in line and "another daemon" in line
    assert client.get("train", 0, 0).digest == digest


def test_of_daemons_that_start_together_one_gets_the_path(launch, connect, small, tmp_path):
    text = stream_text("train", small, RECIPE)
    for _ in range(3):
        rivals = [launch(text, listen=[f"ipc://{tmp_path}/s"]) for _ in range(4)]
        winners = [one for one in rivals if one.wait_log_or_end("server.ready") is not None]
        assert len(winners) == 1
        assert connect(winners[0].endpoint).get("train", 0, 0).count == 5
        for one in rivals:
            if one is not winners[0]:
                assert "in use by another daemon" in assert_refuses(one, 1)
        winners[0].process.kill()
        winners[0].wait_exit()


def test_a_path_is_free_again_after_kill_9_for_its_waiting_trainer(launch, connect, small):
    text = stream_text("train", small, RECIPE)
    first = launch(text).wait_ready()
    client = connect(first.endpoint, reconnect_ivl=20)
    digest = client.get("train", 0, 0).digest
    first.process.kill()
    first.wait_exit()
    second = launch(text, listen=[first.endpoint]).wait_ready()
    asked = client.post_get("train", 0, 0)
    assert client.take(asked).digest == digest
    second.stop()


def test_a_lock_of_another_user_is_named(launch, readable, as_nobody):  # noqa: F811
    folder = os.path.join(readable, "run")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    lock = os.path.join(folder, "s.lock")
    with open(lock, "w"):
        pass
    os.chmod(lock, 0)
    text = stream_text("train", readable, RECIPE)
    line = assert_refuses(launch(text, listen=[f"ipc://{folder}/s"], **as_nobody), 1)
    assert lock in line and "ermission" in line


def test_a_folder_that_cannot_be_written_is_named(launch, readable, as_nobody):  # noqa: F811
    text = stream_text("train", readable, RECIPE)
    endpoint = f"ipc://{readable}/s"
    line = assert_refuses(launch(text, listen=[endpoint], **as_nobody), 1)
    assert f"{readable}/s" in line and "ermission" in line
    line = assert_refuses(launch(text, listen=[f"ipc://{readable}/missing/s"]), 1)
    assert "missing/s" in line and "o such" in line


def test_a_file_that_is_no_socket_is_not_removed(launch, small, tmp_path):
    """libzmq alone removes whatever stands at the path of an endpoint."""
    precious = tmp_path / "weights.pt"
    precious.write_text("weeks of work")
    text = stream_text("train", small, RECIPE)
    line = assert_refuses(launch(text, listen=[f"ipc://{precious}"]), 1)
    assert str(precious) in line and "no socket" in line
    assert precious.read_text() == "weeks of work"


def test_a_port_of_another_program_is_told(launch, small):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        line = assert_refuses(launch(stream_text("train", small, RECIPE), listen=[endpoint]), 1)
    assert endpoint in line and "in use" in line


def test_an_address_that_is_not_this_hosts_is_told(launch, small):
    endpoint = "tcp://192.0.2.1:7654"
    listen = [f"{endpoint} insecure=yes"]
    line = assert_refuses(launch(stream_text("train", small, RECIPE), listen=listen), 1)
    assert endpoint in line
