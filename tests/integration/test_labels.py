"""Labels of every kind: csv sources, splits by lists, dense targets, what is refused."""

import dataclasses
import json
import os

import numpy as np
import pytest

import dataset
import plan1
from command import stoker
from plan1 import Recipe
from stokerd import stream_text

RECIPE = Recipe(seed=4, batch=7, last="partial", height=8, width=8)
MIXED = Recipe(seed=4, batch=7, last="partial", height=8, width=8, mix="mixup")
DENSE = Recipe(
    seed=4, batch=9, last="wrap", height=8, width=8, labels="dense", mix_keys=dict(smoothing=0.1)
)

# As people and programs write them.
CSVS = {
    "class": (["image", "class"], lambda i: [["golden retriever", "cat", 'é, "x"'][i % 3]]),
    "label": (["label", "path"], lambda i: [["b", "B", "a"][i % 3]]),
    "number": (["path", "label"], lambda i: [str((i * 7) % 13)]),
    "several": (["filename", "label"], lambda i: ["haze primary"[: 4 + 8 * (i % 2)]]),
    "any": (["labels", "weight", "path"], lambda i: ["  ".join("abcde"[: i % 6]), f"{i / 7}"]),
    "numbers": (["x", "path", "weight", "y"], lambda i: [f"{i / 3}", f"{i:e}", f"-{i}e-3"]),
}


def write_csv(file, pictures, name, end="\r\n", mark=b"\xef\xbb\xbf"):
    """A csv of a kind above over paths; every field that needs quotes has them, and some others."""
    header, fields = CSVS[name]
    place = next(header.index(word) for word in ("path", "filename", "image") if word in header)
    rows = [header]
    for i, picture in enumerate(pictures):
        row = fields(i)
        rows.append([*row[:place], picture, *row[place:]])
    lines = []
    for i, row in enumerate(rows):
        quote = [i % 4 == 1 or set(field) & set(',"\n') for field in row]
        lines.append(",".join('"' + field.replace('"', '""') + '"' if quoted else field
                              for field, quoted in zip(row, quote)))  # fmt: skip
    file.write_bytes(mark + (end.join(lines) + end * 2).encode())
    return file


@pytest.fixture
def pictures(good):
    """Paths below the root, one of them twice and one absolute."""
    samples, _ = plan1.list_folder(good)
    paths = [os.fsdecode(sample.path) for sample in samples[:24]]
    return [*paths, paths[3], os.path.join(good, paths[5])]


@pytest.fixture
def write(tmp_path):
    """A file of some text; its path."""

    def make(text, name="a.csv"):
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / name

    return make


def assert_equal(batch, expected):
    assert list(batch.tensors) == list(expected.tensors)
    for name, wanted in expected.tensors.items():
        assert batch[name].dtype == wanted.dtype, name
        assert batch[name].shape == wanted.shape, name
        assert batch[name].tobytes() == wanted.tobytes(), name


@pytest.mark.parametrize("name", CSVS)
@pytest.mark.parametrize("recipe", [RECIPE, MIXED], ids=["plain", "mixed"])
def test_a_csv_is_served_as_the_protocol_says(
    daemon, connect, good, pictures, tmp_path, name, recipe
):
    file = write_csv(tmp_path / "a.csv", pictures, name)
    plan = plan1.Plan(recipe, plan1.list_csv(file, good))
    client = connect(daemon(stream_text("train", f"csv:{file}", recipe, root=good)).endpoint)
    welcome = client.hello("train")
    assert welcome["fingerprint"] == plan.fingerprint
    assert (welcome["samples"], welcome["classes"]) == (26, len(plan.samples.classes))
    assert welcome["labels"] == plan.samples.kind
    for step in range(plan.steps):
        assert_equal(client.get("train", 2, step), plan.batch(2, step))
    assert client.labels("train") == plan.samples.classes


def test_paths_start_in_the_files_own_folder_unless_a_root_is_given(daemon, connect, small):
    (small / "beside.csv").write_text(
        "path,label\nclass0/1.jpg,a\n../%s/class1/2.jpg,b\n" % small.name
    )
    recipe = Recipe(batch=2, order="sequential", height=8, width=8)
    client = connect(daemon(stream_text("train", f"csv:{small}/beside.csv", recipe)).endpoint)
    plan = plan1.Plan(recipe, plan1.list_csv(small / "beside.csv"))
    assert_equal(client.get("train", 0, 0), plan.batch(0, 0))
    os.unlink(small / "beside.csv")


def test_numbers_and_several_classes_have_no_class_number(
    daemon, connect, good, pictures, tmp_path
):
    file = write_csv(tmp_path / "a.csv", pictures, "any")
    client = connect(daemon(stream_text("train", f"csv:{file}", MIXED, root=good)).endpoint)
    batch = client.get("train", 0, 0)
    assert set(batch["label"]) == set(batch["partner_label"]) == {-1}
    rows = [[float(k < i % 6) for k in range(5)] for i in range(26)]
    share = batch["lambda"][:, None].astype(np.float64)
    wanted = share * np.array([rows[int(i)] for i in batch["index"]])
    wanted += (1 - share) * np.array([rows[int(i)] for i in batch["partner_index"]])
    assert np.abs(batch["target"] - wanted).max() < 1e-6


@pytest.mark.parametrize("mix", ["none", "mixup"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_a_dense_row_is_timms_and_sums_to_one(daemon, connect, good, mix, smoothing):
    recipe = Recipe(
        batch=20, height=8, width=8, labels="dense", mix=mix, mix_keys=dict(smoothing=smoothing)
    )
    client = connect(daemon(stream_text("train", good, recipe)).endpoint)
    for step in range(3):
        batch = client.get("train", 1, step)
        off, classes = smoothing / 5, np.arange(5)
        on = 1 - smoothing + off
        own, other = (
            np.where(classes == batch[name][:, None], on, off)
            for name in ("label", "partner_label")
        )
        share = batch["lambda"][:, None].astype(np.float64)
        assert np.abs(batch["target"] - (share * own + (1 - share) * other)).max() < 1e-6
        assert np.abs(batch["target"].sum(1) - 1).max() < 1e-6
        same = batch["label"] == batch["partner_label"]
        assert same.any()  # such rows sum to 1 too


def test_a_stream_of_class_numbers_has_no_target(daemon, connect, good):
    client = connect(daemon(stream_text("train", good, RECIPE)).endpoint)
    assert "target" not in client.get("train", 0, 0).tensors


# Splits.


def test_a_list_keeps_its_samples_in_order_and_all_class_numbers(daemon, connect, good, write):
    samples, _ = plan1.list_folder(good)
    names = ["./Bee/a/1.jpg", "cat/11.jpg", "e e/07", "dög/00.jpg", "cat/00"]
    lines = write("\ufeff" + "\r\n".join(names) + "\n\n", "split.txt")
    wanted = {b"Bee/a/1.jpg", b"cat/11.jpg", b"e e/07.jpg", "dög/00.jpg".encode(), b"cat/00.jpg"}
    split = samples.only(lambda sample: sample.path in wanted)
    assert len(split) == 5
    recipe = Recipe(batch=5, order="sequential", height=8, width=8, labels="dense")
    client = connect(daemon(stream_text("val", good, recipe, list=lines)).endpoint)
    plan = plan1.Plan(recipe, split)
    assert client.hello("val")["fingerprint"] == plan.fingerprint
    assert_equal(client.get("val", 0, 0), plan.batch(0, 0))
    assert client.label_counts("val") == (split.classes, [1, 0, 2, 1, 1])


@pytest.mark.parametrize("name", CSVS)
def test_a_list_splits_a_csv(daemon, connect, good, pictures, tmp_path, write, name):
    file = write_csv(tmp_path / "a.csv", pictures, name)  # pictures[3] has two rows
    lines = write("\n".join(pictures[:24:3]), "split.txt")
    kept = {os.fsencode(path) for path in pictures[:24:3]}
    split = plan1.list_csv(file, good).only(lambda sample: sample.path in kept)
    text = stream_text("val", f"csv:{file}", MIXED, root=good, list=lines)
    client = connect(daemon(text).endpoint)
    plan = plan1.Plan(MIXED, split)
    assert client.hello("val")["fingerprint"] == plan.fingerprint
    assert client.hello("val")["samples"] == 9
    assert_equal(client.get("val", 1, 0), plan.batch(1, 0))


def test_a_name_that_is_a_path_means_that_path(daemon, connect, tmp_path, write):
    """In the CSV's own folder a path is a file's name, which a folder below may have too."""
    root = tmp_path / "data"
    for i, name in enumerate(("a.jpg", "sub/a.jpg", "sub/b.jpg", "sub/c.jpg")):
        dataset.write(root, name, dataset.jpeg(i, 20, 20))
    (root / "all.csv").write_text("path,label\nsub/a.jpg,x\na.jpg,y\n./sub/b.jpg,x\nsub/c.jpg,y\n")
    lines = write("a.jpg\n./sub/b.jpg\n", "split.txt")
    recipe = Recipe(batch=2, order="sequential", height=8, width=8)
    text = stream_text("val", f"csv:{root / 'all.csv'}", recipe, list=lines)
    client = connect(daemon(text).endpoint)
    assert client.hello("val")["samples"] == 2
    assert client.get("val", 0, 0)["label"].tolist() == [1, 0]


# Counts.


def test_counts_are_the_samples_of_each_class(daemon, connect, good, pictures, tmp_path):
    streams = stream_text("folder", good, RECIPE)
    for name in CSVS:
        file = write_csv(tmp_path / f"{name}.csv", pictures, name)
        streams += stream_text(name, f"csv:{file}", RECIPE, root=good)
    running = daemon(streams)
    client = connect(running.endpoint)
    assert client.label_counts("folder")[1] == [12] * 5
    for name in CSVS:
        listing = plan1.list_csv(tmp_path / f"{name}.csv", good)
        counts = [0] * len(listing.classes)
        for sample in listing:
            for label in sample.classes or ([sample.label] if listing.kind == "class" else []):
                counts[label] += 1
        counts = [26] * 2 if listing.kind == "numbers" else counts
        assert client.label_counts(name) == (listing.classes, counts)
        assert client.label_counts(name, first=2) == (listing.classes[2:], counts[2:])
        told = json.loads(stoker("labels", f"{running.endpoint}/{name}", "--json"))
        rows = [dict(label=i, name=n, samples=c)
                for i, (n, c) in enumerate(zip(listing.classes, counts))]  # fmt: skip
        assert told == {"labels": rows}


def test_stoker_labels_prints_a_line_for_every_class(daemon, good, write):
    lines = "".join(f"{good}/cat/00.jpg,k{i:04d}\n" for i in range(1200))  # three replies
    file = write("path,class\n" + lines)
    running = daemon(stream_text("train", f"csv:{file}", RECIPE))
    head, *rows = stoker("labels", f"{running.endpoint}/train").splitlines()
    assert head.split() == ["LABEL", "SAMPLES", "NAME"]
    assert [row.split() for row in rows] == [[str(i), "1", f"k{i:04d}"] for i in range(1200)]


# What is refused, with file and line.

BAD_CSVS = {
    "": "1: is empty; its first line names the columns, as in path,label",
    "path,label\n": "2: no row behind the first line",
    "label\nx\n": '1: no column "path"',
    "path;label\nx;y\n": '1: no column "path"',
    "path\nx\n": "1: no column of labels",
    "path,label,split\nx,y,z\n": '1: unknown column "split" beside "label"',
    "path,label,label\nx,y,z\n": '1: column "label" stands twice',
    "path,label,class\nx,y,z\n": '1: columns "label" and "class" say the same',
    "path,image,label\nx,y,z\n": '1: columns "path" and "image" say the same',
    ",path,y\n0,x,1\n": "1: column 1 has no name; pandas",
    "path,y,y\nx,1,2\n": '1: column "y" stands twice',
    "path,label\n@,a\n\n@,b,c\n": "4: 3 fields where the first line has 2",
    "path,label\n@,a\n@\n": "3: 1 field where the first line has 2; an empty one needs its comma",
    "path, label\n@,a\n": '1: column " label" has a blank beside its comma; remove it',
    "path\t,label\n@,a\n": '1: column "path\\x09" has a blank beside its comma',
    "path,label\n,a\n": "2: no path",
    "path,label\n@,\n": '2: no class; name it, or call the column "labels"',
    "path,class\n@,\n": "2: no class",
    "path,label\n@,a b a\n": '2: "a" stands twice in one row',
    "path,labels\n@,\n": "2: no row names a class",
    'path,label\n@,a\n@,"b, c"\n': '3: "b, c" has a comma; blanks separate classes, or call the '
    'column "class"',
    'path,labels\n@,"b,c"\n': '2: "b,c" has a comma',
    "path,y\n@,nan\n": '2: "nan" in column 2 is no number',
    "path,y\n@,1\n@,inf\n": '3: "inf" in column 2 is no number',
    "path,y\n@,0x10\n": '2: "0x10" in column 2',
    "path,y\n@,1e39\n": '2: "1e39" is too large',
    "path,y\n@,1e999\n": '2: "1e999" is too large',
    "path,y\n@,\n": '2: "" in column 2 is no number',
    "path,label,weight\n@,a,-1\n": '2: "-1" is a weight below 0',
    "path,label,weight\n@,a,NaN\n": '2: "NaN" in column 3 is no number',
    "path,label\n@,1\n@,2.5\n": '3: class "2.5": numbers name classes where they are whole',
    "path,label\n@,1\n@,-1\n": '3: class "-1": numbers name classes where they are whole',
    "path,label\n@,01\n@,1\n": '2: class "01": numbers name classes where they are whole',
    "path,label\n@,0\n@,1048576\n": '3: class "1048576": class numbers end at 1048575',
    "path,label\n@,a\nno/such.jpg,b\n@,c\nnor this,d\n": "3: no file",
    "path,label\n@,a\n/nowhere/x.jpg,b\n": '3: no file "/nowhere/x.jpg"; so 1 of 2 rows',
    "path,label\n.,a\n": "2: no regular file",
    f"path,label\n@,a\n{'x' * 300},a\n": "file name too long; so 1 of 2 rows",
    'path,label\n@,"a\n@,b\n': "2: a quote that is never closed",
    'path,label\n"@"x,b\n': "2: text behind a closing quote",
    'path,label\n@,a"b\n': "2: a quote inside of a field",
    "path,label\n@,a\rb\n": "2: a carriage return without a line feed",
    "path,label\n@,\0\n": "2: a zero byte",
    f"path,label\n@,{'x' * 513}\n": "is a class of more than 512 bytes",
    f"path,label\n{'x' * 4096},a\n": "is a path of more than 4095 bytes",
    f"path{',x' * 4096}\n": "1: more than 4096 fields",
}


def refused_at_start(launch, text):
    """The sentence with which a daemon does not start."""
    process = launch(text)
    assert process.wait_exit() != 0
    process.judge()
    return process.stderr.splitlines()[-1]


@pytest.mark.parametrize("text", BAD_CSVS, ids=range(len(BAD_CSVS)))
def test_a_mistake_in_a_csv_is_named_by_file_and_line(launch, small, write, text):
    file = write(text.replace("@", f"{small}/class0/0.jpg"))
    told = refused_at_start(launch, stream_text("train", f"csv:{file}", RECIPE))
    start = f'stokerd: stream "train": {file}:'
    assert told.startswith(start) and BAD_CSVS[text] in told.removeprefix(start), told


BAD_LISTS = {
    "": "1: names no sample",
    "class0/0.jpg\n\nclass0/99.jpg\nno\n": '3: no sample "class0/99.jpg" in the source; 2 names',
    "class0/1.jpg\n0.jpg\n": '2: "0.jpg" names "class0/0.jpg" and "class1/0.jpg"',
    "class0/1.jpg\n1.jpg\n": '2: "1.jpg" is the sample of line 1 as well',
    "class0/0.jpg\nclass0/0.jpg\n": '2: "class0/0.jpg" stands in line 1 already',
    "class0/0.jpg\nclass0/0\n": '2: "class0/0" is the sample of line 1 as well',
    "/class0/0.jpg\n": '1: no sample "/class0/0.jpg"',
}


@pytest.mark.parametrize("text", BAD_LISTS, ids=range(len(BAD_LISTS)))
def test_a_mistake_in_a_list_is_named_by_file_and_line(launch, small, write, text):
    lines = write(text, "split.txt")
    told = refused_at_start(launch, stream_text("val", small, RECIPE, list=lines))
    start = f'stokerd: stream "val": {lines}:'
    assert told.startswith(start) and BAD_LISTS[text] in told.removeprefix(start), told


@pytest.mark.parametrize("kind", ["csv", "list"])
def test_a_text_that_memory_has_no_room_for_is_refused_unread(launch, small, write, kind):
    text = write("path,label\n".ljust(2 << 20, "\n") + "\n")  # one byte more than a quarter
    source, paths = (f"csv:{text}", {}) if kind == "csv" else (small, {"list": text})
    process = launch(stream_text("train", source, RECIPE, **paths), memory_max="8M")
    assert process.wait_exit() == 1
    process.judge()
    assert process.stderr.splitlines()[-1] == (
        f'stokerd: stream "train": {text}: has 2097153 bytes, and memory_max leaves 2097152 for a '
        "text to list; raise memory_max to 9 MiB, or divide the file"
    )


LARGE = {  # rows of a csv of 500,001 classes, and what else to do about them
    "label": ("1", "set labels = index in"),
    "labels": ("0 1", "name fewer classes in"),
}


@pytest.mark.parametrize("naming", LARGE)
def test_targets_that_do_not_fit_into_memory_are_named(launch, small, write, naming):
    label, advice = LARGE[naming]
    picture = f"{small}/class0/0.jpg"
    file = write(f"path,{naming}\n{picture},{label}\n" + f"{picture},500000\n" * 99)
    recipe = Recipe(batch=100, height=8, width=8, labels="dense")
    told = refused_at_start(launch, stream_text("train", f"csv:{file}", recipe))
    assert told.endswith(
        f'image_bytes_max, or {advice} stream "train", whose dense targets of 500001 classes are '
        "190 of the 190 MiB of a batch"
    )


def test_targets_that_are_small_are_no_advice(launch, small):
    recipe = Recipe(batch=20, height=2048, width=2048, labels="dense")
    told = refused_at_start(launch, stream_text("train", small, recipe))
    assert told.endswith("lower workers, batch, size or image_bytes_max")


NOT_ONE_CLASS = {"any": "any number of classes", "numbers": "a row of numbers"}


@pytest.mark.parametrize("name", NOT_ONE_CLASS)
def test_smoothing_of_what_is_no_class_is_refused(launch, good, pictures, tmp_path, name):
    file = write_csv(tmp_path / "a.csv", pictures, name)
    told = refused_at_start(launch, stream_text("train", f"csv:{file}", DENSE, root=good))
    assert told == (
        'stokerd: stream "train" has smoothing 0.1, which is for one class a sample; its source '
        f"has {NOT_ONE_CLASS[name]} a sample, write smoothing = 0 in its mix section"
    )


@pytest.mark.parametrize("name", NOT_ONE_CLASS)
def test_a_preset_that_smooths_takes_what_is_no_class_as_it_is(
    daemon, connect, good, pictures, tmp_path, name
):
    file = write_csv(tmp_path / "a.csv", pictures, name)
    recipe = dataclasses.replace(RECIPE, mix="both", mix_preset="timm")
    client = connect(daemon(stream_text("train", f"csv:{file}", recipe, root=good)).endpoint)
    plan = plan1.Plan(recipe, plan1.list_csv(file, good))
    welcome = client.hello("train")
    assert welcome["fingerprint"] == plan.fingerprint and " smoothing=0" in welcome["mix"]
    batch = client.get("train", 0, 0)
    assert batch["target"].tobytes() == plan.batch(0, 0).tensors["target"].tobytes()
