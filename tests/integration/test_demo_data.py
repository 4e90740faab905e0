"""The demo data set: what stoker-demo-draw draws, read back with Pillow as a stranger would.

STOKER_BUILD names the build directory, "build" beside this source tree where it is not set.
"""

import hashlib
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from PIL import Image, JpegImagePlugin

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("STOKER_BUILD", ROOT / "build"))
CLASSES = [
    "bricks",
    "checkerboard",
    "circle",
    "gradient",
    "spiral",
    "square",
    "star",
    "stripes",
    "text",
    "triangle",
]
PICTURES = 60


def draw(*arguments, **options):
    """Run the program; its exit status and what it said."""
    return subprocess.run(
        [BUILD / "stoker-demo-draw", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def digests(folder):
    """Every file below a folder and the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A finished data set, which no test changes."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    result = draw(folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def pictures(drawn):
    """(class, number) to the opened, decoded picture."""
    found = {}
    for path in drawn.glob("*/*.jpg"):
        image = Image.open(path)
        image.load()
        found[path.parent.name, int(path.stem)] = image
    return found


def test_ten_classes_of_sixty_jpegs_and_nothing_else(drawn):
    expected = {f"{name}/{number:03d}.jpg" for name in CLASSES for number in range(PICTURES)}
    assert set(digests(drawn)) == expected | {".complete"}


def test_every_picture_is_a_jpeg_of_a_size_in_range(pictures):
    assert len(pictures) == len(CLASSES) * PICTURES
    for where, image in pictures.items():
        assert image.format == "JPEG", where
        assert 120 <= max(image.size) <= 900, where
        assert 90 <= min(image.size) <= 700, where


def test_sizes_of_a_class_go_from_small_to_large_and_stand_both_ways(pictures):
    for name in CLASSES:
        sizes = [image.size for (owner, _), image in pictures.items() if owner == name]
        longer = sorted(max(size) for size in sizes)
        assert longer[0] < 130 and longer[-1] > 840, name
        # Log-uniform: the median is the geometric mean of the ends.
        assert 300 < longer[PICTURES // 2] < 360, name
        upright = sum(height > width for width, height in sizes)
        assert 8 <= upright <= 35, name


def test_every_kind_of_jpeg_occurs_in_every_class(pictures):
    names = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0", -1: "gray"}
    for name in CLASSES:
        kinds = set()
        for (owner, _), image in pictures.items():
            if owner == name:
                sampling = names[JpegImagePlugin.get_sampling(image)]
                assert (image.mode == "L") == (sampling == "gray")
                kinds.add((sampling, bool(image.info.get("progressive"))))
        assert kinds == {(kind, scans) for kind in names.values() for scans in (False, True)}, name


def test_pictures_differ_and_are_not_flat(drawn, pictures):
    assert len(set(digests(drawn).values())) == len(CLASSES) * PICTURES + 1
    for where, image in pictures.items():
        low, high = image.convert("L").getextrema()
        assert high - low > 24, where


def cpu_seconds():
    """Of all that this process has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_finished_data_set_is_left_alone_at_once(drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob("*")}
    before_s = cpu_seconds()
    assert draw(drawn).returncode == 0
    assert cpu_seconds() - before_s < 1.0
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob("*")} == before


def test_a_second_run_draws_the_same_bytes_over_what_an_interrupted_one_left(drawn, tmp_path):
    again = tmp_path / "again"
    (again / "star").mkdir(parents=True)
    (again / ".complete").write_text("stoker demo data 0\n")
    (again / "star" / "007.jpg").write_bytes(b"half a pict")
    (again / "star" / ".008.jpg.part").write_bytes(b"half a pict")
    assert draw(again).returncode == 0
    assert digests(again) == digests(drawn)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--nonsense"], [""]])
def test_wrong_usage_exits_2(arguments, tmp_path):
    result = draw(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: stoker-demo-draw DIR")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence_and_exit_1(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "data", tmp_path / "no" / "data"):
        result = draw(path)
        assert result.returncode == 1
        assert result.stderr.startswith("stoker-demo-draw: cannot ")
        assert f'"{path}"' in result.stderr
        assert result.stderr.count("\n") == 1


def limit_file_bytes():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def test_a_full_disk_is_one_sentence_and_leaves_no_part_of_a_picture(tmp_path):
    folder = tmp_path / "data"
    # Python ignores SIGXFSZ, and so does its child here: write fails in place of the signal.
    result = draw(folder, preexec_fn=limit_file_bytes, restore_signals=False)
    assert result.returncode == 1
    assert result.stderr == (
        f'stoker-demo-draw: cannot write "{folder}/bricks/000.jpg": File too large\n'
    )
    assert digests(folder) == {}


def test_a_run_killed_within_a_picture_leaves_none_of_that_name(tmp_path):
    folder = tmp_path / "data"
    # Here SIGXFSZ does its work: it ends the process in the middle of a write.
    result = draw(folder, preexec_fn=limit_file_bytes)
    assert result.returncode == -signal.SIGXFSZ
    assert set(digests(folder)) == {"bricks/.000.jpg.part"}
