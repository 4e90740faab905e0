"""The stoker command and the example trainer, as their users run them, against the real daemon.

What they print is held against what wire.py, which shares no code with them, receives for the same
address.  test_bench.py has what only `stoker bench` does.
"""

import dataclasses
import json
import os
import re
import socket
import subprocess
import time

import numpy as np
import pytest
from PIL import Image

import dataset
import plan1
from command import PICTURES, RECIPE, STEPS
from command import bench, finish, launch_stoker, refused, sentence, stoker
from plan1 import Recipe
from stokerd import BUILD, ROOT, SLOW, stream_text

TRAINER = os.path.join(ROOT, BUILD, "client", "examples", "trainer")


@pytest.fixture
def running(daemon, good):
    plain = Recipe(batch=64, last="wrap", height=8, width=9)
    return daemon(stream_text("train", good, RECIPE) + stream_text("plain", good, plain))


@pytest.fixture(params=["ipc", "tcp"])
def endpoint(request, daemon, good):
    """The endpoint of a daemon that serves "train", by either transport."""
    listen = ["tcp://127.0.0.1:*"] if request.param == "tcp" else None
    return daemon(stream_text("train", good, RECIPE), listen=listen).endpoint


# streams, stats.


def test_streams_json_is_what_the_daemon_tells(running, connect):
    told = json.loads(stoker("streams", running.endpoint, "--json"))
    rows = connect(running.endpoint).streams()
    for row in rows:
        row["fingerprint"] = row["fingerprint"].hex()
    assert told == {"endpoint": running.endpoint, "streams": rows}
    assert [row["stream"] for row in rows] == ["plain", "train"]


def test_streams_prints_three_lines_for_every_stream(running, connect):
    head, *lines = stoker("streams", running.endpoint).splitlines()
    assert head.split()[:4] == ["STREAM", "SAMPLES", "STEPS", "BATCH"]
    rows = connect(running.endpoint).streams()
    for line, mix, fingerprint, row in zip(*(lines[i::3] for i in range(3)), rows, strict=True):
        shape = "x".join(map(str, row["shape"]))
        numbers = [str(row[key]) for key in ("samples", "steps", "batch")]
        words = [row["stream"], *numbers, shape, row["dtype"], row["last"], str(row["classes"])]
        assert line.split() == words
        assert mix == f"  mix {row['mix']}"
        assert fingerprint == f"  fingerprint {row['fingerprint'].hex()}"


LONG = Recipe(
    batch=9,
    height=48,
    width=48,
    last="wrap",
    labels="dense",
    transform=("random_resized_crop", "flip", "random_erasing"),
    mix="both",
    mix_preset="timm",
    mix_keys={"prob": 0.7, "per": "sample", "partner": "dataset", "until_epoch": 4000000000},
)


def test_tables_fit_80_columns_whatever_the_recipe(daemon, good, connect):
    running = daemon(
        stream_text("train-long-0", good, dataclasses.replace(LONG, phases=((5, 8, 32, 20),)))
    )
    [row] = connect(running.endpoint).streams()
    listed = stoker("streams", running.endpoint)
    slots = stoker("get", f"{running.endpoint}/train-long-0", "--step", 6)
    for table in (listed, slots):
        assert max(map(len, table.splitlines())) <= 80
        assert " ".join(table.split()).count(row["mix"]) == 1
    assert "from epoch 5" in listed


def test_a_stream_behind_an_endpoint_is_ignored_where_none_is_wanted(endpoint):
    listed = stoker("streams", endpoint, "--json")
    assert stoker("streams", f"{endpoint}/train", "--json") == listed
    assert json.loads(stoker("stats", f"{endpoint}/train", "--json"))["batches_made"] == 0


RESTING = {
    "batches_made", "batches_sent", "images_decoded", "images_replaced", "clients",
    "slab_bytes_in_use", "memory_bytes_max", "bytes_sent", "plan_ns_total", "read_ns_total",
    "decode_ns_total", "mix_ns_total",
}  # fmt: skip


def test_stats_json_is_what_the_daemon_tells(running, connect):
    client = connect(running.endpoint)
    list(client.epoch("train", 0, range(STEPS)))
    wanted = client.stats()
    told = json.loads(stoker("stats", running.endpoint, "--json"))
    assert list(told) == [*wanted, "version", "streams", "trainers"]
    [trainer] = told["trainers"]
    [stream] = [row for row in told["streams"] if row["stream"] == "train"]
    assert trainer["stream"] == "train" and stream["limit"]
    assert stream["images_sent"] == trainer["images_sent"] == PICTURES
    assert {key: told[key] for key in RESTING} == {key: wanted[key] for key in RESTING}
    assert told["batches_made"] == STEPS and told["images_decoded"] == PICTURES


def test_stats_prints_a_line_for_every_figure_in_a_unit_for_people(running, connect):
    client = connect(running.endpoint)
    list(client.epoch("train", 0, range(STEPS)))
    wanted = client.stats()
    table, words = stoker("stats", running.endpoint).split("\n\n")
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in table.splitlines()}
    assert re.search("^train: (limited by .* images/s|idle, nobody asks)", words, re.M)
    assert re.search("^train to  0, ipc: .* epoch 0 step", words, re.M)
    assert list(told) == list(wanted)
    assert told["batches_made"] == str(STEPS)
    assert told["memory_bytes_max"] == "512.0 MiB"
    assert told["bytes_sent"] == f"{wanted['bytes_sent'] / 2**20:.1f} MiB"
    assert told["decode_ns_total"] == f"{wanted['decode_ns_total'] / 1e9:.3f} s"


# get.


@pytest.mark.parametrize("epoch, step", [(0, 0), (3, STEPS - 1), (2**32 - 1, 4)])
def test_get_digest_is_that_of_the_frames(endpoint, connect, epoch, step):
    batch = connect(endpoint).get("train", epoch, step)
    told = stoker("get", f"{endpoint}/train", "--epoch", epoch, "--step", step, "--digest")
    assert told == batch.digest + "\n"


def wanted_json(batch):
    """What get --json is to print of a batch."""
    header = batch.header
    wanted = {key: header[key] for key in ("stream", "epoch", "step", "count", "replaced")}
    wanted["fingerprint"] = header["fingerprint"].hex()
    wanted["tensors"] = [
        {**tensor, "bytes": len(frame)} for tensor, frame in zip(header["tensors"], batch.frames)
    ]
    small = [name for name in batch.tensors if name != "images"]
    return wanted | {name: batch[name].tolist() for name in small}


def told_json(text):
    """What it printed; the 15 digits of a lambda are more than a float has."""
    told = json.loads(text)
    return told | {"lambda": np.float32(told["lambda"]).tolist()}


def test_get_json_shows_what_every_transform_drew(daemon, plan_of, good):
    recipe = Recipe(
        batch=20,
        height=150,
        width=140,
        transform=("pad_crop", "flip", "random_erasing"),
        padding=30,
        erase_prob=0.7,
    )
    running = daemon(stream_text("train", good, recipe))
    told = json.loads(stoker("get", f"{running.endpoint}/train", "--step", 1, "--json"))
    wanted = plan_of(recipe).batch(0, 1).tensors
    for name in ("crop", "flip", "erase"):
        assert told[name] == wanted[name].tolist()
    assert min(min(row) for row in told["crop"]) < 0 < max(max(row) for row in told["erase"])


def test_get_json_has_the_header_and_every_small_tensor(running, connect):
    batch = connect(running.endpoint).get("train", 1, 2)
    told = told_json(stoker("get", f"{running.endpoint}/train", "--epoch=1", "--step=2", "--json"))
    assert told == wanted_json(batch)


STREAMS = {
    "mixed": Recipe(batch=9, height=224, width=224, mix="mixup"),
    "unmixed": Recipe(batch=9, height=224, width=224),
    "partners": Recipe(batch=9, height=224, width=224, mix="both", mix_preset="fastbook"),
    "erased": Recipe(
        batch=9,
        height=224,
        width=224,
        transform=("random_resized_crop", "flip", "random_erasing"),
        mix="both",
        mix_preset="fastbook",
        mix_keys={"prob": 0.7},
    ),
    "f32": Recipe(batch=9, height=224, width=224, dtype="f32", layout="nchw"),
    "f16": Recipe(batch=9, height=224, width=224, dtype="f16", layout="nchw"),
    "bf16": Recipe(batch=9, height=224, width=224, dtype="bf16", layout="nchw"),
}


@pytest.fixture
def formats(daemon, good):
    return daemon("".join(stream_text(name, good, recipe) for name, recipe in STREAMS.items()))


@pytest.mark.parametrize("name", STREAMS)
def test_get_json_has_the_tensors_that_only_some_streams_have(formats, connect, name):
    batch = connect(formats.endpoint).get(name, 0, 1)
    told = told_json(stoker("get", f"{formats.endpoint}/{name}", "--step=1", "--json"))
    assert told == wanted_json(batch)


@pytest.mark.parametrize("name", STREAMS)
def test_get_out_writes_arrays_that_numpy_loads(formats, connect, tmp_path, name):
    batch = connect(formats.endpoint).get(name, 0, 1)
    folder = tmp_path / "batch"
    for _ in range(2):  # a folder that is there is written over
        out = stoker("get", f"{formats.endpoint}/{name}", "--step", 1, "--out", folder)
        assert out == f"{folder}\n"
        files = {f"{tensor}.npy" for tensor in batch.tensors} | {"batch.json"}
        assert set(os.listdir(folder)) == files
        for tensor in batch.tensors:
            loaded = np.load(folder / f"{tensor}.npy")
            # What NumPy has no dtype for comes as bytes, not as numbers that it is not.
            wanted = "V2" if (name, tensor) == ("bf16", "images") else batch[tensor].dtype
            assert (loaded.dtype, loaded.shape) == (wanted, batch[tensor].shape)
            assert loaded.tobytes() == batch[tensor].tobytes()
        assert told_json((folder / "batch.json").read_text()) == wanted_json(batch)
        os.remove(folder / "images.npy")


def test_get_prints_a_line_for_every_slot(running, connect):
    client = connect(running.endpoint)
    batch = client.get("train", 2, 1)
    out = stoker("get", f"{running.endpoint}/train", "--epoch", 2, "--step", 1).splitlines()
    assert out[0] == f"train  epoch 2  step 1/{STEPS}  7 samples"
    assert out[1].startswith("mix mixup fastai alpha=0.4")
    assert out[2] == f"fingerprint {batch.fingerprint.hex()}"
    head = next(i for i, line in enumerate(out) if line.startswith("SLOT"))
    assert " ".join(out[3:head]).split("; ") == [
        f"{row['name']} {row['dtype']} {row['shape']}" for row in batch.header["tensors"]
    ]
    slots = out[head + 1 :]
    for i, line in enumerate(slots):
        top, left, height, width = batch["crop"][i]
        names = ("index", "label", "partner_index", "partner_label")
        words = [str(batch[name][i]) for name in names]
        words += [f"{batch['lambda'][i]:.4f}", f"{width}x{height}", "at", f"{left},{top}"]
        assert line.split() == [str(i), *words, "yes" if batch["flip"][i] else "no"]
    assert len(slots) == 7


def box_text(box):
    top, left, height, width = box
    return f"{width}x{height} at {left},{top}"


def test_get_tells_below_a_slot_what_only_some_streams_have(daemon, good, connect):
    running = daemon(stream_text("train", good, LONG))
    batch = connect(running.endpoint).get("train", 0, 6)
    out = stoker("get", f"{running.endpoint}/train", "--step", 6)
    slots = re.split(r"\n(?=  +\d+  )", out[out.index("SLOT") :])[1:]
    told = set()
    for i, text in enumerate(slots):
        notes = []
        boxes = {"cut": "cut", "erased": "erase"}
        if batch["lambda"][i] < 1:
            boxes |= {"partner crop": "partner_crop", "partner erased": "partner_erase"}
            notes.append(f"partner flip {'yes' if batch['partner_flip'][i] else 'no'}")
        for word, tensor in boxes.items():
            if batch[tensor][i].any():
                notes.append(f"{word} {box_text(batch[tensor][i])}")
        below = [note for line in text.splitlines()[1:] for note in line.strip().split("  ")]
        assert set(below[:-1]) == set(notes) and len(below) == len(notes) + 1
        row = sorted(enumerate(batch["target"][i]), key=lambda pair: -abs(pair[1]))
        first = f"target {row[0][0]}={row[0][1]:.6g} "
        assert below[-1].startswith(first) and below[-1].endswith(" and 1 more")
        told |= {re.sub(r" \d+x.*", "", note) for note in notes}
    assert len(slots) == 9
    assert told >= {"cut", "erased", "partner crop", "partner erased"}


def test_get_and_preview_mark_the_slots_that_only_fill_a_batch(daemon, tmp_path):
    for i in range(6):  # without a colour that a mark has
        dataset.write(tmp_path, f"data/a/{i}.jpg", dataset.jpeg(i, 40, 40, "L"))
    recipe = Recipe(batch=4, height=160, width=160, last="mask", order="sequential")
    url = f"{daemon(stream_text('val', tmp_path / 'data', recipe)).endpoint}/val"
    for step, filling in ((0, 0), (1, 2)):
        assert stoker("get", url, "--step", step).count("\n      not valid") == filling
        sheet = preview(url, tmp_path / "sheet.png", "--step", step)
        marked = (np.abs(sheet - (200, 35, 44)) <= 2).all(-1)
        assert marked.any() == (filling > 0)


def test_get_and_bench_tell_what_was_replaced(daemon, connect, tmp_path):
    dataset.write_small(tmp_path, classes=1, each=4)
    dataset.write(tmp_path, "class0/bad.jpg", b"no picture")
    recipe = Recipe(batch=5, last="partial", order="sequential", height=8, width=8)
    running = daemon(stream_text("train", tmp_path, recipe))
    [row] = connect(running.endpoint).get("train", 0, 0).replaced
    assert row["slot"] == 4
    url = f"{running.endpoint}/train"
    assert stoker("get", url).endswith(f"\n      instead of {row['index']}: {row['reason']}\n")
    assert json.loads(stoker("get", url, "--json"))["replaced"] == [row]
    assert bench(url, "--epochs", 3)["replaced"] == 3


# preview.


def as_rgb(picture, dtype="u8"):
    """A picture of a batch as preview shows it: floats stretched from their least to their most."""
    if dtype == "u8":
        return picture.astype(float)
    picture = plan1.NUMBERS[dtype](picture).astype(float)
    least, most = picture.min(), picture.max()
    return ((picture - least) / (most - least) * 255).transpose(1, 2, 0)


def place_of(picture, sheet):
    """Where a picture stands on a sheet, up to a level of rounding; None where it does not."""
    height, width = picture.shape[:2]
    heads = sheet[: sheet.shape[0] - height + 1, : sheet.shape[1] - width + 1]
    for y, x in np.argwhere((np.abs(heads - picture[0, 0]) <= 1).all(-1)):
        shown = sheet[y : y + height, x : x + width]
        if (np.abs(shown[0] - picture[0]) <= 1).all() and (np.abs(shown - picture) <= 1).all():
            return y, x
    return None


def preview(url, path, *words):
    """Run it; the sheet as an array."""
    assert stoker("preview", url, "--out", path, *words) == f"{path}\n"
    with Image.open(path) as image:
        assert image.format == "PNG" and max(image.size) < 2000
        return np.asarray(image.convert("RGB")).astype(float)


@pytest.mark.parametrize("name", STREAMS)
def test_preview_shows_the_pictures_of_the_batch_in_order(formats, connect, tmp_path, name):
    batch = connect(formats.endpoint).get(name, 1, 2)
    address = ("--epoch", 1, "--step", 2)
    sheet = preview(f"{formats.endpoint}/{name}", tmp_path / "sheet.png", *address)
    dtype = STREAMS[name].dtype
    places = [place_of(as_rgb(picture, dtype), sheet) for picture in batch["images"]]
    assert None not in places
    assert places == sorted(places) and len(set(places)) == 9
    assert len({x for _, x in places}) == len({y for y, _ in places}) == 3


def test_preview_shows_no_more_pictures_than_wanted(formats, connect, tmp_path):
    images = connect(formats.endpoint).get("unmixed", 0, 0)["images"]
    url = f"{formats.endpoint}/unmixed"
    sheet = preview(url, tmp_path / "sheet.png", "--count", 4)
    assert place_of(as_rgb(images[3]), sheet) and not place_of(as_rgb(images[4]), sheet)
    assert os.listdir(tmp_path) == ["sheet.png"]


@pytest.mark.parametrize("name", ["mixed", "partners", "f32"])
def test_preview_explains_each_slot_by_its_pair_before_mixing(formats, connect, tmp_path, name):
    client = connect(formats.endpoint)
    served = client.get(name, 1, 0)
    own, partner = (client.get(name, 1, 0, unmixed=who)["images"] for who in ("own", "partner"))
    url = f"{formats.endpoint}/{name}"
    words = ("--explain", "--epoch", 1, "--count", 6)
    sheet = preview(url, tmp_path / "sheet.png", *words)
    dtype = STREAMS[name].dtype
    whole = 0
    for i in range(6):
        if "cut" in served.tensors and served["cut"][i].any():
            continue  # a box is drawn over it
        y, x = place_of(as_rgb(served["images"][i], dtype), sheet)
        itself = np.array_equal(own[i], partner[i])
        if itself or served["lambda"][i] > 0.95:  # all but the same picture
            assert place_of(as_rgb(own[i], dtype), sheet) is not None
            continue
        # Another panel may have the same pictures: a slot is another slot's partner.
        panel = sheet[y : y + 224, :x]
        places = [
            place_of(as_rgb(pictures[i], dtype), panel[:, x - 480 :]) for pictures in (own, partner)
        ]
        assert places[0] < places[1] < (0, 480)
        whole += 1
    assert whole >= 2 or name == "f32"
    assert place_of(as_rgb(served["images"][6], dtype), sheet) is None


# Errors.


@pytest.mark.parametrize(
    "words, told",
    [
        ([], "no sub-command"),
        (["stat", "tcp://h"], "'stats'"),
        (["frobnicate"], "'frobnicate'"),
        (["streams"], "needs a URL"),
        (["streams", "tcp://a", "tcp://b"], "'tcp://b'"),
        (["streams", "tcp://a", "--jsno"], "'--json'"),
        (["streams", "tcp://a", "--json=1"], "--json"),
        (["streams", "http://a"], "'http://a'"),
        (["stats", "ipc://relative"], "'ipc://relative'"),
        (["streams", "tcp://a", "--timeout", 0], "--timeout"),
        (["get", "tcp://a:7654"], "names no stream"),
        (["get", "tcp://a:0/train"], "port"),
        (["get", "tcp://a,tcp://a:7654/train"], "twice"),
        (["get", "tcp://a/train", "--step"], "--step"),
        (["get", "tcp://a/train", "--step", "-1"], "'-1'"),
        (["get", "tcp://a/train", "--epoch", 2**32], str(2**32)),
        (["get", "tcp://a/train", "--out", "d", "--digest"], "exclude"),
        (["preview", "tcp://a/train"], "--out"),
        (["preview", "tcp://a/train", "--out", "x.png", "--count", 65], "'65'"),
        (["bench", "http://a/train"], "http"),
        (["bench", "tcp://a/train", "--epochs", 1, "--batches", 1], "exclude"),
        (["bench", "tcp://a/train", "--rank", 4, "--world", 4], "--rank 4"),
        (["bench", "tcp://a/train", "--window", 65], "'65'"),
        (["bench", "tcp://a/train", "--clients", 0], "'0'"),
    ],
)
def test_a_wrong_command_line_is_told_with_status_2(words, told):
    assert told in refused(*words, status=2)


def test_help_and_version_are_no_errors():
    assert re.fullmatch(r"stoker \d+\.\d+\.\d+, protocol 1\n", stoker("--version"))
    for command in ("streams", "get", "preview", "bench", "stats"):
        assert command in stoker("--help")
        assert stoker(command, "--help").startswith(f"usage: stoker {command} ")


def test_a_socket_without_a_stream_is_told_at_once(running):
    assert running.endpoint in refused("bench", running.endpoint, status=2)


def test_an_unknown_stream_is_told_with_those_that_there_are(endpoint):
    for words in (["get"], ["bench"], ["preview", "--out", "/nonexistent"]):
        line = refused(*words, f"{endpoint}/valid")
        assert '"valid"' in line and '"train"' in line


@pytest.mark.parametrize("step", [STEPS, STEPS + 1, 2**64 - 1])
def test_a_step_beyond_the_epoch_is_told_with_its_steps(running, step):
    line = refused("get", f"{running.endpoint}/train", "--step", step)
    assert str(step) in line and f"{STEPS} steps" in line


def test_more_trainers_than_steps_are_told(running):
    line = refused("bench", f"{running.endpoint}/plain", "--rank", 1, "--world", 2)
    assert "rank 1 of 2" in line


def test_nothing_that_listens_is_named_when_the_time_is_up(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and never listens, so a connection is refused
        places = [f"ipc://{tmp_path}/s", f"tcp://127.0.0.1:{silent.getsockname()[1]}"]
        begun = time.monotonic()
        runs = []
        for place in places:
            for words in (["streams"], ["stats"]):
                runs.append((place, launch_stoker(*words, place, "--timeout", 1)))
            for words in (["get"], ["bench"], ["preview", "--out", "/nonexistent"]):
                runs.append((place, launch_stoker(*words, f"{place}/train", "--timeout", 1)))
        for place, process in runs:
            out, error = finish(process, 1)
            assert out == "" and f"'{place}'" in sentence(error)
        assert 1 <= time.monotonic() - begun < 1 + 10 * SLOW


def test_a_place_that_cannot_be_written_to_is_named(running, tmp_path):
    (tmp_path / "file").write_bytes(b"here before")
    url = f"{running.endpoint}/train"
    for place in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "missing" / "below"):
        assert f"'{place}'" in refused("get", url, "--out", place)
    for place in (tmp_path / "missing" / "sheet.png", tmp_path / "file" / "sheet.png", tmp_path):
        assert f'"{place}"' in refused("preview", url, "--out", place)
    assert (tmp_path / "file").read_bytes() == b"here before"
    assert os.listdir(tmp_path) == ["file"]
    (tmp_path / "full" / "images.npy").mkdir(parents=True)  # a name that is taken
    assert f"'{tmp_path / 'full'}'" in refused("get", url, "--out", tmp_path / "full")
    assert os.listdir(tmp_path / "full") == ["images.npy"]


@pytest.mark.parametrize("words", [["streams", "--json"], ["stats"], ["get"], ["get", "--json"]])
def test_output_that_cannot_be_written_is_a_failure(running, words):
    place = f"{running.endpoint}/train"
    with open("/dev/full", "w") as full:
        _, error = finish(launch_stoker(*words, place, stdout=full), 1)
    assert "cannot write the output" in sentence(error)


# The example trainer.


def run_trainer(*words):
    return subprocess.run([TRAINER, *words], capture_output=True, text=True, timeout=60 * SLOW)


def value_of(batch):
    """What the trainer's stand-in for a training step makes of a batch."""
    share = batch["lambda"].astype(float)
    labels = share * batch["label"] + (1 - share) * batch["partner_label"]
    return labels.sum() + batch["images"].sum() / 255


def test_the_trainer_prints_every_step_of_two_epochs_in_order(endpoint, connect):
    done = run_trainer(f"{endpoint}/train")
    assert (done.returncode, done.stderr) == (0, "")
    told = re.findall(r"^epoch (\d+) step (\d+): ([\d.]+)$", done.stdout, re.M)
    addresses = [(epoch, step) for epoch in range(2) for step in range(STEPS)]
    assert [(int(epoch), int(step)) for epoch, step, _ in told] == addresses
    client = connect(endpoint)
    wanted = [value_of(client.get("train", *address)) for address in addresses]
    assert [float(value) for _, _, value in told] == pytest.approx(wanted, abs=0.01)


def test_the_trainer_says_why_it_cannot_train(running):
    for url, told in ((f"{running.endpoint}/valid", '"train"'), ("http://a/train", "http")):
        done = run_trainer(url)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(rf"trainer: [^\n]*{told}[^\n]*\n", done.stderr)


# The demo, where it cannot run.


@pytest.mark.parametrize("data", ["missing", "empty"])
def test_the_demo_names_a_folder_that_it_cannot_show(tmp_path, data):
    build = tmp_path / "build"
    build.mkdir()
    for name in ("stokerd", "stoker"):
        (build / name).symlink_to(os.path.join(ROOT, BUILD, name))
    (tmp_path / "empty" / "class").mkdir(parents=True)
    done = subprocess.run(
        ["tests/demo/run", build, tmp_path / data], cwd=ROOT, capture_output=True, text=True,
        timeout=60 * SLOW,
    )  # fmt: skip
    assert done.returncode != 0 and not (build / "demo" / "sheet.png").exists()
    assert str(tmp_path / data) in done.stderr
