"""Interpolation: every filter's resize equals Pillow's, byte for byte.  Tolerance: 0.

One picture is decoded for every case; its boxes are the source sides of the resize.
"""

import random

import numpy as np
import pytest
from PIL import Image

from test_pixels import draw, pixels, random_box, reference, save  # noqa: F401, pixels is a fixture

FILTERS = {
    "bilinear": Image.BILINEAR,
    "bicubic": Image.BICUBIC,
    "box": Image.BOX,
    "lanczos": Image.LANCZOS,
    "nearest": Image.NEAREST,
}
SIDE_MAX = 700
RESIZED_MAX = 300


def draw_extremes(rng, height, width):
    """Black and white pixels, which bicubic and Lanczos drive beyond both ends, next to noise."""
    generator = np.random.default_rng(rng.randint(0, 1 << 30))
    array = generator.integers(0, 256, (height, width, 3), np.uint8)
    array[:, : width // 2] = 255 * (array[:, : width // 2, :1] > 127)
    return Image.fromarray(array)


@pytest.fixture(scope="module", params=["slopes", "extremes"])
def picture(request, tmp_path_factory):
    """A file and what Pillow decodes of it."""
    rng = random.Random(request.param)
    drawn = (
        draw(rng, "RGB", SIDE_MAX, SIDE_MAX)
        if request.param == "slopes"
        else draw_extremes(rng, SIDE_MAX, SIDE_MAX)
    )
    path = tmp_path_factory.mktemp("picture") / "picture.jpg"
    save(drawn, path, quality=95, subsampling=0)
    return path, Image.open(path).convert("RGB")


def check(pixels, picture, name, box, resized, window, flip):
    path, decoded = picture
    got = pixels.get(path, box, resized, window, flip, interpolation=name)
    expected = reference(decoded, box, resized, window, flip, FILTERS[name])
    differing = int((got != expected).sum())
    assert differing == 0, f"{name}: {box} {resized} {window} {flip}: {differing} bytes differ"


@pytest.mark.parametrize("name", FILTERS)
def test_every_pair_of_small_sides(pixels, picture, name):
    """Source sides 1 to 12 become 1 to 14, in both directions at once."""
    for source in range(1, 13):
        for resized in range(1, 15):
            box = (3 * source, 29 * resized, source, 13 - source)
            size = (resized, 15 - resized)
            check(pixels, picture, name, box, size, (0, 0, *size), resized % 2 == 0)


@pytest.mark.parametrize("name", FILTERS)
def test_random_boxes_become_random_sizes(pixels, picture, name):
    """Up and down, and with a side or both kept; whole and in windows, mirrored and not."""
    rng = random.Random(f"{name} random")
    for i in range(150):
        height = rng.choice([rng.randint(1, SIDE_MAX), rng.randint(1, 60)])
        width = rng.choice([rng.randint(1, SIDE_MAX), rng.randint(1, 60)])
        box = (rng.randint(0, SIDE_MAX - height), rng.randint(0, SIDE_MAX - width), height, width)
        size = [rng.randint(1, RESIZED_MAX), rng.randint(1, RESIZED_MAX)]
        for axis in range(2):
            if rng.random() < 0.15:
                size[axis] = box[2 + axis]
        window = random_box(rng, *size) if i % 3 == 0 else (0, 0, *size)
        check(pixels, picture, name, box, tuple(size), window, i % 2 == 0)


@pytest.mark.parametrize("name", FILTERS)
def test_windows_begin_at_any_row(pixels, picture, name):
    """Where a picture grows by an odd factor some outputs stand just on a source pixel: bicubic and
    Lanczos take that one alone, and outputs to either side begin before it."""
    for factor in [1, 3, 5, 7]:
        for top in range(3 * factor):
            side = 9 * factor
            window = (top, top, side - 2 * top, side - 2 * top)
            check(pixels, picture, name, (50, 60, 9, 9), (side, side), window, False)


@pytest.mark.parametrize("name", FILTERS)
def test_a_picture_at_its_own_size_stays_as_it_is(pixels, picture, name):
    for side in [1, 2, 3, 64, 223]:
        box = (side, 2 * side, side, side)
        check(pixels, picture, name, box, (side, side), (0, 0, side, side), False)


@pytest.mark.parametrize("name", FILTERS)
def test_long_sides(pixels, tmp_path, name):
    """Hundreds of weights an output: the sums of the vector kernels wrap and come back."""
    rng = random.Random(f"{name} long")
    for height, width in [(9, 5000), (5000, 9)]:
        path = save(draw_extremes(rng, height, width), tmp_path / "long.jpg", quality=95)
        picture = path, Image.open(path).convert("RGB")
        for size in [(1, 1), (224, 224), (3, 500), (40, 11)]:
            check(pixels, picture, name, (0, 0, height, width), size, (0, 0, *size), True)


def test_the_filters_differ(pixels, picture):
    """The comparisons above are worth something: no two filters make the same bytes."""
    path, _ = picture
    sides = ((5, 9, 300, 200), (64, 64), (0, 0, 64, 64))
    made = {pixels.get(path, *sides, interpolation=name).tobytes() for name in FILTERS}
    assert len(made) == len(FILTERS)
