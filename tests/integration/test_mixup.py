"""Mixup: the pixels from the unmixed stream, the laws of lambda and of partners."""

import dataclasses
import math

import numpy as np
import pytest

from plan1 import NUMBERS, Recipe
from stokerd import stream_text

UNITS = 16384
PLAIN = Recipe(seed=9, batch=20, height=32, width=32)


def mixed(**changes):
    return dataclasses.replace(PLAIN, mix="mixup", **changes)


@pytest.fixture
def serve(daemon, connect, good):
    """A client of one daemon that serves recipes by name."""

    def make(**recipes):
        text = "".join(stream_text(name, good, recipe) for name, recipe in recipes.items())
        client = connect(daemon(text).endpoint)
        client.hello(next(iter(recipes)), window=64)
        return client

    return make


def blend_exactly(batch, plain):
    """The mixed pictures in real numbers, from the unmixed ones and the header."""
    partner = [list(batch["index"]).index(index) for index in batch["partner_index"]]
    share = np.rint(batch["lambda"].astype(np.float64) * UNITS) / UNITS
    share = share.reshape(-1, 1, 1, 1)
    own = plain["images"].astype(np.float64)
    return share * own + (1 - share) * own[partner]


@pytest.mark.parametrize("preset, alpha", [("fastai", 0.4), ("paper", 1.0)])
def test_header_and_unmixed_stream_reproduce_the_pixels_unbiased(serve, preset, alpha):
    client = serve(plain=PLAIN, mixed=mixed(mix_preset=preset, mix_alpha=alpha))
    errors, pictures = [], 0
    for epoch in range(8):
        for step in range(3):
            plain, batch = client.get("plain", epoch, step), client.get("mixed", epoch, step)
            for name in ("index", "label", "crop", "flip"):
                assert np.array_equal(plain[name], batch[name])
            exact = blend_exactly(batch, plain)
            assert np.array_equal(batch["images"], np.floor(exact + 0.5).astype(np.uint8))
            blended = batch["partner_index"] != batch["index"]
            errors.append((batch["images"] - exact)[blended].ravel())
            pictures += blended.sum()
    errors = np.concatenate(errors)
    assert pictures > 400
    assert np.abs(errors).max() <= 0.5
    assert abs(errors.mean()) < 0.01  # cutting off instead of rounding has -0.5


# Half a step of the largest numbers, which are below 4; f32 rounds three times.
@pytest.mark.parametrize("dtype, error", [("f32", 1e-6), ("f16", 2**-10), ("bf16", 2**-7)])
def test_floats_are_mixed_after_they_were_normalised(serve, dtype, error):
    floats = dict(dtype=dtype, layout="nchw")
    client = serve(plain=dataclasses.replace(PLAIN, **floats), mixed=mixed(**floats))
    plain, batch = client.get("plain", 0, 1), client.get("mixed", 0, 1)
    numbers = NUMBERS[dtype]
    exact = blend_exactly(batch, {"images": numbers(plain["images"])})
    assert np.abs(numbers(batch["images"]) - exact).max() <= error * 1.001


def test_a_slot_that_is_its_own_partner_keeps_its_pixels(serve):
    client = serve(plain=PLAIN, mixed=mixed())
    kept = 0
    for epoch in range(6):
        plain, batch = client.get("plain", epoch, 0), client.get("mixed", epoch, 0)
        alone = batch["partner_index"] == batch["index"]
        assert np.array_equal(batch["images"][alone], plain["images"][alone])
        kept += alone.sum()
    assert kept > 0


def test_an_unmixed_stream_says_that_nothing_is_mixed_in(serve):
    batch = serve(plain=PLAIN).get("plain", 0, 0)
    assert np.array_equal(batch["partner_index"], batch["index"])
    assert np.array_equal(batch["partner_label"], batch["label"])
    assert (batch["lambda"] == 1).all()


def test_partners_are_a_permutation_that_changes_and_reaches_everyone(serve):
    client = serve(mixed=mixed(batch=60, height=8, width=8))
    places = np.zeros((60, 60))
    for epoch in range(200):
        batch = client.get("mixed", epoch, 0)
        index = list(batch["index"])
        partner = [index.index(sample) for sample in batch["partner_index"]]
        assert sorted(partner) == list(range(60))
        assert np.array_equal(batch["partner_label"], batch["label"][partner])
        places[range(60), partner] += 1
    # 200 draws into 60 cells a row: chi-square of 60 x 59 degrees of freedom, 5 sigma either way.
    expected = 200 / 60
    chi_square = ((places - expected) ** 2 / expected).sum()
    degrees = 60 * 59
    assert abs(chi_square - degrees) < 5 * math.sqrt(2 * degrees)
    assert abs(np.trace(places) - 200) < 5 * math.sqrt(200)  # as many fixed points as by chance


def beta_cdf(x, alpha, n=200001):
    """Beta(alpha, alpha)'s distribution by numerical integration over sin(t)^2."""
    t = np.linspace(0, np.pi / 2, n)[1:-1]
    density = 2 * (np.sin(t) * np.cos(t)) ** (2 * alpha - 1)
    mass = np.cumsum(density)
    return np.interp(x, np.sin(t) ** 2, mass / mass[-1])


def kolmogorov(draws, cdf):
    """The largest distance of the draws' distribution to a law, times the root of their number."""
    draws = np.sort(draws)
    steps = np.arange(len(draws) + 1) / len(draws)
    law = cdf(draws)
    return max((steps[1:] - law).max(), (law - steps[:-1]).max()) * math.sqrt(len(draws))


@pytest.mark.parametrize("alpha", [0.4, 1.0, 5.0])
def test_fastai_draws_a_folded_lambda_for_every_sample(serve, alpha):
    client = serve(mixed=mixed(batch=60, height=8, width=8, mix_alpha=alpha))
    lambdas = [client.get("mixed", epoch, 0)["lambda"] for epoch in range(40)]
    assert all(len(set(row)) > 50 or alpha < 1 and len(set(row)) > 25 for row in lambdas)
    draws = np.concatenate(lambdas)
    assert draws.min() >= 0.5 and draws.max() <= 1
    folded = lambda x: 2 * beta_cdf(x, alpha) - 1  # noqa: E731
    assert kolmogorov(draws + 1e-9, folded) < 1.95  # one in a thousand, and the seed is fixed


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_the_paper_draws_one_lambda_for_a_batch(serve, alpha):
    client = serve(mixed=mixed(batch=5, height=8, width=8, mix_preset="paper", mix_alpha=alpha))
    draws = []
    for epoch in range(60):
        ids = [client.post_get("mixed", epoch, step) for step in range(12)]
        for id_ in ids:
            row = client.take(id_)["lambda"]
            assert len(set(row)) == 1
            draws.append(row[0])
    assert min(draws) < 0.5 < max(draws)
    assert kolmogorov(np.array(draws), lambda x: beta_cdf(x, alpha)) < 1.95
