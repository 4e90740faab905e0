"""An index that the command made, read by FORMAT.md alone: what it says of each file is what
Pillow, the file's segments and a decoder of its bits say."""

import json
import os
import subprocess

import pytest
from PIL import Image

import dataset
import index1
from command import stoker
from stokerd import BUILD, ROOT, SLOW


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """(root, samples by path) of random pictures of every kind, and of some that Pillow wrote."""
    root = tmp_path_factory.mktemp("format")
    (root / "drawn").mkdir()
    draw = os.path.join(ROOT, BUILD, "tests", "tools", "draw_jpegs")
    subprocess.run(
        [draw, "5", "1", "150", "160", root / "drawn"],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60 * SLOW,
    )
    for number, kind in enumerate(dataset.KINDS):
        data = dataset.jpeg(number, 160, 200 + number, **{"quality": 97, **kind})
        dataset.write(root, f"pillow/{number}.jpg", data)
    # What stands behind a picture counts, and small ones so have room for entry points.
    for path in root.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + bytes(60000))
    exif = Image.Exif()
    exif[0x0112] = 6
    dataset.write(root, "pillow/turned.jpg", dataset.jpeg(9, 160, 200, quality=97, exif=exif))
    told = json.loads(stoker("index", root, "--json"))
    samples = index1.read((root / ".stoker-index").read_bytes())
    assert told["samples"] == len(samples) == 159
    contents = [sample.contents for sample in samples.values()]
    assert contents.count(index1.ENTRIES) == told["with_entries"] > 20
    assert contents.count(index1.FOREIGN) == told["foreign"] > 4
    return root, samples


def test_every_file_is_there_as_it_is(indexed):
    root, samples = indexed
    for path, sample in samples.items():
        data = (root / path).read_bytes()
        assert sample.checksum == index1.xxh3(data) and sample.bytes == len(data)
        assert sample.mtime_ns == (root / path).stat().st_mtime_ns
        with Image.open(root / path) as image:
            assert (sample.width, sample.height) == image.size
            assert sample.orientation == image.getexif().get(0x0112, 0)
            if sample.contents == index1.ENTRIES:
                assert sample.components == len(image.getbands())
    assert samples["pillow/turned.jpg"].orientation == 6


def test_tables_and_sampling_are_those_of_the_file(indexed):
    root, samples = indexed
    for path, sample in samples.items():
        if sample.contents != index1.ENTRIES:
            continue
        components, interval, offset = index1.read_header((root / path).read_bytes())
        assert (sample.restart_interval, sample.scan_offset) == (interval, offset)
        assert sample.tables[: len(components)] == [tables for _, _, tables in components]
        if len(components) == 3:
            assert (sample.h, sample.v) == components[0][:2]


def test_entry_points_are_where_mcus_begin(indexed):
    root, samples = indexed
    with_restarts = 0
    for path, sample in samples.items():
        if sample.contents != index1.ENTRIES:
            continue
        places, length = index1.mcu_places(
            (root / path).read_bytes(), sample.mcu_rows * sample.mcu_columns
        )
        assert sample.scan_len == length
        wanted = [
            places[row * sample.mcu_columns + column]
            for row in range(sample.mcu_rows)
            for column in range(0, sample.mcu_columns, sample.step)
        ]
        assert sample.entries == wanted, path
        with_restarts += sample.restart_interval > 0
    assert with_restarts > 2


def test_the_index_takes_its_share_of_each_file_at_most(indexed):
    root, samples = indexed
    size = os.path.getsize(root / ".stoker-index")
    least = sum(88 + len(sample.path) + 24 for sample in samples.values())
    assert size <= least + sum(sample.bytes for sample in samples.values()) / 40
