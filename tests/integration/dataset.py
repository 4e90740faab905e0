"""Folders of JPEGs for the tests: good ones of every kind, and files that hurt."""

import io
import os
import struct

import numpy as np
from PIL import Image

SOI, SOS, EOI, DHT = b"\xff\xd8", 0xDA, b"\xff\xd9", 0xC4


def picture(seed, height, width, mode="RGB"):
    """Gradients, edges and noise, so that every coefficient of a block is in use somewhere."""
    random = np.random.default_rng(seed)
    channels = len(Image.new(mode, (1, 1)).getbands())
    y, x = np.mgrid[0:height, 0:width]
    layers = []
    for _ in range(channels):
        slope = random.uniform(-2, 2, 2)
        layer = 128 + slope[0] * (y - height / 2) + slope[1] * (x - width / 2)
        layer += 60 * ((x // random.integers(5, 30) + y // random.integers(5, 30)) % 2)
        layers.append(layer + random.normal(0, 12, (height, width)))
    array = np.clip(np.stack(layers, -1), 0, 255).astype(np.uint8)
    return Image.fromarray(array[..., 0] if channels == 1 else array, mode)


def jpeg(seed, height, width, mode="RGB", **options):
    """A JPEG's bytes; the options are Pillow's: quality, subsampling, progressive, ..."""
    data = io.BytesIO()
    picture(seed, height, width, mode).save(data, "JPEG", **options)
    return data.getvalue()


def write(root, path, data):
    path = os.path.join(os.fsencode(root), os.fsencode(path))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


# Every kind that Pillow writes: samplings 4:4:4, 4:2:2, 4:2:0, gray, CMYK, progressive.
KINDS = [
    dict(subsampling=0),
    dict(subsampling=1),
    dict(subsampling=2, quality=92),
    dict(mode="L"),
    dict(mode="CMYK"),
    dict(subsampling=2, progressive=True),
    dict(mode="L", progressive=True, quality=50),
    dict(subsampling=0, progressive=True, optimize=True, quality=97),
]

# Where bytes of paths and characters of paths, or folders and files, sort differently.
PATHS = ["a/1.jpg", "a-b/1.jpg", "a/b/1.jpg", "B.JPG", "a.jpg", "é.jpeg", "e.jpg"]
PATHS += ["with blank.jpg"]


def write_good(root):
    """60 pictures in 5 classes, and things that are no pictures; the root."""
    seed = 0
    for label, name in enumerate(["ant", "Bee", "cat", "dög", "e e"]):
        for i in range(12):
            height, width = 24 + 37 * seed % 149, 20 + 53 * seed % 181
            path = PATHS[i] if i < len(PATHS) and label < 2 else f"{i:02d}.jpg"
            data = jpeg(seed, height, width, **KINDS[seed % len(KINDS)])
            write(root, f"{name}/{path}", data)
            seed += 1
    write(root, "ant/notes.txt", b"no picture\n")
    write(root, "ant/a.jpg.orig", b"no picture either\n")
    write(root, "beside.jpg", b"in no class\n")
    return root


def write_dear(root, count):
    """Pictures that take two hundred times as long as usual ones; the root."""
    random = np.random.default_rng(1)
    tile = random.integers(0, 256, (500, 500, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(np.tile(tile, (11, 11, 1))).save(data, "JPEG", progressive=True)
    write(root, "class0/0.jpg", data.getvalue())
    for i in range(1, count):
        os.link(os.path.join(root, "class0/0.jpg"), os.path.join(root, f"class0/{i}.jpg"))
    return root


def write_small(root, classes=3, each=7, height=40, width=48):
    """A few pictures of one size."""
    for label in range(classes):
        for i in range(each):
            write(root, f"class{label}/{i}.jpg", jpeg(100 * label + i, height, width))
    return root


# Files that hurt.


def truncated(seed=1, share=0.6):
    data = jpeg(seed, 120, 160)
    return data[: int(len(data) * share)]


def png(seed=2):
    data = io.BytesIO()
    picture(seed, 60, 60).save(data, "PNG")
    return data.getvalue()


def segments(data):
    """(marker, bytes) of a JPEG behind SOI; a scan's entropy-coded data goes with its SOS."""
    parts, at = [], 2
    while data[at : at + 2] != EOI:
        marker = data[at + 1]
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker == SOS:
            while data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7:
                end += 1
        parts.append((marker, data[at:end]))
        at = end
    return parts


def huge_header(side=65500, **options):
    """A few bytes whose header says side x side."""
    data = b""
    for marker, part in segments(jpeg(3, 16, 16, **options)):
        if marker in (0xC0, 0xC2):
            part = part[:5] + struct.pack(">HH", side, side) + part[9:]
        data += part
    return SOI + data + EOI


def _ac_scans(parts):
    """Places of a progressive file's AC scans, and their successive-approximation bytes."""
    for i, (marker, part) in enumerate(parts):
        if marker == SOS:
            components = part[4]
            first_coefficient, approximation = part[5 + 2 * components], part[7 + 2 * components]
            if first_coefficient > 0:
                yield i, approximation


def refinement_bomb(scans=3000, side=256):
    """A progressive file whose last AC refinement scan stands there thousands of times."""
    parts = segments(jpeg(4, side, side, "L", progressive=True))
    place = [i for i, approximation in _ac_scans(parts) if approximation >> 4][-1]
    again = [part for part in parts[place - 1 : place + 1]]
    return SOI + b"".join(part for _, part in parts + again * scans) + EOI


def scan_bomb(scans=3000, side=4096):
    """Thousands of scans that libjpeg-turbo has nothing against: full-precision first passes.

    A flat picture, so that a scan takes few bytes and its blocks are gone over all the same.
    """
    data = io.BytesIO()
    Image.new("L", (side, side), 99).save(data, "JPEG", progressive=True)
    parts = segments(data.getvalue())
    place = [i for i, approximation in _ac_scans(parts) if approximation >> 4 == 0][0]
    tables = parts[place - 1][1]
    scan = bytearray(parts[place][1])
    scan[
        7 + 2 * scan[4]
    ] = 0  # Ah = Al = 0: expected after the last refinement, as often as one likes
    return SOI + b"".join(part for _, part in parts) + tables + bytes(scan) * scans + EOI


HURTFUL = {
    "truncated.jpg": truncated(),
    "headless.jpg": truncated(share=0.02),
    "empty.jpg": b"",
    "one-byte.jpg": b"\xff",
    "renamed.jpg": png(),
    "text.jpg": b"This is a text.\n" * 40,
    "huge.jpg": huge_header(),
    "huge-progressive.jpg": huge_header(progressive=True),
    "refinements.jpg": refinement_bomb(),
    "scans.jpg": scan_bomb(),
}
