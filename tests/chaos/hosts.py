"""Hosts as network namespaces, with lines between them that are late, lose packets and break.

The caller is in a namespace of its own already (unshare -rn): that is the trainers' host.  A line
is a tun device at either end and a thread that carries packets from one to the other.  So nothing
of the kernel is needed but tun, and no interface of the machine itself is touched.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES = 65536

libc = ctypes.CDLL(None, use_errno=True)


def _must(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*words):
    subprocess.run(["ip", *words], check=True)


def _open_tun(name, own, peer):
    """A device in the namespace of this thread; it goes away with its descriptor."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    _ip("address", "add", own, "peer", peer, "dev", name)
    _ip("link", "set", name, "up")
    return tun


class Line:
    """What one end sends, the other gets delay_s later, but for a share of all packets."""

    def __init__(self, near, far, seed):
        self.ends = {near: far, far: near}
        self.delay_s = 0.0
        self.loss = 0.0
        self.broken = False
        self.lost = self.carried = 0
        self.rng = random.Random(seed)
        self.late = []  # (due, number, end, packet)
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self):
        while True:
            wait_s = max(0, self.late[0][0] - time.monotonic()) if self.late else None
            for end in select.select(list(self.ends), [], [], wait_s)[0]:
                self._take(os.read(end, PACKET_BYTES), self.ends[end])
            while self.late and self.late[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(self.late)
                try:
                    os.write(end, packet)
                except BlockingIOError:
                    self.lost += 1  # as a full queue of a real line would

    def _take(self, packet, end):
        self.carried += 1
        if self.broken or self.rng.random() < self.loss:
            self.lost += 1
            return
        due = time.monotonic() + self.delay_s
        heapq.heappush(self.late, (due, self.carried, end, packet))


class Host:
    """Another host, and the line to it; address is its own, as its peers call it."""

    def __init__(self, number):
        self.address = f"10.73.{number}.2"
        own = f"10.73.{number}.1"
        with open("/proc/thread-self/ns/net") as home:
            near = _open_tun(f"line{number}", own, self.address)
            _must(libc.unshare(CLONE_NEWNET))
            try:
                self.namespace = open("/proc/thread-self/ns/net")
                _ip("link", "set", "lo", "up")
                far = _open_tun("line", self.address, own)
            finally:
                _must(libc.setns(home.fileno(), CLONE_NEWNET))
        self.line = Line(near, far, number)

    def enter(self):
        """For preexec_fn: the process that is about to start is on this host."""
        _must(libc.setns(self.namespace.fileno(), CLONE_NEWNET))
