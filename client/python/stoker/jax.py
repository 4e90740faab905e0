"""stoker for JAX: a stream's batches as arrays, spread over the local devices.

    from stoker.jax import batches

    rank, world = jax.process_index(), jax.process_count()
    stream = stoker.connect("tcp://host:7654/train", rank=rank, world=world)
    for epoch in range(90):
        for batch in batches(stream):
            state = train_step(state, batch["images"], batch["label"])
"""

from typing import Any, Dict, Iterator, Optional, Sequence

try:
    import jax
except ImportError as missing:
    raise ImportError("stoker.jax needs JAX: pip install jax") from missing
import numpy as np

from .batch import Batch
from .errors import InvalidError
from .stream import Stream

__all__ = ["batches", "put", "spread"]

# What a training step takes.  Sample indexes are 64 bits wide, which JAX has only where asked.
_NAMES = ("images", "label", "partner_label", "lambda", "target", "valid")


def spread(devices: Optional[Sequence[Any]] = None) -> Any:
    """The sharding of a batch's first dimension over devices; the local ones unless given."""
    local = np.asarray(jax.local_devices() if devices is None else devices)
    mesh = jax.sharding.Mesh(local, ("batch",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))


def put(
    batch: Batch, sharding: Any = None, names: Optional[Sequence[str]] = None
) -> Dict[str, Any]:
    """A batch's tensors on devices, by their names on the wire; the copies may still be under way.

    names   images, label, partner_label, lambda, target and valid, as far as the stream has them,
            unless given; shapes and dtypes as stoker.Batch's
    """
    sharding = spread() if sharding is None else sharding
    wanted = [name for name in _NAMES if name in batch] if names is None else names
    devices = len(sharding.device_set)
    if batch.count % devices != 0:
        raise InvalidError(
            f"a batch of {batch.count} cannot be spread over {devices} devices evenly: choose a "
            "`batch` that can, and last = drop, wrap or mask"
        )
    return {name: jax.device_put(batch[name], sharding) for name in wanted}


def batches(
    stream: Stream, sharding: Any = None, names: Optional[Sequence[str]] = None
) -> Iterator[Dict[str, Any]]:
    """The rest of the stream's epoch, each batch as `put` gives it.

    Copies are asynchronous as they are, so none is asked for ahead, and the stream's state_dict is
    of the batch that was given last.
    """
    sharding = spread() if sharding is None else sharding
    for batch in stream:
        yield put(batch, sharding, names)
