"""One question to one endpoint, and its answer: in the caller's thread, with sockets of its own."""

import math
import time
from typing import Any, Dict, Optional

import zmq

from ..errors import Error, InvalidError, SystemCallError, TimeoutError
from . import message
from .channel import DOWN, UP, Channel
from .keys import find_keys
from .message import Map
from .url import endpoint_of

QUESTION_ID = 1
SILENCE_MS = 5000


class _Question:
    """A question on its way."""

    def __init__(self, channel: Channel, kind: str, keys: Dict[str, Any]) -> None:
        self.channel, self.kind = channel, kind
        self.request = message.encode(kind, QUESTION_ID, **keys)
        self.sent = False

    def work(self) -> Optional[Map]:
        """Connect, send, receive; None where the answer is not here yet."""
        self.channel.tend(time.monotonic())
        while True:
            event = self.channel.event()
            if event == UP:
                self.sent = self.channel.send(self.request)
                if not self.sent:
                    raise SystemCallError(f"cannot ask '{self.channel.endpoint}'")
            # In this order: the answer may have come in before its sender went away.
            frames = self.channel.receive()
            if frames is not None:
                return self._read(frames[0].buffer)
            if event == DOWN:
                self.channel.drop(time.monotonic())
                refusal = self.channel.refusal()
                if refusal is not None:
                    raise refusal
            if event is None:
                return None

    def _read(self, data: Any) -> Map:
        """An answer of the kind that was asked for; raises the error that came instead."""
        endpoint = self.channel.endpoint
        try:
            answer = message.unpack(data)
            refusal = message.decode_refusal(answer) if answer.get("k") == "error" else None
            if refusal is None and answer.get("k") != self.kind:
                raise InvalidError("not a valid message or argument")
        except Error as broken:
            raise type(broken)(
                f"'{endpoint}' sent an answer that cannot be read ({broken}): is it a stokerd of "
                "this version?"
            ) from None
        if refusal is not None:
            raise message.error_of(refusal, endpoint)
        return answer


def _wait(question: _Question, poller: zmq.Poller, timeout: float) -> Map:
    channel = question.channel
    until = time.monotonic() + timeout
    while True:
        answer = question.work()
        if answer is not None:
            return answer
        now = time.monotonic()
        if now >= until:
            break
        wake = min(until, channel.open_at) if channel.socket is None else until
        poller.poll(math.ceil(max(0.0, wake - now) * 1e3))
    hint = "is it a stokerd?" if question.sent else "is stokerd running, and does it listen there?"
    hint = channel.suspicion() or hint
    raise TimeoutError(
        f"no answer from '{channel.endpoint}' within {round(timeout * 1e3)} ms: {hint}"
    )


def ask(
    endpoint: str,
    kind: str,
    timeout: float,
    server_key: Optional[str] = None,
    key: Optional[str] = None,
    **keys: Any,
) -> Map:
    """The answer's map, not yet decoded."""
    checked = endpoint_of(endpoint)
    found = find_keys(server_key, key)
    context: "zmq.Context[Any]" = zmq.Context()
    poller = zmq.Poller()
    channel = Channel(context, poller, checked, SILENCE_MS, found)
    try:
        return _wait(_Question(channel, kind, keys), poller, timeout)
    finally:
        channel.close()
        context.destroy(linger=0)
