"""Mixing of plan 1 in Python, written from section 8.7 of proto/PROTOCOL.md alone.

Draws come in as functions from a purpose, a position and a block to four words, pictures as arrays.
"""

import math
from dataclasses import dataclass

import numpy as np

from plan1_draws import CUT, LAMBDA, MIX_CHOICE, PARTNER_SAMPLE
from plan1_draws import below, exp, log, unit, unit52

UNITS = 16384
PARTNER_POSITION = 1 << 63

SAME = dict(cutmix_alpha=1.0, switch_prob=0.5, prob=1.0, partner_self="no", box_range=None)
SAME |= dict(from_epoch=0, until_epoch=0)
PRESETS = {
    "fastai": dict(
        method="mixup", alpha=0.4, per="sample", fold="yes", partner="permutation",
        cutmix_box="round", smoothing=0.0,
    ),
    "timm": dict(
        method="both", alpha=1.0, per="batch", fold="no", partner="reverse", cutmix_box="floor",
        smoothing=0.1,
    ),
    "torchvision": dict(
        method="both", alpha=1.0, per="batch", fold="no", partner="roll", cutmix_box="floor",
        smoothing=0.0,
    ),
    "paper": dict(
        method="mixup", alpha=1.0, per="batch", fold="no", partner="permutation",
        cutmix_box="floor", smoothing=0.0,
    ),
    "fastbook": dict(
        method="mixup", alpha=1.0, per="sample", fold="yes", partner="dataset",
        cutmix_box="floor", smoothing=0.0,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Mixing:
    """Every key of a mix section."""

    method: str
    alpha: float
    cutmix_alpha: float
    switch_prob: float
    prob: float
    per: str
    fold: str
    partner: str
    partner_self: str
    cutmix_box: str
    box_range: tuple
    smoothing: float
    from_epoch: int
    until_epoch: int

    @property
    def blends(self):
        return self.method in ("mixup", "both")

    @property
    def cuts(self):
        return self.method in ("cutmix", "both")

    def is_on(self, epoch):
        if self.method == "none" or epoch < self.from_epoch:
            return False
        return self.until_epoch == 0 or epoch < self.until_epoch

    def lines(self, reals):
        """The canonical recipe's lines, section 7."""
        yield f"mix={self.method}"
        if self.method == "none":
            return
        if self.blends:
            yield f"mix_alpha={reals([self.alpha])}"
        if self.cuts and self.cutmix_box != "minmax":
            yield f"mix_cutmix_alpha={reals([self.cutmix_alpha])}"
        if self.method == "both":
            yield f"mix_switch_prob={reals([self.switch_prob])}"
        yield f"mix_prob={reals([self.prob])}"
        yield f"mix_per={self.per}"
        if self.blends:
            yield f"mix_fold={self.fold}"
        yield f"mix_partner={self.partner}"
        if self.partner == "dataset":
            yield f"mix_partner_self={self.partner_self}"
        if self.cuts:
            yield f"mix_cutmix_box={self.cutmix_box}"
        if self.cuts and self.cutmix_box == "minmax":
            yield f"mix_cutmix_box_range={reals(self.box_range)}"
        yield f"mix_from_epoch={self.from_epoch}"
        yield f"mix_until_epoch={self.until_epoch}"


def expand(preset, method=None, **keys):
    """A preset's keys, then those that are given."""
    mixing = SAME | PRESETS[preset]
    if preset == "fastai" and method == "cutmix":
        mixing["per"] = "batch"
    if method is not None:
        mixing["method"] = method
    return Mixing(**(mixing | keys))


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


@dataclass
class Share:
    """What becomes of a slot: kind is "keep", "blend" or "cut"."""

    kind: str = "keep"
    share: float = 1.0  # lambda on the wire, before it is rounded to binary32
    weight: int = UNITS
    cut: tuple = (0, 0, 0, 0)  # top, left, height, width
    drawn: float = None  # the lambda that a box was made from


def box(rounding, share, height, width, y, x):
    """CutMix's box: top, left, height, width."""
    r = math.sqrt(1 - share)

    def half(n):
        return (round(n * r) if rounding == "round" else math.floor(n * r)) // 2

    top, bottom = max(0, y - half(height)), min(height, y + half(height))
    left, right = max(0, x - half(width)), min(width, x + half(width))
    return top, left, bottom - top, right - left


def box_share(cut, height, width):
    return 1 - cut[2] * cut[3] / (height * width)


def _minmax_box(mixing, words, height, width):
    low, high = mixing.box_range

    def side(n, w, v):
        length = math.floor(n * low) + below(w, math.floor(n * high) - math.floor(n * low))
        return below(v, n - length), length

    top, cut_height = side(height, words[0], words[1])
    left, cut_width = side(width, words[2], words[3])
    return top, left, cut_height, cut_width


def _cut(mixing, draw, d, height, width):
    words = draw(CUT, d, 0)
    drawn = None
    if mixing.cutmix_box == "minmax":
        cut = _minmax_box(mixing, words, height, width)
    else:
        drawn = beta(mixing.cutmix_alpha, lambda t: draw(LAMBDA, d, t))
        y, x = below(words[0], height), below(words[1], width)
        cut = box(mixing.cutmix_box, drawn, height, width, y, x)
    return Share("cut", box_share(cut, height, width), cut=cut, drawn=drawn)


def _blend(mixing, draw, d):
    share = beta(mixing.alpha, lambda t: draw(LAMBDA, d, t))
    if mixing.fold == "yes" and share < 0.5:
        share = 1 - share
    weight = math.floor(share * UNITS + 0.5)
    return Share("blend", weight / UNITS, weight)


def share_at(mixing, draw, d, height, width):
    """The draws of place d."""
    w0, w1, _, _ = draw(MIX_CHOICE, d, 0)
    if not unit(w0) < mixing.prob:
        return Share()
    if mixing.method == "cutmix" or mixing.method == "both" and unit(w1) < mixing.switch_prob:
        return _cut(mixing, draw, d, height, width)
    return _blend(mixing, draw, d)


def shares(mixing, draw, step, positions, height, width):
    """What becomes of each slot."""
    places = list(positions)
    if mixing.per == "batch":
        places = [step] * len(places)
    elif mixing.per == "pair":
        places = [positions[min(i, len(places) - 1 - i)] for i in range(len(places))]
    known = {d: share_at(mixing, draw, d, height, width) for d in sorted(set(places))}
    return [known[d] for d in places]


def partner_slots(mixing, permutation, count):
    """The slots that are mixed in; permutation(n) gives the one keyed by purpose 5."""
    if mixing.partner == "permutation":
        return [permutation(count)(i) for i in range(count)]
    if mixing.partner == "reverse":
        return [count - 1 - i for i in range(count)]
    return [i - 1 if i > 0 else count - 1 for i in range(count)]


def partner_sample(mixing, draw, position, index, sample):
    """The sample that is mixed in where partners come from the data set; sample is the law."""
    for block in range(64):
        x = sample(*draw(PARTNER_SAMPLE, position, block))
        if mixing.partner_self == "yes" or x != index:
            return x
    return index


def mix(share, own, other, nchw, rounded, numbers):
    """One slot's elements: own and its partner's as they were before mixing.

    rounded and numbers turn numbers into elements of the dtype and back; None for u8.
    """
    if share.kind == "keep":
        return own
    if share.kind == "cut":
        mixed = own.copy()
        top, left, height, width = share.cut
        area = (slice(top, top + height), slice(left, left + width))
        area = (slice(None), *area) if nchw else area
        mixed[area] = other[area]
        return mixed
    if rounded is None:
        a, b = own.astype(np.int64), other.astype(np.int64)
        mixed = (share.weight * a + (UNITS - share.weight) * b + UNITS // 2) // UNITS
        return mixed.astype(np.uint8)
    weight = np.float32(share.weight / UNITS)
    return rounded(weight * numbers(own) + (np.float32(1) - weight) * numbers(other))
