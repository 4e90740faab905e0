"""From start to end: refusals to start, readiness, drain, quit, the service manager."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

import dataset
import stokerd
from manager import Manager
from plan1 import Recipe
from stokerd import SLOW, links_systemd, quoted, stream_text
from wire import Refused

RECIPE = Recipe(batch=5, height=16, width=16)
LONG = Recipe(batch=60, height=512, width=512, transform=("resize", "flip"))


def sentence(process):
    """The last line of stderr, which must be for a person."""
    line = process.stderr.splitlines()[-1]
    assert re.fullmatch(r"stokerd: .*[^.]", line), process.stderr
    return line


def assert_refuses(process, status):
    """It must end by itself with a status and a sentence; the sentence."""
    assert process.wait_exit() == status, process.stderr
    process.judge()
    return sentence(process)


# Refusals to start.


def test_a_missing_source_is_an_error_of_the_configuration(launch, tmp_path):
    process = launch(stream_text("train", tmp_path / "missing", RECIPE))
    line = assert_refuses(process, 2)
    assert "missing" in line and process.config in line


def test_an_empty_folder_is_named(launch, tmp_path):
    (tmp_path / "empty" / "class").mkdir(parents=True)
    assert str(tmp_path / "empty") in assert_refuses(
        launch(stream_text("t", tmp_path / "empty", RECIPE)), 1
    )


def test_a_folder_of_pictures_without_classes_is_named(launch, tmp_path):
    dataset.write(tmp_path, "flat/1.jpg", dataset.jpeg(1, 20, 20))
    assert "flat" in assert_refuses(launch(stream_text("t", tmp_path / "flat", RECIPE)), 1)


@pytest.fixture
def as_nobody():
    """Options that run the daemon as one whom permissions hold: they do not hold root."""
    if os.geteuid() != 0:
        yield {}
        return
    folder = tempfile.mkdtemp(prefix="stk-", dir="/tmp")
    program = shutil.copy(stokerd.PROGRAM, folder)
    os.chmod(folder, 0o755)
    yield {"program": program, "user": 65534, "group": 65534, "extra_groups": []}
    shutil.rmtree(folder)


@pytest.fixture
def readable():
    """A data set that everyone can read; pytest's own folders are private."""
    folder = tempfile.mkdtemp(prefix="stk-", dir="/tmp")
    os.chmod(folder, 0o755)
    dataset.write_small(folder, classes=2, each=5)
    yield folder
    shutil.rmtree(folder, onerror=lambda *_: None)


def test_a_folder_without_read_permission_is_named(launch, readable, as_nobody):
    os.chmod(os.path.join(readable, "class1"), 0)
    text = stream_text("train", readable, RECIPE)
    line = assert_refuses(launch(text, listen=["tcp://127.0.0.1:*"], **as_nobody), 1)
    os.chmod(os.path.join(readable, "class1"), 0o755)
    assert "class1" in line and "ermission" in line


def test_a_file_without_read_permission_is_replaced(daemon, connect, readable, as_nobody):
    os.chmod(os.path.join(readable, "class1", "2.jpg"), 0)
    recipe = Recipe(batch=10, height=16, width=16, transform=("resize", "flip"))
    running = daemon(
        stream_text("train", readable, recipe), listen=["tcp://127.0.0.1:*"], **as_nobody
    )
    batch = connect(running.endpoint).get("train", 0, 0)
    assert [row["index"] for row in batch.replaced] == [7]
    assert running.wait_log("image.corrupt")["code"] == "unreadable"


@pytest.mark.parametrize("endpoint", ["ipc", "tcp"])
def test_an_endpoint_in_use_is_refused_and_the_first_daemon_serves_on(
    daemon, launch, connect, small, endpoint
):
    text = stream_text("train", small, RECIPE)
    first = daemon(text, listen=["tcp://127.0.0.1:*"] if endpoint == "tcp" else None)
    taken = first.endpoint
    client = connect(taken)
    digest = client.get("train", 0, 0).digest
    line = assert_refuses(launch(text, listen=[taken]), 1)
    assert taken in line and "in use" in line.lower()
    assert client.get("train", 0, 0).digest == digest
    assert connect(taken).get("train", 1, 0).count == 5


def test_an_endpoint_left_behind_by_a_killed_daemon_is_taken_over(daemon, launch, connect, small):
    text = stream_text("train", small, RECIPE)
    first = launch(text).wait_ready()
    first.process.kill()
    first.wait_exit()
    assert stat.S_ISSOCK(os.stat(first.endpoint.removeprefix("ipc://")).st_mode)
    second = daemon(text, listen=[first.endpoint])
    assert connect(second.endpoint).get("train", 0, 0).count == 5


def test_memory_that_does_not_suffice_is_refused_with_what_would(launch, daemon, connect, small):
    text = stream_text(
        "train", small, Recipe(batch=512, height=128, width=128, last="wrap", dtype="f32")
    )
    line = assert_refuses(launch(text, memory_max="128M"), 2)
    assert "memory_max" in line
    mebibytes = [int(number) for number in re.findall(r"(\d+) MiB", line)]
    assert mebibytes[0] == 128 and mebibytes[1] > 128
    running = daemon(text, memory_max=f"{mebibytes[1]}M")
    plan = {key: int(value) for key, value in running.events("memory.plan")[0].items()}
    parts = ("fixed_bytes", "listing_bytes", "encoded_bytes", "decoder_bytes", "slab_bytes")
    assert sum(plan[part] for part in parts) == plan["bytes_max"] == mebibytes[1] << 20
    client = connect(running.endpoint)
    assert client.stats()["memory_bytes_max"] == plan["bytes_max"]
    assert client.get("train", 0, 0).count == 512


@pytest.mark.parametrize(
    "wrong, remedy",
    [
        ("bach = 3", "batch"), ("batch = many", "batch"), ("batch = 0", "8192"),
        ("order = shufle", "shuffle"),
        ("flip { prob = 1.5 }", "prob"), ("mix { method = mixop }", "mixup"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_stream_is_told_with_file_line_and_remedy(launch, small, wrong, remedy):
    process = launch(f"stream train {{\n    source = {quoted(small)}\n    {wrong}\n}}\n")
    line = assert_refuses(process, 2)
    assert remedy in line
    assert f"{process.config}:7:" in line


def call(*arguments):
    return subprocess.run([stokerd.PROGRAM, *arguments], capture_output=True, text=True, timeout=20)


def test_check_config_says_nothing_or_what_is_wrong(tmp_path, small):
    good, bad = tmp_path / "good.conf", tmp_path / "bad.conf"
    good.write_text(stream_text("train", small, RECIPE))
    bad.write_text(stream_text("train", small, RECIPE).replace("batch", "bach"))
    result = call("-c", good, "--check-config")
    assert (result.returncode, result.stderr) == (0, "")
    result = call("-c", bad, "--check-config")
    assert result.returncode == 2 and f"{bad}:3:" in result.stderr


def test_print_config_can_be_read_back_and_means_the_same(tmp_path, small, daemon, connect):
    recipe = Recipe(
        batch=5, height=16, width=24, mix="mixup", dtype="f32", layout="nchw", seed=2**64 - 1
    )
    first = daemon(stream_text("train", small, recipe))
    printed = call("-c", first.config, "--print-config").stdout
    (tmp_path / "again.conf").write_text(printed)
    again = call("-c", tmp_path / "again.conf", "--print-config")
    assert (again.returncode, again.stdout) == (0, printed)
    streams = printed[printed.index("stream ") :]
    second = daemon(streams)
    one, other = [connect(running.endpoint).streams() for running in (first, second)]
    assert one == other


def test_print_drop_in_is_a_wall_behind_the_memory_plan(tmp_path, small):
    path = tmp_path / "stokerd.conf"
    path.write_text("memory_max = 1G\n" + stream_text("train", small, RECIPE))
    result = call("-c", path, "--print-drop-in")
    lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    wall = (1 << 30) + (1 << 28) + (256 << 20)
    assert (result.returncode, lines) == (0, ["[Service]", f"MemoryMax={wall}"])


def test_wrong_usage_is_told():
    assert call("--no-such-option").returncode == 2
    assert call("-c").returncode == 2
    assert call("stray").returncode == 2
    assert call("-c", "/nonexistent/stokerd.conf").returncode == 2
    assert call("--help").stdout.startswith("usage: stokerd")
    assert re.fullmatch(r"stokerd \d+\.\d+\.\d+\n", call("--version").stdout)


# The end.


@pytest.fixture
def busy(launch, connect, good):
    """A daemon with one worker and a client whose requests take a while."""
    running = launch(stream_text("long", good, LONG), workers=1).wait_ready()
    client = connect(running.endpoint)
    client.hello("long", window=64)
    return running, client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_answers_what_was_asked_refuses_what_is_new_and_exits_0(busy, number):
    running, client = busy
    ids = [client.post_get("long", epoch, 0) for epoch in range(4)]
    assert client.stats()["requests_waiting"] > 1
    running.signal(number)
    assert int(running.wait_log("server.draining")["requests_waiting"]) > 1
    late = client.post_get("long", 99, 0)
    hello = client.post("hello", v=1, stream="long", name="late", window=1)
    for id_ in (late, hello):
        with pytest.raises(Refused) as refused:
            client.take(id_)
        assert refused.value.code == "draining"
    assert [client.take(id_).epoch for id_ in ids] == list(range(4))
    assert running.wait_exit() == 0
    running.judge()


def test_a_second_sigterm_quits_at_once_with_1(busy):
    running, client = busy
    for epoch in range(64):
        client.post_get("long", epoch, 0)
    assert client.stats()["requests_waiting"] > 32
    running.signal()
    running.wait_log("server.draining")
    running.signal()
    assert running.wait_exit(3 * SLOW) == 1
    running.judge()
    assert running.events("server.quit")


def test_an_idle_daemon_ends_at_once_and_leaves_no_socket_open(daemon, connect, small):
    running = daemon(stream_text("train", small, RECIPE))
    client = connect(running.endpoint)
    client.get("train", 0, 0)
    running.signal()
    assert running.wait_exit(3 * SLOW) == 0
    with pytest.raises(OSError), socket.socket(socket.AF_UNIX) as plain:
        plain.connect(running.endpoint.removeprefix("ipc://"))


@pytest.mark.skipif(not links_systemd(), reason="built without libsystemd")
def test_the_service_manager_is_told_of_readiness_life_and_end(launch, connect, small, tmp_path):
    manager = Manager(str(tmp_path / "n"))
    running = launch(
        stream_text("train", small, RECIPE),
        environment={"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "100000"},
    )
    manager.wait("READY=1")
    bound = running.listen[0].removeprefix("ipc://")
    assert os.path.exists(bound), "READY=1 comes after the endpoints are bound"
    assert connect(running.listen[0]).get("train", 0, 0).count == 5
    manager.states.clear()
    manager.wait("WATCHDOG=1")
    manager.states.clear()
    manager.wait("WATCHDOG=1")
    running.signal()
    manager.wait("STOPPING=1")
    assert running.wait_exit() == 0
    manager.socket.close()


def test_a_daemon_at_work_answers_other_requests_at_once(busy):
    """The loop never decodes: figures come while the batches before them are in the making."""
    _, client = busy
    for epoch in range(8):
        client.post_get("long", epoch, 0)
    assert client.stats()["requests_waiting"] > 4
    assert len(client.streams()) == 1
    assert client.stats()["requests_waiting"] > 4
