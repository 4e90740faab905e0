"""Trainers on threads: each streams an epoch after the other, pinned, and keeps a log."""

import threading

from wire import Client


class Trainer(threading.Thread):
    """Asks for the steps of a stream in order, a window ahead, until it is told to stop."""

    def __init__(self, endpoint, stream, *, slow=1.0, window=4, pin=True, name=None):
        super().__init__(daemon=True)
        self.client = Client(endpoint, slow=slow)
        self.stream = stream
        self.window = window
        self.welcome = self.client.hello(stream, window=window, name=name or f"trainer of {stream}")
        self.pin = dict(fingerprint=self.welcome["fingerprint"]) if pin else {}
        self.log = []  # (epoch, step, digest)
        self.failure = None
        self.stopping = threading.Event()
        self.start()

    def addresses(self):
        epoch = 0
        while True:
            for step in range(self.welcome["steps"]):
                yield epoch, step
            epoch += 1

    def run(self):
        try:
            self.receive()
        except BaseException as failure:  # the test's thread raises it again
            self.failure = failure
        finally:
            self.client.close()

    def receive(self):
        ahead = self.addresses()
        asked = []
        while not self.stopping.is_set():
            while len(asked) < self.window:
                epoch, step = next(ahead)
                asked.append(self.client.post_get(self.stream, epoch, step, **self.pin))
            batch = self.client.take(asked.pop(0))
            self.log.append((batch.epoch, batch.step, batch.digest))

    def stop(self):
        """Its log, once it has ended; what it met on the way is raised."""
        self.stopping.set()
        self.join()
        if self.failure is not None:
            raise self.failure
        return self.log


class Busy(Trainer):
    """A trainer that computes for a while on each batch."""

    def __init__(self, *words, compute_s, **options):
        self.compute_s = compute_s
        super().__init__(*words, **options)

    def receive(self):
        ahead = self.addresses()
        asked = []
        while not self.stopping.wait(self.compute_s):
            while len(asked) < self.window:
                asked.append(self.client.post_get(self.stream, *next(ahead), **self.pin))
            self.client.take(asked.pop(0))
