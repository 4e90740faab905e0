"""The unit's sandbox: how much it exposes, and that the daemon lives in it.

`make check-sandbox` runs every other test in it, too.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

import dataset
import sandbox
import stokerd
from command import stoker
from keys import Keys
from plan1 import Recipe
from stokerd import ROOT, is_sanitized, stream_text
from web import ask

RECIPE = Recipe(batch=5, height=16, width=16)
MIXED = Recipe(batch=5, height=16, width=16, mix="mixup", labels="dense", dtype="f32")
PRIVATE_NETWORK = os.path.join(ROOT, "systemd", "private-network.conf")
CONFINE = sandbox.prefix(os.path.join(ROOT, stokerd.BUILD))

# On kernels and machines that have no seccomp, or no systemd to ask for its groups of calls.
probe = subprocess.run([*CONFINE, "/bin/true"], capture_output=True)
confined = pytest.mark.skipif(
    probe.returncode != 0, reason=f"no seccomp here: {probe.stderr.decode().strip()}"
)
daemon_is_plain = pytest.mark.skipif(
    is_sanitized(), reason="a sanitizer's calls are not the daemon's"
)


# What the sandbox is worth.


def exposure(folder, *drop_ins):
    """What systemd-analyze says of the unit with drop-ins, 0 to 10."""
    unit = folder / "stokerd.service"
    text = open(sandbox.UNIT).read().replace("@PREFIX@/sbin/stokerd", "/bin/true")
    unit.write_text(text.replace("@SYSCONFDIR@", "/etc"))
    (folder / "stokerd.service.d").mkdir(exist_ok=True)
    for drop_in in drop_ins:
        shutil.copy(drop_in, folder / "stokerd.service.d")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)[1])


def test_the_unit_exposes_at_most_1_2(tmp_path):
    assert exposure(tmp_path) <= 1.2


def test_the_unit_without_a_network_exposes_at_most_0_5(tmp_path):
    assert exposure(tmp_path, PRIVATE_NETWORK) <= 0.5


@pytest.mark.parametrize("unit", ["stokerd.service", "stokerd.socket", "private-network.conf"])
def test_every_directive_says_why(unit):
    with open(os.path.join(os.path.dirname(sandbox.UNIT), unit)) as file:
        lines = file.read().split("\n")
    known = ("Description=", "Documentation=", "WantedBy=")
    for above, line in zip(lines, lines[1:]):
        if "=" in line and not line.startswith(("#", *known)):
            assert above.startswith("#"), f"{line} says nothing of why"


# What it forbids, here: a test that could not fail would prove nothing.

MLOCKALL = "import ctypes; ctypes.CDLL(None).mlockall(1)"
WRITE_AND_RUN = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"
PACKET = "import socket; socket.socket(17, socket.SOCK_RAW)"
SCHEDULE = "import os; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))"


def run_confined(program):
    return subprocess.run([*CONFINE, sys.executable, "-c", program], capture_output=True, text=True)


@confined
@pytest.mark.parametrize("program", [MLOCKALL, WRITE_AND_RUN])
def test_a_call_that_the_unit_does_not_allow_ends_the_process(program):
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
    assert run_confined(program).returncode == -signal.SIGSYS


@confined
def test_a_socket_of_another_family_is_refused():
    assert "Address family not supported" in run_confined(PACKET).stderr


@confined
def test_libzmq_is_told_that_its_policy_was_set():
    assert run_confined(SCHEDULE).returncode == 0


# The daemon in it.


@pytest.fixture
def inside(daemon):
    """Start a daemon in the sandbox; it must drain there, too."""
    return lambda streams, **options: daemon(streams, before=CONFINE, **options)


@confined
@daemon_is_plain
@pytest.mark.parametrize("listen", ["ipc", "tcp"])
def test_a_daemon_in_the_sandbox_serves_mixes_and_reloads(inside, connect, small, listen):
    text = stream_text("train", small, MIXED)
    running = inside(text, listen=["tcp://127.0.0.1:*"] if listen == "tcp" else None)
    client = connect(running.endpoint)
    assert [batch.count for batch in client.epoch("train", 0, range(4))] == [5] * 4
    running.reload(text + stream_text("more", small, RECIPE))
    assert client.get("more", 0, 0).count == 5
    assert client.stats()["images_decoded"] >= 25


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_replaces_what_is_corrupt(inside, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data")
    victim = os.path.join(root, "class1", "2.jpg")
    with open(victim, "r+b") as file:
        file.truncate(100)
    running = inside(stream_text("train", root, RECIPE))
    client = connect(running.endpoint)
    replaced = [row for batch in client.epoch("train", 0, range(4)) for row in batch.replaced]
    assert len(replaced) <= 1 and client.stats()["images_replaced"] == len(replaced)
    assert len(running.events("image.corrupt")) == len(replaced)


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_reads_a_csv_and_listens_at_an_interface(
    inside, connect, small, tmp_path
):
    names = sorted(os.path.relpath(path, small) for path in map(str, small.rglob("*.jpg")))
    table = tmp_path / "all.csv"
    table.write_text("path,label\n" + "".join(f"{name},{name[:6]}\n" for name in names))
    running = inside(
        stream_text("train", f"csv:{table}", RECIPE, root=small), listen=["tcp://lo:*"]
    )
    assert connect(running.endpoint).get("train", 0, 0).count == 5


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_lets_a_client_in_by_its_key(inside, small, tmp_path):
    keys = Keys(tmp_path)
    key = keys.admit("alice")
    text = stream_text("train", small, RECIPE)
    running = inside(text, listen=["tcp://127.0.0.1:* keys=yes"], settings=keys.settings)
    assert "train" in stoker("streams", running.endpoint, *keys.words(key))


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_shows_a_batch_to_a_browser(inside, small):
    running = inside(stream_text("train", small, MIXED), settings={"http": '"127.0.0.1:0"'})
    port = running.events("http.listening")[-1]["port"]
    reply, text = ask(port, "/api/batch?stream=train&epoch=0&step=0")
    assert reply.status == 200 and len(json.loads(text)["slots"]) == 5
    assert ask(port, "/")[0].status == 200


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_gives_no_socket_to_a_group(launch, small, tmp_path):
    place = f"ipc://{tmp_path}/s group=root"
    running = launch(stream_text("train", small, RECIPE), listen=[place], before=CONFINE)
    assert running.wait_exit() == 1
    assert 'to the group "root": Operation not permitted' in running.stderr


@confined
@daemon_is_plain
def test_without_a_network_http_is_refused_with_a_sentence(launch, small):
    text = stream_text("train", small, RECIPE)
    before = sandbox.prefix(os.path.join(ROOT, stokerd.BUILD), sandbox.UNIT, PRIVATE_NETWORK)
    running = launch(text, settings={"http": '"127.0.0.1:0"'}, before=before)
    assert running.wait_exit() == 1
    assert 'cannot serve http on "127.0.0.1:0": Address family not' in running.stderr


@confined
@daemon_is_plain
def test_a_daemon_in_the_sandbox_refuses_what_is_wrong_with_a_sentence(launch, tmp_path):
    running = launch(stream_text("train", tmp_path / "missing", RECIPE), before=CONFINE)
    assert running.wait_exit() == 2
    assert "missing" in running.stderr
