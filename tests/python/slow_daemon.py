"""A daemon whose batches take long, though it answers heartbeats: a real one behind a relay."""

import collections
import time

import msgpack
import zmq
from in_thread import InThread

LOOK_MS = 10


class SlowDaemon(InThread):
    """Relays a trainer's requests to a daemon, and its batches one after another, each late.

    What it answers to everything else is not late.  The first hello may be refused with "come back
    later" instead, so that the second one is answered at another moment than other daemons answer.
    """

    def __init__(self, endpoint, pace_s, retry_ms=0):
        self.endpoint_behind = endpoint
        self.pace_s = pace_s
        self.retry_ms = retry_ms  # of the first hello; 0: it is answered
        super().__init__()

    def _run(self):
        with zmq.Context() as context:
            with context.socket(zmq.ROUTER) as front, context.socket(zmq.DEALER) as back:
                front.linger = back.linger = 0
                self.endpoint = f"tcp://127.0.0.1:{front.bind_to_random_port('tcp://127.0.0.1')}"
                back.connect(self.endpoint_behind)
                self.bound.set()
                self._relay(front, back)

    def _relay(self, front, back):
        late = collections.deque()  # batches, and when each is due
        trainer = None  # the connection that asked last
        while not self.stopping.is_set():
            if front.poll(LOOK_MS):
                trainer, request = front.recv_multipart()
                if self._refuses(front, trainer, request):
                    continue
                back.send(request)
            while back.poll(0):
                frames = back.recv_multipart()
                if msgpack.unpackb(frames[0])["k"] == "batch":
                    after = max([time.monotonic(), *(due for due, _ in late)])
                    late.append((after + self.pace_s, frames))
                else:
                    front.send_multipart([trainer, *frames])
            while late and late[0][0] <= time.monotonic():
                front.send_multipart([trainer, *late.popleft()[1]])

    def _refuses(self, front, trainer, request):
        asked = msgpack.unpackb(request)
        if asked["k"] != "hello" or not self.retry_ms:
            return False
        refusal = dict(k="error", id=asked["id"], code="overloaded", message="too many trainers")
        front.send_multipart([trainer, msgpack.packb({**refusal, "retry_ms": self.retry_ms})])
        self.retry_ms = 0
        return True
