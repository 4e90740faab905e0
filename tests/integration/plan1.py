"""Plan 1 and its pixels in Python, written from proto/PROTOCOL.md alone.

This is the second implementation that proves that page: integers and floats for the plan, Pillow
for the pixels, numpy only where whole numbers or single roundings leave nothing to choose.  Section
numbers in the comments are PROTOCOL.md's.
"""

import functools
import io
import math
from dataclasses import dataclass, field, replace

import numpy as np
import xxhash
from PIL import Image

from plan1_listing import Listing, Sample, list_csv, list_folder  # noqa: F401
from plan1_sampler import Sampler
from plan1_target import targets
from plan1_words import (
    CROP,
    FLIP,
    LAMBDA,
    PARTNER,
    REPLACE,
    SHUFFLE,
    Permutation,
    below,
    philox,
    unit,
    unit52,
    words,
)


ATTEMPTS = 64
UNITS = 16384


@dataclass(frozen=True)
class Recipe:
    """Every setting that goes into a batch's bytes; the defaults are stokerd.conf's."""

    seed: int = 0
    batch: int = 64
    order: str = "shuffle"
    last: str = "drop"
    sampler: str = "all"
    epoch_samples: int = 0
    repeat: int = 1
    subset: float = 1.0
    on_corrupt: str = "replace"
    image_pixels_max: int = 100_000_000
    image_bytes_max: int = 32 << 20
    height: int = 224
    width: int = 224
    crop: str = "random"
    scale: tuple = (0.08, 1.0)
    ratio: tuple = (3 / 4, 4 / 3)
    resize: int = 256
    interpolation: str = "bilinear"
    flip: float = 0.5
    dtype: str = "u8"
    layout: str = "nhwc"
    mean: tuple = (0.485, 0.456, 0.406)
    std: tuple = (0.229, 0.224, 0.225)
    labels: str = "index"
    smoothing: float = 0.0
    mix: str = "none"
    mix_preset: str = "fastai"
    mix_alpha: float = 0.4
    phases: tuple = ()  # of (first epoch, batch, height, width)

    def at(self, epoch):
        """The recipe with what holds in an epoch."""
        now = self
        for first, batch, height, width in self.phases:
            if first <= epoch:
                now = replace(now, batch=batch, height=height, width=width)
        return now

    def text(self):
        """The canonical recipe of section 7."""
        lines = [
            "plan=1",
            f"seed={self.seed}",
            f"batch={self.batch}",
            f"order={self.order}",
            f"last={self.last}",
            f"sampler={self.sampler}",
            *([f"epoch_samples={self.epoch_samples}"] if self.sampler != "all" else []),
            f"repeat={self.repeat}",
            f"subset={_reals([self.subset])}",
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
            f"interpolation={self.interpolation}",
            f"flip={_reals([self.flip])}",
            f"dtype={self.dtype}",
            f"layout={self.layout}",
        ]
        if self.dtype != "u8":
            lines += [f"mean={_reals(self.mean)}", f"std={_reals(self.std)}"]
        lines.append(f"labels={self.labels}")
        if self.labels == "dense":
            lines.append(f"smoothing={_reals([self.smoothing])}")
        lines.append(f"mix={self.mix}")
        if self.mix == "mixup":
            lines += [f"mix_preset={self.mix_preset}", f"mix_alpha={_reals([self.mix_alpha])}"]
        for first, batch, height, width in self.phases:
            lines += [f"phase={first}", f"batch={batch}", f"height={height}", f"width={width}"]
        return "".join(line + "\n" for line in lines)


def _reals(values):
    return ",".join("%.17g" % value for value in values)


def fingerprint(recipe, samples):
    """XXH3-128 over the canonical recipe and the listing, section 7."""
    hash_ = xxhash.xxh3_128(recipe.text().encode())
    for sample in samples:
        hash_.update(sample.text)
    for word in [samples.kind, *samples.classes]:
        hash_.update(word.encode() + b"\0")
    return hash_.digest()


# 8.4 exp and log.

LN2 = float.fromhex("0x1.62e42fefa39efp-1")
SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")


def log(x):
    m, e = math.frexp(x)
    if m < SQRT_HALF:
        m, e = m * 2, e - 1
    s = (m - 1) / (m + 1)
    z = s * s
    t = 0.0
    for n in range(23, 0, -2):
        t = t * z + 1 / n
    return e * LN2 + (2 * s) * t


def exp(x):
    if x < -708:
        return 0.0
    k = math.floor(x / LN2 + 0.5)
    r = x - k * LN2
    t = 1.0
    for n in range(14, 0, -1):
        t = 1 + (t * r) / n
    return math.ldexp(t, k)


# 8.7 Lambda.


def beta(alpha, draw):
    """A draw from Beta(alpha, alpha); draw(t) gives block t's four words."""
    for t in range(64):
        w0, w1, w2, w3 = draw(t)
        u, v = unit52(w0, w1), unit52(w2, w3)
        if alpha > 0.5:
            x, y = 2 * u - 1, 2 * v - 1
            s = x * x + y * y
            if s > 1:
                continue
            q = exp(log(s) * (2 / (2 * alpha - 1)))
            return 0.5 + x * y / s * math.sqrt(1 - q)
        a, b = log(u) / alpha, log(v) / alpha
        if exp(a) + exp(b) > 1:
            continue
        m = max(a, b)
        a, b = exp(a - m), exp(b - m)
        return a / (a + b)
    return 0.5


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
        (view_.resized[1], view_.resized[0]), getattr(Image, recipe.interpolation.upper())
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


def blend(recipe, images, partner, weight):
    """Mixup of formatted pictures, section 8.7; slots that are their own partner stay."""
    mixed = images.copy()
    for i, (other, share) in enumerate(zip(partner, weight)):
        if other == i:
            continue
        if recipe.dtype == "u8":
            a, b = images[i].astype(np.int64), images[other].astype(np.int64)
            mixed[i] = (share * a + (UNITS - share) * b + UNITS // 2) // UNITS
        else:
            own = np.float32(share / UNITS)
            a, b = NUMBERS[recipe.dtype](images[[i, other]])
            mixed[i] = ROUNDED[recipe.dtype](own * a + (np.float32(1) - own) * b)
    return mixed


# 8.3, 8.7, 8.8: a whole batch.


@dataclass
class Slot:
    """What stands in a slot before anything is read."""

    position: int
    index: int
    flip: bool
    partner: int  # slot
    weight: int
    valid: bool


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
        self.sampler = Sampler(recipe, samples)
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
        """Of epoch 0."""
        return self.steps_of(0)

    def steps_of(self, epoch):
        recipe = self.recipe.at(epoch)
        whole, rest = divmod(self.sampler.epoch_samples, recipe.batch)
        return whole + (rest > 0 and recipe.last != "drop")

    def count(self, epoch, step):
        recipe = self.recipe.at(epoch)
        rest = self.sampler.epoch_samples - step * recipe.batch
        return min(recipe.batch, rest) if recipe.last == "partial" else recipe.batch

    def slots(self, epoch, step):
        recipe, n = self.recipe.at(epoch), self.sampler.epoch_samples
        count = self.count(epoch, step)
        sample_at = self.sampler.epoch(epoch)
        weights = self.weights(epoch, step)
        partner = Permutation(recipe.seed, epoch, PARTNER, step, count)
        slots = []
        for i in range(count):
            p = step * recipe.batch + i
            index = sample_at((step // recipe.repeat * recipe.batch + i) % n)
            flip = unit(words(recipe.seed, epoch, FLIP, p, 0)[0]) < recipe.flip
            other = partner(i) if recipe.mix == "mixup" else i
            valid = recipe.last != "mask" or p < n
            slots.append(Slot(p, index, flip, other, weights[i], valid))
        return slots

    def weights(self, epoch, step):
        """Lambda of every slot in units of 1/16384."""
        recipe, count = self.recipe.at(epoch), self.count(epoch, step)
        if recipe.mix == "none":
            return [UNITS] * count
        if recipe.mix_preset == "paper":
            return [self._weight(epoch, step)] * count
        return [self._weight(epoch, step * recipe.batch + i) for i in range(count)]

    def _weight(self, epoch, position):
        draw = functools.partial(words, self.recipe.seed, epoch, LAMBDA, position)
        share = beta(self.recipe.mix_alpha, draw)
        if self.recipe.mix_preset == "fastai" and share < 0.5:
            share = 1 - share
        return math.floor(share * UNITS + 0.5)

    def stand_in(self, epoch, slot):
        """The sample that stands in a slot in the end."""
        index = slot.index
        for attempt in range(ATTEMPTS):
            if index not in self.bad:
                return index
            if self.recipe.on_corrupt == "fail":
                break
            index = self.sampler.draw(
                *words(self.recipe.seed, epoch, REPLACE, slot.position, attempt)
            )
        if index in self.bad:
            raise Unservable(f"sample {slot.index}")
        return index

    def batch(self, epoch, step):
        """The batch at an address, as an Expected."""
        recipe = self.recipe.at(epoch)
        slots = self.slots(epoch, step)
        indices = [self.stand_in(epoch, slot) for slot in slots]
        images, crops = [], []
        for slot, index in zip(slots, indices):
            image = self.decoded(index)
            view_ = view(recipe, epoch, slot.position, image.height, image.width)
            images.append(pixels(recipe, image, view_, slot.flip))
            crops.append(view_.crop)
        partner = [slot.partner for slot in slots]
        weight = [slot.weight for slot in slots]
        labels = np.array([self.samples[index].label for index in indices], "<i4")
        tensors = {
            "images": blend(recipe, formatted(recipe, np.stack(images)), partner, weight),
            "label": labels,
            "partner_label": labels[partner],
            "lambda": (np.array(weight) / UNITS).astype("<f4"),
            "index": np.array(indices, "<u8"),
            "partner_index": np.array(indices, "<u8")[partner],
            "crop": np.array(crops, "<i4"),
            "flip": np.array([slot.flip for slot in slots], "|u1"),
        }
        if recipe.labels == "dense" or self.samples.kind != "class":
            drawn = [tensors[name] for name in ("index", "partner_index", "lambda")]
            tensors["target"] = targets(recipe, self.samples, *drawn)
        if recipe.last == "mask":
            tensors["valid"] = np.array([slot.valid for slot in slots], "|u1")
        replaced = [
            (i, slot.index)
            for i, (slot, index) in enumerate(zip(slots, indices))
            if slot.index in self.bad
        ]
        return Expected(tensors, replaced)
