"""Where a trainer is, for its checkpoint: the same content as the C library's stk_state_encode."""

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple, Union

from ._client.limits import NAME_BYTES_MAX, U32_MAX, U64_MAX
from .errors import InvalidError, VersionError, tame
from .info import Address

STATE_VERSION = 1

# A number up to the limit, or where that is 0 a text.
_FIELDS = {
    "stoker_state": U32_MAX,
    "stream": 0,
    "fingerprint": 0,
    "epoch": U32_MAX,
    "step": U64_MAX,
    "rank": U32_MAX,
    "world": U32_MAX,
}


@dataclass(frozen=True)
class State:
    """The group's next step, and of which data; rank and world tell who saved it."""

    stream: str
    fingerprint: str
    place: Address
    rank: int
    world: int

    def to_dict(self) -> Dict[str, Any]:
        """json.dumps of it is what stk_state_encode writes, and stk_state_decode reads."""
        return {
            "stoker_state": STATE_VERSION,
            "stream": self.stream,
            "fingerprint": self.fingerprint,
            "epoch": self.place.epoch,
            "step": self.place.step,
            "rank": self.rank,
            "world": self.world,
        }


def _fail(sentence: str) -> InvalidError:
    return InvalidError(tame(sentence))


def _makes_sense(value: Any, most: int) -> bool:
    if most == 0:
        return type(value) is str
    return type(value) is int and 0 <= value <= most


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def read_state(state: Union[Mapping[str, Any], str]) -> State:
    """Check a state, a mapping or its JSON; InvalidError or VersionError says what is wrong."""
    members = _parse(state) if isinstance(state, str) else state
    if not isinstance(members, Mapping):
        raise _fail(
            f"'{str(state)[:80]}' is no state: it is one JSON object, as stk_state_encode writes it"
        )
    version = members.get("stoker_state")
    if _makes_sense(version, U32_MAX) and version != STATE_VERSION:
        raise VersionError(
            f"the state is of version {version} and this library knows version {STATE_VERSION}: "
            "update it, or start at the place that the state tells"
        )
    for key in members:
        if key not in _FIELDS:
            raise _fail(f"the state has a key '{key}', which no state has")
    for key, most in _FIELDS.items():
        if not _makes_sense(members.get(key), most):
            raise _fail(f"the state has not one '{key}' that makes sense")
    return _fill(members)


def _fill(members: Mapping[str, Any]) -> State:
    stream, fingerprint = members["stream"], members["fingerprint"]
    if not 1 <= len(stream.encode(errors="replace")) <= NAME_BYTES_MAX:
        raise _fail(f"the state's stream '{stream}' is no stream's name")
    if not re.fullmatch("[0-9a-f]{32}", fingerprint):
        raise _fail(f"the state's fingerprint '{fingerprint}' has not 32 hexadecimal digits")
    rank, world = members["rank"], members["world"]
    if rank >= world:
        raise InvalidError(f"the state's rank {rank} is not below its world {world}")
    place = Address(members["epoch"], members["step"])
    return State(stream, fingerprint, place, rank, world)
