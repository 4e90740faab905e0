"""stoker doctor --verify: bytes that changed though nobody wrote to them are found, and whatever
else an index does not say of its files any more."""

import io
import os
import shutil
import warnings

import pytest
from PIL import Image

import dataset
from command import finish, launch_stoker, refused, stoker
from plan1 import Recipe
from stokerd import quoted, stream_text
from test_doctor import configured, doctor  # noqa: F401

RECIPE = Recipe(batch=4, last="partial", height=32, width=32)


@pytest.fixture(scope="module")
def indexed_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("indexed") / "data"
    for number in range(12):
        data = dataset.jpeg(number, 120, 125, quality=98, progressive=number % 4 == 3)
        dataset.write(root, f"a/{number:02}.jpg", data)
    stoker("index", root)
    return root


@pytest.fixture
def indexed(indexed_once, tmp_path):
    """A copy of a folder with an index beside its data, times and all."""
    return shutil.copytree(indexed_once, tmp_path / "data")


def verify(root, *words, found=0):
    told = doctor("--verify", root, *words, found=found)
    told["differing"] = {row["path"]: row["what"] for row in told["differing"]}
    return told


def flip(path, at, bit=0):
    """Change a bit of a file as a disk does: its time stays."""
    before = os.stat(path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return bytes(data)


def decodes(data):
    """Whether Pillow has nothing against it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Image.open(io.BytesIO(data)).convert("RGB")
        return True
    except (OSError, Warning):
        return False


def test_what_nobody_touched_is_as_it_was(indexed):
    told = verify(indexed)
    assert told["intact"] == 12 and told["differing"] == {}
    assert told["index"] == f"{indexed}/.stoker-index"
    out, _ = finish(launch_stoker("doctor", "--verify", indexed))
    assert "12 of 12 files are as they were" in out and out.endswith("\nnothing found\n")


def test_a_flipped_bit_that_decodes_is_found(indexed):
    data = (indexed / "a/00.jpg").read_bytes()
    flipped = [
        at
        for at in range(len(data) // 2, len(data) - 100, 53)
        if decodes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    ]
    assert len(flipped) > 10  # no decoder tells of these
    flip(indexed / "a/00.jpg", flipped[5])
    flip(indexed / "a/03.jpg", 2000, 7)  # a progressive one has a checksum too
    told = verify(indexed, found=1)
    assert told["differing"] == {"a/00.jpg": "damaged", "a/03.jpg": "damaged"}
    assert (told["damaged"], told["intact"]) == (2, 10)
    assert "2 files have other bytes than when they were indexed" in told["findings"][0]


def test_every_flipped_bit_is_found(indexed):
    path = indexed / "a/01.jpg"
    size = path.stat().st_size
    for step in range(8):
        at = (size - 1) * step // 7
        flip(path, at, step)
        assert verify(indexed, found=1)["differing"] == {"a/01.jpg": "damaged"}
        flip(path, at, step)
    verify(indexed)


def test_stale_missing_gone_and_unreadable_files_are_told_apart(indexed):
    os.utime(indexed / "a/01.jpg", ns=(1, 1))
    dataset.write(indexed, "a/02.jpg", dataset.jpeg(77, 50, 50))
    dataset.write(indexed, "a/new.jpg", dataset.jpeg(78, 50, 50))
    os.remove(indexed / "a/05.jpg")
    dataset.write(indexed, "a/06.jpg", b"")
    told = verify(indexed, found=4)
    assert told["differing"] == {
        "a/01.jpg": "stale",
        "a/02.jpg": "stale",
        "a/05.jpg": "gone",
        "a/06.jpg": "unreadable",
        "a/new.jpg": "missing",
    }
    counts = [told[key] for key in ("intact", "stale", "missing", "gone", "unreadable")]
    assert counts == [8, 2, 1, 1, 1]
    stoker("index", indexed)
    assert verify(indexed, found=1)["intact"] == 11


def test_a_record_that_is_damaged_is_as_good_as_none(indexed):
    flip(indexed / ".stoker-index", 200)
    told = verify(indexed, found=1)
    assert told["missing"] == 1 and told["intact"] == 11


def test_the_streams_of_a_configuration_are_verified(configured, indexed):  # noqa: F811
    flip(indexed / "a/08.jpg", 3000)
    path = configured(stream_text("train", indexed, RECIPE))
    told = doctor("--verify", path, found=1)
    (row,) = told["streams"]
    assert row["damaged"] == 1 and row["differing"][0]["path"] == "a/08.jpg"
    assert 'stream "train"' in told["findings"][0]


def test_the_doctor_tells_how_much_of_an_index_is_fresh(configured, indexed):  # noqa: F811
    path = configured(stream_text("train", indexed, RECIPE))
    (row,) = doctor(path, found=0)["streams"]
    assert row["index"].endswith("/.stoker-index") and row["fresh"] == 12
    for number in range(8):
        os.utime(indexed / f"a/{number:02}.jpg", ns=(1, 1))
    told = doctor(path, found=1)
    assert told["streams"][0]["fresh"] == 4 and "stoker index" in told["findings"][0]
    os.remove(indexed / ".stoker-index")
    assert "index" not in doctor(path, found=0)["streams"][0]


def test_the_index_that_a_stream_names_is_looked_at(configured, indexed, tmp_path):  # noqa: F811
    shutil.move(indexed / ".stoker-index", tmp_path / "mine")
    named = f"index = {quoted(tmp_path / 'mine')}"
    path = configured(stream_text("train", indexed, RECIPE))
    path.write_text(path.read_text().replace("source =", f"{named}\n    source =", 1))
    (row,) = doctor(path, found=0)["streams"]
    assert row["index"] == os.fspath(tmp_path / "mine") and row["fresh"] == 12
    assert doctor("--verify", path, found=0)["streams"][0]["intact"] == 12


def test_an_index_elsewhere_is_named_or_found(indexed, tmp_path):
    shutil.move(indexed / ".stoker-index", tmp_path / "elsewhere")
    assert "there is no index" in verify_without(indexed)
    assert verify(indexed, "--index", tmp_path / "elsewhere")["intact"] == 12
    assert refused("doctor", "--verify", "tcp://127.0.0.1:1", status=2)


def verify_without(root):
    (finding,) = doctor("--verify", root, found=1)["findings"]
    return finding
