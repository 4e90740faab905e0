"""python -m stoker show: one batch as a contact sheet, drawn with Pillow."""

from typing import Any, List

import numpy as np
from numpy.typing import NDArray

from .batch import Batch
from .errors import Error
from .info import StreamInfo
from .stream import connect

CELLS_MAX = 64
SIDE_MAX = 224
CAPTION_LINES, LINE_PIXELS, MARGIN = 2, 12, 8


def pixels(batch: Batch, info: StreamInfo) -> NDArray[np.uint8]:
    """Images as uint8 [count, height, width, 3]; normalised ones stretched to what they hold."""
    images: NDArray[Any] = batch.images
    if info.layout == "nchw":
        images = images.transpose(0, 2, 3, 1)
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.uint16:  # bfloat16's bits are the upper half of a float's
        images = (images.astype(np.uint32) << 16).view(np.float32)
    images = images.astype(np.float32)
    low, high = images.min(axis=(0, 1, 2)), images.max(axis=(0, 1, 2))
    stretched: NDArray[Any] = (images - low) / np.maximum(high - low, 1e-6) * 255
    return stretched.round().astype(np.uint8)


def caption(batch: Batch, slot: int, names: List[str]) -> str:
    """What the picture is, and what is mixed in."""

    def name(label: int) -> str:
        return names[label] if 0 <= label < len(names) else str(label)

    text = name(int(batch.label[slot]))
    share = float(batch.lam[slot])
    if share < 1:
        text = f"{share:.2f} {text}\n{1 - share:.2f} {name(int(batch.partner_label[slot]))}"
    return text


def _draw(images: NDArray[np.uint8], captions: List[str]) -> Any:
    from PIL import Image, ImageDraw

    height, width = images.shape[1:3]
    scale = min(1.0, SIDE_MAX / max(height, width))
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    columns = int(np.ceil(np.sqrt(len(captions))))
    cell_height = height + CAPTION_LINES * LINE_PIXELS + MARGIN
    rows = -(-len(captions) // columns)
    size = (columns * (width + MARGIN) + MARGIN, rows * cell_height + MARGIN)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for slot, text in enumerate(captions):
        left = MARGIN + slot % columns * (width + MARGIN)
        top = MARGIN + slot // columns * cell_height
        picture = Image.fromarray(np.ascontiguousarray(images[slot]))
        sheet.paste(picture.resize((width, height)), (left, top))
        safe = text.encode("latin-1", "replace").decode("latin-1")  # Pillow's own font
        draw.text((left, top + height), safe, fill="black")
    return sheet


def show(url: str, epoch: int, step: int, out: str, timeout: float) -> str:
    """Fetch one batch, draw it, write it; a sentence about what was written."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise Error("a contact sheet needs Pillow: pip install pillow") from None
    options = dict(epoch=epoch, step=step, batches=1, window=1, timeout=timeout)
    with connect(url, name="python -m stoker show", **options) as stream:  # type: ignore[arg-type]
        batch, info = next(stream), stream.info
        names = [each.name for each in stream.labels()]
    slots = range(min(batch.count, CELLS_MAX))
    sheet = _draw(pixels(batch, info), [caption(batch, slot, names) for slot in slots])
    try:
        sheet.save(out)
    except (OSError, ValueError) as failed:
        raise Error(f"cannot write '{out}': {failed}") from failed
    return f"{out}: epoch {batch.epoch} step {batch.step}, {len(slots)} of {batch.count} pictures"
