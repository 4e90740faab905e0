"""A daemon of a test's own, in a thread."""

import threading


class InThread:
    """Runs `_run` until it is closed; it sets `endpoint`, then `bound`, and looks at `stopping`."""

    def __init__(self):
        self.stopping = threading.Event()
        self.bound = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.bound.wait(30)

    def close(self):
        self.stopping.set()
        self.thread.join()
