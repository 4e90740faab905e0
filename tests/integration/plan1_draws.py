"""Plan 1's arithmetic in Python: random words, the permutation, exp and log.

Written from proto/PROTOCOL.md alone, as plan1.py is; section numbers are that page's.
"""

import math

MASK32 = (1 << 32) - 1
MASK64 = (1 << 64) - 1

SHUFFLE, CROP, FLIP, LAMBDA, PARTNER, REPLACE = range(1, 7)
PARTNER_SAMPLE, MIX_CHOICE, CUT = 7, 8, 9
WEIGHTED, SUBSET = 10, 11
PAD_CROP, ERASE, ERASE_NOISE = 12, 13, 14


# 8.1 Random words.


def philox(counter, key):
    """Philox4x32-10 of Random123: four words from a counter of four and a key of two."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        a = 0xD2511F53 * c0
        b = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & MASK32, (a >> 32) ^ c3 ^ k1, a & MASK32
        k0 = (k0 + 0x9E3779B9) & MASK32
        k1 = (k1 + 0xBB67AE85) & MASK32
    return c0, c1, c2, c3


def words(seed, epoch, purpose, position, block):
    counter = (position & MASK32, position >> 32, epoch, (purpose << 16) + block)
    return philox(counter, (seed & MASK32, seed >> 32))


def unit(w):
    return (w + 0.5) / 2**32


def unit52(a, b):
    return ((a >> 6) * 2**26 + (b >> 6) + 0.5) / 2**52


def below(w, n):
    return w * n >> 32


def below64(a, b, n):
    return (a << 32 | b) * n >> 64


# 8.2 Permutation.


def scramble(z):
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
            high ^= scramble((low + self.keys[round_]) & MASK64) & high_mask
            low ^= scramble((high + self.keys[round_ + 1]) & MASK64) & low_mask
        return high << self.low_bits | low

    def __call__(self, x):
        x = self._walk(x)
        while x >= self.n:
            x = self._walk(x)
        return x


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
