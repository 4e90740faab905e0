"""python -m stoker bench: receive as a trainer would, touch every cache line, say how fast it was.

The figures and their words are those of `stoker bench`, so that the two can be compared.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List

import numpy as np

from .batch import Batch
from .stream import Stream, connect

CACHE_LINE_BYTES = 64
PROGRESS_S = 0.15


@dataclass
class Figures:
    images: int = 0
    batches: int = 0
    bytes: int = 0
    replaced: int = 0
    check: int = 0  # of all bytes touched
    first_batch: float = 0.0  # seconds
    seconds: float = 0.0
    cpu: float = 0.0  # of this process since it connected
    interrupted: bool = False
    waits: List[float] = field(default_factory=list)

    def wait_ms(self, share: float) -> float:
        return float(np.quantile(self.waits, share)) * 1e3 if self.waits else 0.0

    def rate(self, amount: float) -> float:
        return amount / self.seconds if self.seconds > 0 else 0.0


def _touch(data: Any) -> int:
    """Read a word of every cache line, as a copy to an accelerator would read all of them."""
    words = np.frombuffer(data, "<u8", len(data) // 8)[:: CACHE_LINE_BYTES // 8]
    return int(np.bitwise_xor.reduce(words)) if len(words) else 0


def _count(figures: Figures, batch: Batch) -> None:
    figures.images += batch.count
    figures.batches += 1
    figures.replaced += len(batch.replaced)
    for array in batch.tensors.values():
        figures.bytes += array.nbytes
        figures.check ^= _touch(array.reshape(-1).view(np.uint8))


def _show_progress(figures: Figures, stream: Stream, seconds: float) -> None:
    place, steps = stream.place, stream.info.phase(stream.epoch).steps
    done = min(24, 24 * place.step // max(steps, 1))
    sys.stderr.write(
        f"\r\033[Kepoch {place.epoch}  [{'#' * done:-<24}] {place.step}/{steps}  "
        f"{figures.images / seconds:.0f} images/s"
    )
    sys.stderr.flush()


def _receive(stream: Stream, figures: Figures, start: float) -> None:
    shown = start
    while True:
        asked = time.monotonic()
        batch = next(stream, None)
        now = time.monotonic()
        if batch is None:
            return
        if figures.batches == 0:
            figures.first_batch = now - start
        else:
            figures.waits.append(now - asked)
        _count(figures, batch)
        del batch  # before the next one comes, so that its memory serves again
        figures.seconds = time.monotonic() - start
        if sys.stderr.isatty() and now - shown >= PROGRESS_S:
            _show_progress(figures, stream, now - start)
            shown = now


def measure(url: str, options: Dict[str, Any]) -> Figures:
    """Receive until epochs or batches are spent, or Ctrl-C ends it early."""
    figures = Figures()
    start, cpu = time.monotonic(), time.process_time()
    try:
        with connect(url, name="python -m stoker bench", **options) as stream:
            _receive(stream, figures, start)
    except KeyboardInterrupt:
        figures.interrupted = True
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
    figures.cpu = time.process_time() - cpu
    return figures


def table(url: str, figures: Figures) -> str:
    rows = {
        "stream": url,
        "images": str(figures.images),
        "batches": str(figures.batches),
        "bytes": f"{figures.bytes / 1e6:.1f} MB",
        "time": f"{figures.seconds:.3f} s",
        "rate": f"{figures.rate(figures.images):.1f} images/s, "
        f"{figures.rate(figures.bytes / 1e6):.1f} MB/s",
        "first batch": f"{figures.first_batch * 1e3:.1f} ms",
        "wait p50": f"{figures.wait_ms(0.5):.3f} ms",
        "wait p99": f"{figures.wait_ms(0.99):.3f} ms",
        "cpu": f"{figures.cpu:.3f} s in this process",
        "replaced": str(figures.replaced),
    }
    return "".join(f"{name:<15}{value}\n" for name, value in rows.items())


def as_json(words: argparse.Namespace, figures: Figures) -> str:
    endpoint, _, stream = words.url.rpartition("/")
    return json.dumps(
        {
            "endpoint": endpoint,
            "stream": stream,
            "clients": 1,
            "window": words.window,
            "rank": words.rank,
            "world": words.world,
            "epochs": words.epochs,
            "images": figures.images,
            "batches": figures.batches,
            "bytes": figures.bytes,
            "seconds": figures.seconds,
            "images_per_s": figures.rate(figures.images),
            "bytes_per_s": figures.rate(figures.bytes),
            "first_batch_ms": figures.first_batch * 1e3,
            "wait_ms_p50": figures.wait_ms(0.5),
            "wait_ms_p99": figures.wait_ms(0.99),
            "cpu_seconds": figures.cpu,
            "replaced": figures.replaced,
            "interrupted": figures.interrupted,
        },
        indent=2,
    )
