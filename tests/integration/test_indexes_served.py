"""Indexes: what is served with any of them, and without, is the same."""

import os
import pathlib
import random
import shutil
import signal

import pytest

import dataset
import stokerd
from plan1 import Recipe
from stokerd import stream_text, wait_until
from wire import Client

EPOCHS = range(2)
STEPS = range(3)

# Samplings 4:4:4, 4:2:2, 4:2:0, gray; and what an index knows no place of: CMYK, progressive, and
# pictures of so few bytes that entry points would take too many of them.
KINDS = [*dataset.KINDS[:4]] * 4 + dataset.KINDS[4:]

PARTNERS = dict(preset="fastbook")
RECIPES = {
    "crops": Recipe(seed=1, height=64, width=64, mix="mixup"),
    "halves": Recipe(seed=2, height=48, width=56, dtype="f16", layout="nchw"),
    "center": Recipe(seed=3, transform=("resize", "center_crop"), side=(90,), height=64, width=80),
    "padded": Recipe(
        seed=4, transform=("resize", "pad_crop", "flip"), height=60, width=60, dtype="bf16"
    ),
    "erased": Recipe(
        seed=5,
        transform=("random_resized_crop", "random_erasing"),
        interpolation="bicubic",
        height=40,
        width=50,
    ),
    "partners": Recipe(seed=6, height=32, width=32, mix="cutmix", mix_keys=dict(partner="dataset")),
}


def write_pictures(root, seed=0, count=36):
    for i in range(count):
        large = i % 9 != 8
        height, width = (360 + 7 * i, 520 - 5 * i) if large else (30, 40)
        data = dataset.jpeg(seed + i, height, width, **KINDS[i % len(KINDS)])
        dataset.write(root, f"class{i % 3}/{i:02d}.jpg", data)
    return root


def write_csv(root, path):
    rows = [f"class{i % 3}/{i:02d}.jpg,{i % 5}" for i in range(36)]
    path.write_text("path,label\n" + "\n".join(rows) + "\n")
    return f"csv:{path}"


def streams_of(root, csv, **paths):
    """Every recipe as a stream, and the first one over a csv of the same files."""
    batch = dict(batch=12, last="wrap")
    text = [
        stream_text(name, root, Recipe(**{**vars(recipe), **batch}), **paths)
        for name, recipe in RECIPES.items()
    ]
    recipe = Recipe(**{**vars(RECIPES["crops"]), **batch})
    return "".join(text) + stream_text("csv", csv, recipe, root=root, **paths)


NAMES = [*RECIPES, "csv"]


def digests(endpoint, epochs=EPOCHS):
    with Client(endpoint, slow=stokerd.SLOW) as client:
        return {
            (name, epoch, batch.step): batch.digest
            for name in NAMES
            for epoch in epochs
            for batch in client.epoch(name, epoch, STEPS)
        }


def stats(endpoint):
    with Client(endpoint, slow=stokerd.SLOW) as client:
        return client.stats()


class Data:
    """A data set, the same as a csv, and what is served of it without an index."""

    def __init__(self, folder, seed=0):
        self.root = write_pictures(folder / "data", seed)
        self.csv = write_csv(self.root, folder / "data.csv")
        self.index = folder / "index"

    def streams(self, **paths):
        return streams_of(self.root, self.csv, **paths)

    def note(self, serve):
        """Let a daemon note an index, and keep that; what the daemon served meanwhile."""
        one = serve(self.streams())
        served = digests(one.endpoint)
        noted = one.wait_log("index.finished")
        shutil.copy(noted["path"], self.index)
        return served


@pytest.fixture(scope="module")
def serve():
    """A daemon that ends with the module's tests at the latest, and is judged."""
    running = []

    def make(streams, **options):
        running.append(stokerd.Stokerd(streams, **options).wait_ready())
        return running[-1]

    yield make
    for one in running:
        if one.process.returncode is None:
            one.stop()
        one.judge()
        one.discard()


@pytest.fixture(scope="module")
def data(tmp_path_factory, serve):
    made = Data(tmp_path_factory.mktemp("index"))
    one = serve(made.streams(index="off"))
    made.served = digests(one.endpoint)
    assert stats(one.endpoint)["index_misses"] == 0
    one.stop()
    made.noted = made.note(serve)
    return made


def test_nothing_differs_while_an_index_is_noted(data):
    assert data.noted == data.served


def test_an_index_beside_the_data_is_found(data, daemon, tmp_path):
    root = shutil.copytree(data.root, tmp_path / "data")
    shutil.copy(data.index, root / ".stoker-index")
    one = daemon(streams_of(root, data.csv))
    assert digests(one.endpoint) == data.served
    (opened,) = one.events("index.opened")
    assert (opened["path"], opened["samples"]) == (str(root / ".stoker-index"), "36")
    told = stats(one.endpoint)
    assert told["index_hits"] > 0.5 * told["images_decoded"]
    assert (told["index_misses"], told["index_stale"]) == (0, 0)
    assert told["bytes_read"] < 0.8 * told["file_bytes"]
    assert not os.path.exists(os.path.join(one.folder, "state"))


def test_an_index_in_the_state_directory_is_found(data, daemon):
    first = daemon(data.streams())
    digests(first.endpoint)
    noted = first.wait_log("index.finished")["path"]
    first.stop()
    second = daemon(data.streams(), environment=first.state())
    assert digests(second.endpoint) == data.served
    assert [row["path"] for row in second.events("index.opened")] == [noted]
    assert stats(second.endpoint)["index_misses"] == 0


def crops_of(root, indexes, recipe=RECIPES["crops"]):
    """One recipe as a stream for each index."""
    recipe = Recipe(**{**vars(recipe), "batch": 12, "last": "wrap"})
    return "".join(
        stream_text(name, root, recipe, index=os.fspath(index)) for name, index in indexes.items()
    )


def served_of(endpoint, names, epochs=EPOCHS):
    """The digests of each stream."""
    with Client(endpoint, slow=stokerd.SLOW) as client:
        return {
            name: [batch.digest for epoch in epochs for batch in client.epoch(name, epoch, STEPS)]
            for name in names
        }


def crops_served(data):
    return [data.served["crops", epoch, step] for epoch in EPOCHS for step in STEPS]


def test_an_index_is_no_way_around_a_limit(data, daemon):
    sizes = sorted(path.stat().st_size for path in data.root.glob("*/*.jpg"))
    text = crops_of(data.root, dict(off="off", index=data.index))
    one = daemon(text, settings=dict(image_bytes_max=sizes[-6], image_pixels_max=211000))
    served = served_of(one.endpoint, ["off", "index"])
    assert served["index"] == served["off"] != crops_served(data)
    assert stats(one.endpoint)["index_hits"] > 0


def flipped(content, places):
    content = bytearray(content)
    for place in places:
        content[place % len(content)] ^= 1 << place % 8
    return bytes(content)


def test_a_damaged_index_costs_no_pixel(data, daemon, tmp_path):
    content = data.index.read_bytes()
    places = random.Random(5)
    damaged = {
        f"flipped{i}": flipped(content, places.sample(range(10**9), 1 << i)) for i in range(9)
    }
    damaged["tail"] = flipped(content, [len(content) - 9])
    damaged["short"] = content[: len(content) // 2]
    damaged["zeros"] = bytes(len(content))
    damaged["empty"] = b""
    damaged["swapped"] = content[::-1]
    for name, damage in damaged.items():
        (tmp_path / name).write_bytes(damage)
    one = daemon(crops_of(data.root, {name: tmp_path / name for name in damaged}))
    served = served_of(one.endpoint, damaged)
    assert {name for name in damaged if served[name] != crops_served(data)} == set()
    refused = {os.path.basename(row["path"]) for row in one.events("index.refused")}
    assert {"tail", "short", "zeros", "empty", "swapped"} <= refused
    assert stats(one.endpoint)["index_hits"] > 0


def test_an_index_of_another_data_set_costs_no_pixel(data, daemon, tmp_path, serve):
    other = Data(tmp_path, seed=1000)
    other.note(serve)
    one = daemon(crops_of(data.root, dict(other=other.index)))
    assert served_of(one.endpoint, ["other"])["other"] == crops_served(data)
    told = stats(one.endpoint)
    assert told["index_hits"] == 0
    assert told["index_stale"] == told["images_decoded"]
    assert len(one.events("index.stale")) == 1  # a minute


def padded(data, length):
    assert len(data) <= length
    return data + bytes(length - len(data))


def put_another(path):
    """Another picture of the same bytes."""
    path.write_bytes(padded(dataset.jpeg(777, 200, 240), path.stat().st_size))


def put_another_of_the_same_time(path):
    before = path.stat()
    put_another(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def move_bits_of_the_same_time(path):
    """The same picture with a comment before it: nothing stands where it was indexed."""
    before = path.stat()
    content = path.read_bytes()
    content = content[:2] + b"\xff\xfe\x00\x05abc" + content[2:]
    path.write_bytes(content[: before.st_size])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = [os.utime, put_another, put_another_of_the_same_time, move_bits_of_the_same_time]


def change_files(root):
    """Every second file is not as it was."""
    for i, path in enumerate(sorted(root.glob("*/*.jpg"))):
        if i % 2 == 0 and path.stat().st_size > 30000:
            CHANGES[i // 2 % len(CHANGES)](path)


def test_files_that_changed_after_they_were_indexed_are_served_as_they_are(data, daemon, tmp_path):
    root = shutil.copytree(data.root, tmp_path / "data")
    change_files(root)
    one = daemon(crops_of(root, {"with": data.index, "without": "off"}))
    served = served_of(one.endpoint, ["with", "without"])
    assert served["with"] == served["without"] != crops_served(data)
    told = stats(one.endpoint)
    assert told["index_stale"] > 0 and told["index_hits"] > 0


def test_files_that_change_while_they_are_served_are_served_as_they_are(data, daemon, tmp_path):
    root = shutil.copytree(data.root, tmp_path / "data")
    one = daemon(crops_of(root, {"with": data.index, "without": "off"}))
    assert served_of(one.endpoint, ["with"])["with"] == crops_served(data)
    assert stats(one.endpoint)["index_stale"] == 0
    change_files(root)
    served = served_of(one.endpoint, ["with", "without"], range(2, 4))
    assert served["with"] == served["without"]
    assert stats(one.endpoint)["index_stale"] > 0


def test_the_bytes_below_and_above_a_crop_are_not_read(daemon, tmp_path):
    """RandomResizedCrop keeps 43 % of a picture's area, in 68 % of its rows."""
    for i in range(8):
        kind = dict(quality=94, subsampling=i % 2 * 2)
        dataset.write(tmp_path, f"a/{i}.jpg", dataset.jpeg(i, 300 + 10 * i, 400, **kind))
    one = daemon(stream_text("crops", tmp_path, Recipe(seed=9, batch=8, height=32, width=32)))
    with Client(one.endpoint, slow=stokerd.SLOW) as client:
        epochs = iter(range(1000))
        while not one.events("index.opened"):
            client.get("crops", next(epochs), 0)
        before = client.stats()
        for _ in range(30):
            client.get("crops", next(epochs), 0)
        after = client.stats()
    grown = {key: after[key] - before[key] for key in after}
    assert grown["index_hits"] == grown["images_decoded"] == 240
    assert grown["bytes_read"] < 0.75 * grown["file_bytes"]


# Noting.


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_daemon_noted_is_gone_on_with(data, daemon, launch, end):
    """Finishing a large index may take longer than a restart should, and so a part is left."""
    first = launch(data.streams()).wait_ready()
    with Client(first.endpoint, slow=stokerd.SLOW) as client:
        first_step = client.get("crops", 0, 0).digest
        part = first.wait_log("index.noting")["path"] + ".part"
        for step in STEPS:
            client.get("erased", 0, step)
    noted = os.path.getsize(part)
    first.signal(end)
    first.process.wait()
    assert noted > 1000 and not os.path.exists(part[: -len(".part")])
    second = daemon(data.streams(), environment=first.state())
    assert digests(second.endpoint) == data.served
    assert first_step == data.served["crops", 0, 0]
    assert int(second.wait_log("index.noting")["samples"]) > 0
    assert second.wait_log("index.finished")["samples"] == "36"
    assert not os.path.exists(part)


def test_two_daemons_with_one_state_directory_note_once(data, daemon):
    first = daemon(data.streams())
    with Client(first.endpoint, slow=stokerd.SLOW) as client:
        client.get("crops", 0, 0)
    first.wait_log("index.noting")
    second = daemon(data.streams(), environment=first.state())
    assert digests(second.endpoint) == data.served
    assert len(second.events("index.in_use")) == 1
    assert digests(first.endpoint) == data.served
    first.wait_log("index.finished")
    with Client(second.endpoint, slow=stokerd.SLOW) as client:
        for epoch in range(2, 12):
            for step in STEPS:
                client.get("crops", epoch, step)
        second.wait_log("index.opened")
        client.get("crops", 12, 0)
        assert client.stats()["index_hits"] > 0
    assert not second.events("index.noting")


def test_a_disk_that_cannot_be_written_to_costs_a_line(data, daemon):
    one = daemon(data.streams(), environment=dict(STATE_DIRECTORY="/proc/nowhere/state"))
    assert digests(one.endpoint) == data.served
    one.stop()
    (told,) = one.events("index.not_noted")
    assert told["path"].startswith("/proc/nowhere/state/index-")
    assert "no such file or directory" in told["reason"]


def test_without_a_state_directory_nothing_is_noted(data, daemon):
    nowhere = dict(STATE_DIRECTORY="", XDG_STATE_HOME="", HOME="")
    one = daemon(data.streams(), environment=nowhere)
    assert digests(one.endpoint) == data.served
    (told,) = one.events("index.not_noted")
    assert "STATE_DIRECTORY" in told["reason"]


def on_disk(daemon, data, order):
    """A daemon whose disk does as a file says: tests/faults/disk.c."""
    environment = dict(STOKER_DISK=str(order))
    return daemon(data.streams(), program=stokerd.PROGRAM + "-disk", environment=environment)


def noting_on_disk(daemon, data, order, becomes):
    """A daemon whose disk becomes so once an index is begun."""
    one = on_disk(daemon, data, order)
    with Client(one.endpoint, slow=stokerd.SLOW) as client:
        client.get("crops", 0, 0)
        one.wait_log("index.noting")
        order.write_text(becomes)
    return one


def test_a_full_disk_costs_a_line(data, daemon, tmp_path):
    order = tmp_path / "disk"
    one = noting_on_disk(daemon, data, order, "full")
    assert digests(one.endpoint) == data.served
    order.unlink()
    one.stop()
    (told,) = one.events("index.not_noted")
    assert "no space left on device" in told["reason"]


def test_the_last_free_space_of_a_disk_is_left_to_others(data, daemon, tmp_path):
    order = tmp_path / "disk"
    order.write_text("tight")
    one = on_disk(daemon, data, order)
    assert digests(one.endpoint) == data.served
    one.stop()
    (told,) = one.events("index.not_noted")
    assert told["reason"] == "less than 256 MiB would be free on its disk"
    assert not list(pathlib.Path(one.folder).glob("state/*/*"))


def test_an_index_ends_where_its_disk_is_nearly_full(data, daemon, tmp_path):
    one = noting_on_disk(daemon, data, tmp_path / "disk", "tight")
    assert digests(one.endpoint) == data.served
    assert int(one.wait_log("index.finished")["samples"]) < 36
    assert digests(one.endpoint, [7])
    assert one.wait_log("index.not_noted")["reason"].startswith("less than 256 MiB")
    assert stats(one.endpoint)["index_hits"] > 0


# Reloads.


def test_a_reload_opens_an_index_that_came(data, daemon, tmp_path):
    root = shutil.copytree(data.root, tmp_path / "data")
    one = daemon(streams_of(root, data.csv), environment=dict(STATE_DIRECTORY="/proc/nowhere"))
    assert digests(one.endpoint, [0]) == {k: v for k, v in data.served.items() if k[1] == 0}
    shutil.copy(data.index, root / ".stoker-index")
    one.reload()
    assert len(one.events("stream.renewed")) == len(NAMES)
    assert len(one.events("index.opened")) == 1
    before = stats(one.endpoint)["index_misses"]
    assert digests(one.endpoint) == data.served
    assert stats(one.endpoint)["index_misses"] == before
    one.reload()
    assert len(one.events("index.opened")) == 1
    one.reload(streams_of(root, data.csv, index="off"))
    assert len(one.events("stream.renewed")) == 2 * len(NAMES)
    hits = stats(one.endpoint)["index_hits"]
    assert digests(one.endpoint) == data.served
    assert stats(one.endpoint)["index_hits"] == hits


def test_a_reload_goes_on_noting(data, daemon):
    one = daemon(data.streams())
    with Client(one.endpoint, slow=stokerd.SLOW) as client:
        client.get("crops", 0, 0)
    one.wait_log("index.noting")
    one.reload()
    assert one.events("stream.renewed") == []
    one.reload(crops_of(data.root, dict(crops="auto")))
    assert served_of(one.endpoint, ["crops"])["crops"] == crops_served(data)
    one.wait_log("index.finished")
    assert len(one.events("index.noting")) == 1
