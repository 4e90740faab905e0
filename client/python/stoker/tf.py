"""stoker for TensorFlow: a stream as a tf.data.Dataset.

    from stoker.tf import dataset

    stream = stoker.connect("tcp://host:7654/train")
    model.fit(dataset(stream).map(lambda batch: (batch["images"], batch["label"])))
"""

from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

try:
    import tensorflow
except ImportError as missing:
    raise ImportError("stoker.tf needs TensorFlow: pip install tensorflow") from missing
from .info import StreamInfo
from .stream import Stream

__all__ = ["dataset", "signature"]

_DTYPES = {"|u1": "uint8", "<f4": "float32", "<f2": "float16", "bf16": "bfloat16"}


def signature(info: StreamInfo, names: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """The TensorSpec of each tensor: a dimension that changes with the step or the epoch is None.

    names   images, label, partner_label and lambda unless given; "target" of a stream with dense
            labels, "valid" of one with last = mask
    """
    count = None if info.phases or info.last == "partial" else info.batch
    shape: Tuple[Optional[int], ...] = info.shape
    if info.phases:
        shape = (None, None, 3) if info.layout == "nhwc" else (3, None, None)
    known = {
        "images": ((count, *shape), _DTYPES[info.dtype]),
        "label": ((count,), "int32"),
        "partner_label": ((count,), "int32"),
        "lambda": ((count,), "float32"),
        "target": ((count, info.classes), "float32"),
        "valid": ((count,), "uint8"),
    }
    wanted = ("images", "label", "partner_label", "lambda") if names is None else names
    return {name: tensorflow.TensorSpec(*known[name]) for name in wanted}


def dataset(stream: Stream, names: Optional[Sequence[str]] = None) -> Any:
    """A Dataset of dicts of tensors, by their names on the wire.

    Each iteration is the rest of the stream's epoch, len(stream) batches where it starts at its
    beginning.  A `prefetch` behind it takes batches that the stream's state_dict counts as given.
    """
    signed = signature(stream.info, names)

    def epoch() -> Iterator[Dict[str, Any]]:
        for batch in stream:
            yield {name: batch[name] for name in signed}

    return tensorflow.data.Dataset.from_generator(epoch, output_signature=signed)
