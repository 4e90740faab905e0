"""Questions to one daemon: which streams, of which classes, what was replaced, its figures.

An endpoint is a URL without a stream's name, "tcp://host:7654"; keys are as in `connect`.  All of
them raise TimeoutError where no answer came, and what the daemon answered.
"""

from typing import Any, Callable, Dict, List, Optional, TypeVar

from ._client import message
from ._client.message import Label, Map, ReplacedSample
from ._client.question import ask
from .errors import Error, InvalidError
from .info import StreamInfo

TIMEOUT_S = 30.0

Decoded = TypeVar("Decoded")


def _ask(
    endpoint: str, kind: str, decode: Callable[[Map], Decoded], timeout: float, **keys: Any
) -> Decoded:
    answer = ask(endpoint, kind, timeout, **keys)
    try:
        return decode(answer)
    except Error as broken:
        raise type(broken)(
            f"'{endpoint}' sent an answer that cannot be read ({broken}): is it a stokerd of this "
            "version?"
        ) from None


def streams(
    endpoint: str,
    timeout: float = TIMEOUT_S,
    server_key: Optional[str] = None,
    key: Optional[str] = None,
) -> List[StreamInfo]:
    """What a daemon serves, by name."""
    return _ask(
        endpoint, "streams", message.decode_streams, timeout, server_key=server_key, key=key
    )


def labels(
    endpoint: str,
    stream: str,
    timeout: float = TIMEOUT_S,
    server_key: Optional[str] = None,
    key: Optional[str] = None,
) -> List[Label]:
    """Every class of a stream, in the order of the label numbers, and how many samples it has."""
    return _ask_all(endpoint, "labels", message.decode_labels, timeout, stream, server_key, key)


def replaced(
    endpoint: str,
    stream: str,
    timeout: float = TIMEOUT_S,
    server_key: Optional[str] = None,
    key: Optional[str] = None,
) -> List[ReplacedSample]:
    """The samples that the daemon could not read or decode so far, in the order it met them."""

    def decode(answer: Map) -> List[ReplacedSample]:
        return message.decode_replaced(answer)[1]

    return _ask_all(endpoint, "replaced", decode, timeout, stream, server_key, key)


def stats(
    endpoint: str,
    timeout: float = TIMEOUT_S,
    server_key: Optional[str] = None,
    key: Optional[str] = None,
) -> Dict[str, int]:
    """The daemon's figures, which stokerd(8) explains."""
    return _ask(endpoint, "stats", message.decode_stats, timeout, server_key=server_key, key=key)


Row = TypeVar("Row")


def _ask_all(
    endpoint: str,
    kind: str,
    decode: Callable[[Map], List[Row]],
    timeout: float,
    stream: str,
    server_key: Optional[str],
    key: Optional[str],
) -> List[Row]:
    """Every page of rows, behind the last one, until there are none."""
    rows: List[Row] = []
    keys = dict(stream=stream, server_key=server_key, key=key)

    def decode_page(answer: Map) -> List[Row]:
        # One that is always the first would be asked for without end.
        if answer.get("first") != len(rows):
            raise InvalidError("another page than the one that was asked for")
        return decode(answer)

    while more := _ask(endpoint, kind, decode_page, timeout, first=len(rows), **keys):
        rows += more
    return rows
