"""Pixels: what image/ makes of a JPEG equals what Pillow makes of it, byte for byte.

The tool build/tests/tools/pixels is one process that answers any number of jobs; nothing else of
the daemon is involved.  Tolerance: 0.  Pillow must use the libjpeg-turbo that the tool uses, as
the distribution's python3-pil does.
"""

import os
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

import plan1

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("STOKER_BUILD", "build") / "tests/tools/pixels"
DRAW_JPEGS = TOOL.with_name("draw_jpegs")
PHOTOS = Path(os.environ.get("PHOTOS", ROOT.parent / "shared/photos"))
# Photographs a run; PHOTOS_COUNT=400 compares them all.
PHOTOS_COUNT = int(os.environ.get("PHOTOS_COUNT", "60"))
# Views of random pictures, half of them by either encoder; "make check-long" asks for more.
CASES = int(os.environ.get("STOKER_CASES", "6000"))
SEED = int(os.environ.get("STOKER_SEED", "1"))
VIEWS = 5  # of a picture: the whole and four others

# Pillow compresses progressive files in one piece: room for the largest one of these tests.
ImageFile.MAXBLOCK = 1 << 22

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])

SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
DTYPES = {"u8": np.uint8, "f32": "<f4", "f16": "<f2", "bf16": "<u2"}  # of bf16 the bits
SIZES = [(1, 1), (2, 3), (7, 5), (8, 8), (16, 17), (33, 31), (97, 64), (160, 213), (300, 400)]


class Pixels:
    """The tool, kept running."""

    def __init__(self):
        self.process = subprocess.Popen(
            [TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1
        )

    def get(
        self,
        path,
        box,
        resized,
        window,
        flip=False,
        dtype="u8",
        layout="nhwc",
        interpolation="bilinear",
    ):
        """The slot of a job; box and window are (top, left, height, width)."""
        numbers = [*box, *resized, *window, int(flip)]
        job = " ".join(map(str, numbers)) + f" {dtype} {layout} {interpolation} {path}\n"
        self.process.stdin.write(job.encode())
        self.process.stdin.flush()
        status, length = self.process.stdout.readline().split()
        answer = self.process.stdout.read(int(length))
        assert status == b"ok", f"{path}: {status.decode()}: {answer.decode()}"
        values = np.frombuffer(answer, DTYPES[dtype])
        height, width = window[2:]
        return values.reshape((height, width, 3) if layout == "nhwc" else (3, height, width))

    def status(self, path, box):
        """The status word and reason of a job that may fail."""
        numbers = [*box, 8, 8, 0, 0, 8, 8, 0]
        self.process.stdin.write(
            (" ".join(map(str, numbers)) + f" u8 nhwc bilinear {path}\n").encode()
        )
        self.process.stdin.flush()
        status, length = self.process.stdout.readline().split()
        return status.decode(), self.process.stdout.read(int(length))

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@pytest.fixture(scope="module")
def pixels():
    if not TOOL.exists():
        subprocess.run(["make", "-C", ROOT, TOOL.relative_to(ROOT)], check=True)
    tool = Pixels()
    yield tool
    tool.close()


def reference(picture, box, resized, window, flip=False, resample=Image.BILINEAR):
    """Pillow: crop, resize, then the window, then the mirror."""
    top, left, height, width = box
    crop = picture.crop((left, top, left + width, top + height))
    array = np.asarray(crop.resize((resized[1], resized[0]), resample))
    array = array[window[0] : window[0] + window[2], window[1] : window[1] + window[3]]
    return array[:, ::-1] if flip else array


def random_box(rng, height, width):
    """A box of any shape, and now and then one that touches an edge or is a pixel wide."""
    box_height = rng.choice([rng.randint(1, height), height, 1])
    box_width = rng.choice([rng.randint(1, width), width, 1])
    top = rng.choice([0, height - box_height, rng.randint(0, height - box_height)])
    left = rng.choice([0, width - box_width, rng.randint(0, width - box_width)])
    return top, left, box_height, box_width


def center_view(height, width, resize, side):
    """torchvision's Resize(resize) and CenterCrop(side)."""
    short = min(height, width)
    resized = (height * resize // short, width * resize // short)
    return resized, (round((resized[0] - side) / 2), round((resized[1] - side) / 2), side, side)


def check(pixels, picture, path, box, resized, window, flip):
    got = pixels.get(path, box, resized, window, flip)
    differing = int((got != reference(picture, box, resized, window, flip)).sum())
    assert differing == 0, f"{path}: {box} {resized} {window} {flip}: {differing} bytes differ"


def check_views(pixels, rng, path, count):
    """The whole picture at its own size, then count random crops and resizes."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    whole = (0, 0, height, width)
    check(pixels, picture, path, whole, (height, width), whole, False)
    for i in range(count):
        box = random_box(rng, height, width)
        any_size = (rng.randint(1, 90), rng.randint(1, 90))
        resized = rng.choice([(64, 64), (17, 40), any_size, box[2:]])
        window = random_box(rng, *resized) if i % 3 == 0 else (0, 0, *resized)
        check(pixels, picture, path, box, resized, window, i % 2 == 0)


def draw(rng, mode, height, width):
    """Slopes with noise on them, so that every coefficient is met."""
    bands = len(mode)
    generator = np.random.default_rng(rng.randint(0, 1 << 30))
    y, x = np.mgrid[:height, :width]
    slopes = [(x * (c + 1) + y * (3 - c)) % 256 for c in range(bands)]
    noise = generator.integers(-60, 61, (height, width, bands))
    array = np.clip(np.stack(slopes, -1) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(array[..., 0] if bands == 1 else array, mode)


def save(picture, path, **options):
    picture.save(path, "JPEG", **options)
    return path


@pytest.mark.parametrize("progressive", [False, True], ids=["sequential", "progressive"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_colour_pictures_of_every_size_and_sampling(pixels, tmp_path, sampling, progressive):
    rng = random.Random(f"{sampling} {progressive}")
    for height, width in SIZES:
        path = save(
            draw(rng, "RGB", height, width),
            tmp_path / f"{height}x{width}.jpg",
            subsampling=SAMPLINGS[sampling],
            progressive=progressive,
            quality=rng.choice([20, 75, 90, 100]),
        )
        check_views(pixels, rng, path, 12)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True], ids=["sequential", "progressive"])
def test_grayscale_and_cmyk_become_pillows_rgb(pixels, tmp_path, mode, progressive):
    rng = random.Random(f"{mode} {progressive}")
    for height, width in SIZES:
        picture = draw(rng, mode, height, width)
        path = save(picture, tmp_path / f"{height}x{width}.jpg", progressive=progressive)
        check_views(pixels, rng, path, 10)


def test_optimised_files(pixels, tmp_path):
    rng = random.Random(7)
    path = save(draw(rng, "RGB", 200, 300), tmp_path / "picture.jpg", optimize=True)
    check_views(pixels, rng, path, 10)


class Bits:
    """Entropy-coded data: bits to bytes, with a zero behind every 0xff."""

    def __init__(self):
        self.bits = ""

    def put(self, value, count):
        self.bits += format(value, f"0{count}b") if count else ""

    def bytes(self):
        padded = self.bits + "1" * (-len(self.bits) % 8)
        data = int(padded, 2).to_bytes(len(padded) // 8, "big")
        return data.replace(b"\xff", b"\xff\x00")


def segment(code, payload):
    return bytes([0xFF, code]) + (len(payload) + 2).to_bytes(2, "big") + payload


def jpeg_with_restarts(rng, height, width, interval):
    """A 4:2:0 JPEG of flat blocks, a restart marker after every interval MCUs; Pillow 9.4 writes
    none.  Twelve categories of DC differences have the codes 0..11 of four bits; the only AC code
    is the end of the block, a zero bit."""
    sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    head = segment(0xDB, b"\0" + bytes([8] * 64))
    head += segment(0xC0, b"\x08" + sides + b"\x03\x01\x22\0\x02\x11\0\x03\x11\0")
    head += segment(0xC4, b"\0" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    head += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    head += segment(0xDD, interval.to_bytes(2, "big"))
    head += segment(0xDA, b"\x03\x01\0\x02\0\x03\0\0\x3f\0")
    mcus = -(-height // 16) * -(-width // 16)
    scan = b""
    for first in range(0, mcus, interval):
        bits = Bits()
        last = [0, 0, 0]
        for _ in range(min(interval, mcus - first)):
            for component in [0, 0, 0, 0, 1, 2]:
                value = rng.randint(-120, 120)
                difference = value - last[component]
                last[component] = value
                category = abs(difference).bit_length()
                bits.put(category, 4)
                negative = (1 << category) - 1 if difference < 0 else 0
                bits.put(difference + negative, category)
                bits.put(0, 1)
        marker = bytes([0xFF, 0xD0 + first // interval % 8])
        scan += bits.bytes() + (marker if first + interval < mcus else b"")
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


@pytest.mark.parametrize("interval", [1, 2, 7, 30])
def test_files_with_restart_markers(pixels, tmp_path, interval):
    rng = random.Random(interval)
    path = tmp_path / "restarts.jpg"
    for height, width in [(64, 64), (100, 130), (301, 77)]:
        path.write_bytes(jpeg_with_restarts(rng, height, width, interval))
        check_views(pixels, rng, path, 20)


def test_rgb_coded_files(pixels, tmp_path):
    """An Adobe marker of transform 0 says that three components are RGB; Pillow believes it."""
    rng = random.Random(8)
    path = save(draw(rng, "RGB", 120, 90), tmp_path / "ycc.jpg", subsampling=0)
    data = path.read_bytes()
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    jfif_end = 4 + int.from_bytes(data[4:6], "big")
    rgb = tmp_path / "rgb.jpg"
    rgb.write_bytes(data[:2] + adobe + data[jfif_end:])
    assert np.any(np.asarray(Image.open(rgb)) != np.asarray(Image.open(path)))
    check_views(pixels, rng, rgb, 20)


def test_ycck_and_unmarked_cmyk(pixels, tmp_path):
    """Four components: YCCK by an Adobe marker of transform 2, else CMYK; always inverted."""
    rng = random.Random(9)
    path = save(draw(rng, "CMYK", 120, 90), tmp_path / "cmyk.jpg")
    data = path.read_bytes()
    at = data.index(b"Adobe") - 4
    for name, marker in [
        ("ycck", b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x02"),
        ("unmarked", b""),
    ]:
        changed = tmp_path / f"{name}.jpg"
        changed.write_bytes(data[:at] + marker + data[at + 16 :])
        check_views(pixels, rng, changed, 20)


def test_exif_orientation_is_ignored(pixels, tmp_path):
    rng = random.Random(10)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(draw(rng, "RGB", 60, 90), tmp_path / "turned.jpg", exif=exif)
    assert Image.open(path).getexif()[0x0112] == 6
    check_views(pixels, rng, path, 10)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_formats(pixels, tmp_path, dtype, layout):
    """Floats are (value / 255 - mean) / std in double, rounded once; nchw has channels apart."""
    rng = random.Random(11)
    path = save(draw(rng, "RGB", 150, 190), tmp_path / "picture.jpg")
    picture = Image.open(path).convert("RGB")
    for flip in [False, True]:
        box = random_box(rng, 150, 190)
        window = (0, 0, 61, 47)
        expected = reference(picture, box, (61, 47), window, flip)
        if dtype != "u8":
            expected = plan1.ROUNDED[dtype]((expected / 255.0 - MEAN) / STD)
        if layout == "nchw":
            expected = expected.transpose(2, 0, 1)
        got = pixels.get(path, box, (61, 47), window, flip, dtype, layout)
        assert np.array_equal(got, expected)


def test_extreme_scales(pixels, tmp_path):
    rng = random.Random(12)
    wide = save(draw(rng, "RGB", 9, 9000), tmp_path / "wide.jpg")
    tall = save(draw(rng, "RGB", 9000, 9), tmp_path / "tall.jpg")
    for path in [wide, tall]:
        picture = Image.open(path).convert("RGB")
        width, height = picture.size
        for resized in [(1, 1), (224, 224), (3, 500), (500, 3)]:
            whole = (0, 0, height, width)
            check(pixels, picture, path, whole, resized, (0, 0, *resized), True)


def test_what_pillow_refuses_is_refused(pixels, tmp_path):
    """Truncation, which Pillow reports; and the tool goes on with the next picture."""
    rng = random.Random(13)
    path = save(draw(rng, "RGB", 100, 100), tmp_path / "sound.jpg")
    data = path.read_bytes()
    cut = tmp_path / "cut.jpg"
    for share in [0.3, 0.6, 0.95]:
        cut.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(OSError):
            Image.open(cut).convert("RGB")
        status, reason = pixels.status(cut, (0, 0, 100, 100))
        assert (status, reason) == ("corrupt", b"Premature end of JPEG file")
        check_views(pixels, rng, path, 1)


def check_random(pixels, path, number, what):
    """Views of a numbered picture; what fails can be repeated."""
    try:
        check_views(pixels, random.Random(f"{SEED} {number}"), path, VIEWS - 1)
    except AssertionError as error:
        raise AssertionError(f"STOKER_SEED={SEED}, picture {number}, {what}: {error}") from None


def test_random_pictures_of_pillows_encoder(pixels, tmp_path):
    path = tmp_path / "picture.jpg"
    for number in range(CASES // VIEWS // 2):
        rng = random.Random(f"Pillow {SEED} {number}")
        mode = rng.choice(["RGB", "RGB", "RGB", "L", "CMYK"])
        height, width = (rng.randint(1, rng.choice([40, 130, 400])) for _ in range(2))
        options = {
            "subsampling": rng.choice([0, 1, 2]),
            "quality": rng.randint(1, 100),
            "progressive": rng.random() < 0.3,
            "optimize": rng.random() < 0.3,
            # Pillow before 10.2 knows neither and passes them over.
            "restart_marker_blocks": rng.choice([0, 0, rng.randint(1, 40)]),
            "restart_marker_rows": rng.choice([0, 0, rng.randint(1, 3)]),
        }
        save(draw(rng, mode, height, width), path, **options)
        check_random(pixels, path, number, f"{mode} {height}x{width} {options}")


def test_random_pictures_of_every_kind(pixels, tmp_path):
    """What Pillow's encoder does not write: any sampling, arithmetic coding, YCCK, and more."""
    if not DRAW_JPEGS.exists():
        subprocess.run(["make", "-C", ROOT, DRAW_JPEGS.relative_to(ROOT)], check=True)
    count = CASES // VIEWS // 2
    for first in range(0, count, 500):
        numbers = [str(SEED), str(first), str(min(500, count - first))]
        drawn = subprocess.run(
            [DRAW_JPEGS, *numbers, "400", tmp_path], check=True, capture_output=True, text=True
        )
        for line in drawn.stdout.splitlines():
            number, what = line.split(" ", 1)
            path = tmp_path / f"{number}.jpg"
            check_random(pixels, path, number, what)
            path.unlink()


def photographs():
    paths = sorted(PHOTOS.glob("*/*.[jJ]*"))
    return random.Random(14).sample(paths, min(PHOTOS_COUNT, len(paths)))


def test_photographs(pixels):
    paths = photographs()
    if not paths:
        pytest.skip(f"no photographs in {PHOTOS}")
    rng = random.Random(15)
    for path in paths:
        picture = Image.open(path).convert("RGB")
        width, height = picture.size
        whole = (0, 0, height, width)
        check(pixels, picture, path, whole, (height, width), whole, False)
        resized, window = center_view(height, width, 256, 224)
        check(pixels, picture, path, whole, resized, window, True)
        for flip in [False, True]:
            box = random_box(rng, height, width)
            check(pixels, picture, path, box, (224, 224), (0, 0, 224, 224), flip)
