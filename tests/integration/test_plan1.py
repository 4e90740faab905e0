"""The second implementation itself, against values from elsewhere."""

import math

import numpy as np
import pytest

import mix1
import plan1

# Random123's tests/kat_vectors, philox4x32 of 10 rounds: counter, key, words.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize("counter, key, answer", KNOWN_ANSWERS)
def test_philox_gives_the_known_answers_of_random123(counter, key, answer):
    assert plan1.philox(counter, key) == answer


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 60, 64, 65, 1000])
def test_permutation_reaches_every_number_once(n):
    permute = plan1.Permutation(7, 3, plan1.SHUFFLE, 0, n)
    assert sorted(map(permute, range(n))) == list(range(n))


def test_exp_and_log_agree_with_the_c_librarys_to_the_last_digits():
    for x in np.geomspace(1e-15, 1e15, 400):
        assert math.isclose(plan1.log(x), math.log(x), rel_tol=1e-14, abs_tol=1e-15)
    for x in np.linspace(-707, 700, 400):
        assert math.isclose(plan1.exp(x), math.exp(x), rel_tol=1e-12)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 0.5, 0.6, 1.0, 3.0])
def test_beta_has_the_moments_of_its_law(alpha):
    draws = [
        mix1.beta(alpha, lambda t, p=p: plan1.words(11, 0, plan1.LAMBDA, p, t)) for p in range(4000)
    ]
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(np.mean(draws) - 0.5) < 4 * math.sqrt(variance / len(draws))
    assert abs(np.var(draws) - variance) < 0.06 * variance
