"""Data that changes while it is served: bad files are replaced, lost folders are waited for."""

import dataclasses
import itertools
import os
import shutil
import socket
import subprocess

import pytest

import dataset
import plan1
import stokerd
from plan1 import Recipe
from stokerd import stream_text, wait_until
from test_batches import assert_equal
from wire import Refused

RECIPE = Recipe(seed=3, batch=12, height=24, width=24, transform=("resize", "flip"))
STEPS = range(3)  # of 36 samples


@pytest.fixture
def root(tmp_path):
    return dataset.write_small(tmp_path / "data", classes=3, each=12)


def grow(path):
    with open(path, "ab") as file:
        file.write(b"\0")


def instead(make):
    """Put something else in a file's place."""

    def change(path):
        path.unlink()
        make(path)

    return change


def forbid(path):
    path.chmod(0)


def bind(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


CHANGES = {
    "deleted": lambda path: path.unlink(),
    "truncated": lambda path: os.truncate(path, 100),
    "emptied": lambda path: os.truncate(path, 0),
    "grown": grow,
    "replaced by another": lambda path: path.write_bytes(dataset.jpeg(999, 50, 60)),
    "broken inside": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "forbidden": forbid,
    "a FIFO": instead(os.mkfifo),
    "a folder": instead(os.mkdir),
    "a device": instead(lambda path: path.symlink_to("/dev/zero")),
    "a terminal": instead(lambda path: path.symlink_to("/dev/tty")),
    "a link to nowhere": instead(lambda path: path.symlink_to("nowhere")),
    "a link to itself": instead(lambda path: path.symlink_to(path.name)),
    "a link into itself": instead(lambda path: path.symlink_to(f"{path.name}/{path.name}")),
    "a link to a large file": instead(lambda path: path.symlink_to("/proc/self/exe")),
    "a link to what never ends": instead(lambda path: path.symlink_to("/proc/kmsg")),
    "a socket": instead(bind),
}


def somebody_else(folder):
    """Options of a daemon that may not read everything, as root may."""
    if os.geteuid() != 0:
        return {}
    place = folder / "endpoints"
    place.mkdir(exist_ok=True)
    place.chmod(0o777)
    for above in (folder, *folder.parents):
        if "pytest" in str(above):
            above.chmod(0o755)
    return {"user": 65534, "group": 65534, "listen": [f"ipc://{place}/{len(os.listdir(place))}"]}


def test_what_happens_to_files_is_replaced_by_the_plan_in_two_daemons(
    daemon, connect, root, tmp_path
):
    recipe = dataclasses.replace(RECIPE, order="sequential")
    text = stream_text("train", root, recipe)
    running = [daemon(text, workers=n, **somebody_else(tmp_path)) for n in (1, 2)]
    samples, _ = plan1.list_folder(root)
    bad = range(1, 36, 2)
    for index, change in zip(bad, CHANGES.values()):
        change(root / os.fsdecode(samples[index].path))
    plan = plan1.Plan(recipe, samples, bad[: len(CHANGES)])
    for one in running:
        client = connect(one.endpoint)
        for batch in client.epoch("train", 0, STEPS):
            assert_equal(batch, plan.batch(0, batch.step))
        rows, known = client.replaced("train")
        assert known == len(CHANGES) == len(rows)
        assert client.stats()["faults"] == 0


def digests(client, steps=STEPS):
    return [batch.digest for batch in client.epoch("train", 0, steps, window=1)]


def refusal(client, step):
    with pytest.raises(Refused) as refused:
        client.get("train", 0, step)
    return refused.value


def test_a_folder_that_is_renamed_is_waited_for_and_nothing_is_replaced(daemon, connect, root):
    reference = digests(connect(daemon(stream_text("train", root, RECIPE)).endpoint))
    running = daemon(stream_text("train", root, RECIPE))
    client = connect(running.endpoint)
    os.rename(root / "class1", root / "gone")
    for _ in range(20):
        for step in STEPS:
            refused = refusal(client, step)
            assert refused.code == "system" and "class1" in refused.message
            assert "is gone or empty" in refused.message and "sample" in refused.message
    assert client.replaced("train") == ([], 0) and client.stats()["faults"] > 20
    faults = running.events("image.fault")
    assert 1 <= len(faults) < 20, "a line a second at most"
    assert faults[0]["stream"] == "train" and "class1" in faults[0]["path"]
    os.rename(root / "gone", root / "class1")
    assert digests(client) == reference
    epochs = itertools.count(1)
    wait_until(
        lambda: client.get("train", next(epochs), 0) and running.events("image.recovered"),
        "the end of the fault to be told",
    )
    assert client.stats()["images_replaced"] == 0


@pytest.mark.parametrize("source", ["folder", "csv"])
def test_a_source_that_is_removed_and_comes_back_is_found_again(daemon, connect, root, source):
    place = root
    if source == "csv":
        samples, _ = plan1.list_folder(root)
        rows = [f"{os.fsdecode(sample.path)},{sample.label}" for sample in samples]
        (root.parent / "data.csv").write_text("path,class\n" + "\n".join(rows) + "\n")
        place = f"csv:{root.parent / 'data.csv'}"
    paths = {"root": root} if source == "csv" else {}
    text = stream_text("train", place, RECIPE, **paths)
    reference = digests(connect(daemon(text).endpoint))
    running = daemon(text)
    client = connect(running.endpoint)
    kept = root.parent / "kept"
    os.rename(root, kept)
    assert digests(client, range(1)) == reference[:1], "what is open is read on"
    shutil.copytree(kept, root.parent / "copy")
    shutil.rmtree(kept)
    assert refusal(client, 1).code == "system"
    root.mkdir()
    assert refusal(client, 1).code == "system", "an empty folder is one that is not mounted"
    root.rmdir()
    os.rename(root.parent / "copy", root)
    assert digests(client) == reference
    assert client.replaced("train") == ([], 0)


def test_a_folder_that_is_unmounted_is_waited_for(launch, connect, root, tmp_path):
    """The mount is in a name space of the daemon's own."""
    probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", root / "class2"])
    if probe.returncode != 0:
        pytest.skip("this machine lets nobody mount")
    reference = digests(connect(launch(stream_text("train", root, RECIPE)).wait_ready().endpoint))
    kept, place = tmp_path / "kept", root / "class2"
    shutil.copytree(place, kept)
    shutil.rmtree(place)
    place.mkdir()
    mount = f"mount -t tmpfs none '{place}' && cp '{kept}'/* '{place}'"
    program = tmp_path / "mounted"
    program.write_text(
        '#!/bin/sh\n[ -n "$INSIDE" ] || INSIDE=1 exec unshare -m "$0" "$@"\n'
        f"{mount} && exec '{stokerd.PROGRAM}' \"$@\"\n"
    )
    program.chmod(0o755)
    running = launch(stream_text("train", root, RECIPE), program=str(program)).wait_ready()
    inside = ["nsenter", "-t", str(running.process.pid), "-m"]
    client = connect(running.endpoint)
    assert digests(client, range(1)) == reference[:1]
    subprocess.run([*inside, "umount", place], check=True)
    assert refusal(client, 1).code == refusal(client, 2).code == "system"
    subprocess.run([*inside, "sh", "-c", mount], check=True)
    assert digests(client) == reference
    assert client.replaced("train") == ([], 0)
    running.stop()


@pytest.fixture
def disk(daemon, root, tmp_path):
    """A daemon on a disk that fails while an order says so: daemon, order."""
    order = tmp_path / "order"
    running = daemon(
        stream_text("train", root, RECIPE),
        program=stokerd.PROGRAM + "-disk",
        environment={"STOKER_DISK": str(order)},
    )
    return running, order


def test_a_disk_that_fails_is_told_and_nothing_is_replaced(disk, daemon, connect, root):
    running, order = disk
    reference = digests(connect(daemon(stream_text("train", root, RECIPE)).endpoint))
    client = connect(running.endpoint)
    assert digests(client, range(1)) == reference[:1]
    order.write_text("eio")
    for _ in range(3):
        refused = refusal(client, 1)
        assert refused.code == "system" and "input/output error" in refused.message
    assert running.wait_log("image.fault")["reason"] == "cannot read it: input/output error"
    assert digests(client, range(1)) == reference[:1], "what is made is served on"
    order.unlink()
    assert digests(client) == reference
    assert client.replaced("train") == ([], 0)


def test_a_file_that_shrinks_while_it_is_read_is_replaced_by_the_plan(disk, connect, root):
    running, order = disk
    client = connect(running.endpoint)
    samples, _ = plan1.list_folder(root)
    order.write_text("short")
    refused = refusal(client, 0)
    assert refused.code == "corrupt" and "is stopped" in refused.message, "all of them shrink"
    rows, _ = client.replaced("train")
    assert {row["reason"] for row in rows} == {"unreadable: shrank while it was read"}


NAMES = [
    b"line\nbreak.jpg",
    b"n" * 251 + b".jpg",
    b"\xff\xfe not text.jpg",
    b'quote".jpg',
    b"\x1b[2J.jpg",
    b"warn image.corrupt forged=1.jpg",
]


def test_names_of_every_kind_are_served_and_named_where_they_are_bad(daemon, connect, tmp_path):
    root = dataset.write_small(tmp_path / "data", classes=1, each=12)
    for i, name in enumerate(NAMES):
        dataset.write(root, b"good/" + name, dataset.jpeg(i, 30, 30))
        dataset.write(root, b"bad/" + name, b"bad")
    samples, _ = plan1.list_folder(root)
    bad = [i for i, sample in enumerate(samples) if sample.path.startswith(b"bad/")]
    recipe = dataclasses.replace(RECIPE, batch=24)
    running = daemon(stream_text("train", root, recipe))
    client = connect(running.endpoint)
    plan = plan1.Plan(recipe, samples, bad)
    assert_equal(client.get("train", 0, 0), plan.batch(0, 0))
    rows, _ = client.replaced("train")
    wanted = {i: samples[i].path.decode(errors="replace").replace("\ufffd", "?") for i in bad}
    assert {row["index"]: row["path"] for row in rows} == wanted
    told = running.events("image.corrupt")
    assert sorted(int(row["index"]) for row in told) == bad, "a line each, and none forged"
    for row in told:
        assert row["path"].encode("latin-1") == samples[int(row["index"])].path
