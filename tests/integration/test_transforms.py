"""Transforms: what stokerd serves against torchvision's own classes, which are given our draws.

A class of torchvision is run as it is but for get_params, which returns what the batch says was
drawn; so padding, cropping, resizing, flipping and erasing are torchvision's.  Tolerance: 0.
"""

import math

import numpy as np
import pytest
from PIL import Image

import plan1
from plan1 import Recipe
from stokerd import stream_text

torchvision = pytest.importorskip(
    "torchvision",
    reason="python3-torchvision is not installed: transforms are held to Pillow alone",
)
import torch  # noqa: E402
from torchvision import transforms as T  # noqa: E402

HEIGHT, WIDTH = 72, 97

# Every list of geometry that there is, on pictures larger and smaller than what is served.
GEOMETRY = {
    "random_resized_crop": {"transform": ("random_resized_crop",)},
    "resize": {"transform": ("resize",)},
    "center_crop": {"transform": ("center_crop",)},
    "center_crop_large": {"transform": ("center_crop",), "height": 161, "width": 240},
    "pad_crop": {"transform": ("pad_crop",), "padding": 40, "fill": (200, 100, 1)},
    "pad_crop_large": {"transform": ("pad_crop",), "height": 181, "width": 251, "padding": 3},
    "resize_center": {"transform": ("resize", "center_crop"), "side": (79,)},
    "resize_center_short": {"transform": ("resize", "center_crop"), "side": (72,)},
    "resize_two_center": {"transform": ("resize", "center_crop"), "side": (83, 99)},
    "resize_pad": {"transform": ("resize", "pad_crop"), "side": (65,), "padding": 6},
}
PIXELS = {
    "plain": {},
    "flipped": {"behind": ("flip",)},
    "erased": {"behind": ("flip", "random_erasing"), "erase_value": (1, 128, 255)},
}


def recipe_of(geometry, pixels):
    settings = {"height": HEIGHT, "width": WIDTH, **GEOMETRY[geometry], **PIXELS[pixels]}
    settings["transform"] += settings.pop("behind", ())
    return Recipe(seed=31, batch=20, erase_prob=0.7, **settings)


RECIPES = {
    f"{geometry}-{pixels}": recipe_of(geometry, pixels)
    for geometry in GEOMETRY
    for pixels in PIXELS
}


def with_params(transform, params):
    """An object of torchvision's, whose draws are ours."""
    transform.get_params = lambda *_, **__: params
    return transform


class PaddedCrop(T.RandomCrop):
    """torchvision's, at the window that our plan says, counted from the picture's corner."""

    def __init__(self, recipe, window):
        size = (recipe.height, recipe.width)
        super().__init__(size, recipe.padding, pad_if_needed=True, fill=recipe.fill)
        self.window = window

    def forward(self, image):
        self.image = image
        return super().forward(image)

    def get_params(self, padded, size):
        above = (padded.height - self.image.height) // 2
        beside = (padded.width - self.image.width) // 2
        return above + self.window[0], beside + self.window[1], *size


class Erasing:
    """torchvision's RandomErasing in a chain of pictures."""

    def __init__(self, box, value):
        self.box = box
        self.value = torch.tensor(value, dtype=torch.uint8)[:, None, None]

    def __call__(self, image):
        picture = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        erased = with_params(T.RandomErasing(p=1.0), (*self.box, self.value))(picture)
        return Image.fromarray(erased.permute(1, 2, 0).numpy())


def chain(recipe, batch, slot, window):
    """torchvision's transforms of a slot, with what its batch says that was drawn."""
    size = (recipe.height, recipe.width)
    chain_ = {
        "random_resized_crop": lambda: with_params(T.RandomResizedCrop(size), batch["crop"][slot]),
        "resize": lambda: T.Resize(
            (recipe.side if len(recipe.side) == 2 else recipe.side[0])
            if recipe.crops_behind_resize
            else size
        ),
        "center_crop": lambda: T.CenterCrop(size),
        "pad_crop": lambda: PaddedCrop(recipe, window),
        "flip": lambda: T.RandomHorizontalFlip(float(batch["flip"][slot])),
        "random_erasing": lambda: Erasing(batch["erase"][slot].tolist(), recipe.erase_value),
    }
    return T.Compose([chain_[name]() for name in recipe.transform])


@pytest.mark.parametrize("geometry", GEOMETRY)
def test_every_row_is_torchvisions_byte_for_byte(daemon, connect, good, plan_of, geometry):
    names = [f"{geometry}-{pixels}" for pixels in PIXELS]
    running = daemon("".join(stream_text(name, good, RECIPES[name]) for name in names))
    client = connect(running.endpoint)
    for name in names:
        recipe, plan = RECIPES[name], plan_of(RECIPES[name])
        for batch in client.epoch(name, 0, range(2)):
            for i, index in enumerate(batch["index"]):
                image = plan.decoded(int(index))
                position = batch.step * recipe.batch + i
                drawn = plan1.draw_transforms(recipe, 0, position, image.height, image.width)
                if recipe.transform[0] in ("center_crop", "pad_crop"):
                    assert tuple(batch["crop"][i][:2]) == drawn.view.window
                expected = np.asarray(chain(recipe, batch, i, drawn.view.window)(image))
                differing = int((batch["images"][i] != expected).sum())
                assert differing == 0, f"{name} slot {i} of {batch.step}: {differing} bytes differ"


def test_the_rows_pad_on_every_side_and_erase_some(plan_of):
    """The comparison above is worth something."""
    seen = set()
    for recipe in RECIPES.values():
        plan = plan_of(recipe)
        for slot in plan.slots(0, 0):
            image = plan.decoded(slot.index)
            drawn = plan1.draw_transforms(recipe, 0, slot.position, image.height, image.width)
            (top, left), (rows, columns) = drawn.view.window, drawn.view.resized
            seen |= {top < 0 and "above", left < 0 and "left", drawn.erase[2] > 0 and "erased"}
            seen |= {top + recipe.height > rows and "below", drawn.erase[2] == 0 and "whole"}
            seen |= {left + recipe.width > columns and "right"}
    assert seen - {False} == {"above", "left", "below", "right", "erased", "whole"}


# The laws: our draws and torchvision's own, two samples that nothing tells apart at p = 1e-4.

COUNT = 5000
CRITICAL = 2.23 * math.sqrt(2 / COUNT)  # of Kolmogorov and Smirnov's distance, at p = 1e-4


def ours(recipe, height, width, boxes):
    return [boxes(plan1.draw_transforms(recipe, 3, p, height, width)) for p in range(COUNT)]


def assert_same_law(left, right, what):
    """The distance of the two samples' distribution functions, for each column."""
    left, right = np.array(left), np.array(right)
    for column in range(left.shape[1]):
        a, b = np.sort(left[:, column]), np.sort(right[:, column])
        places = np.unique(np.concatenate([a, b]))
        distance = np.abs(
            np.searchsorted(a, places, "right") / COUNT
            - np.searchsorted(b, places, "right") / COUNT
        ).max()
        assert distance < CRITICAL, f"{what}, column {column}: {distance:.4f} of {CRITICAL:.4f}"


@pytest.mark.parametrize("shape", [(375, 500), (90, 30), (40, 400)])
def test_random_resized_crop_has_torchvisions_law(shape):
    torch.manual_seed(1)
    image = torch.empty(3, *shape)
    theirs = [
        T.RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(COUNT)
    ]
    assert_same_law(ours(Recipe(), *shape, lambda drawn: drawn.view.box), theirs, shape)


@pytest.mark.parametrize("shape, scale", [((64, 64), (0.02, 0.33)), ((20, 90), (0.2, 0.9))])
def test_random_erasing_has_torchvisions_law(shape, scale):
    torch.manual_seed(2)
    image = torch.zeros(1, *shape)
    theirs = []
    for _ in range(COUNT):
        box = (0, 0, 0, 0)
        if torch.rand(1) < 0.5:
            *box, value = T.RandomErasing.get_params(image, scale, (0.3, 3.3), [1.0])
            if value.ndim == image.ndim and value.shape == image.shape:
                box = (0, 0, 0, 0)  # none of its tries did fit: it gives the picture back
        theirs.append(box)
    recipe = Recipe(
        height=shape[0],
        width=shape[1],
        transform=("resize", "random_erasing"),
        erase_scale=scale,
    )
    assert_same_law(ours(recipe, 10, 10, lambda drawn: drawn.erase), theirs, shape)


@pytest.mark.parametrize("shape", [(32, 32), (20, 40), (32, 3)])
def test_pad_crop_has_torchvisions_law(shape):
    torch.manual_seed(3)
    recipe = Recipe(height=32, width=32, transform=("pad_crop",))
    windows = []

    class Noting(T.RandomCrop):
        @staticmethod
        def get_params(padded, size):
            top, left, *_ = T.RandomCrop.get_params(padded, size)
            before = (padded.shape[-2] - shape[0]) // 2, (padded.shape[-1] - shape[1]) // 2
            windows.append((top - before[0], left - before[1]))
            return top, left, *size

    crop = Noting(32, 4, pad_if_needed=True)
    for _ in range(COUNT):
        crop(torch.zeros(1, *shape))
    assert_same_law(ours(recipe, *shape, lambda drawn: drawn.view.window), windows, shape)
