"""A stream: batches in order, received ahead by a thread of its own."""

import weakref
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Type, Union

from . import ask
from ._client.client import Client, check_seconds, default_name
from ._client.core import Options
from ._client.message import Label
from .batch import Batch
from .info import Address, StreamInfo
from .state import State, read_state


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of a stream, and what became of what it was asked so far."""

    endpoint: str
    live: bool  # connected, and its daemon would have us
    in_flight: int  # requests
    asked: int  # requests, with those below and those that were asked again
    hedged: int  # of them of a step that another endpoint owed as well
    batches: int  # received, the first ones of their steps
    dropped: int  # replies that nobody waited for any more
    losses: int  # connections that broke or were given up
    reply_seconds: float  # from a request to its batch, lately; 0: not known


class Stream:
    """Batches of one stream in the order of their steps, over epochs; `connect` makes one.

    `for batch in stream` yields the rest of the current epoch, and the next `for` goes on with the
    next epoch; one without a step for this rank, as `last = partial` may have, yields nothing.
    `next(stream)` gives the next batch, over epochs.  One thread at a time may use it, in the
    process that connected.
    """

    def __init__(self, url: str, options: Options) -> None:
        self._client = Client(url, options)
        self._enter(self.place)
        # The engine's thread does not know the stream: once nobody does, it ends.
        weakref.finalize(self, self._client.engine.stop).atexit = False

    def _enter(self, place: Address) -> None:
        """The current epoch after a seek: the one of the group's next step."""
        order = self._client.order
        self._epoch = order.epoch_behind(place.epoch) if order.is_over(place) else place.epoch
        # The epoch of the last batch, or the one whose end a `for` has met, since the last seek.
        self._given_of: Optional[int] = None

    # Batches.

    def __iter__(self) -> Iterator[Batch]:
        """This rank's batches in the rest of the current epoch."""
        self._client.check_usable()
        epoch = self._epoch = self._upcoming_epoch()
        while self._is_in(epoch):
            yield next(self)
        if self._epoch == epoch and self._is_through(epoch):
            self._epoch, self._given_of = self._client.order.epoch_behind(epoch), epoch

    def _upcoming_epoch(self) -> int:
        """The epoch of the next `for`; this rank may have no step in it."""
        if self._given_of == self._epoch and self._is_through(self._epoch):
            return self._client.order.epoch_behind(self._epoch)
        return self._epoch

    def _is_in(self, epoch: int) -> bool:
        address = self._client.address
        return address is not None and address.epoch == epoch

    def _is_through(self, epoch: int) -> bool:
        """Whether this rank has no step left of the current epoch."""
        return self._client.order.count(max(self.place, Address(epoch, 0))) == 0

    def __next__(self) -> Batch:
        """The next batch, over epochs; waits up to `timeout`.

        Raises StopIteration where all epochs or batches asked for were delivered, TimeoutError
        where nothing came (asking again goes on waiting), and what a daemon answered for this step
        (asking again asks it again).
        """
        batch = self._client.next()
        if batch is None:
            raise StopIteration
        self._epoch = self._given_of = batch.epoch
        return batch

    def __len__(self) -> int:
        """This rank's batches in the whole of the current epoch; phases may differ."""
        return self.steps(self._epoch)

    def steps(self, epoch: int) -> int:
        """This rank's batches in a whole epoch."""
        return self._client.order.count(Address(epoch, 0))

    # Places.

    @property
    def epoch(self) -> int:
        """The current epoch: of the batch that was given last, or of the group's next one after a
        seek or behind a `for`."""
        return self._epoch

    @property
    def place(self) -> Address:
        """The group's next step behind the batch that was given last."""
        return self._client.core.place

    def seek(self, epoch: int, step: int = 0) -> None:
        """Go to another place: the next batch is this rank's first at or behind the group's step.

        Raises RangeError, and changes nothing, where the epoch has fewer steps.
        """
        self._client.seek(Address(epoch, step))
        self._enter(self.place)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch's start, as DistributedSampler.set_epoch.

        Where the next `for` is of that epoch already, and no batch of it was given, nothing
        happens: behind the epoch before, or where load_state_dict or connect put the start in the
        middle of this one.
        """
        if self._upcoming_epoch() != epoch or self._given_of == epoch:
            self.seek(epoch, 0)

    def state_dict(self) -> Dict[str, Any]:
        """Where to go on behind the batch that was given last: plain numbers and texts.

        The ranks of a group that have taken as many batches have the same place, so one rank's
        state restarts all of them, with any world.  json.dumps of it is the C library's text.
        """
        client = self._client
        options, info = client.core.options, client.info
        state = State(info.stream, info.fingerprint, self.place, options.rank, options.world)
        return state.to_dict()

    def load_state_dict(self, state: Union[Mapping[str, Any], str]) -> None:
        """Go to where a state was saved, if it is of the same data; also the C library's text.

        Raises InvalidError (no state, or of another stream), VersionError, FingerprintError (the
        data is not what it was) or RangeError, and changes nothing then.
        """
        read = read_state(state)
        self._client.check_usable()
        self._client.check_data(read.stream, read.fingerprint)
        self.seek(*read.place)

    # The rest.

    @property
    def info(self) -> StreamInfo:
        """What the daemon told of the stream."""
        return self._client.info

    @property
    def rank(self) -> int:
        return self._client.core.options.rank

    @property
    def world(self) -> int:
        return self._client.core.options.world

    @property
    def timeout(self) -> float:
        """How long `next` waits, in seconds; may be set."""
        return self._client.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._client.timeout = check_seconds("timeout", seconds)

    def endpoints(self) -> List[Endpoint]:
        """What became of what each endpoint was asked."""
        core = self._client.core
        with core.changed:
            return [
                Endpoint(
                    endpoint=peer.channel.endpoint,
                    live=peer.live,
                    in_flight=peer.in_flight,
                    reply_seconds=peer.pace.reply,
                    **vars(peer.figures),
                )
                for peer in core.peers
            ]

    def labels(self) -> List[Label]:
        """The classes, in the order of the label numbers: stoker.labels of an endpoint that is
        live."""
        endpoints = self.endpoints()
        live = [each.endpoint for each in endpoints if each.live]
        options = self._client.core.options
        endpoint = (live or [endpoints[0].endpoint])[0]
        return ask.labels(endpoint, self.info.stream, self.timeout, options.server_key, options.key)

    def close(self) -> None:
        """End the thread and its connections; batches that were given stay valid."""
        self._client.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        core = self._client.core
        state = " closed" if core.stopping else ""
        return (
            f"<stoker.Stream '{core.url.stream}' rank {self.rank} of {self.world} at epoch "
            f"{self.place.epoch} step {self.place.step}{state}>"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream cannot be copied or sent: open it in the process that uses it")


def connect(
    url: str,
    *,
    rank: int = 0,
    world: int = 1,
    epoch: int = 0,
    step: int = 0,
    epochs: int = 0,
    batches: int = 0,
    window: int = 8,
    timeout: float = 30.0,
    heartbeat: float = 5.0,
    name: Optional[str] = None,
    unmixed: str = "no",
    server_key: Optional[str] = None,
    key: Optional[str] = None,
) -> Stream:
    """Connect to a stream.

    url         "tcp://host:7654/train", "ipc:///run/stoker/stoker.sock/train"; several endpoints of
                the same stream are separated by commas, the stream's name follows the last one, and
                braces stand for several: "tcp://node{1..4}:7654/train", "tcp://{a,b}/train"
    rank        this trainer among `world` trainers that share the stream
    epoch, step where to start: the group's next step
    epochs      epochs to deliver, the first one counted even if it starts in the middle; 0: no end
    batches     batches to deliver at most; no more are asked for.  0: no limit
    window      requests in flight and batches that stand ready, together, 1 to 64
    timeout     how long connect and next wait for an answer, in seconds
    heartbeat   an endpoint that is silent for so long is left, in seconds
    name        what the daemon's log calls this trainer; None: "HOST:PID"
    unmixed     "own" or "partner": not the mixed pictures, but what they are made of
    server_key  of a daemon with keys: a file with its public key, or the key.  None:
                $STOKER_SERVER_KEY; without that, to other hosts alone, stoker/server.key in
                $XDG_CONFIG_HOME (~/.config); without that the daemon has none
    key         who this client is: a file with its secret key, which others must not be able to
                read, or the key.  None: $STOKER_KEY, or stoker/client.key_secret there; without
                that one is made up, for a daemon that admits this address

    Raises InvalidError (the url or an option makes no sense), TimeoutError (no endpoint answered),
    FingerprintError (two endpoints serve different data), RangeError (the start lies behind the
    epoch's end, or an epoch has too few steps for this rank), or what a daemon answered:
    UnknownStreamError, ForbiddenError (also of keys), VersionError, OverloadedError, ...
    """
    called = default_name() if name is None else name
    options = Options(
        rank,
        world,
        epoch,
        step,
        epochs,
        batches,
        window,
        timeout,
        heartbeat,
        called,
        unmixed,
        server_key,
        key,
    )
    return Stream(url, options)
