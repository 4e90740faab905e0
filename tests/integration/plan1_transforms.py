"""Plan 1's transforms in Python: what is drawn for a picture, and what stands where it was erased.

Written from section 8.5 of proto/PROTOCOL.md alone, as plan1.py is.
"""

import math
from dataclasses import dataclass

import numpy as np

from plan1_draws import CROP, ERASE, ERASE_NOISE, FLIP, MASK64, PAD_CROP
from plan1_draws import below, exp, log, scramble, unit, words


@dataclass
class View:
    """What is cut out (top, left, height, width), resized to a height and width, of which a window
    is served, with the fill colour where it leaves the resized box."""

    box: tuple
    resized: tuple
    window: tuple = (0, 0)  # top, left
    fill: tuple = (0, 0, 0)

    def crop(self, size):
        """The window mapped back: what the header says."""
        ends = []
        for axis in range(2):
            edge, side = self.box[axis], self.box[2 + axis]
            first = edge + self.window[axis] * side // self.resized[axis]
            end = edge - (-(self.window[axis] + size[axis]) * side // self.resized[axis])
            ends.append((first, end))
        (top, bottom), (left, right) = ends
        return top, left, bottom - top, right - left


@dataclass
class Drawn:
    """What the transforms do to a picture; erase is (top, left, height, width)."""

    view: View
    flip: bool = False
    erase: tuple = (0, 0, 0, 0)
    noise: int = 0


def _random_resized_crop(recipe, draw, drawn):
    (scale0, scale1), (ratio0, ratio1) = recipe.scale, recipe.ratio
    _, _, height, width = drawn.view.box
    drawn.view.resized = (recipe.height, recipe.width)
    for t in range(10):
        w0, w1, w2, w3 = draw(CROP, t)
        area = (height * width) * (scale0 + (scale1 - scale0) * unit(w0))
        aspect = exp(log(ratio0) + (log(ratio1) - log(ratio0)) * unit(w1))
        w = round(math.sqrt(area * aspect))
        h = round(math.sqrt(area / aspect))
        if 1 <= w <= width and 1 <= h <= height:
            drawn.view.box = (below(w2, height - h + 1), below(w3, width - w + 1), h, w)
            return
    w, h = width, height
    if width / height < ratio0:
        h = max(1, round(width / ratio0))
    elif width / height > ratio1:
        w = max(1, round(height * ratio1))
    drawn.view.box = ((height - h) // 2, (width - w) // 2, h, w)


def _resize(recipe, _, drawn):
    _, _, height, width = drawn.view.box
    shorter = min(height, width)
    if not recipe.crops_behind_resize:
        drawn.view.resized = (recipe.height, recipe.width)
    elif len(recipe.side) == 2:
        drawn.view.resized = recipe.side
    else:
        side = recipe.side[0]
        drawn.view.resized = (side * height // shorter, side * width // shorter)


def _center_crop(recipe, _, drawn):
    def start(resized, size):
        return round((resized - size) / 2) if resized >= size else -((size - resized) // 2)

    rows, columns = drawn.view.resized
    drawn.view.window = (start(rows, recipe.height), start(columns, recipe.width))


def _pad_crop(recipe, draw, drawn):
    def start(word, n, m):
        pad = recipe.padding
        if n + 2 * pad < m:
            pad += m - n - 2 * pad
        return below(word, n + 2 * pad - m + 1) - pad

    w0, w1, _, _ = draw(PAD_CROP, 0)
    rows, columns = drawn.view.resized
    drawn.view.window = (start(w0, rows, recipe.height), start(w1, columns, recipe.width))
    drawn.view.fill = recipe.fill


def _flip(recipe, draw, drawn):
    drawn.flip = unit(draw(FLIP, 0)[0]) < recipe.flip


def _random_erasing(recipe, draw, drawn):
    (scale0, scale1), (ratio0, ratio1) = recipe.erase_scale, recipe.erase_ratio
    height, width = recipe.height, recipe.width
    if not unit(draw(ERASE, 0)[0]) < recipe.erase_prob:
        return
    for t in range(1, 11):
        w0, w1, w2, w3 = draw(ERASE, t)
        area = (height * width) * (scale0 + (scale1 - scale0) * unit(w0))
        aspect = exp(log(ratio0) + (log(ratio1) - log(ratio0)) * unit(w1))
        h = round(math.sqrt(area * aspect))
        w = round(math.sqrt(area / aspect))
        if h < height and w < width:
            if h > 0 and w > 0:
                drawn.erase = (below(w2, height - h + 1), below(w3, width - w + 1), h, w)
            break
    w0, w1, _, _ = draw(ERASE_NOISE, 0)
    drawn.noise = w1 << 32 | w0


TRANSFORMS = {
    "random_resized_crop": _random_resized_crop,
    "resize": _resize,
    "center_crop": _center_crop,
    "pad_crop": _pad_crop,
    "flip": _flip,
    "random_erasing": _random_erasing,
}


def draw_transforms(recipe, epoch, position, height, width):
    """What is done to a picture of height x width at a position."""
    drawn = Drawn(View((0, 0, height, width), (height, width)))
    for name in recipe.transform:

        def draw(purpose, block):
            return words(recipe.seed, epoch, purpose, position, block)

        TRANSFORMS[name](recipe, draw, drawn)
    return drawn


def erased(recipe, drawn):
    """What stands in the erased box."""
    top, left, height, width = drawn.erase
    if recipe.erase_mode == "value":
        return recipe.erase_value
    noise = np.empty((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            place = (top + y) * recipe.width + left + x
            z = scramble((drawn.noise + place * 0x9E3779B97F4A7C15) & MASK64)
            noise[y, x] = z & 255, z >> 8 & 255, z >> 16 & 255
    return noise
