"""Plan 1 and its pixels in Python, written from proto/PROTOCOL.md alone.

This is the second implementation that proves that page: integers and floats for the plan, Pillow
for the pixels, numpy only where whole numbers or single roundings leave nothing to choose.  Section
numbers in the comments are PROTOCOL.md's.
"""

import functools
import io
import math
import os
import struct
from dataclasses import dataclass, field

import numpy as np
import xxhash
from PIL import Image

import mix1
from words1 import MASK64, below, below64, exp, log, unit, words

SHUFFLE, CROP, FLIP, LAMBDA, PARTNER, REPLACE = range(1, 7)

ATTEMPTS = 64


@dataclass(frozen=True)
class Recipe:
    """Every setting that goes into a batch's bytes; the defaults are stokerd.conf's."""

    seed: int = 0
    batch: int = 64
    order: str = "shuffle"
    last: str = "drop"
    on_corrupt: str = "replace"
    image_pixels_max: int = 100_000_000
    image_bytes_max: int = 32 << 20
    height: int = 224
    width: int = 224
    crop: str = "random"
    scale: tuple = (0.08, 1.0)
    ratio: tuple = (3 / 4, 4 / 3)
    resize: int = 256
    flip: float = 0.5
    dtype: str = "u8"
    layout: str = "nhwc"
    mean: tuple = (0.485, 0.456, 0.406)
    std: tuple = (0.229, 0.224, 0.225)
    mix: str = "none"  # the method
    mix_preset: str = "fastai"
    mix_alpha: float = None  # None: the preset's
    mix_keys: dict = field(default_factory=dict)  # others that the preset does not decide

    @property
    def mixing(self):
        """The preset with what is written out beside it."""
        keys = dict(self.mix_keys)
        if self.mix_alpha is not None:
            keys["alpha"] = self.mix_alpha
        return mix1.expand(self.mix_preset, self.mix, **keys)

    def text(self):
        """The canonical recipe of section 7."""
        lines = [
            "plan=1",
            f"seed={self.seed}",
            f"batch={self.batch}",
            f"order={self.order}",
            f"last={self.last}",
            f"on_corrupt={self.on_corrupt}",
            f"image_pixels_max={self.image_pixels_max}",
            f"image_bytes_max={self.image_bytes_max}",
            f"height={self.height}",
            f"width={self.width}",
            f"crop={self.crop}",
        ]
        if self.crop == "random":
            lines += [f"scale={_reals(self.scale)}", f"ratio={_reals(self.ratio)}"]
        if self.crop == "center":
            lines.append(f"resize={self.resize}")
        lines += [
            f"flip={_reals([self.flip])}",
            f"dtype={self.dtype}",
            f"layout={self.layout}",
        ]
        if self.dtype != "u8":
            lines += [f"mean={_reals(self.mean)}", f"std={_reals(self.std)}"]
        lines += self.mixing.lines(_reals)
        return "".join(line + "\n" for line in lines)


def _reals(values):
    return ",".join("%.17g" % value for value in values)


@dataclass(frozen=True)
class Sample:
    """A row of the listing: path below the root, encoded bytes, label; and where to read it."""

    path: bytes
    length: int
    label: int
    file: bytes


def list_folder(root):
    """The listing of a folder source and the names of its classes, section 7."""
    root = os.fsencode(root)
    classes = sorted(
        entry for entry in os.listdir(root) if os.path.isdir(os.path.join(root, entry))
    )
    samples = []
    for label, name in enumerate(classes):
        for folder, _, files in sorted(os.walk(os.path.join(root, name), followlinks=True)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                if file.lower().endswith((b".jpg", b".jpeg")) and os.path.isfile(path):
                    below = os.path.relpath(path, root)
                    samples.append(Sample(below, os.path.getsize(path), label, path))
    return samples, classes


def fingerprint(recipe, samples):
    """XXH3-128 over the canonical recipe and the listing, section 7."""
    hash_ = xxhash.xxh3_128(recipe.text().encode())
    for sample in samples:
        hash_.update(sample.path + b"\0" + struct.pack("<Qi", sample.length, sample.label))
    return hash_.digest()


# 8.2 Permutation.


def _scramble(z):
    z ^= z >> 30
    z = z * 0xBF58476D1CE4E5B9 & MASK64
    z ^= z >> 27
    z = z * 0x94D049BB133111EB & MASK64
    z ^= z >> 31
    return z >> 32


class Permutation:
    """A keyed permutation of [0, n)."""

    def __init__(self, seed, epoch, purpose, position, n):
        self.n = n
        bits = max(2, (n - 1).bit_length())
        self.low_bits = bits // 2
        self.high_bits = bits - self.low_bits
        self.keys = []
        for block in range(8):
            w0, w1, w2, w3 = words(seed, epoch, purpose, position, block)
            self.keys += [w1 << 32 | w0, w3 << 32 | w2]

    def _walk(self, x):
        low_mask = (1 << self.low_bits) - 1
        high_mask = (1 << self.high_bits) - 1
        low, high = x & low_mask, x >> self.low_bits
        for round_ in range(0, 16, 2):
            high ^= _scramble((low + self.keys[round_]) & MASK64) & high_mask
            low ^= _scramble((high + self.keys[round_ + 1]) & MASK64) & low_mask
        return high << self.low_bits | low

    def __call__(self, x):
        x = self._walk(x)
        while x >= self.n:
            x = self._walk(x)
        return x


# 8.5 Crops.


@dataclass(frozen=True)
class View:
    """What is cut out (top, left, height, width), resized to a height and width, of which a window
    is served; crop is what the header says."""

    box: tuple
    resized: tuple
    window: tuple  # top, left
    crop: tuple


def _random_box(recipe, draw, height, width):
    (scale0, scale1), (ratio0, ratio1) = recipe.scale, recipe.ratio
    for t in range(10):
        w0, w1, w2, w3 = draw(t)
        area = (height * width) * (scale0 + (scale1 - scale0) * unit(w0))
        aspect = exp(log(ratio0) + (log(ratio1) - log(ratio0)) * unit(w1))
        w = round(math.sqrt(area * aspect))
        h = round(math.sqrt(area / aspect))
        if 1 <= w <= width and 1 <= h <= height:
            return below(w2, height - h + 1), below(w3, width - w + 1), h, w
    w, h = width, height
    if width / height < ratio0:
        h = max(1, round(width / ratio0))
    elif width / height > ratio1:
        w = max(1, round(height * ratio1))
    return (height - h) // 2, (width - w) // 2, h, w


def _center_view(recipe, height, width):
    shorter = min(height, width)
    resized = (recipe.resize * height // shorter, recipe.resize * width // shorter)
    top = round((resized[0] - recipe.height) / 2)
    left = round((resized[1] - recipe.width) / 2)
    first_y = top * height // resized[0]
    first_x = left * width // resized[1]
    end_y = -(-(top + recipe.height) * height // resized[0])
    end_x = -(-(left + recipe.width) * width // resized[1])
    crop = (first_y, first_x, end_y - first_y, end_x - first_x)
    return View((0, 0, height, width), resized, (top, left), crop)


def view(recipe, epoch, position, height, width):
    """What is served of a picture of height x width at a position."""
    if recipe.crop == "center":
        return _center_view(recipe, height, width)
    box = (0, 0, height, width)
    if recipe.crop == "random":
        draw = functools.partial(words, recipe.seed, epoch, CROP, position)
        box = _random_box(recipe, draw, height, width)
    return View(box, (recipe.height, recipe.width), (0, 0), box)


# 8.6 Pixels.


def decode(data):
    """A JPEG as Pillow gives it in RGB."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def pixels(recipe, image, view_, flip):
    """A decoded picture as uint8 [height, width, 3] of the stream."""
    top, left, height, width = view_.box
    resized = image.crop((left, top, left + width, top + height)).resize(
        (view_.resized[1], view_.resized[0]), Image.BILINEAR
    )
    top, left = view_.window
    served = np.asarray(resized)[top : top + recipe.height, left : left + recipe.width]
    return served[:, ::-1] if flip else served


def bf16_of(numbers):
    """The bits of the bfloat16 nearest to each number, ties to even.

    Scaled by a power of two, a step of the result is 1: rint is the one rounding.
    """
    numbers = np.asarray(numbers, np.float64)
    _, exponent = np.frexp(numbers)
    step = np.ldexp(1.0, np.maximum(exponent - 1, -126) - 7)
    rounded = (np.rint(numbers / step) * step).astype("<f4")
    return (rounded.view("<u4") >> 16).astype("<u2")


def bf16_numbers(bits):
    """What numbers bfloat16 are."""
    return (bits.astype("<u4") << 16).view("<f4")


# What a dtype's elements are in memory, how numbers become them, and back to float.
ROUNDED = {
    "f32": lambda numbers: numbers.astype("<f4"),
    "f16": lambda numbers: numbers.astype("<f2"),
    "bf16": bf16_of,
}
NUMBERS = {
    "f32": lambda elements: elements,
    "f16": lambda elements: elements.astype("<f4"),
    "bf16": bf16_numbers,
}


def formatted(recipe, images):
    """uint8 [count, height, width, 3] in the stream's dtype and layout."""
    if recipe.dtype != "u8":
        levels = np.arange(256, dtype=np.float64)[:, None] / 255
        table = (levels - np.array(recipe.mean)) / np.array(recipe.std)
        table = ROUNDED[recipe.dtype](table)
        images = np.stack([table[:, c][images[..., c]] for c in range(3)], axis=-1)
    if recipe.layout == "nchw":
        images = images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images)


def mixed(recipe, shares, images, partners):
    """Mixing of formatted pictures, section 8.7; a partner is None where it is the slot itself."""
    nchw = recipe.layout == "nchw"
    how = ROUNDED.get(recipe.dtype), NUMBERS.get(recipe.dtype)
    slots = zip(shares, images, partners)
    return np.stack(
        [
            own if other is None else mix1.mix(share, own, other, nchw, *how)
            for share, own, other in slots
        ]
    )


# 8.3, 8.7, 8.8: a whole batch.


@dataclass
class Slot:
    """What stands in a slot before anything is read, or what its partner from the data set is."""

    position: int
    index: int
    flip: bool


@dataclass
class Expected:
    """What the protocol says that a batch is: tensors by name, and (slot, index) replaced."""

    tensors: dict = field(default_factory=dict)
    replaced: list = field(default_factory=list)


class Unservable(Exception):
    """64 stand-ins in a row cannot be decoded either, or the stream does not replace."""


class Plan:
    """A stream's plan over a listing.

    bad says which samples cannot be read or decoded: what a decoder takes for corrupt is a property
    of the file, and the test that made the file knows it.
    """

    def __init__(self, recipe, samples, bad=()):
        self.recipe = recipe
        self.samples = samples
        self.bad = frozenset(bad)
        self.decoded = functools.lru_cache(maxsize=None)(self._decode)

    def _decode(self, index):
        with open(self.samples[index].file, "rb") as file:
            return decode(file.read())

    @property
    def fingerprint(self):
        return fingerprint(self.recipe, self.samples)

    @property
    def steps(self):
        whole, rest = divmod(len(self.samples), self.recipe.batch)
        return whole + (rest > 0 and self.recipe.last != "drop")

    def count(self, step):
        rest = len(self.samples) - step * self.recipe.batch
        return min(self.recipe.batch, rest) if self.recipe.last == "partial" else self.recipe.batch

    def draws(self, epoch):
        """Four words from a purpose, a position and a block."""
        return functools.partial(words, self.recipe.seed, epoch)

    def slot(self, epoch, position, index):
        flip = unit(words(self.recipe.seed, epoch, FLIP, position, 0)[0]) < self.recipe.flip
        return Slot(position, index, flip)

    def slots(self, epoch, step):
        recipe, n = self.recipe, len(self.samples)
        shuffle = Permutation(recipe.seed, epoch, SHUFFLE, 0, n)
        slots = []
        for i in range(self.count(step)):
            p = step * recipe.batch + i
            index = shuffle(p % n) if recipe.order == "shuffle" else p % n
            slots.append(self.slot(epoch, p, index))
        return slots

    def shares(self, epoch, step, slots):
        """What becomes of each slot."""
        recipe, mixing = self.recipe, self.recipe.mixing
        if not mixing.is_on(epoch):
            return [mix1.Share() for _ in slots]
        positions = [slot.position for slot in slots]
        draw = self.draws(epoch)
        return mix1.shares(mixing, draw, step, positions, recipe.height, recipe.width)

    def partner_slots(self, epoch, step, shares):
        """The slots that are mixed in, each its own where nothing is."""
        keyed = functools.partial(Permutation, self.recipe.seed, epoch, PARTNER, step)
        partner = mix1.partner_slots(self.recipe.mixing, keyed, len(shares))
        return [i if shares[i].kind == "keep" else other for i, other in enumerate(partner)]

    def partners(self, epoch, slots):
        """The samples that are mixed in where partners come from the data set, as slots."""
        mixing, draw, n = self.recipe.mixing, self.draws(epoch), len(self.samples)
        return [
            self.slot(
                epoch,
                slot.position + mix1.PARTNER_POSITION,
                mix1.partner_sample(mixing, draw, slot.position, slot.index, n),
            )
            for slot in slots
        ]

    def stand_in(self, epoch, slot):
        """The sample that stands in a slot in the end."""
        index = slot.index
        for attempt in range(ATTEMPTS):
            if index not in self.bad:
                return index
            if self.recipe.on_corrupt == "fail":
                break
            w0, w1, _, _ = words(self.recipe.seed, epoch, REPLACE, slot.position, attempt)
            index = below64(w0, w1, len(self.samples))
        if index in self.bad:
            raise Unservable(f"sample {slot.index}")
        return index

    def made(self, epoch, slots):
        """Index, label, crop, flip and formatted pixels of slots, one behind the other."""
        recipe = self.recipe
        indices = [self.stand_in(epoch, slot) for slot in slots]
        images, crops = [], []
        for slot, index in zip(slots, indices):
            image = self.decoded(index)
            view_ = view(recipe, epoch, slot.position, image.height, image.width)
            images.append(pixels(recipe, image, view_, slot.flip))
            crops.append(view_.crop)
        return {
            "images": formatted(recipe, np.stack(images)),
            "label": np.array([self.samples[index].label for index in indices], "<i4"),
            "index": np.array(indices, "<u8"),
            "crop": np.array(crops, "<i4"),
            "flip": np.array([slot.flip for slot in slots], "|u1"),
        }

    def batch(self, epoch, step):
        """The batch at an address, as an Expected."""
        mixing = self.recipe.mixing
        slots = self.slots(epoch, step)
        shares = self.shares(epoch, step, slots)
        own = self.made(epoch, slots)
        replaced = self.replaced(slots, 0)
        if mixing.method != "none" and mixing.partner == "dataset":
            drawn = self.partners(epoch, slots) if mixing.is_on(epoch) else slots
            kept = [share.kind == "keep" for share in shares]
            chosen = [slots[i] if keep else drawn[i] for i, keep in enumerate(kept)]
            other = self.made(epoch, chosen)
            pictures = other["images"]
            wanted = {i: slot for i, slot in enumerate(drawn) if not kept[i]}
            replaced += self.replaced(wanted.values(), len(slots), wanted)
        else:
            place = self.partner_slots(epoch, step, shares)
            other = {name: values[place] for name, values in own.items()}
            pictures = [None if place[i] == i else other["images"][i] for i in range(len(place))]
        tensors = {
            "images": mixed(self.recipe, shares, own["images"], pictures),
            "label": own["label"],
            "partner_label": other["label"],
            "lambda": np.array([share.share for share in shares]).astype("<f4"),
            "index": own["index"],
            "partner_index": other["index"],
            "crop": own["crop"],
            "flip": own["flip"],
        }
        if mixing.cuts:
            tensors["cut"] = np.array([share.cut for share in shares], "<i4")
        if mixing.method != "none" and mixing.partner == "dataset":
            tensors["partner_crop"] = other["crop"]
            tensors["partner_flip"] = other["flip"]
        return Expected(tensors, replaced)

    def replaced(self, slots, first, places=None):
        """(place, index) of those that cannot be decoded, their places counted from first."""
        places = range(len(slots)) if places is None else places
        return [(first + i, slot.index) for i, slot in zip(places, slots) if slot.index in self.bad]
