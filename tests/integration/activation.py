"""Socket activation without systemd: sockets that a parent binds, and a daemon that inherits them.

As a program it takes the place that systemd's child has between fork and exec:

    activation.py FD,FD PROGRAM ARGUMENT...
"""

import os
import socket
import sys

FIRST_FD = 3


class Sockets:
    """The sockets of a .socket unit; they stay open while daemons come and go."""

    def __init__(self, *endpoints):
        self.sockets = [self._bind(endpoint) for endpoint in endpoints]
        self.endpoints = [self._name(one) for one in self.sockets]

    def _bind(self, endpoint):
        scheme, place = endpoint.split("://")
        bound = socket.socket(socket.AF_UNIX if scheme == "ipc" else socket.AF_INET)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        host, _, port = place.rpartition(":")
        bound.bind(place if scheme == "ipc" else (host, int(port)))
        bound.listen(128)
        return bound

    def _name(self, bound):
        if bound.family == socket.AF_UNIX:
            return f"ipc://{bound.getsockname()}"
        return "tcp://{}:{}".format(*bound.getsockname())

    def options(self):
        """Options of a daemon that inherits them and listens to them."""
        fds = [one.fileno() for one in self.sockets]
        return {
            "before": (sys.executable, __file__, ",".join(map(str, fds))),
            "pass_fds": fds,
            "listen": self.endpoints,
        }

    def close(self):
        for one in self.sockets:
            one.close()


def main(fds, command):
    """Put the descriptors where they are looked for, and become the daemon."""
    high = [os.dup(fd) for fd in fds]  # out of the way of those that are put
    for place, fd in enumerate(high, FIRST_FD):
        if place != fd:
            os.dup2(fd, place)
        os.set_inheritable(place, True)
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(fds))}
    os.execve(command[0], command, {**os.environ, **environment})


if __name__ == "__main__":
    main([int(fd) for fd in sys.argv[1].split(",")], sys.argv[2:])
