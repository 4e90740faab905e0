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

import mix1
from plan1_draws import *  # noqa: F401,F403; with what follows it is all of plan 1
from plan1_listing import Listing, Sample, list_csv, list_folder  # noqa: F401
from plan1_sampler import Sampler
from plan1_target import targets
from plan1_transforms import TRANSFORMS, Drawn, View, draw_transforms, erased  # noqa: F401

ATTEMPTS = 64


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
    interpolation: str = "bilinear"
    transform: tuple = ("random_resized_crop", "flip")
    scale: tuple = (0.08, 1.0)  # of random_resized_crop, as is ratio
    ratio: tuple = (3 / 4, 4 / 3)
    side: tuple = (256,)
    padding: int = 4
    fill: tuple = (0, 0, 0)
    flip: float = 0.5
    erase_prob: float = 0.5
    erase_scale: tuple = (0.02, 0.33)
    erase_ratio: tuple = (0.3, 3.3)
    erase_mode: str = "value"
    erase_value: tuple = (0, 0, 0)
    dtype: str = "u8"
    layout: str = "nhwc"
    mean: tuple = (0.485, 0.456, 0.406)
    std: tuple = (0.229, 0.224, 0.225)
    labels: str = "index"
    mix: str = "none"  # the method
    mix_preset: str = "fastai"
    mix_alpha: float = None  # None: the preset's
    mix_keys: dict = field(default_factory=dict)  # others that the preset does not decide
    phases: tuple = ()  # of (first epoch, batch, height, width)

    @property
    def mixing(self):
        """The preset with what is written out beside it."""
        keys = dict(self.mix_keys)
        if self.mix_alpha is not None:
            keys["alpha"] = self.mix_alpha
        return mix1.expand(self.mix_preset, self.mix, **keys)

    @property
    def smoothing(self):
        return self.mixing.smoothing if self.mix != "none" or self.mix_keys else 0.0

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
            *([f"interpolation={self.interpolation}"] if self.resizes else []),
            f"transform={','.join(self.transform)}",
        ]
        for name in self.transform:
            lines += [f"{name}.{key}={value}" for key, value in self.settings(name)]
        lines += [
            f"dtype={self.dtype}",
            f"layout={self.layout}",
        ]
        if self.dtype != "u8":
            lines += [f"mean={_reals(self.mean)}", f"std={_reals(self.std)}"]
        lines.append(f"labels={self.labels}")
        if self.labels == "dense":
            lines.append(f"smoothing={_reals([self.smoothing])}")
        lines += self.mixing.lines(_reals)
        for first, batch, height, width in self.phases:
            lines += [f"phase={first}", f"batch={batch}", f"height={height}", f"width={width}"]
        return "".join(line + "\n" for line in lines)

    @property
    def resizes(self):
        return not {"random_resized_crop", "resize"}.isdisjoint(self.transform)

    @property
    def crops_behind_resize(self):
        return not {"center_crop", "pad_crop"}.isdisjoint(self.transform)

    def settings(self, name):
        """The settings of a transform as (key, text), section 7."""
        settings = {
            "random_resized_crop": [("scale", self.scale), ("ratio", self.ratio)],
            "resize": [("side", self.side)] if self.crops_behind_resize else [],
            "pad_crop": [("padding", (self.padding,)), ("fill", self.fill)],
            "flip": [("prob", (self.flip,))],
            "random_erasing": [
                ("prob", (self.erase_prob,)),
                ("scale", self.erase_scale),
                ("ratio", self.erase_ratio),
                ("mode", self.erase_mode),
            ],
        }
        if self.erase_mode == "value":
            settings["random_erasing"].append(("value", self.erase_value))
        rows = settings.get(name, [])
        return [(key, value if type(value) is str else _reals(value)) for key, value in rows]


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


# 8.6 Pixels.


def decode(data):
    """A JPEG as Pillow gives it in RGB."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def pixels(recipe, image, drawn):
    """A decoded picture as uint8 [height, width, 3] of the stream."""
    view = drawn.view
    top, left, height, width = view.box
    resized = image.crop((left, top, left + width, top + height)).resize(
        view.resized[::-1], getattr(Image, recipe.interpolation.upper())
    )
    served = Image.new("RGB", (recipe.width, recipe.height), view.fill)
    served.paste(resized, (-view.window[1], -view.window[0]))
    served = np.array(served)
    if drawn.flip:
        served = served[:, ::-1].copy()
    top, left, height, width = drawn.erase
    if height > 0:
        served[top : top + height, left : left + width] = erased(recipe, drawn)
    return served


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
    valid: bool = True


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

    def draws(self, epoch):
        """Four words from a purpose, a position and a block."""
        return functools.partial(words, self.recipe.seed, epoch)

    def slots(self, epoch, step):
        recipe, n = self.recipe.at(epoch), self.sampler.epoch_samples
        sample_at = self.sampler.epoch(epoch)
        slots = []
        for i in range(self.count(epoch, step)):
            p = step * recipe.batch + i
            index = sample_at((step // recipe.repeat * recipe.batch + i) % n)
            slots.append(Slot(p, index, recipe.last != "mask" or p < n))
        return slots

    def shares(self, epoch, step, slots):
        """What becomes of each slot."""
        recipe, mixing = self.recipe.at(epoch), self.recipe.mixing
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
        mixing, draw = self.recipe.mixing, self.draws(epoch)
        return [
            Slot(
                slot.position + mix1.PARTNER_POSITION,
                mix1.partner_sample(mixing, draw, slot.position, slot.index, self.sampler.draw),
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
            index = self.sampler.draw(
                *words(self.recipe.seed, epoch, REPLACE, slot.position, attempt)
            )
        if index in self.bad:
            raise Unservable(f"sample {slot.index}")
        return index

    def made(self, epoch, slots):
        """Index, label, what was drawn and formatted pixels of slots, one behind the other."""
        recipe = self.recipe.at(epoch)
        size = (recipe.height, recipe.width)
        indices = [self.stand_in(epoch, slot) for slot in slots]
        images, drawns = [], []
        for slot, index in zip(slots, indices):
            image = self.decoded(index)
            drawn = draw_transforms(recipe, epoch, slot.position, image.height, image.width)
            images.append(pixels(recipe, image, drawn))
            drawns.append(drawn)
        return {
            "images": formatted(recipe, np.stack(images)),
            "label": np.array([self.samples[index].label for index in indices], "<i4"),
            "index": np.array(indices, "<u8"),
            "crop": np.array([drawn.view.crop(size) for drawn in drawns], "<i4"),
            "flip": np.array([drawn.flip for drawn in drawns], "|u1"),
            "erase": np.array([drawn.erase for drawn in drawns], "<i4"),
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
            "images": mixed(self.recipe.at(epoch), shares, own["images"], pictures),
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
        if "random_erasing" in self.recipe.transform:
            tensors["erase"] = own["erase"]
            if "partner_crop" in tensors:
                tensors["partner_erase"] = other["erase"]
        if self.recipe.labels == "dense" or self.samples.kind != "class":
            drawn = [tensors[name] for name in ("index", "partner_index", "lambda")]
            tensors["target"] = targets(self.recipe, self.samples, *drawn)
        if self.recipe.last == "mask":
            tensors["valid"] = np.array([slot.valid for slot in slots], "|u1")
        return Expected(tensors, replaced)

    def replaced(self, slots, first, places=None):
        """(place, index) of those that cannot be decoded, their places counted from first."""
        places = range(len(slots)) if places is None else places
        return [(first + i, slot.index) for i, slot in zip(places, slots) if slot.index in self.bad]
