"""A service manager under whose eyes a daemon runs."""

import socket

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

    def count(self, state):
        return self.states.count(state)
