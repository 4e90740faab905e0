"""A service manager under whose eyes a daemon runs."""

import select
import socket
import time

from stokerd import SLOW


class Manager:
    """The service manager's end of sd_notify: what arrives, in order."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10 * SLOW)
        self.states = []

    def wait(self, state):
        """Receive until a state arrives."""
        while state not in self.states:
            self.states += self.socket.recv(4096).decode().split("\n")

    def wait_without(self, state, window_s, timeout_s=10):
        """Receive until a state has not come for so long."""
        deadline = time.monotonic() + timeout_s * SLOW
        last = time.monotonic()
        while time.monotonic() - last < window_s * SLOW:
            assert time.monotonic() < deadline, f"{state} comes again and again"
            if select.select([self.socket], [], [], window_s * SLOW / 10)[0]:
                came = self.socket.recv(4096).decode().split("\n")
                self.states += came
                last = time.monotonic() if state in came else last

    def count(self, state):
        return self.states.count(state)
