"""The stream that daemons of these tests serve: small pictures, and hardly memory for them."""

import os
import re

import dataset
from plan1 import Recipe
from stokerd import Stokerd, stream_text

RECIPE = Recipe(seed=5, batch=4, height=32, width=32, mix="mixup")
CLASSES, EACH = 4, 50
STEPS = CLASSES * EACH // RECIPE.batch  # of an epoch
LIMITS = "image_bytes_max = 64K\nimage_pixels_max = 4096\n"


def draw(folder):
    """Draw the pictures; the configuration's text and a daemon's options.

    A daemon gets what it needs and a MiB.  That is room for a hundred batches, fewer than trainers
    want who are not at the same step, so batches are thrown away and made again.
    """
    root = os.path.join(folder, "data")
    text = LIMITS + stream_text("train", dataset.write_small(root, CLASSES, EACH), RECIPE)
    daemon = Stokerd(text, memory_max="1M", workers=1)
    daemon.wait_exit()
    daemon.discard()
    least = re.search(r"needs at least (\d+) MiB", daemon.stderr)
    return text, dict(memory_max=f"{int(least[1]) + 1}M", workers=1, log_level="notice")
