"""The engine: the thread that owns a stream's sockets and receives ahead.

| thread | does | never |
|---|---|---|
| engine, one a stream | every socket, connects, asks, receives into slots | runs a trainer's code |
| the trainer's | takes what is ready, or waits on the core's condition | touches a socket |

The trainer's thread wakes the engine through a pipe.  The thread knows the core, not the stream, so
a stream that nobody holds any more is collected, and that ends its thread.  It is a daemon thread,
and ended and waited for at the interpreter's exit.  In a forked child there is no engine: nothing
here is touched there.
"""

import atexit
import math
import os
import threading
import time
import weakref
from typing import Any, Container

import zmq

from ..errors import Error, SystemCallError
from . import pump
from .channel import Channel
from .core import Core, Peer, State

JOIN_S = 5.0


class Engine:
    """A core's thread; stopped once."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.pid = os.getpid()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._thread = threading.Thread(
            target=self._run, name=f"stoker {core.url.stream}", daemon=True
        )
        self._thread.start()
        _engines.add(self)

    def wake(self) -> None:
        """There is something to send.  Under the core's lock."""
        if self._wake >= 0:
            try:
                os.write(self._wake, b"\0")
            except BlockingIOError:
                pass  # it is being woken many times over

    def stop(self) -> None:
        """End the thread soon.  Under the lock, or where nobody uses the stream any more: this is
        what the garbage collector calls, in whatever thread it runs."""
        if os.getpid() != self.pid:
            return
        self.core.stopping = True
        wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)  # the other end wakes of it

    def join(self) -> None:
        """Wait for the thread's end after a stop."""
        if os.getpid() == self.pid and threading.current_thread() is not self._thread:
            self._thread.join(JOIN_S)

    # The thread.

    def _run(self) -> None:
        context: "zmq.Context[Any]" = zmq.Context()
        try:
            self._work(context)
        except Error as failure:
            self._fail(failure)
        except Exception as failure:
            self._fail(SystemCallError(f"the receiving thread failed: {failure!r}"))
        finally:
            for peer in self.core.peers:
                peer.channel.close()
            context.destroy(linger=0)
            os.close(self._woken)

    def _work(self, context: "zmq.Context[Any]") -> None:
        core = self.core
        poller = zmq.Poller()
        poller.register(self._woken, zmq.POLLIN)
        silence_ms = round(core.options.heartbeat * 1e3)
        with core.changed:
            core.peers = [
                Peer(Channel(context, poller, endpoint, silence_ms, core.keys))
                for endpoint in core.url.endpoints
            ]
        ready: Container[Any] = ()
        while not core.stopping:
            with core.changed:
                pump.work(core, ready)
                if _concerns_trainer(core):
                    core.changed.notify_all()
                until = core.look_at = pump.due(core)
            ready = self._wait(poller, until)

    def _wait(self, poller: zmq.Poller, until: float) -> Container[Any]:
        """The sockets that have something, once one has, the engine is woken or time is up."""
        timeout_ms = None
        if until != math.inf:
            # Rounded up, so that nobody wakes before it.
            timeout_ms = max(0, math.ceil((until - time.monotonic()) * 1e3))
        ready = dict(poller.poll(timeout_ms))
        if ready.pop(self._woken, 0) & zmq.POLLIN:
            os.read(self._woken, 4096)
        return ready

    def _fail(self, failure: Error) -> None:
        with self.core.changed:
            self.core.failure = failure
            self.core.changed.notify_all()


def _concerns_trainer(core: Core) -> bool:
    """Whether a trainer that waits has something to look at: it waits for the head alone."""
    if core.order is None:
        return True
    head = core.slots.get(core.head)
    if head is None or head.state in (State.READY, State.FAILED):
        return True
    return any(peer.refusal is not None for peer in core.peers)


_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


def _stop_all() -> None:
    """At the interpreter's exit: its end must not meet a thread inside of libzmq."""
    engines = list(_engines)
    for engine in engines:
        engine.stop()
    for engine in engines:
        engine.join()


atexit.register(_stop_all)
